"""
One run: rows are taken, asked by as many tasks as the pace allows, and written as they end.

Failures are held back while they may be those of all rows: before the first answer, and while a service is away. If the
job stops because of them, they are not written: the next run asks these rows again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from .asking import Outcome
from .failures import ALL_OF, Fault, MostFailures
from .journal import Journal
from .pace import Pace
from .progress import Ending, Numbers
from .rows import Row

TICK_S = 1.0
"""How often progress is told, and written lines go to the disk."""

Ask = Callable[[Row], Awaitable[Outcome]]


class Run:
    """
    Args:
        rows: those that are open.
        ask: asks one of them.
    """

    def __init__(
        self,
        rows: Iterator[Row] | AsyncIterator[Row],
        ask: Ask,
        journal: Journal,
        numbers: Numbers,
        *,
        pace: Pace,
        most_failures: MostFailures,
    ) -> None:
        self.ending: Ending = "complete"
        self.reason: str | None = None
        self._rows = rows
        self._ask = ask
        self._journal = journal
        self._numbers = numbers
        self._pace = pace
        self._most_failures = most_failures
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = asyncio.Event()
        self._exhausted = False
        self._reading = asyncio.Lock()
        self._held: list[Outcome] = []
        self._has_answers = False
        self._broken: Exception | None = None
        """What the source has raised."""

    def stop(self, ending: Ending, reason: str) -> None:
        """Take no more rows; calls under way end. The first reason counts."""
        if not self._stopped.is_set():
            self.ending, self.reason = ending, reason
            self._stopped.set()

    async def to_end(self) -> None:
        """
        Raises:
            OSError: the output cannot be written; what is there is whole.
            Exception: what the source has raised, once the calls under way have ended.
        """
        try:
            self._begin_tasks()
            tick_at = time.monotonic() + TICK_S
            while self._tasks:
                wait = max(0.0, tick_at - time.monotonic())
                ended, _ = await asyncio.wait(self._tasks, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
                for task in ended:
                    task.result()
                self._begin_tasks()
                if time.monotonic() >= tick_at:
                    tick_at = time.monotonic() + TICK_S
                    self._numbers.mark(time.monotonic())
                    await asyncio.to_thread(self._journal.sync)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            if self.ending != "failures":
                self._release()
        if self._broken is not None:
            raise self._broken

    def _begin_tasks(self) -> None:
        while len(self._tasks) < self._pace.at_once and not (self._exhausted or self._stopped.is_set()):
            task = asyncio.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _work(self) -> None:
        while len(self._tasks) <= self._pace.at_once and (row := await self._next()) is not None:
            if (outcome := await self._outcome(row)) is None:
                return
            self._take(outcome)
            if len(self._tasks) < self._pace.at_once:
                self._begin_tasks()

    async def _next(self) -> Row | None:
        if self._exhausted or self._stopped.is_set():
            return None
        row: Row | None
        try:
            if isinstance(self._rows, Iterator):
                row = next(self._rows, None)
            else:
                async with self._reading:
                    row = None if self._exhausted else await anext(self._rows, None)
        except Exception as error:
            self._broken = self._broken or error
            self._exhausted = True
            return None
        self._exhausted = row is None
        return row

    async def _outcome(self, row: Row) -> Outcome | None:
        """Return how a row has ended, after all waits for what is limited; None if the run stops before."""
        while True:
            outcome = await self._ask(row)
            self._pace.ended(time.monotonic(), limited=outcome.limited)
            if outcome.fault is not Fault.LIMITED:
                return outcome
            self._numbers.waiting += 1
            try:
                await asyncio.wait_for(self._stopped.wait(), outcome.wait_s)
                return None
            except TimeoutError:
                pass
            finally:
                self._numbers.waiting -= 1

    def _take(self, outcome: Outcome) -> None:
        fault = outcome.fault
        if fault is None:
            self._has_answers = True
            self._release()
            self._journal.answered(outcome.line)
            self._numbers.add(outcome)
        elif fault is Fault.SPENT:
            self.stop("cap", outcome.message)
        elif fault is Fault.OF_ALL:
            self.stop("failures", outcome.message)
        elif fault is Fault.OF_MOMENT or not self._has_answers:
            self._held.append(outcome)
            if len(self._held) >= ALL_OF:
                kind = "in a row" if self._has_answers else "that ended"
                words = f"all of the {ALL_OF} rows {kind} have failed, the last one with: {outcome.message}"
                self.stop("failures", words)
        else:
            self._fail(outcome)

    def _release(self) -> None:
        """Write the failures that were held back."""
        held, self._held = self._held, []
        for outcome in held:
            self._fail(outcome)

    def _fail(self, outcome: Outcome) -> None:
        self._journal.failed(outcome.line)
        numbers = self._numbers
        numbers.failed += 1
        if self._most_failures.exceeded(numbers.failed, numbers.ended, numbers.total):
            self.stop("failures", f"{numbers.failed} rows have failed, the last one with: {outcome.message}")
