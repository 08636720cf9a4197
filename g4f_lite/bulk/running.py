"""
One run: rows are taken, asked by as many tasks as the pace allows, and written as they end.

Failures are held back while they may be those of all rows: before the first answer, and while a service is away. If the
job stops because of them, they are not written: the next run asks these rows again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, Protocol

from ..transport.async_threads import off_loop
from .asking import Waiting
from .failures import ALL_OF, Fault, MostFailures
from .journal import Journal
from .lines import Answered, Outcome
from .pace import Pace
from .progress import Ending, Numbers
from .rows import Row

TICK_S, SYNC_S = 1.0, 5.0
"""How often progress is told, and how often what was written goes to the disk."""

_GATHER_S = 0.01
"""How long answers wait for others, to be written together: if the process is killed meanwhile, they are asked again,
as those are whose calls are under way."""

SILENT_S = 30.0
"""A job without an answer yet stops after so long if all its calls wait for services that fail; later, after the time
that a call may take."""


class Ask(Protocol):
    """What asks a row."""

    async def __call__(self, row: Row, /) -> Outcome | Answered: ...

    def end_waits(self) -> None:
        """Let go of the calls that only wait, now or later."""

    def waiting(self) -> Waiting:
        """Return what the calls wait for that only wait."""
        ...


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
        self._reads_at_once = isinstance(rows, Iterator)
        self._ask = ask
        self._journal = journal
        self._numbers = numbers
        self._pace = pace
        self._most_failures = most_failures
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = asyncio.Event()
        self._exhausted = False
        self._reading = asyncio.Lock()
        self._reader: asyncio.Task[Any] | None = None
        """Waits for the source."""
        self._held: list[Outcome] = []
        self._has_answers = numbers.answered > 0
        self._answered_at: float | None = None
        """When this run got its last answer."""
        self._begun_at = time.monotonic()
        self._answers: list[Outcome | Answered] = []
        """They are not written yet."""
        self._failures: list[bytes] = []
        self._writes = False
        """They will be."""
        self._unwritable: Exception | None = None
        self._broken: Exception | None = None
        """What the source has raised."""

    def stop(self, ending: Ending, reason: str) -> None:
        """Take no more rows; calls under way end, and those that only wait are let go. The first reason counts."""
        if not self._stopped.is_set():
            self.ending, self.reason = ending, reason
            self._stopped.set()
            self._ask.end_waits()

    @property
    def stopping(self) -> bool:
        return self._stopped.is_set()

    async def to_end(self) -> None:
        """
        Raises:
            OSError: the output cannot be written; what is there is whole.
            Exception: what the source has raised, once the calls under way have ended.
        """
        try:
            self._begin_tasks()
            tick_at, sync_at = time.monotonic() + TICK_S, time.monotonic() + SYNC_S
            while self._tasks:
                wait = max(0.0, tick_at - time.monotonic())
                ended, _ = await asyncio.wait(self._tasks, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
                if self._unwritable is not None:
                    raise self._unwritable
                for task in ended:
                    task.result()
                if self._stopped.is_set() and self._reader is not None:
                    self._reader.cancel()  # its source may never yield
                self._begin_tasks()
                if (now := time.monotonic()) >= tick_at:
                    tick_at = now + TICK_S
                    self._numbers.mark(now)
                    self._look(now)
                if now >= sync_at:
                    await off_loop(self._journal.sync)
                    sync_at = time.monotonic() + SYNC_S
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._numbers.look(Waiting())
            if self.ending != "failures":
                self._release()
            self._write()
        for error in (self._unwritable, self._broken):
            if error is not None:
                raise error

    def _look(self, now: float) -> None:
        """See what the calls wait for, and stop if that has been for services that fail, and nothing else, too long."""
        calls = self._ask.waiting()
        self._numbers.look(calls)
        if calls.are_failing and calls.calls >= len(self._tasks):
            silent_s = now - (self._answered_at or self._begun_at)
            if silent_s >= (SILENT_S if self._answered_at is None else calls.deadline_s):
                words = f"no row was answered for {silent_s:.0f} s, and all calls wait for services that fail"
                self.stop("failures", f"{words}, the last one with: {calls.error}")

    def _begin_tasks(self) -> None:
        while len(self._tasks) < self._pace.at_once and not (self._exhausted or self._stopped.is_set()):
            task = asyncio.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _work(self) -> None:
        pace, tasks = self._pace, self._tasks
        while len(tasks) <= pace.at_once and (row := self._row() if self._reads_at_once else await self._later_row()):
            outcome = await self._ask(row)
            pace.ended(time.monotonic(), limited=outcome.limited)
            if outcome.fault is not Fault.LIMITED:
                self._take(outcome)
            elif (later := await self._again(row, outcome)) is not None:
                self._take(later)
            if len(tasks) < pace.at_once:
                self._begin_tasks()

    def _row(self) -> Row | None:
        """Return the next row; None if there is none, or the run stops."""
        row = None
        if not self._stopped.is_set():
            try:
                row = next(self._rows, None)  # type: ignore[arg-type]  # it `_reads_at_once`
            except Exception as error:
                self._broken = self._broken or error
            self._exhausted = row is None
        return row

    async def _later_row(self) -> Row | None:
        async with self._reading:
            row = None
            if not self._stopped.is_set() and not self._exhausted:
                self._reader = asyncio.current_task()
                try:
                    row = await anext(self._rows, None)  # type: ignore[arg-type]  # as above
                except asyncio.CancelledError:
                    if not self._stopped.is_set():
                        raise
                except Exception as error:
                    self._broken = self._broken or error
                finally:
                    self._reader = None
                self._exhausted = row is None
            return row

    async def _again(self, row: Row, outcome: Outcome | Answered) -> Outcome | Answered | None:
        """Ask a row after all waits for what is limited; return None if the run stops before."""
        while isinstance(outcome, Outcome) and outcome.fault is Fault.LIMITED:
            self._numbers.waiting += 1
            try:
                await asyncio.wait_for(self._stopped.wait(), outcome.wait_s)
                return None
            except TimeoutError:
                pass
            finally:
                self._numbers.waiting -= 1
            outcome = await self._ask(row)
            self._pace.ended(time.monotonic(), limited=outcome.limited)
        return outcome

    def _take(self, outcome: Outcome | Answered) -> None:
        fault = outcome.fault
        if isinstance(outcome, Outcome) and outcome.message:
            self._numbers.last_error = outcome.message
        if fault is Fault.LEFT:
            return
        if isinstance(outcome, Answered) or fault is None:
            self._has_answers, self._answered_at = True, time.monotonic()
            if self._held:
                self._release()
            self._answers.append(outcome)
            self._write_soon()
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
        self._failures.append(outcome.line)
        self._write_soon()
        numbers = self._numbers
        numbers.failed += 1
        if self._most_failures.exceeded(numbers.failed, numbers.ended, numbers.total):
            self.stop("failures", f"{numbers.failed} rows have failed, the last one with: {outcome.message}")

    def _write_soon(self) -> None:
        """Write what has ended, with what ends in the next moment."""
        if not self._writes:
            self._writes = True
            asyncio.get_running_loop().call_later(_GATHER_S, self._write)

    def _write(self) -> None:
        answers, failures = self._answers, self._failures
        self._answers, self._failures, self._writes = [], [], False
        if self._unwritable is None:
            try:
                outcomes = [one.outcome() if isinstance(one, Answered) else one for one in answers]
                self._journal.write([one.line for one in outcomes], failures)
            except Exception as error:  # `to_end` raises it
                self._unwritable = error
                self._stopped.set()
                for task in self._tasks:
                    task.cancel()
            else:
                self._numbers.add(outcomes)
