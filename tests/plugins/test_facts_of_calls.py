"""What hooks learn besides outcomes: waits, answers, which attempt it is, labels, when a leg is ready again."""

from __future__ import annotations

import time
from typing import Any

import pytest
from helpers.driving import MESSAGES, MODES, run

from g4f_lite import Attempt, CallInfo, ChatCompletion, Client, OpenaiTemplate, Trail, Wait, hookimpl
from g4f_lite.testing import FaultServer, replies

A, B = "openai/gpt-oss-120b", "openai/gpt-oss-20b"


class Facts:
    def __init__(self) -> None:
        self.calls: list[CallInfo] = []
        self.begun: list[Attempt] = []
        self.ended: list[Attempt] = []
        self.waits: list[Wait] = []
        self.answers: list[ChatCompletion] = []
        self.trails: list[Trail] = []
        self.order: list[str] = []

    @hookimpl
    def call_started(self, call: CallInfo) -> None:
        self.calls.append(call)

    @hookimpl
    def attempt_started(self, attempt: Attempt) -> None:
        self.begun.append(attempt)

    @hookimpl
    def attempt_finished(self, attempt: Attempt) -> None:
        self.ended.append(attempt)
        self.order.append("attempt")

    @hookimpl
    def call_waiting(self, wait: Wait) -> None:
        self.waits.append(wait)
        self.order.append("wait")

    @hookimpl
    def call_answered(self, answer: Any) -> None:
        self.answers.append(answer)
        self.order.append("answer")

    @hookimpl
    def call_finished(self, trail: Trail) -> None:
        self.trails.append(trail)
        self.order.append("end")


@pytest.mark.parametrize("mode", MODES)
def test_a_retry_waits_and_the_whole_answer_is_told(mode: str, groq: FaultServer) -> None:
    facts = Facts()
    groq.script(replies.error(503, "overloaded"), replies.answer("one two"))
    outcome = run(mode, {"plugins": [facts]}, {"provider": "groq", "temperature": 0.5})
    assert facts.order == ["attempt", "wait", "attempt", "answer", "end"]
    (call,), (wait,), (answer,), (trail,) = facts.calls, facts.waits, facts.answers, facts.trails
    assert (call.request.temperature, list(call.request.messages)) == (0.5, MESSAGES)
    assert (wait.call_id, wait.seconds, wait.reason) == (call.id, 0.01, "again in 0.01 s")
    assert abs(wait.started_at - time.time()) < 60
    assert (answer.text, answer.trail) == (outcome.text, trail) == ("one two", outcome.trail)
    assert [one.index for one in facts.begun] == [one.index for one in facts.ended] == [1, 2]
    assert (facts.ended[1].finish_reasons, facts.ended[1].response_id) == (("stop",), outcome.completion.id)
    assert facts.ended[1].response_id


@pytest.mark.parametrize("mode", MODES)
def test_a_wait_for_legs_that_cool_down_has_its_reason(mode: str, groq: FaultServer) -> None:
    facts = Facts()
    groq.script(replies.error(429, "slow down", retry_after="1"), replies.answer())
    run(mode, {"plugins": [facts], "retries": 0}, {"provider": "groq", "model": A, "fallback_models": []})
    assert len(facts.ended) == 2
    assert sum(wait.seconds for wait in facts.waits) > 0.5
    assert all(wait.reason for wait in facts.waits)


def test_a_failure_that_keeps_calls_off_a_leg_says_until_when(groq: FaultServer) -> None:
    facts = Facts()
    groq.on(A, replies.error(429, "SECRET TEXT", retry_after="50"))
    before = time.time()
    with Client(plugins=[facts]) as client:
        for _ in range(2):
            client.chat.completions.create(messages=MESSAGES, provider="groq", model=A, fallback_models=[B])
    refused = facts.ended[0]
    assert refused.ready_at is not None and before + 40 < refused.ready_at < time.time() + 60
    assert facts.ended[1].ready_at is None
    (skipped,) = facts.trails[1].skipped
    assert skipped.ready_at == pytest.approx(refused.ready_at, abs=5)
    assert skipped.message == "SECRET TEXT" and "SECRET" not in skipped.reason  # what a service says stands apart
    assert str(skipped).endswith("after RateLimitError (SECRET TEXT)")


class Own(OpenaiTemplate):
    name = "own"
    needs_auth = False
    default_model = "own-1"
    model_aliases = {"big": "own-2"}


@pytest.mark.parametrize(
    ("settings", "params", "known"),
    [
        ({}, {"provider": "own"}, "own:own-1"),
        ({}, {"provider": "own", "model": "big"}, "own:own-2"),
        ({}, {"provider": "own", "model": "of-the-caller"}, "own:other"),
        ({"routes": ["own:of-the-operator"]}, {}, "own:of-the-operator"),
        ({"routes": ["own:of-the-operator"]}, {"model": "of-the-operator"}, "own:of-the-operator"),
        ({"routes": ["own:of-the-operator"]}, {"model": "of-the-caller"}, "own:other"),
        ({}, {"provider": "own", "fallback_models": ["of-the-caller"], "model": "own-1"}, "own:own-1"),
    ],
)
def test_labels_come_from_the_configuration(
    settings: dict[str, Any], params: dict[str, Any], known: str, server: FaultServer
) -> None:
    facts = Facts()
    with Client(plugins=[facts, Own], base_urls={"own": server.base_url}, **settings) as client:
        client.chat.completions.create(messages=MESSAGES, **params)
    assert [one.known_route for one in facts.ended] == [known]


def test_a_provider_that_only_the_caller_has_is_other(server: FaultServer) -> None:
    facts = Facts()
    tenant = Own(name="tenant-4711", api_base=server.base_url)
    with Client(plugins=[facts]) as client:
        client.chat.completions.create(messages=MESSAGES, provider=tenant)
    assert [one.known_route for one in facts.ended] == ["other:other"]


def test_no_answer_of_a_stream_closed_early_is_told(groq: FaultServer) -> None:
    facts = Facts()
    groq.script(replies.silence("stream", 2))
    with Client(plugins=[facts]) as client:
        with client.chat.completions.create(messages=MESSAGES, provider="groq", stream=True) as stream:
            next(iter(stream))
    assert facts.order == ["attempt", "end"]
