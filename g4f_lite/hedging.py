"""A second leg beside a slow one: the first to speak wins, the other is broken off."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from .call import OUTRUN, Call

T = TypeVar("T")


async def hedged(
    call: Call, attempt: Callable[[Call], Awaitable[T]], after: float, discard: Callable[[T], Awaitable[None]]
) -> T:
    """
    Attempt; when there is no content after so many seconds, start the next leg beside it.

    Args:
        after: seconds.
        discard: frees the answer of a leg that came in second.

    Raises:
        ProviderError: both legs failed; the later failure.
    """
    racing = {asyncio.ensure_future(attempt(call))}
    winner: asyncio.Future[T] | None = None
    try:
        await asyncio.wait(racing, timeout=after)
        if call.plan.has_next and not all(task.done() for task in racing):
            racing.add(asyncio.ensure_future(attempt(call)))
        pending = racing
        while winner is None:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            spoke = [task for task in done if not task.cancelled() and task.exception() is None]
            winner = spoke[0] if spoke else next(iter(done)) if not pending else None
        return winner.result()
    finally:
        for loser in racing - {winner}:
            await _break_off(loser, discard)


async def _break_off(loser: asyncio.Future[T], discard: Callable[[T], Awaitable[None]]) -> None:
    loser.cancel(OUTRUN)
    await asyncio.wait([loser])
    if not loser.cancelled() and loser.exception() is None:
        await discard(loser.result())
