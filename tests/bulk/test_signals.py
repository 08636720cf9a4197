"""Ctrl-C stops a job on each kind of event loop; that of Windows has no signal handlers of its own."""

from __future__ import annotations

import asyncio
import signal
from typing import Any, NoReturn

import pytest

from g4f_lite.bulk.signals import stopping


class WithoutHandlers(asyncio.SelectorEventLoop):
    def add_signal_handler(self, *_: Any) -> NoReturn:
        raise NotImplementedError


@pytest.mark.parametrize("loop", [asyncio.SelectorEventLoop, WithoutHandlers])
def test_the_first_ctrl_c_stops_and_the_next_one_cancels(loop: type[asyncio.AbstractEventLoop]) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()

    async def main() -> None:
        here = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
        with stopping(told.put_nowait, lambda: told.put_nowait("cancel")):
            for expected in ("Ctrl-C", "cancel", "cancel"):
                signal.raise_signal(signal.SIGINT)
                assert await asyncio.wait_for(told.get(), 30) == expected
        assert here == (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(main())
    assert told.empty()
