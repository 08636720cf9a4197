"""A program that is held up past a limit, by other work or a suspended machine, still gets what came in time."""

from __future__ import annotations

import asyncio
import gzip
import time
from typing import Any

import pytest
from helpers.driving import MESSAGES
from helpers.endpoints import WAV, two_providers
from helpers.odd_row import CHUNKED, SILENT, chunked, in_chunks, sized
from helpers.ways import needs_inner_parts

from g4f_lite import AsyncClient, OpenaiTemplate, ProviderTimeoutError, Timeouts
from g4f_lite.testing import FaultServer, replies
from g4f_lite.transport.async_http import AsyncHTTPTransport
from g4f_lite.transport.sync_http import HTTPTransport
from g4f_lite.types.http import HTTPRequest, HTTPResponse
from g4f_lite.types.time_limit import TimeLimit

BODY = b"x" * 20_000
LIMIT = 0.5
ANSWERS = {
    "a length": sized(BODY),
    "chunks": chunked(BODY),
    "gzip": sized(gzip.compress(BODY), b"content-encoding: gzip"),
}


class HoldingClock:
    """Holds up whoever asks for the time first after the request has come."""

    def __init__(self, server: FaultServer) -> None:
        self._server = server
        self.held = False

    def monotonic(self) -> float:
        if not self.held and self._server.received:
            self.held = True
            time.sleep(LIMIT + 0.2)
        return time.monotonic()

    def time(self) -> float:
        return time.time()


def send(mode: str, server: FaultServer, *, proxied: bool = False) -> HTTPResponse:
    clock = HoldingClock(server)
    limit = TimeLimit(clock, Timeouts(total=LIMIT), time.monotonic() + 60)
    request = HTTPRequest(url="http://service.example/v1" if proxied else server.base_url)
    proxy = server.base_url if proxied else None

    async def send_async() -> HTTPResponse:
        transport = AsyncHTTPTransport(proxy=proxy)
        try:
            return await transport.send(request, limit)
        finally:
            await transport.aclose()

    try:
        return asyncio.run(send_async()) if mode == "async" else HTTPTransport(proxy=proxy).send(request, limit)
    finally:
        assert time.monotonic() > limit.expires_at


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("proxied", [False, True], ids=["directly", "through a proxy"])
@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_that_is_there_wins_over_a_limit_that_has_passed(
    name: str, proxied: bool, mode: str, server: FaultServer
) -> None:
    answer = ANSWERS[name]
    server.script(replies.raw(answer[:1], replies.Pause(0.1), answer[1:]))
    assert send(mode, server, proxied=proxied).body == BODY


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("begun", [b"", CHUNKED, CHUNKED + in_chunks(BODY, b"")], ids=["nothing", "a head", "no end"])
def test_what_is_not_there_is_not_waited_for(begun: bytes, mode: str, server: FaultServer) -> None:
    server.script(replies.raw(begun, SILENT))
    with pytest.raises(ProviderTimeoutError):
        send(mode, server)


class Plain(OpenaiTemplate):
    name = "plain"
    needs_auth = False
    default_model = "first"


SENT: dict[str, Any] = {
    "at once": MESSAGES,
    "in pieces": [{"role": "user", "content": "x" * (2 << 20)}],
    "through a proxy": MESSAGES,
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("way", SENT)
def test_a_blocked_event_loop_loses_no_answer(way: str, stream: bool, server: FaultServer) -> None:
    server.script(lambda request: [replies.Pause(0.2), *replies.answer("in time")(request)])
    params: dict[str, Any] = {"provider": "plain", "messages": SENT[way], "stream": stream}
    proxied = way == "through a proxy"

    async def block() -> None:
        while not server.received:
            await asyncio.sleep(0.01)
        time.sleep(1.5)

    async def main() -> str:
        async with AsyncClient(
            plugins=[Plain()],
            base_urls={"plain": "http://service.example/v1" if proxied else server.base_url},
            proxy=server.origin if proxied else None,
            retries=0,
            timeouts=Timeouts(first_token=1, total=1),
        ) as client:
            blocking = asyncio.create_task(block())
            result = await client.chat.completions.create(**params)
            await blocking
            return "".join([chunk.text async for chunk in result]) if stream else result.text

    assert asyncio.run(main()) == "in time"


def test_a_blocked_event_loop_loses_no_answer_to_an_upload(server: FaultServer) -> None:
    server.script(lambda request: [replies.Pause(0.2), *replies.answer("in time")(request)])
    timeouts = Timeouts(total=1)

    async def main() -> str:
        async with AsyncClient(**two_providers(server), retries=0, timeouts=timeouts) as client:
            asyncio.get_running_loop().call_later(0.1, time.sleep, 1.5)
            heard = await client.audio.transcriptions.create(file=("a.wav", WAV), provider="alpha", fallback_models=[])
            return heard.text

    assert asyncio.run(main()) == "in time"


@pytest.mark.parametrize("way", ["at once", "in pieces", pytest.param("through a proxy", marks=needs_inner_parts)])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_blocked_event_loop_loses_no_connection(host: str, way: str, server: FaultServer) -> None:
    origin = f"http://{host}:{server.port}"
    proxied = way == "through a proxy"

    async def main() -> str:
        async with AsyncClient(
            plugins=[Plain()],
            base_urls={"plain": "http://service.example/v1" if proxied else f"{origin}/v1"},
            proxy=origin if proxied else None,
            retries=0,
            timeouts=Timeouts(connect=0.5, total=20),
        ) as client:
            asyncio.get_running_loop().call_soon(lambda: asyncio.get_running_loop().call_soon(time.sleep, 1))
            return (await client.chat.completions.create(provider="plain", messages=SENT[way])).text

    assert asyncio.run(main()) == "ok"


def test_a_blocked_event_loop_loses_no_piece_of_a_stream(server: FaultServer) -> None:
    one, two = ({"choices": [{"index": 0, "delta": {"content": word}}]} for word in ("one ", "two"))
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    server.script(replies.stream([one, replies.Pause(0.3), two, replies.Pause(3.2), end]))

    async def main() -> str:
        async with AsyncClient(
            plugins=[Plain()],
            base_urls={"plain": server.base_url},
            retries=0,
            timeouts=Timeouts(first_token=20, stall=2),
        ) as client:
            stream = await client.chat.completions.create(provider="plain", messages=MESSAGES, stream=True)
            text = (await anext(stream)).text
            asyncio.get_running_loop().call_later(0.05, time.sleep, 3)
            return text + "".join([chunk.text async for chunk in stream])

    assert asyncio.run(main()) == "one two"
