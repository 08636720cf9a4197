"""An error rule of a plugin may replace the error that a response means."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.driving import MODES, run

import g4f_lite
from g4f_lite import ErrorReply, ModelUnavailableError, Provider, ProviderError, hookimpl
from g4f_lite.testing import FaultServer, replies

A, B = "openai/gpt-oss-120b", "openai/gpt-oss-20b"
TWO = {"provider": "groq", "fallback_models": [B]}


class Rule:
    """An error rule with this result for every error."""

    def __init__(self, answer: object) -> None:
        self.answer = answer
        self.asked: list[tuple[Provider, ErrorReply, ProviderError]] = []

    @hookimpl
    def refine_error(self, provider: Provider, reply: ErrorReply, error: ProviderError) -> Any:
        self.asked.append((provider, reply, error))
        if isinstance(self.answer, type):
            raise self.answer("from the rule")
        return self.answer


@pytest.mark.parametrize("mode", MODES)
def test_an_error_rule_changes_what_the_router_does(mode: str, groq: FaultServer) -> None:
    groq.on(A, replies.error(400, "our content rules", x_zone="eu")).on(B, replies.answer("from b"))
    stopped = run(mode, {"plugins": [Rule(g4f_lite.ContentFilterError("it is filtered"))]}, TWO)
    assert type(stopped.error) is g4f_lite.ContentFilterError
    rule = Rule(ModelUnavailableError("it sleeps", status=400))
    outcome = run(mode, {"plugins": [rule]}, TWO)
    assert outcome.text == "from b"
    assert str(outcome.trail.attempts[0].message) == "it sleeps"
    [(provider, reply, error)] = rule.asked
    assert (provider.name, provider.api_base) == ("groq", groq.base_url)
    assert (reply.status, reply.headers["x-zone"]) == (400, "eu")
    assert type(error) is g4f_lite.InvalidRequestError


def test_the_first_error_rule_with_a_result_counts(groq: FaultServer, caplog: pytest.LogCaptureFixture) -> None:
    groq.script(replies.error(400, "odd"))
    never, first = Rule(ModelUnavailableError("never")), Rule(g4f_lite.ContentFilterError("first"))
    junk, none, raising, leaving = Rule("junk"), Rule(None), Rule(ZeroDivisionError), Rule(SystemExit)
    outcome = run("sync", {"plugins": [never, first, junk, none, raising, leaving]}, TWO)
    assert type(outcome.error) is g4f_lite.ContentFilterError
    assert [len(rule.asked) for rule in (never, first, junk, none, raising, leaving)] == [0, 1, 1, 1, 1, 1]
    messages = [
        record.getMessage().rpartition("(client)")[2] for record in caplog.records if record.levelname == "ERROR"
    ]
    assert "failed: SystemExit: from the rule" in messages[0]
    assert "failed: ZeroDivisionError: from the rule" in messages[1]
    assert "returned str, not a ProviderError" in messages[2]
    assert len(messages) == 3


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", [g4f_lite.StreamInterruptedError, g4f_lite.DeadlineExceededError])
def test_an_error_rule_cannot_say_what_only_a_call_knows(
    kind: type[ProviderError], mode: str, groq: FaultServer
) -> None:
    groq.on(A, replies.error(503, "down")).on(B, replies.answer("from b"))
    outcome = run(mode, {"plugins": [Rule(kind("it sleeps"))], "retries": 0}, TWO)
    assert outcome.text == "from b"
    assert outcome.trail.attempts[0].message == "it sleeps"
