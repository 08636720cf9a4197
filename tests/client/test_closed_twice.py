"""Two threads close a stream at once: the attempt and the call end once."""

from __future__ import annotations

import sys
import threading
from types import FrameType
from typing import Any

import pytest
from helpers.driving import MESSAGES
from helpers.plain_routes import Plain

from g4f_lite import Client, hookimpl
from g4f_lite.plugins.observers import Observers
from g4f_lite.testing import FaultServer, replies


class Observer:
    def __init__(self) -> None:
        self.told: list[str] = []

    @hookimpl
    def attempt_finished(self, attempt: Any) -> None:
        self.told.append(f"attempt: {attempt.outcome}")

    @hookimpl
    def call_finished(self, trail: Any) -> None:
        self.told.append(f"call: {trail.outcome}")


@pytest.mark.no_cover
@pytest.mark.parametrize("hook", ["attempt_finished", "call_finished"])
def test_each_end_is_told_once(hook: str, server: FaultServer) -> None:
    """The other thread comes when this one has seen that nobody has told the observers yet."""
    server.script(replies.silence("stream", 1))
    observer, others = Observer(), list[threading.Thread]()
    with Client(routes=[Plain(api_base=server.base_url)], plugins=[observer]) as client:
        stream = client.chat.completions.create(messages=MESSAGES, stream=True)
        next(stream)

        def profile(frame: FrameType, event: str, argument: object) -> None:
            if event == "call" and frame.f_code is Observers.observe.__code__ and frame.f_locals["hook"] == hook:
                sys.setprofile(None)
                others.append(threading.Thread(target=stream.close))
                others[0].start()
                others[0].join(0.2)  # it may wait for this thread

        sys.setprofile(profile)
        try:
            stream.close()
        finally:
            sys.setprofile(None)
        others[0].join(10)
        assert not others[0].is_alive()
    assert observer.told == ["attempt: ok", "call: closed"]
