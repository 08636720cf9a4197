"""Runs the traffic of a scenario through the clients of its policy, on a virtual clock."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, TypeAlias

from ..client.async_stream import AsyncStream
from ..client.resources.chat import AsyncCompletions
from ..errors.exceptions import G4FLiteError
from ..records import prices
from .clients import clients_of, prices_of, providers_of
from .figures import PolicyReport, Recorder
from .provider import CHARACTERS_PER_TOKEN
from .scenario import Scenario
from .services import services_of
from .traffic import PAUSE_S, Size, calls_of, chance_of, sizes
from .transport import SimulatedTransport
from .virtual_loop import StuckError, VirtualLoop

Progress: TypeAlias = Callable[[int, float], None]
"""Is told of calls that have ended, and of the virtual time, now and then."""

_TOLD_EVERY = 1000


class Run:
    """
    One policy, from the first call to the end of the last one.

    Args:
        calls: when calls begin, in order, and what they ask for; None: as the scenario's traffic says.
        progress: is told how far it is.
    """

    def __init__(
        self,
        scenario: Scenario,
        calls: Iterable[tuple[float, Size]] | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.scenario = scenario
        self._calls = calls_of(scenario.traffic, scenario.seed) if calls is None else calls
        self._progress = progress
        self._loop = VirtualLoop()  # type: ignore[abstract]  # of what it lacks, nothing is used
        self._clock = self._loop.clock
        self.services = services_of(scenario.services, scenario.seed)
        self.recorder = Recorder({name: one.phases for name, one in scenario.services.items()})
        providers = providers_of(scenario)
        by_address = {providers[name].api_base: service for name, service in self.services.items()}
        transport = SimulatedTransport(self._loop, by_address, self.recorder.request_ended)
        self._prices = prices_of(scenario)
        with prices.declared(self._prices):
            self._clients = clients_of(scenario, transport, providers, self._clock)
        self._sizes = sizes(scenario.traffic, chance_of(scenario.seed, "workers"))
        self._begun = self._under_way = 0
        self._over = False
        self._idle: asyncio.Future[None] | None = None

    def report(self) -> PolicyReport:
        """Run it, and return what came of it."""
        with prices.declared(self._prices), _few_collections():
            try:
                self._loop.run_until_complete(self._traffic())
            except StuckError:  # without a limit, a call may wait for ever
                self._cancel()
            except BaseException:  # Ctrl-C
                self._cancel()
                raise
            finally:
                self._loop.close()
        return self.recorder.report(self.scenario.name, self._clock.now, self.services)

    def _cancel(self) -> None:
        """Cancel all calls, and let them end: a stream that is dropped in the middle would complain."""
        self._over = True
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()

        async def end() -> None:
            await asyncio.gather(*tasks, return_exceptions=True)

        self._loop.run_until_complete(end())

    # -- traffic ---------------------------------------------------------------------------

    async def _traffic(self) -> None:
        loop, clock = self._loop, self._clock
        for _ in range(self.scenario.traffic.workers):
            self._start(self._worker())
        for when, size in self._calls:
            if when > clock.now:
                await loop.at(when)
            self._start(self._call(size))
        if self._under_way:
            self._idle = loop.create_future()
            await self._idle

    def _start(self, call: Any) -> None:
        self._under_way += 1
        self._loop.create_task(call).add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            self.recorder.never_ended()
        elif (error := task.exception()) is not None and not self._over:
            raise error
        self._under_way -= 1
        if not self._under_way and self._idle is not None and not self._idle.done():
            self._idle.set_result(None)

    async def _worker(self) -> None:
        """Make one call after another."""
        traffic = self.scenario.traffic
        while (traffic.calls is None or self._begun < traffic.calls) and (
            traffic.duration_s is None or self._clock.now < traffic.duration_s
        ):
            began = self._clock.now
            await self._call(next(self._sizes))
            if self._clock.now == began:
                await asyncio.sleep(PAUSE_S)

    # -- a call ----------------------------------------------------------------------------

    async def _call(self, size: Size) -> None:
        number = self._begun
        self._begun = number + 1
        client: AsyncCompletions = self._clients[number % len(self._clients)]
        clock, recorder = self._clock, self.recorder
        began, first = clock.now, None
        params: dict[str, Any] = {
            "messages": _messages(size.prompt),
            "seed": size.tokens,
        }
        if self.scenario.traffic.max_tokens is not None:
            params["max_tokens"] = self.scenario.traffic.max_tokens
        try:
            if size.stream:
                stream: AsyncStream[Any] = await client.create(stream=True, **params)
                first = clock.now
                async for _ in stream:
                    pass
                trail = stream.trail
            else:
                trail = (await client.create(**params)).trail
            recorder.answered(began, clock.now, first, trail)
        except G4FLiteError as error:
            recorder.failed(clock.now, type(error).__name__, error.trail, has_content=first is not None)
            error.__traceback__ = None
        if self._progress is not None and recorder.calls % _TOLD_EVERY == 0:
            self._progress(recorder.calls, clock.now)


@lru_cache(maxsize=256)
def _messages(tokens: int) -> Sequence[dict[str, str]]:
    """Return a prompt of this length; a call copies it."""
    return ({"role": "user", "content": "x" * (tokens * CHARACTERS_PER_TOKEN)},)


@contextmanager
def _few_collections() -> Iterator[None]:
    """Let the garbage collector look rarely: a call leaves no cycles, but many objects that it would look at."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, 10, 10)
    try:
        yield
    finally:
        gc.set_threshold(*before)
