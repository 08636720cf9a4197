"""A second leg beside a slow one: the first to speak wins, the other is broken off."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from ..call.call import Call


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
    racing: set[asyncio.Future[T]] = {asyncio.ensure_future(attempt(call))}
    winner: asyncio.Future[T] | None = None
    try:
        await asyncio.wait(racing, timeout=after)
        if call.plan.has_next and not all(task.done() for task in racing):
            racing.add(asyncio.ensure_future(attempt(call)))
        pending = racing
        while winner is None:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            spoke = [task for task in done if not task.cancelled() and task.exception() is None]
            if spoke:
                winner = spoke[0]
            elif not pending or call.plan.not_retryable:  # a failure that stops the call ends the race
                winner = next(iter(done))
        return winner.result()
    finally:
        # Without a winner the caller has cancelled the call: then both legs were broken off.
        await _break_off(racing - {winner}, None if winner is None else OUTRUN, discard)


async def _break_off(
    losers: set[asyncio.Future[T]], message: str | None, discard: Callable[[T], Awaitable[None]]
) -> None:
    """Cancel all, and return when they have ended, whatever happens to this task meanwhile."""
    cancelled: asyncio.CancelledError | None = None
    for loser in losers:
        loser.cancel(message)
    while pending := {loser for loser in losers if not loser.done()}:
        try:
            await asyncio.wait(pending)
        except asyncio.CancelledError as error:
            cancelled = error
    for loser in losers:
        if not loser.cancelled() and loser.exception() is None:
            await discard(loser.result())
    if cancelled is not None:
        raise cancelled


OUTRUN = "another leg spoke first"
"""The message with which a hedged attempt is cancelled."""
