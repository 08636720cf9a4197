"""Errors of a gateway, in the forms of other services, in place of an answer in a protocol of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.driving import MODES, Outcome, run

from g4f_lite import Client, RateLimitError, StreamInterruptedError
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.shapes import SHAPES, Said

SAYS = "Too many requests, please try again in 30s"
ERRORS = [
    {"success": False, "errors": [{"code": 429, "message": SAYS}]},
    {"code": 429, "message": SAYS, "status": "RESOURCE_EXHAUSTED"},
    {"detail": SAYS, "status": 429},
    {"code": "Throttling", "message": SAYS},
    {"base_resp": {"status_code": 1002, "status_msg": SAYS}},
    {"object": "error", "message": SAYS, "code": 429},
    {"type": "error", "error": {"type": "error", "error": {"type": "rate_limit_error", "message": SAYS}}},
]
OWNERS = ["anthropic", "gemini", "cohere"]


def ask(mode: str, who: str, server: FaultServer, reply: replies.Reply) -> Outcome:
    server.script(reply, replies.answer("good"))
    settings = {"keys": {who: "key_123456789"}, "retries": 0, "base_urls": {who: server.origin}}
    return run(mode, settings, {"provider": who, "model": "m-1", "fallback_models": ["m-2"]})


@pytest.mark.parametrize("who", ["gemini", "cohere"])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: next(iter(error)))
def test_so_is_it_in_place_of_vectors(error: dict[str, Any], who: str, server: FaultServer) -> None:
    server.script(replies.body(json.dumps(error).encode()))
    with (
        Client(keys={who: "key_123456789"}, retries=0, deadline=0.5, base_urls={who: server.origin}) as client,
        pytest.raises(RateLimitError, match=SAYS),
    ):
        client.embeddings.create(input=["a"], provider=who)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("who", OWNERS)
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: next(iter(error)))
def test_what_a_gateway_says_is_told_and_heeded(
    error: dict[str, Any], who: str, mode: str, server: FaultServer
) -> None:
    sent = replies.stream([error]) if "stream" in mode else replies.body(json.dumps(error).encode())
    outcome = ask(mode, who, server, sent)
    assert outcome.text == "good"
    first = outcome.trail.attempts[0]
    assert (first.outcome, first.message) == ("RateLimitError", SAYS)
    if "stream" in mode:
        begun: list[Any] = list(SHAPES[who].chunks("m", Said(["one ", "two"], finish=None)))  # type: ignore[index]
        cut = ask(mode, who, server, replies.stream([*begun, error]))
        assert isinstance(cut.error, StreamInterruptedError)
        assert SAYS in str(cut.error)
