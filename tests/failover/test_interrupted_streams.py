"""Streams that are interrupted after the first content."""

from __future__ import annotations

import asyncio
import time

import pytest
from helpers.driving import MESSAGES
from helpers.plain_routes import Plain, collect, routes

import g4f_lite
from g4f_lite import AsyncClient, Client, Timeouts
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Pause

SECOND = ["two ", "words"]


class Continuing(Plain):
    name = "continuing"
    capabilities = Plain.capabilities | {"prefill"}


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_restart_announces_the_second_answer_and_keeps_only_that_one(mode: str, server: FaultServer) -> None:
    server.on("first", replies.cut(2)).on("second", replies.answer("two words"))
    chunks, stream = collect(mode, routes(server, Plain), on_interrupt="restart")
    at = next(number for number, chunk in enumerate(chunks) if chunk.restarted)
    assert "".join(chunk.text for chunk in chunks[:at]) == "word0 word1 "
    assert [chunk.text for chunk in chunks[at:] if chunk.text] == SECOND
    assert sum(chunk.restarted for chunk in chunks) == 1
    assert (stream.completion.text, stream.completion.provider, stream.provider) == ("two words", "plain", "plain")
    assert [attempt.outcome for attempt in stream.trail.attempts] == ["StreamInterruptedError", "ok"]
    assert server.received[1].json["messages"] == MESSAGES


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_continue_resumes_from_the_partial_text_if_the_provider_can(mode: str, server: FaultServer) -> None:
    server.on("first", replies.cut(2)).on("second", replies.answer("two words"))
    chunks, stream = collect(mode, {**routes(server, Continuing), "on_interrupt": "continue"})
    assert not any(chunk.restarted for chunk in chunks)
    assert "".join(chunk.text for chunk in chunks) == stream.completion.text == "word0 word1 two words"
    assert server.received[1].json["messages"] == [*MESSAGES, {"role": "assistant", "content": "word0 word1 "}]


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_continue_restarts_if_the_provider_cannot(mode: str, server: FaultServer) -> None:
    server.on("first", replies.cut(2)).on("second", replies.answer("two words"))
    chunks, stream = collect(mode, routes(server, Plain), on_interrupt="continue")
    assert sum(chunk.restarted for chunk in chunks) == 1
    assert stream.completion.text == "two words"


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_an_interrupted_stream_reports_its_partial_text_when_all_legs_have_failed(
    mode: str, server: FaultServer
) -> None:
    server.on("first", replies.cut(2)).on("second", replies.cut(1))
    chunks, error = collect(mode, routes(server, Plain), on_interrupt="restart")
    assert isinstance(error, g4f_lite.RoutesExhaustedError)
    texts = [one.partial_text for one in error.exceptions if isinstance(one, g4f_lite.StreamInterruptedError)]
    assert texts == ["word0 word1 ", "word0 "]
    assert "".join(chunk.text for chunk in chunks) == "word0 word1 word0 "


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("first", ["whole", "cut"])
def test_a_stream_without_a_name_is_read_to_its_end(mode: str, first: str, server: FaultServer) -> None:
    server.on("first", replies.cut(2) if first == "cut" else replies.answer("two words"))
    said = []

    async def main() -> None:
        async with AsyncClient(**routes(server, Plain)) as client:
            async for chunk in await client.chat.completions.create(messages=MESSAGES, stream=True):
                said.append(chunk.text)

    def sync() -> None:
        with Client(**routes(server, Plain)) as client:
            for chunk in client.chat.completions.create(messages=MESSAGES, stream=True):
                said.append(chunk.text)

    run = sync if mode == "sync" else lambda: asyncio.run(main())
    if first == "cut":
        with pytest.raises(g4f_lite.StreamInterruptedError) as caught:
            run()
        assert caught.value.partial_text == "".join(said) == "word0 word1 "
    else:
        run()
        assert "".join(said) == "two words"
    assert server.models == ["first"]


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("comments", [False, True])
def test_a_stall_is_noticed_on_the_only_leg_too(mode: str, comments: bool, server: FaultServer) -> None:
    part: list[object] = [{"choices": [{"delta": {"content": "a"}}]}]
    for _ in range(60):
        part += [b": keep-alive\n\n" if comments else Pause(0.0), Pause(0.1)]
    server.script(replies.stream(part))
    options = {"routes": [Plain(api_base=server.base_url)], "timeouts": Timeouts(stall=0.4)}
    began = time.monotonic()
    _, error = collect(mode, options)
    assert isinstance(error, g4f_lite.StreamInterruptedError)
    assert 0.3 < time.monotonic() - began < 3


def test_an_unknown_value_of_on_interrupt_is_refused() -> None:
    with pytest.raises(g4f_lite.ConfigurationError, match="'raise', 'restart', 'continue'"):
        Client(on_interrupt="retry")  # type: ignore[typeddict-item]
