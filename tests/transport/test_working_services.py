"""Defaults stretch for a service that shows that it works, and for a model that thinks; values that were set do not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from helpers.driving import run

import g4f_lite
from g4f_lite import Timeouts
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Action, Pause
from g4f_lite.types.timeouts import DefaultSeconds

A, B = "openai/gpt-oss-120b", "openai/gpt-oss-20b"
STREAMS = pytest.mark.parametrize("mode", ["sync stream", "async stream"])

PING = b'event: ping\ndata: {"type": "ping"}\n\n'
EMPTY_DELTA = b'data: {"choices": [{"index": 0, "delta": {}}]}\n\n'
ROLE = b'data: {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": null}]}\n\n'
COMMENT = b": OPENROUTER PROCESSING\n\n"

LONG_WORK = 2.6
"""Seconds, more than `STRETCHING` allows for silence."""
STRETCHING = Timeouts(first_token=20, stall=DefaultSeconds(2.0, stretched=60))
STRETCHING_LITTLE = Timeouts(first_token=20, stall=DefaultSeconds(60, stretched=0.5))
IMPATIENT = Timeouts(first_token=20, stall=DefaultSeconds(0.5, stretched=60))
SET = Timeouts(first_token=20, stall=0.5)


def signs(sign: bytes, seconds: float) -> Iterator[bytes | Action]:
    for _ in range(int(seconds / 0.05)):
        yield sign
        yield Pause(0.05)


def openai_stream(*between: bytes | Action) -> replies.Reply:
    """Answer with "one two" and this between the words."""
    one, two = ({"choices": [{"index": 0, "delta": {"content": word}}]} for word in ("one ", "two"))
    return replies.stream([one, *between, two, {"choices": [{"delta": {}, "finish_reason": "stop"}]}])


def claude_calls_a_tool(*between: bytes | Action) -> replies.Reply:
    """Answer with a tool call and this between its name and its arguments."""
    block = {"type": "tool_use", "id": "toolu_1", "name": "write", "input": {}}
    arguments = {"type": "input_json_delta", "partial_json": '{"path": "a"}'}
    return replies.stream(
        [
            {"type": "message_start", "message": {"id": "msg_1", "model": "claude-x", "usage": {"input_tokens": 3}}},
            {"type": "content_block_start", "index": 0, "content_block": block},
            *between,
            {"type": "content_block_delta", "index": 0, "delta": arguments},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}},
            {"type": "message_stop"},
        ],
        shape="anthropic",
    )


def ask(
    mode: str, server: FaultServer, reply: replies.Reply, timeouts: Timeouts, provider: str = "groq", **params: Any
) -> Any:
    server.script(reply)
    settings = {"timeouts": timeouts, "base_urls": {provider: server.base_url}, "keys": {provider: "test-key-1234"}}
    return run(mode, settings, {"provider": provider, "fallback_models": [], **params})


@STREAMS
def test_a_tool_call_that_claude_writes_slowly_is_awaited(mode: str, server: FaultServer) -> None:
    outcome = ask(mode, server, claude_calls_a_tool(*signs(PING, LONG_WORK)), STRETCHING, "anthropic")
    assert outcome.error is None
    assert outcome.completion.tool_calls[0].function.arguments == '{"path": "a"}'


@STREAMS
@pytest.mark.parametrize(("sign", "provider"), [(EMPTY_DELTA, "groq"), (ROLE, "groq"), (COMMENT, "openrouter")])
def test_a_service_that_shows_that_it_works_is_awaited(
    sign: bytes, provider: str, mode: str, server: FaultServer
) -> None:
    outcome = ask(mode, server, openai_stream(*signs(sign, LONG_WORK)), STRETCHING, provider)
    assert (outcome.error, outcome.text) == (None, "one two")


ENDLESS = [
    pytest.param(EMPTY_DELTA, STRETCHING_LITTLE, id="work without content"),
    pytest.param(EMPTY_DELTA, SET, id="work, and a limit that was set"),
    pytest.param(COMMENT, IMPATIENT, id="comments that say nothing about the work"),
    pytest.param(b"\n", IMPATIENT, id="blank lines"),
]


@STREAMS
@pytest.mark.parametrize(("sign", "timeouts"), ENDLESS)
def test_a_stream_ends_that_has_no_more_content(
    sign: bytes, timeouts: Timeouts, mode: str, server: FaultServer
) -> None:
    outcome = ask(mode, server, openai_stream(*signs(sign, 60)), timeouts)
    assert isinstance(outcome.error, g4f_lite.StreamInterruptedError)
    assert str(outcome.error).endswith("no more content for 0.5 s")
    assert outcome.text == "one "


@STREAMS
def test_silence_ends_a_stream_though_the_service_has_shown_that_it_works(mode: str, server: FaultServer) -> None:
    outcome = ask(mode, server, openai_stream(EMPTY_DELTA, Pause(60)), IMPATIENT)
    assert isinstance(outcome.error, g4f_lite.StreamInterruptedError)


THINKS = [
    pytest.param({"reasoning_effort": "high"}, id="it is asked to think"),
    pytest.param({"extra_body": {"thinking": {"type": "enabled"}}}, id="it is asked in the service's own words"),
    pytest.param({"model": "qwen/qwen-9-thinking"}, id="it is known to think"),
]
LONG_THOUGHT = 1.5
THOUGHT_OUT = ({"index": 0, "delta": {"content": "42"}}, {"index": 0, "delta": {}, "finish_reason": "stop"})
FIRST_OF_TWO = {"fallback_models": [B]}


@STREAMS
@pytest.mark.parametrize("params", THINKS)
def test_a_model_that_thinks_is_awaited_though_another_is_left(
    params: dict[str, Any], mode: str, server: FaultServer
) -> None:
    timeouts = Timeouts(first_token=DefaultSeconds(0.3, stretched=60))
    reply = replies.stream([Pause(LONG_THOUGHT), *({"choices": [choice]} for choice in THOUGHT_OUT)])
    outcome = ask(mode, server, reply, timeouts, **{"model": A, **FIRST_OF_TWO, **params})
    assert (outcome.text, len(server.received)) == ("42", 1)


@STREAMS
@pytest.mark.parametrize(
    ("first_token", "params"),
    [
        (0.3, {"reasoning_effort": "high"}),
        (DefaultSeconds(0.3, stretched=60), {"reasoning_effort": "low", "extra_body": {"reasoning_effort": "none"}}),
        (DefaultSeconds(0.3, stretched=60), {}),
    ],
)
def test_another_model_is_asked_if_the_limit_was_set_or_nobody_thinks(
    first_token: float, params: dict[str, Any], mode: str, server: FaultServer
) -> None:
    reply = replies.by_model(lambda model: replies.answer("from b") if model == B else replies.silence())
    outcome = ask(mode, server, reply, Timeouts(first_token=first_token), model=A, **FIRST_OF_TWO, **params)
    assert outcome.trail.attempts[0].outcome == "ProviderTimeoutError"
    assert [attempt.model for attempt in outcome.trail.attempts[:2]] == [A, B]
