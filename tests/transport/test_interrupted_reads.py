"""An exception of a signal handler that comes while asyncio hands over data, which asyncio keeps for the connection."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from types import FrameType

import pytest
from helpers.driving import QUICK, eventually, run

from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Action, Received
from g4f_lite.transport.answer_parser import AnswerParser
from g4f_lite.transport.inner_parts import SWITCH, fit


class SoftTimeLimit(Exception):
    """As of a task queue."""


def raising(number: int, frame: FrameType | None) -> None:
    raise SoftTimeLimit


@pytest.fixture(params=["inner parts", "the public way"], autouse=True)
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "1" if request.param == "the public way" else "")
    fit.cache_clear()
    request.addfinalizer(fit.cache_clear)


@pytest.mark.parametrize("piece", [1, 2])
@pytest.mark.parametrize("mode", ["async", "async stream"])
def test_the_caller_gets_it(mode: str, piece: int, groq: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    fed: list[bytes] = []
    begun = threading.Event()
    feed = AnswerParser.feed

    def interrupted(parser: AnswerParser, data: bytes) -> bytes:
        fed.append(data)
        begun.set()
        if len(fed) == piece:
            signal.raise_signal(signal.SIGUSR1)
        return feed(parser, data)

    def in_two(request: Received) -> Iterator[Action]:
        whole = b"".join(part for part in replies.answer("one two three")(request) if isinstance(part, bytes))
        middle = whole.index(b"two") if request.stream else len(whole) - 5
        yield whole[:middle]
        assert begun.wait(20)
        yield whole[middle:]

    groq.script(in_two)
    monkeypatch.setattr(AnswerParser, "feed", interrupted)
    before = signal.signal(signal.SIGUSR1, raising)
    try:
        with pytest.raises(SoftTimeLimit):
            run(mode, QUICK, {"provider": "groq", "fallback_models": []})
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert len(fed) == piece
    assert eventually(lambda: groq.open_connections == 0)
