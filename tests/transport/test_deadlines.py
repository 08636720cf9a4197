"""A call whose deadline has passed raises Python's `TimeoutError`, too, whatever it was doing at that time."""

from __future__ import annotations

import asyncio
import pickle
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from helpers.driving import MESSAGES, MODES, QUICK
from helpers.endpoints import HEARD, Alpha, call

from g4f_lite import AsyncClient, Client, DeadlineExceededError, RoutesExhaustedError, StreamInterruptedError
from g4f_lite.testing import FaultServer, replies

LARGE = [{"role": "user", "content": "x" * (8 << 20)}]


def ask(mode: str, settings: dict[str, Any], **params: Any) -> None:
    """Call, and read a stream to its end; what is raised goes through as it is."""
    params = {"messages": MESSAGES, "provider": "groq", "fallback_models": [], "stream": "stream" in mode, **params}
    if not mode.startswith("async"):
        with Client(**{**QUICK, **settings}) as client:
            list(client.chat.completions.create(**params))
        return

    async def main() -> None:
        async with AsyncClient(**{**QUICK, **settings}) as client:
            stream = await client.chat.completions.create(**params)
            async for _ in stream:
                pass

    asyncio.run(main())


@contextmanager
def silent_port() -> Iterator[int]:
    """Connections are accepted, and nothing else happens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def check(error: BaseException) -> None:
    assert isinstance(error, DeadlineExceededError)
    assert str(error).endswith("the deadline of the call has passed")
    assert error.attempts[-1].outcome == "DeadlineExceededError"
    seen, cause = set[int](), error.__cause__
    while cause is not None and id(cause) not in seen:
        assert cause is not error
        seen.add(id(cause))
        cause = cause.__cause__
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.args, again.trail) == (type(error), str(error), error.args, error.trail)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("place", ["head", "body"])
def test_while_it_waits_for_an_answer(place: Any, mode: str, groq: FaultServer) -> None:
    groq.script(replies.silence() if place == "head" else replies.silence("body"))
    with pytest.raises(TimeoutError) as caught:
        ask(mode, {}, timeout=0.4)
    check(caught.value)


@pytest.mark.parametrize("mode", MODES)
def test_while_it_sends(mode: str) -> None:
    with FaultServer(read_pause=60) as stuck, pytest.raises(TimeoutError) as caught:
        settings = {"plugins": [Alpha], "base_urls": {"alpha": stuck.base_url}}
        ask(mode, settings, provider="alpha", model="m", messages=LARGE, timeout=0.6)
    check(caught.value)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_while_a_proxy_or_a_handshake_is_silent(scheme: str, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "gsk_test_key")
    with silent_port() as port:
        proxy = {"proxy": f"http://127.0.0.1:{port}", "base_urls": {"groq": f"{scheme}://groq.example/v1"}}
        for settings in (proxy, {"base_urls": {"groq": f"https://127.0.0.1:{port}/v1"}}):
            with pytest.raises(TimeoutError) as caught:
                ask(mode, settings, timeout=0.5)
            check(caught.value)


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_while_it_uploads(mode: str) -> None:
    with FaultServer(read_pause=60) as stuck, pytest.raises(TimeoutError) as caught:
        settings = {"plugins": [Alpha], "base_urls": {"alpha": stuck.base_url}}
        params = {"file": ("a.wav", b"RIFF" + b"\0" * (8 << 20)), "provider": "alpha", "fallback_models": []}
        call(mode, settings, HEARD.method, {**params, "model": "ears", "timeout": 0.6})
    check(caught.value)


@pytest.mark.parametrize("mode", ["sync stream", "async stream"])
def test_a_stream_that_has_begun_is_interrupted_by_it(mode: str, groq: FaultServer) -> None:
    groq.script(replies.stream([{"choices": [{"delta": {"content": "a"}}]}, replies.Pause(60)]))
    with pytest.raises(StreamInterruptedError) as caught:
        ask(mode, {}, timeout=0.6)
    assert isinstance(caught.value.__cause__, TimeoutError)


def test_several_make_a_group() -> None:
    group = RoutesExhaustedError("none", [DeadlineExceededError("a"), DeadlineExceededError("b")])
    assert type(group) is RoutesExhaustedError
    assert pickle.loads(pickle.dumps(group)).message == "none"
    with pytest.raises(ExceptionGroup):
        try:
            raise group
        except* TimeoutError as matched:
            assert len(matched.exceptions) == 2
            raise
