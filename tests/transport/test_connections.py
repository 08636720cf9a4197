"""Connections are reused, and freed when a stream ends early; one response belongs to one request."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from contextlib import ExitStack
from types import FrameType
from typing import Any

import pytest
from helpers.asking import aask, ask
from helpers.driving import MODES, eventually, run
from helpers.ways import PUBLIC, needs_inner_parts

import g4f_lite
from g4f_lite import AsyncClient, Client
from g4f_lite.testing import FaultServer, replies


def test_connections_are_kept_and_reused(groq: FaultServer) -> None:
    with Client() as client:
        for _ in range(5):
            ask(client)
            list(ask(client, stream=True))
    assert groq.connections == 1

    async def main() -> None:
        async with AsyncClient() as client:
            for _ in range(5):
                await aask(client)
                async for _ in await aask(client, stream=True):
                    pass

    asyncio.run(main())
    assert groq.connections == (11 if PUBLIC else 2)
    assert eventually(lambda: groq.open_connections == 0)


def test_callers_do_not_notice_when_a_server_closes_idle_connections(groq: FaultServer) -> None:
    groq.script(lambda request: [*replies.answer("ok")(request), replies.Close()])
    with Client(retries=0) as client:
        for _ in range(4):
            assert ask(client).text == "ok"
            assert eventually(lambda: groq.open_connections == 0)


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_may_be_closed_while_a_call_gives_its_connection_back(stream: bool, groq: FaultServer) -> None:
    closers: list[threading.Thread] = []

    def close_beside(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code.co_qualname.endswith("Response.flush"):  # while the answer is closed
            sys.setprofile(None)
            closers.append(threading.Thread(target=client.close))
            closers[0].start()
            closers[0].join()

    with Client() as client:
        sys.setprofile(close_beside)
        try:
            answer = ask(client, stream=stream)
            assert "".join(one.text for one in (answer if stream else [answer])) == "ok"
        finally:
            sys.setprofile(None)
    assert closers
    assert eventually(lambda: groq.open_connections == 0)


# -- streams that end early ----------------------------------------------------------------


@pytest.mark.parametrize("how", ["close", "with", "drop"])
def test_a_stream_that_is_closed_early_frees_its_connection(how: str, groq: FaultServer) -> None:
    groq.script(replies.silence("stream", 3))
    with Client() as client:
        stream = ask(client, stream=True)
        if how == "with":
            with stream:
                next(stream)
        else:
            next(stream)
        if how == "close":
            stream.close()
        with pytest.raises(RuntimeError, match="not been read to its end"):
            _ = stream.completion
        del stream
        gc.collect()
        assert eventually(lambda: groq.open_connections == 0)


@pytest.mark.parametrize("how", ["aclose", "with", "break", "cancel", "unread"])
def test_an_async_stream_that_is_closed_early_frees_its_connection(how: str, groq: FaultServer) -> None:
    groq.script(replies.silence("stream", 3))

    async def main() -> None:
        async with AsyncClient() as client:
            stream = await aask(client, stream=True)
            if how == "with":
                async with stream:
                    await anext(stream)
            elif how == "break":
                async for _ in stream:
                    break
                await stream.aclose()
            elif how == "cancel":
                task = asyncio.create_task(_drain(stream))
                await asyncio.sleep(0.05)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert stream.trail.attempts[-1].outcome == "CancelledError"
            else:
                if how == "aclose":
                    await anext(stream)
                await stream.aclose()
            assert await asyncio.to_thread(eventually, lambda: groq.open_connections == 0)

    asyncio.run(main())


async def _drain(stream: g4f_lite.AsyncStream) -> None:
    async for _ in stream:
        pass


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_an_abandoned_stream_ends_when_it_is_collected(mode: str, groq: FaultServer) -> None:
    groq.script(replies.silence("stream", 3))
    ended: list[str] = []

    class Observer:
        @g4f_lite.hookimpl
        def call_finished(self, trail: g4f_lite.Trail) -> None:
            ended.append(str(trail.attempts[-1].notes))

    async def main() -> None:
        async with AsyncClient(plugins=[Observer()]) as client:
            await aask(client, stream=True)
            gc.collect()
            assert await asyncio.to_thread(eventually, lambda: groq.open_connections == 0)

    if mode == "async":
        asyncio.run(main())
    else:
        with Client(plugins=[Observer()]) as client:
            ask(client, stream=True)
            gc.collect()
            assert eventually(lambda: groq.open_connections == 0)
    assert ended == ["('closed by the caller before its end',)"]


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # the collector may finalize the socket first
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_finalizer_may_run_while_a_lock_is_held(mode: str, groq: FaultServer) -> None:
    """The garbage collector may run it between any two instructions."""
    groq.script(replies.silence("stream", 3))

    def collect(client: Any, stream: list[Any]) -> None:
        cycle = [stream.pop()]
        cycle.append(cycle)
        locks = [client._calls.health._lock, client._calls.router.turns._lock]
        with ExitStack() as stack:
            for lock in locks:
                stack.enter_context(lock)
            del cycle
            gc.collect()

    def drop(client: Any, stream: list[Any]) -> None:
        thread = threading.Thread(target=collect, args=(client, stream), daemon=True)
        thread.start()
        thread.join(10)
        assert not thread.is_alive()
        client._calls.close_abandoned()
        assert [state.in_flight for state in client._calls.health._legs.values()] == [0]

    async def main() -> None:
        async with AsyncClient() as client:
            stream = [await aask(client, stream=True)]
            await anext(stream[0])
            drop(client, stream)
            assert await asyncio.to_thread(eventually, lambda: groq.open_connections == 0)

    if mode == "async":
        asyncio.run(main())
        return
    with Client() as client:
        stream = [ask(client, stream=True)]
        next(stream[0])
        drop(client, stream)
        assert eventually(lambda: groq.open_connections == 0)


# -- headers ---------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_a_provisional_response_is_not_the_response(mode: str, groq: FaultServer) -> None:
    """Otherwise the next call on the connection would get the real response."""
    hints = b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\n\r\n"
    groq.script(lambda request: [hints, replies.Pause(0.1), *replies.answer(request.json["user"])(request)])
    for user in ("one", "two"):
        assert run(mode, {}, {"provider": "groq", "user": user}).text == user


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_one_host_header_is_sent_and_the_callers_wins(mode: str, groq: FaultServer) -> None:
    run(mode, {}, {"provider": "groq", "extra_headers": {"Host": "api.example.com"}})
    assert groq.received[0].headers["host"] == "api.example.com"
    with pytest.raises(g4f_lite.InvalidRequestError, match="follows from the body"), Client() as client:
        ask(client, extra_headers={"Transfer-Encoding": "chunked"})


@needs_inner_parts
def test_long_headers_are_not_remembered(groq: FaultServer) -> None:
    async def main() -> list[int]:
        async with AsyncClient() as client:
            for number in range(3):
                for length in (10, 10_000):
                    await aask(client, extra_headers={"x-note": f"{number}" * length})
            (session,) = client._driver.http._sessions.values()
            return [len(head) for head in session._heads.values()]

    remembered = asyncio.run(main())
    assert len(remembered) == 3
    assert max(remembered) < 1000
    assert sorted({len(one.headers["x-note"]) for one in groq.received}) == [10, 10_000]
