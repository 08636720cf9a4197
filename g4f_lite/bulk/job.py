"""A job: from rows to the file of their answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Unpack

from ..client.async_client import AsyncClient
from ..client.params import ROUTING
from ..client.settings import ClientSettings
from ..errors.exceptions import ConfigurationError, G4FLiteError
from ..records.trail import Skipped
from ..transport.async_threads import off_loop
from ..types.declared_limits import UnknownPrice
from ..value import Unpicklable
from .asking import Asker
from .failures import MostFailures
from .journal import Done, Journal, read_done
from .manifest import as_plain, check_same, read_manifest, write_manifest
from .pace import AtOnce, Pace
from .planning import Plan, estimated
from .progress import Numbers, Progress, Summary
from .rows import Given, GivenRows, source_of
from .running import TICK_S, Ask, Run
from .settings import check_asks, check_keywords, check_out, client_settings, job_of, state_files, without_state
from .signals import stopping


class Job(Unpicklable):
    """
    Asks each row of a source, and appends the answers to a file. A later run with the same job goes on where this ends.

    Args:
        source: a file with JSON lines (`{"id"?, "messages" | "prompt", …parameters}`), with lines of OpenAI's batch
            API, or, with a template, CSV; `.gz` is read as it is. Or rows: mappings with these fields, or prompts, from
            any iterable or asynchronous iterable. If it yields them anew in each run, ids or their order tell which
            ones are done.
        out: the file of the answers; `OUT.failed.jsonl`, `OUT.job.json` and, with a cap or limits, `OUT.state.db`
            are made beside it.
        params: keywords of `chat.completions.create`, for what a row does not say itself.
        system: the system message of rows that have none.
        template: the prompt of each row, with names of its fields in braces.
        at_once: how many calls are made at once; `auto` learns it.
        max_cost: USD that all runs of this job may cost together, with the extra `prices`. With `max_tokens` it is
            never passed.
        unknown_price: `"allow"` uses routes without a known price beside `max_cost`, too: what they cost counts if the
            service says it, as the gateway does, but nothing is reserved for them.
        max_failures: how many rows may fail before the job stops: a number, or a share such as `"5%"`. None: any.
        retry_failed: ask the rows again that have failed in earlier runs.
        client: makes the calls, and stays open; instead of `max_cost` and the settings.
        settings: those of the job's own client, such as `routes`, `keys` or `limits`.

    Raises:
        ConfigurationError: a setting cannot work.
        TypeError: a keyword is unknown.
    """

    def __init__(
        self,
        source: str | Path | Given,
        out: str | Path,
        *,
        params: Mapping[str, Any] | None = None,
        system: str | None = None,
        template: str | None = None,
        at_once: AtOnce = "auto",
        max_cost: float | None = None,
        unknown_price: UnknownPrice = "refuse",
        max_failures: int | float | str | None = None,
        retry_failed: bool = False,
        client: AsyncClient | None = None,
        **settings: Unpack[ClientSettings],
    ) -> None:
        check_keywords(type(self).__name__, settings, Job.__init__.__kwdefaults__ or ())
        self.out = check_out(source, out)
        self._source = source_of(source)
        self._asks = check_asks(self._source, params, system, template)
        self._at_once = at_once
        self._pace = Pace(at_once)
        self._most_failures = MostFailures(max_failures)
        self._retry_failed = retry_failed
        self._settings = client_settings(self.out, client, max_cost, settings, unknown_price=unknown_price)
        self._client = client or AsyncClient(**without_state(self._settings or {}))
        """The caller's; else one for plans, and to check the settings: a run makes another, which opens the state."""
        self._routes = settings.get("routes")
        self._run: Run | None = None
        self._numbers: Numbers | None = None
        self._stop_reason: str | None = None
        self._starting: asyncio.Future[Any] | None = None
        """What a run may wait for before its first row."""

    @property
    def progress(self) -> Progress:
        """How far the run is."""
        if self._numbers is None:
            return Progress()
        stopping = self._run is not None and self._run.stopping
        return Progress(**self._numbers.at(time.monotonic(), self._pace.at_once), stopping=stopping)

    # -- without sending anything ----------------------------------------------------------

    def plan(self) -> Plan:
        """
        Return what a run would do, and what it may cost. Nothing is sent, and nothing is written.

        Raises:
            ConfigurationError: the source cannot be read, the output is that of another job, or what the job asks for
                cannot work: there is no such provider or model, or no key.
        """
        self._check(read_manifest(self.out))
        done = self._done()
        left = None if self._source.total is None else max(0, self._source.total - done.answered - done.failed)
        guess: dict[str, Any] = {}
        if not isinstance(self._source, GivenRows) or self._source.is_lasting:
            guess = self._estimated(done, left, whole=True)
        return Plan(rows=self._source.total, answered=done.answered, failed=done.failed, **guess)

    def left_out(self) -> tuple[Skipped, ...]:
        """
        Return the routes that the job itself names and that are left out from the start, with the reasons, if others
        can answer in their place. Nothing is read, and nothing is sent.
        """
        chosen: dict[str, Any] = {name: value for name, value in self._asks.params.items() if name in ROUTING}
        if self._routes is None and "provider" not in chosen:
            return ()
        try:
            self._client.explain(**chosen)
        except G4FLiteError:
            return ()  # the run raises it
        try:
            return self._client.explain(**{**chosen, "fallback_models": []}).skipped
        except G4FLiteError as error:
            return tuple(one for one in error.trail.entries if isinstance(one, Skipped))

    def _estimated(self, done: Done, left: int | None, *, whole: bool = False) -> dict[str, Any]:
        rows = self._source.read(done.rows, done.ids)
        assert not isinstance(rows, AsyncIterator)
        return estimated(Asker(self._client, self._asks), rows, left, whole=whole)

    def _check(self, known: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the job is, if it is the known one."""
        job = {"source": self._source.facts(known.get("source", {})), **job_of(self._asks, self._routes)}
        job = as_plain(job)
        if known:
            check_same(self.out, known, job)
        return job

    def _check_routes(self, done: Done) -> None:
        """Raise what `plan` would, if the rows can be read without taking any away."""
        if not isinstance(self._source, GivenRows) or self._source.is_sequence:
            self._estimated(done, None)

    def _done(self) -> Done:
        with_ids = isinstance(self._source, GivenRows)
        total, with_failures = self._source.total, not self._retry_failed
        return read_done(self.out, with_ids=with_ids, with_failures=with_failures, total=total)

    # -- a run -----------------------------------------------------------------------------

    def run(self, on_progress: Callable[[Progress], None] | None = None) -> Summary:
        """
        Run the job to its end, and return how it has ended.

        In the main thread, Ctrl-C and SIGTERM let calls under way end, and a second one does not.

        Args:
            on_progress: called each second, and at the end.

        Raises:
            ConfigurationError: as `plan`; another run writes the same output; or an event loop runs, as in Jupyter.
            OSError: the output cannot be written; what is there is whole, and a later run goes on.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(self._run_here(on_progress))
        raise ConfigurationError("run() cannot wait where an event loop runs; use `async for progress in job`")

    async def _run_here(self, on_progress: Callable[[Progress], None] | None) -> Summary:
        task = asyncio.ensure_future(self._summary())
        with stopping(self.stop, task.cancel):
            async for progress in self._watched(task):
                if on_progress is not None:
                    on_progress(progress)
        return task.result()

    async def __aiter__(self) -> AsyncIterator[Progress]:
        """
        Run the job; yield its progress each second, and its `Summary` at the end. To leave the loop ends the run.

        Raises:
            ConfigurationError, OSError: as `run`.
        """
        task = asyncio.ensure_future(self._summary())
        try:
            async for progress in self._watched(task):
                yield progress
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})

    async def _watched(self, task: asyncio.Future[Summary]) -> AsyncIterator[Progress]:
        while not task.done():
            await asyncio.wait({task}, timeout=TICK_S)
            if not task.done():
                yield self.progress
        yield task.result()

    def stop(self, reason: str = "stop()") -> None:
        """Let the run end: no more rows are taken, and calls under way end."""
        self._stop_reason = reason
        if self._run is not None:
            self._run.stop("interrupted", reason)
        elif self._starting is not None:
            self._starting.cancel()

    async def _summary(self) -> Summary:
        self._stop_reason = None
        run: Run | None = None
        journal, done = await _opened(self._open)
        try:
            self._numbers = numbers = Numbers(done, self._source.total, time.monotonic())
            self._pace = Pace(self._at_once)
            with self._ending_if_stopped():  # before the first row
                async with self._asking() as ask:
                    rows = self._source.read(done.rows, done.ids)
                    self._run = run = Run(
                        rows, ask, journal, numbers, pace=self._pace, most_failures=self._most_failures
                    )
                    if self._stop_reason is not None:
                        run.stop("interrupted", self._stop_reason)
                    with self._ending_if_stopped():
                        await run.to_end()
        finally:
            self._run = None
            journal.close()
        ending, reason = ("interrupted", self._stop_reason) if run is None else (run.ending, run.reason)
        if ending == "complete" and not numbers.failed:
            for path in state_files(self.out):
                path.unlink(missing_ok=True)
        return Summary(**numbers.at(time.monotonic(), self._pace.at_once), ending=ending, reason=reason)

    @contextmanager
    def _ending_if_stopped(self) -> Iterator[None]:
        """Let a cancellation end the run, and not its caller, if it comes from `stop` or Ctrl-C."""
        try:
            yield
        except asyncio.CancelledError:
            if self._stop_reason is None:
                raise

    def _open(self) -> tuple[Journal, Done]:
        known = read_manifest(self.out)
        job = self._check(known)
        if not known:  # before there is a file
            self._check_routes(Done(with_ids=False))
        journal = Journal(self.out)
        try:
            if of_now := read_manifest(self.out):  # nobody else can write it any more
                check_same(self.out, of_now, job)
            else:
                write_manifest(self.out, job)
            done = self._done()
            if known:
                self._check_routes(done)
            if self._retry_failed:
                journal.forget_failures()
        except BaseException:
            journal.close()
            raise
        return journal, done

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[Ask]:
        """Yield what asks a row."""
        if self._settings is None:
            yield Asker(self._client, self._asks)
            return
        async with AsyncClient(**self._settings) as client:
            yield Asker(client, self._asks)


async def _opened(open_journal: Callable[[], tuple[Journal, Done]]) -> tuple[Journal, Done]:
    """Call a function in a thread; if this task is cancelled meanwhile, close what it returns."""
    opening = asyncio.ensure_future(off_loop(open_journal))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        journal, _ = await opening
        journal.close()
        raise
