"""Runs the traffic of a scenario through the clients of its policy, on a virtual clock."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, TypeAlias

from ..errors.exceptions import G4FLiteError
from ..records import prices
from ..types.chat_request import ChatRequest
from ..value import JSONObject
from .clients import NO_KEYWORDS, clients_of, prices_of, providers_of
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


class _Caller:
    """
    A task that makes one call after another.

    Attributes:
        arrival: has a result when its next call begins.
        size: of that call; None if there is none.
    """

    __slots__ = ("arrival", "size")

    def __init__(self, arrival: asyncio.Future[None], size: Size | None) -> None:
        self.arrival, self.size = arrival, size


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
        self._calls = calls_of(scenario.traffic, scenario.seed) if calls is None else iter(calls)
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
        self._begun = 0
        self._under_way = 0
        """Calls that have begun or that are to begin next, and workers."""
        self._resting: list[_Caller] = []
        self._over = False
        self._idle: asyncio.Future[None] | None = None

    def report(self) -> PolicyReport:
        """Run it, and return what came of it."""
        with prices.declared(self._prices), _few_collections(), self._loop.ctrl_c_between_steps():
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
        for _ in range(self.scenario.traffic.workers):
            self._under_way += 1
            self._start(self._worker())
        self._arrange_next()
        if self._under_way:
            self._idle = self._loop.create_future()
            await self._idle
        for caller in self._resting:
            caller.arrival.set_result(None)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._loop.create_task(work).add_done_callback(self._check)

    def _check(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None and not self._over:
            raise error

    def _end_one(self) -> None:
        self._under_way -= 1
        if not self._under_way and self._idle is not None:
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
        self._end_one()

    def _arrange_next(self) -> None:
        """Let the next call of the traffic begin when it is time."""
        if (found := next(self._calls, None)) is None:
            return
        when, size = found
        self._under_way += 1
        if self._resting:
            caller = self._resting.pop()
            caller.size = size
            self._loop.set_at(when, caller.arrival)
        else:
            self._start(self._make_calls(_Caller(self._loop.at(when), size)))

    async def _make_calls(self, caller: _Caller) -> None:
        """Make a call at its time, then others: a task for each call would take longer."""
        while True:
            await caller.arrival
            if (size := caller.size) is None:
                return
            self._arrange_next()
            await self._call(size)
            caller.arrival, caller.size = self._loop.create_future(), None
            self._resting.append(caller)
            self._end_one()

    # -- a call ----------------------------------------------------------------------------

    async def _call(self, size: Size) -> None:
        number = self._begun
        self._begun = number + 1
        client = self._clients[number % len(self._clients)]
        clock, recorder = self._clock, self.recorder
        began, first = clock.now, None
        request = ChatRequest(
            messages=_messages(size.prompt), seed=size.tokens, max_tokens=self.scenario.traffic.max_tokens
        )
        try:
            if size.stream:
                stream = await client.stream(request)
                first = clock.now
                async for _ in stream:
                    pass
                trail = stream.trail
            else:
                call = client.calls.checked_call(request, NO_KEYWORDS, stream=False)
                trail = (await client.driver.answer(call)).trail
            recorder.answered(began, clock.now, first, trail)
        except G4FLiteError as error:
            recorder.failed(clock.now, type(error).__name__, error.trail, has_content=first is not None)
            error.__traceback__ = None
        except asyncio.CancelledError:
            recorder.never_ended()
            raise
        if self._progress is not None and recorder.calls % _TOLD_EVERY == 0:
            self._progress(recorder.calls, clock.now)


@lru_cache(maxsize=256)
def _messages(tokens: int) -> tuple[JSONObject, ...]:
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
