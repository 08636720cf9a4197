"""What hooks know of a call: its id, operation, what was asked, usage, cost, outcome; and the headers that they add."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import Mapping
from typing import Any

import pytest
from helpers.driving import MESSAGES, MODES, run

from g4f_lite import (
    AsyncClient,
    Attempt,
    CallInfo,
    Client,
    G4FLiteError,
    MissingKeyError,
    NoUsableRouteError,
    OpenaiTemplate,
    Trail,
    hookimpl,
)
from g4f_lite.testing import FaultServer, replies

A, B = "openai/gpt-oss-120b", "openai/gpt-oss-20b"
SPAN: contextvars.ContextVar[str] = contextvars.ContextVar("SPAN", default="")


class Tracer:
    """A tracer as a third party would write it, on public hooks alone."""

    def __init__(self) -> None:
        self.calls: list[CallInfo] = []
        self.attempts: list[Attempt] = []
        self.trails: list[Trail] = []
        self.events: list[str] = []
        self.contexts: set[tuple[str, str, int]] = set()

    def _note(self, event: str, call_id: str) -> None:
        self.events.append(event)
        self.contexts.add((call_id, SPAN.get(), threading.get_ident()))

    @hookimpl
    def call_started(self, call: CallInfo) -> None:
        self.calls.append(call)
        self._note("call", call.id)

    @hookimpl
    def attempt_started(self, attempt: Attempt) -> None:
        self._note("attempt", attempt.call_id)

    @hookimpl
    def request_headers(self, attempt: Attempt) -> Mapping[str, str]:
        self._note("headers", attempt.call_id)
        return {"Traceparent": f"00-{attempt.call_id}", "Authorization": "stolen"}

    @hookimpl
    def attempt_finished(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)
        self._note("attempt ends", attempt.call_id)

    @hookimpl
    def call_finished(self, trail: Trail) -> None:
        self.trails.append(trail)
        self._note("call ends", trail.call_id)


@pytest.mark.parametrize("mode", MODES)
def test_hooks_know_the_call_its_attempts_and_its_end(mode: str, groq: FaultServer) -> None:
    tracer = Tracer()
    groq.on(A, replies.error(404, "gone", code="model_not_found", x_request_id="req-1"))
    groq.on(B, replies.answer("one two three", headers={"x-request-id": "req-2"}))
    params = {"provider": "groq", "fallback_models": [B], "metadata": {"team": "x"}}
    outcome = run(mode, {"plugins": [tracer]}, params)
    assert outcome.text == "one two three"
    assert tracer.events == ["call", *["attempt", "headers", "attempt ends"] * 2, "call ends"]
    (call,), (first, second), (trail,) = tracer.calls, tracer.attempts, tracer.trails
    assert (call.operation, call.provider, call.model, call.stream) == ("chat", "groq", None, "stream" in mode)
    assert call.metadata == {"team": "x"}
    assert {call.id} == {trail.call_id, first.call_id, second.call_id} != {""}
    assert (first.request_id, second.request_id) == ("req-1", "req-2")
    assert (first.usage, second.usage.completion_tokens, second.response_model) == (None, 3, B)
    assert (second.first_token is not None) == ("stream" in mode)
    assert (trail.outcome, trail.operation, trail.usage) == ("ok", "chat", second.usage)
    assert trail.duration >= sum(one.duration for one in trail.attempts) > 0
    assert first.base_url == groq.base_url or first.base_url.startswith(groq.origin)
    assert trail == outcome.trail


@pytest.mark.parametrize("mode", MODES)
def test_headers_are_added_and_replace_none(mode: str, groq: FaultServer) -> None:
    tracer = Tracer()
    groq.script(replies.error(503), replies.answer())
    run(mode, {"plugins": [tracer], "retries": 1}, {"provider": "groq"})
    for request in groq.received:
        assert request.headers["traceparent"] == f"00-{tracer.calls[0].id}"
        assert request.headers["authorization"].startswith("Bearer ")
    assert len(groq.received) == 2


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "returned",
    [{"a b": "x"}, {"x": "a\r\nb: c"}, {"x": 7}, {"": "x"}, "traceparent", 7, {7: "x"}, {"x": "日"}],
)
def test_headers_that_cannot_be_sent_are_logged_and_left_out(
    mode: str, returned: Any, groq: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    class Odd:
        @hookimpl
        def request_headers(self) -> Any:
            return returned

    outcome = run(mode, {"plugins": [Odd()]}, {"provider": "groq"})
    assert outcome.text == "ok"
    (record,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert record.getMessage().startswith("request_headers of the plugin 'Odd' (client) failed")


REFUSED: dict[str, tuple[dict[str, Any], type[G4FLiteError]]] = {
    "no key": ({"provider": "mistral"}, MissingKeyError),
    "no capability": (
        {"provider": "dull", "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]},
        NoUsableRouteError,
    ),
    "an unknown provider": ({"provider": "nobody-has-this"}, G4FLiteError),
}


class Dull(OpenaiTemplate):
    name = "dull"
    api_base = "http://127.0.0.1:1/v1"
    needs_auth = False
    default_model = "dull-1"
    capabilities = frozenset({"streaming"})


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", REFUSED)
def test_a_call_without_a_usable_leg_begins_and_ends(mode: str, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MISTRAL_API_KEY", raising=False)
    tracer = Tracer()
    params, kind = REFUSED[case]
    outcome = run(mode, {"plugins": [tracer, Dull]}, params)
    assert isinstance(outcome.error, kind)
    assert tracer.events == ["call", "call ends"]
    (call,), (trail,) = tracer.calls, tracer.trails
    assert (trail.call_id, trail.outcome, trail.operation) == (call.id, type(outcome.error).__name__, "chat")
    assert outcome.error.trail == trail


def test_other_operations_are_named(groq: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MISTRAL_API_KEY", raising=False)
    tracer = Tracer()

    async def concurrent() -> None:
        async with AsyncClient(plugins=[tracer]) as api:
            await api.models.list(provider="groq", max_age=0)

    with Client(plugins=[tracer]) as api:
        api.models.list(provider="groq")
        api.audio.speech.create(input="hi", voice="v", provider="groq")
        with pytest.raises(MissingKeyError):
            api.embeddings.create(input="hi", provider="mistral")
    asyncio.run(concurrent())
    assert [call.operation for call in tracer.calls] == ["models", "speech", "embeddings", "models"]
    assert [(one.operation, one.outcome) for one in tracer.trails] == [
        *[("models", "ok"), ("speech", "ok"), ("embeddings", "MissingKeyError"), ("models", "ok")]
    ]
    assert [one.operation for one in tracer.attempts] == ["models", "speech", "models"]
    assert len({call.id for call in tracer.calls}) == 4


def test_a_stream_closed_early_has_an_outcome_of_its_own(groq: FaultServer) -> None:
    tracer = Tracer()
    groq.script(replies.silence("stream", 2))

    async def concurrent() -> None:
        async with AsyncClient(plugins=[tracer]) as api:
            async with await api.chat.completions.create(messages=MESSAGES, provider="groq", stream=True) as stream:
                await anext(aiter(stream))

    with Client(plugins=[tracer]) as client:
        with client.chat.completions.create(messages=MESSAGES, provider="groq", stream=True) as stream:
            next(iter(stream))
    asyncio.run(concurrent())
    assert [trail.outcome for trail in tracer.trails] == ["closed", "closed"]


def test_hooks_run_in_the_context_of_the_caller(groq: FaultServer) -> None:
    """So that a span of the caller is the parent of the call's: in its thread, and with its context variables."""
    tracer = Tracer()

    async def one(api: AsyncClient, name: str) -> None:
        SPAN.set(name)
        await api.chat.completions.create(messages=MESSAGES, provider="groq")
        async for _ in await api.chat.completions.create(messages=MESSAGES, provider="groq", stream=True):
            pass

    async def concurrent() -> None:
        async with AsyncClient(plugins=[tracer]) as api:
            await asyncio.gather(*(one(api, f"span {number}") for number in range(4)))

    asyncio.run(concurrent())
    assert len(tracer.calls) == 8
    by_call = {call_id: (span, thread) for call_id, span, thread in tracer.contexts}
    assert len(by_call) == len(tracer.contexts) == 8  # each call has one context in all of its hooks
    assert sorted(span for span, _ in by_call.values()) == sorted([f"span {number}" for number in range(4)] * 2)


def test_costs_are_those_of_the_attempts() -> None:
    from g4f_lite import Usage

    usage = Usage(prompt_tokens=1, completion_tokens=1, total_tokens=2, cost=0.25)
    attempts = tuple(Attempt(provider="p", model="m", usage=one) for one in (usage, None, usage))
    trail = Trail(entries=attempts)
    assert [one.cost for one in attempts] == [0.25, None, 0.25]
    assert (trail.cost, trail.usage) == (0.5, usage)
    assert (Trail().cost, Trail().usage) == (None, None)


def test_a_call_that_nobody_observes_knows_its_id_too(groq: FaultServer) -> None:
    with Client() as client:
        trails = [client.chat.completions.create(messages=MESSAGES, provider="groq").trail for _ in range(2)]
    assert len({trail.call_id for trail in trails} | {""}) == 3
    assert all(trail.usage.prompt_tokens == 5 for trail in trails)
