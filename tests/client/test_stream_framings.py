"""Streams of every framing through both clients, and streams of providers that do not stream."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from helpers.framed_service import SERVICES, Lines, Plain, Prefixed, Service, Whole

from g4f_lite import AsyncClient, Client, MalformedResponseError, ServerSentEvent, StreamFraming
from g4f_lite.errors.exceptions import G4FLiteError
from g4f_lite.testing import FaultServer, ProviderConformance, replies
from g4f_lite.testing.script import Reply

MESSAGES = [{"role": "user", "content": "Which day is it?"}]


def ask(kind: str, one: Plain, server: FaultServer, *, stream: bool = True, **settings: Any) -> tuple[str, list[str]]:
    """Return the text and what became of each attempt; the name of the error stands before the text."""
    settings = {"base_urls": {one.name: server.base_url}, "keys": {one.name: "key-of-the-tests"}, **settings}
    settings = {"retry_wait": lambda state: 0.0, "retries": 0, **settings}
    params: dict[str, Any] = {"messages": MESSAGES, "provider": one, "fallback_models": []}
    texts: list[str] = []

    def sync() -> Any:
        with Client(**settings) as api:
            if not stream:
                return api.chat.completions.create(**params)
            running = api.chat.completions.create(**params, stream=True)
            texts.extend(chunk.text for chunk in running)
            return running.completion

    async def concurrent() -> Any:
        async with AsyncClient(**settings) as api:
            if not stream:
                return await api.chat.completions.create(**params)
            running = await api.chat.completions.create(**params, stream=True)
            async for chunk in running:
                texts.append(chunk.text)
            return running.completion

    try:
        completion = sync() if kind == "Client" else asyncio.run(concurrent())
    except G4FLiteError as error:
        return f"{type(error).__name__}: {''.join(texts)}", [str(one.outcome) for one in error.attempts]
    assert not stream or "".join(texts) == completion.text
    return completion.text, [str(one.outcome) for one in completion.attempts]


@pytest.mark.parametrize("kind", ["Client", "AsyncClient"])
@pytest.mark.parametrize("framing", SERVICES)
def test_a_stream_is_read(kind: str, framing: str) -> None:
    one, shape = SERVICES[framing]
    with FaultServer() as server:
        server.script(replies.answer("Sunday it is, 日曜日", shape=shape))
        assert ask(kind, one(), server) == ask(kind, one(), server, stream=False) == ("Sunday it is, 日曜日", ["ok"])
        assert [request.json["stream"] for request in server.received] == [framing != "whole", False]


SCENES: dict[str, tuple[Any, str, list[str]]] = {
    "an error status": (lambda shape: replies.error(503, "away", shape=shape), "ServerError: ", ["ServerError"]),
    "a web page": (lambda shape: replies.html(), "MalformedResponseError: ", ["MalformedResponseError"]),
    "an error in a 200": (lambda shape: replies.error(200, "away", shape=shape), "", []),
    "an error after text": (
        lambda shape: replies.error(503, "away", shape=shape, after=2),
        "StreamInterruptedError: word0 word1 ",
        ["StreamInterruptedError"],
    ),
    "a cut": (
        lambda shape: replies.cut(2, shape=shape),
        "StreamInterruptedError: word0 word1 ",
        ["StreamInterruptedError"],
    ),
    "a proper end without a finish reason": (
        lambda shape: replies.cut(2, how="end", shape=shape),
        "StreamInterruptedError: word0 word1 ",
        ["StreamInterruptedError"],
    ),
    "nothing": (lambda shape: replies.stream([], shape=shape), "MalformedResponseError: ", ["MalformedResponseError"]),
}


@pytest.mark.parametrize("kind", ["Client", "AsyncClient"])
@pytest.mark.parametrize("framing", ["json_lines", "json_array", "own"])
@pytest.mark.parametrize("scene", SCENES)
def test_failures_are_those_of_other_streams(kind: str, framing: str, scene: str) -> None:
    one, shape = SERVICES[framing]
    script, text, outcomes = SCENES[scene]
    with FaultServer() as server:
        reply: Reply = script(shape)
        server.script(reply)
        seen = ask(kind, one(), server)
        if scene == "an error in a 200":
            assert "Error" in seen[0] and seen[1] != ["ok"]
        else:
            assert seen == (text, outcomes)


@pytest.mark.parametrize("kind", ["Client", "AsyncClient"])
def test_chunks_come_as_their_lines_come(kind: str) -> None:
    """The second line is sent only when the first one has been handed out."""
    shape = Service("json_lines")
    with FaultServer() as server:
        pause = replies.Pause(30)
        server.script(replies.stream([{"reply": "early"}, pause], shape=shape))
        settings: dict[str, Any] = {"base_urls": {"lines": server.base_url}, "keys": {"lines": "k"}}

        async def concurrent() -> str:
            async with AsyncClient(**settings) as api:
                async with await api.chat.completions.create(messages=MESSAGES, provider=Lines(), stream=True) as run:
                    return (await anext(aiter(run))).text

        if kind == "AsyncClient":
            assert asyncio.run(concurrent()) == "early"
            return
        with (
            Client(**settings) as api,
            api.chat.completions.create(messages=MESSAGES, provider=Lines(), stream=True) as run,
        ):
            assert next(iter(run)).text == "early"


@pytest.mark.parametrize("kind", ["Client", "AsyncClient"])
def test_a_failing_framing_is_a_failure_of_its_leg(kind: str) -> None:
    class Broken(Prefixed):
        def new_framing(self) -> StreamFraming | None:
            return Breaks()

    class Breaks:
        def feed(self, piece: bytes) -> list[ServerSentEvent]:
            raise ValueError("key-of-the-tests")

        def close(self) -> list[ServerSentEvent]:
            return []

    with FaultServer() as server:
        server.script(replies.answer("Sunday", shape=SERVICES["own"][1]))
        assert ask(kind, Broken(), server) == ("MalformedResponseError: ", ["MalformedResponseError"])


@pytest.mark.parametrize("kind", ["Client", "AsyncClient"])
def test_a_whole_answer_in_a_stream_has_the_time_of_a_whole_answer(kind: str) -> None:
    """Not that of a first token, which a service without streams cannot keep."""
    from g4f_lite import Timeouts

    with FaultServer() as server:
        slow = replies.delayed(0.6, replies.answer("Sunday", shape=Service("sse")))
        server.script(slow)
        timeouts = Timeouts(first_token=0.2, total=60)
        assert ask(kind, Whole(), server, timeouts=timeouts) == ("Sunday", ["ok"])
        assert ask(kind, Lines(), server, timeouts=timeouts)[1] == ["ProviderTimeoutError"]


@pytest.mark.parametrize("kind", ["Client", "AsyncClient"])
def test_a_whole_answer_takes_over_a_stream(kind: str) -> None:
    with FaultServer() as server:
        server.script(
            replies.error(503, "away"),
            replies.answer("Sunday", shape=Service("sse")),
        )
        assert ask(kind, Whole(), server, retries=1) == ("Sunday", ["ServerError", "ok"])


def test_max_response_bytes_bounds_lines() -> None:
    with FaultServer() as server:
        server.script(replies.stream([{"reply": "x" * (1 << 18)}], shape=Service("json_lines")))
        with (
            Client(base_urls={"lines": server.base_url}, keys={"lines": "k"}, max_response_bytes=1 << 16) as api,
            pytest.raises(MalformedResponseError, match="larger than"),
        ):
            api.chat.completions.create(messages=MESSAGES, provider=Lines(), stream=True, retries=0, fallback_models=[])


class TestLines(ProviderConformance):
    provider, shape = Lines, Service("json_lines")


class TestArray(ProviderConformance):
    provider, shape = SERVICES["json_array"][0], Service("json_array")


class TestPrefixed(ProviderConformance):
    provider, shape = SERVICES["own"]


class TestWhole(ProviderConformance):
    provider, shape = Whole, Service("sse")
