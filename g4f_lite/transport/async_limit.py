"""A time limit for what a task awaits, which takes what has come in time although the program was held up."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

_ROUNDS = 12
"""
Of the event loop, after the limit: what is there may need some to be taken. A new connection needs the most. They take
time only if the loop is busy: then they are what it was held up by.
"""


class Within:
    """
    As `asyncio.timeout`: raises TimeoutError in place of what is awaited inside. It may be set anew.

    asyncio's cancels its task even if what that waits for has come, and only the loop was held up past the limit.
    """

    def __init__(self, seconds: float) -> None:
        self._timeout = asyncio.timeout(None)
        self._seconds = seconds
        self._rounds = 0
        self._loop: asyncio.AbstractEventLoop
        self._next: asyncio.Handle

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        self._loop = asyncio.get_running_loop()
        self._next = self._loop.call_later(self._seconds, self._due)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._next.cancel()
        await self._timeout.__aexit__(kind, error, trace)

    def restart(self, seconds: float) -> None:
        """End so many seconds from now instead."""
        self._next.cancel()
        self._rounds = 0
        self._next = self._loop.call_later(seconds, self._due)

    def expired(self) -> bool:
        return self._timeout.expired()

    def _due(self) -> None:
        if self._rounds < _ROUNDS:
            self._rounds += 1
            self._next = self._loop.call_soon(self._due)
        else:
            self._timeout.reschedule(self._loop.time())
