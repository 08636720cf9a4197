"""
Hedging: a second leg starts beside a slow one, and the faster of the two wins.

Rule: asyncio only; what an attempt is and what its answer holds is not known here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from .plan import Plan

T = TypeVar("T")


async def race(
    plan: Plan, attempt: Callable[[], Awaitable[T]], after: float, discard: Callable[[T], Awaitable[None]]
) -> T:
    """
    Attempt; if there is no content after a while, start the next leg beside it.

    Args:
        after: seconds.
        discard: frees an answer that is not returned.

    Raises:
        ProviderError: both legs failed; the later failure.
    """
    racing: set[asyncio.Future[T]] = {asyncio.ensure_future(attempt())}
    winner: asyncio.Future[T] | None = None
    try:
        await asyncio.wait(racing, timeout=after)
        if plan.has_next and not all(task.done() for task in racing):
            racing.add(asyncio.ensure_future(attempt()))
        winner = await _fastest(racing, plan)
        return winner.result()
    finally:
        # Without a winner the caller has cancelled the call: then no attempt has lost a race.
        plan.race_won = winner is not None
        try:
            await _cancel(racing - {winner}, discard)
        except asyncio.CancelledError:  # the caller gets no answer: the winner's must not stay open
            plan.race_won = False
            if winner is not None and _has_answer(winner):
                await discard(winner.result())
            raise
        finally:
            plan.race_won = False
            racing.clear()  # the traceback of a failure refers to this frame, and a task to its failure: a cycle
            del winner


async def _fastest(racing: set[asyncio.Future[T]], plan: Plan) -> asyncio.Future[T]:
    """
    Return the first task that has an answer; else the one that fails last, or whose failure ends the call.

    Of two that have come together it is the later one, whose attempt is the last one of the trail.
    """
    ended: list[asyncio.Future[T]] = []
    for task in racing:
        task.add_done_callback(ended.append)
    pending = racing
    while True:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        in_order = [*ended, *done.difference(ended)]
        answered = [task for task in in_order if _has_answer(task)]
        if answered or not pending or plan.not_retryable:  # a failure that stops the call ends the race
            return (answered or in_order)[-1]


async def _cancel(losers: set[asyncio.Future[T]], discard: Callable[[T], Awaitable[None]]) -> None:
    """Cancel all, and return when they have ended, even if this task is cancelled in the meantime."""
    cancelled: asyncio.CancelledError | None = None
    for loser in losers:
        loser.cancel()
    while pending := {loser for loser in losers if not loser.done()}:
        try:
            await asyncio.wait(pending)
        except asyncio.CancelledError as error:
            cancelled = error
    for loser in losers:
        if _has_answer(loser):
            await discard(loser.result())
    if cancelled is not None:
        raise cancelled


def _has_answer(task: asyncio.Future[T]) -> bool:
    return not task.cancelled() and task.exception() is None
