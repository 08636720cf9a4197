"""Where inner parts of aiohttp, urllib3 or http.client are not what they were, the public way has the same results."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator

import pytest
from helpers.asking import aask
from helpers.driving import MODES, eventually, run

import g4f_lite
from g4f_lite import AsyncClient, Timeouts
from g4f_lite.testing import FaultServer, replies
from g4f_lite.transport import inner_parts
from g4f_lite.transport.inner_parts import PARTS, SWITCH, Part, fit


class Odd:
    kept = 1

    def __init__(self) -> None:
        self._field = 1

    def method(self, first: int, second: int = 2, *, third: int = 3) -> None: ...

    def demanding(self, first: int, *, other: int) -> None: ...

    def open_to_all(self, **more: int) -> None: ...


@pytest.fixture(autouse=True)
def _looked_at_anew() -> Iterator[None]:
    fit.cache_clear()
    yield
    fit.cache_clear()


@pytest.fixture(params=["aiohttp is odd", "urllib3 is odd", "the switch"])
def public_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "the switch":
        monkeypatch.setenv(SWITCH, "1")
    else:
        monkeypatch.delenv(SWITCH, raising=False)
        library = request.param.split()[0]
        owner = PARTS[library][0].owner
        monkeypatch.setitem(PARTS, library, (*PARTS[library], Part(owner, "_of_yesterday", "member", "is gone")))
    return str(request.param)


@pytest.mark.parametrize("library", PARTS)
def test_what_is_installed_fits(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SWITCH, raising=False)
    assert [part for part in PARTS[library] if not inner_parts._fits(part)] == []
    assert fit(library)


@pytest.mark.parametrize(
    ("name", "kind", "fits"),
    [
        ("kept", "member", True),
        ("gone", "member", False),
        ("_field", "field", True),
        ("_other", "field", False),
        ("method", "first", True),
        ("method", "first third", True),
        ("method", "", False),
        ("method", "first fourth", False),
        ("demanding", "first", False),
        ("demanding", "first other", True),
        ("open_to_all", "any", True),
        ("kept", "first", False),
        ("gone", "first", False),
    ],
)
def test_a_part_fits_if_it_can_be_used_as_before(
    name: str, kind: str, fits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "Odd", Odd, raising=False)
    assert inner_parts._fits(Part("logging:Odd", name, kind, "")) is fits
    assert not inner_parts._fits(Part("no_such_module:Odd", name, kind, ""))
    assert not inner_parts._fits(Part("logging:NoSuchClass", name, kind, ""))


@pytest.mark.parametrize("mode", MODES)
def test_one_warning_says_what_is_given_up_and_why(
    mode: str, public_way: str, groq: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        assert run(mode, {}, {"provider": "groq"}).text == "ok"
    concerned = public_way.startswith("aiohttp" if mode.startswith("async") else "urllib3")
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == concerned
    if concerned:
        assert "_of_yesterday" in warnings[0]
        assert "is not what g4f_lite is built for" in warnings[0]


@pytest.mark.parametrize("mode", MODES)
def test_the_public_way_ends_at_the_limit_whatever_drips(mode: str, public_way: str, groq: FaultServer) -> None:
    drip = replies.drip(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 10_000)
    for reply in (replies.silence(), drip, replies.silence("body"), replies.silence("stream", 1)):
        groq.script(reply)
        begun = time.monotonic()
        outcome = run(mode, {"timeouts": Timeouts()}, {"provider": "groq", "fallback_models": [], "timeout": 0.5})
        assert time.monotonic() - begun < 5
        assert isinstance(outcome.error, g4f_lite.DeadlineExceededError | g4f_lite.StreamInterruptedError)
    assert eventually(lambda: groq.open_connections == 0)


@pytest.mark.parametrize("how", ["cancel a call", "cancel a stream", "close a stream", "close while it is read"])
def test_the_public_way_frees_what_is_cancelled_or_closed(how: str, public_way: str, groq: FaultServer) -> None:
    groq.script(replies.silence() if how == "cancel a call" else replies.silence("stream", 3))

    async def read(stream: g4f_lite.AsyncStream) -> list[str]:
        return [chunk.text async for chunk in stream]

    async def main() -> None:
        async with AsyncClient() as client:
            if how == "cancel a call":
                task: asyncio.Task[object] = asyncio.create_task(aask(client))
                while not groq.received:
                    await asyncio.sleep(0.005)
                task.cancel()
            else:
                stream = await aask(client, stream=True)
                task = asyncio.create_task(read(stream))
                await asyncio.sleep(0 if how == "close a stream" else 0.05)
                task.cancel() if how == "cancel a stream" else await stream.aclose()
            (ended,) = await asyncio.gather(task, return_exceptions=True)
            assert isinstance(ended, asyncio.CancelledError) is how.startswith("cancel")
            assert await asyncio.to_thread(eventually, lambda: groq.open_connections == 0)

    asyncio.run(asyncio.wait_for(main(), 30))


def test_the_switch_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "1")
    assert not any(fit(library) for library in PARTS)
