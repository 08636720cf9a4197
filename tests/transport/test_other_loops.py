"""Event loops of other makers, such as uvloop: their transports are of no class of asyncio."""

from __future__ import annotations

import asyncio
from asyncio.selector_events import BaseSelectorEventLoop
from typing import Any

import pytest
from helpers.deaf import deaf
from helpers.driving import QUICK, eventually, run

import g4f_lite
from g4f_lite import Timeouts
from g4f_lite.testing import FaultServer, replies
from g4f_lite.transport.inner_parts import SWITCH, fit

WORDS = "word " * 60_000
"""More than is buffered while it is not read."""


class Foreign:
    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


@pytest.fixture(params=["inner parts", "the public way"], autouse=True)
def _foreign(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    real: Any = BaseSelectorEventLoop._make_socket_transport  # type: ignore[attr-defined]  # private

    def make(loop: Any, sock: Any, protocol: Any, *args: Any, **kwargs: Any) -> Any:
        made = protocol.connection_made
        protocol.connection_made = lambda transport: made(Foreign(transport))
        return real(loop, sock, protocol, *args, **kwargs)

    monkeypatch.setattr(BaseSelectorEventLoop, "_make_socket_transport", make)
    monkeypatch.setenv(SWITCH, "1" if request.param == "the public way" else "")
    fit.cache_clear()
    request.addfinalizer(fit.cache_clear)


@pytest.mark.parametrize("mode", ["async", "async stream"])
def test_an_answer_is_read_whole(mode: str, groq: FaultServer) -> None:
    groq.script(replies.answer(WORDS))
    assert run(mode, QUICK, {"provider": "groq"}).text == WORDS
    assert eventually(lambda: groq.open_connections == 0)


@pytest.mark.parametrize("proxied", [False, True])
def test_what_could_not_be_sent_in_time_is_dropped(proxied: bool) -> None:
    size = 20_000_000  # more than the system takes
    with deaf() as (origin, all_that_comes):
        settings: dict[str, Any] = {"timeouts": Timeouts(first_token=0.5, total=0.5), "retries": 0}
        settings["base_urls"] = {"ollama": "http://service.invalid/v1" if proxied else f"{origin}/v1"}
        if proxied:
            settings["proxy"] = origin
        messages = [{"role": "user", "content": "x" * size}]
        outcome = run("async", settings, {"provider": "ollama", "model": "qwen3", "messages": messages})
        assert isinstance(outcome.error, g4f_lite.ProviderTimeoutError)
        assert all_that_comes() < size
