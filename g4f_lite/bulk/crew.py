"""
The actors of a job on Ray, as its driver sees them.

A message costs as much as several calls: each brings an actor some rows, and comes back with the outcomes of those that
have ended meanwhile. If an actor dies, the rows that it had are asked again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any

import msgspec
import ray
from msgspec.structs import astuple
from ray import cloudpickle

from .asking import Outcome
from .rows import Row

_DEAD_S = 120.0
"""After so long without an outcome, while actors die, they cannot work."""
_PAUSE_S = 0.2
_outcomes = msgspec.msgpack.Decoder(list[Outcome]).decode


async def ready(actor: Any) -> None:
    """
    Return once an actor can work.

    Raises:
        RayError: it cannot, also not after it was started again.
    """
    end = time.monotonic() + _DEAD_S
    while True:
        try:
            await actor.ready.remote()
            return
        except ray.exceptions.RayActorError as error:  # it has died, and is started again
            if error.actor_init_failed or time.monotonic() > end:
                raise
            await asyncio.sleep(_PAUSE_S)


class Crew:
    """The actors of a job."""

    def __init__(self, actors: Sequence[Any]) -> None:
        self.answered_at = time.monotonic()
        self._members = [_Member(actor, self) for actor in actors]
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, row: Row) -> Outcome:
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.give(row, outcome)
        return await outcome

    def give(self, row: Row, outcome: asyncio.Future[Outcome]) -> None:
        """Give a row to the actor that has the fewest, and none to one that is started again if another can take it."""
        min(self._members, key=_Member.order).give(row, outcome)

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()


class _Member:
    """An actor, and the rows that it has."""

    def __init__(self, actor: Any, crew: Crew) -> None:
        self._actor = actor
        self._crew = crew
        self._rows: dict[int, tuple[Row, asyncio.Future[Outcome]]] = {}
        self._next: list[Row] = []
        """Those of them that it will get with the next message."""
        self._sends = False
        """There will be one."""
        self._messages = 0
        """That are under way."""
        self._life = 0
        self._restarts = False

    def order(self) -> tuple[bool, int]:
        return self._restarts, len(self._rows)

    def give(self, row: Row, outcome: asyncio.Future[Outcome]) -> None:
        self._rows[row.number] = row, outcome
        self._next.append(row)
        self._send_soon()

    def _send_soon(self) -> None:
        """Send a message when all rows of this turn of the event loop are there."""
        if not self._sends:
            self._sends = True
            asyncio.get_running_loop().call_soon(self._send)

    def _send(self) -> None:
        rows, self._next, self._sends = self._next, [], False
        if rows or (self._rows and not self._messages):
            self._crew.begin(self._exchange(rows))

    async def _exchange(self, rows: list[Row]) -> None:
        life = self._life
        self._messages += 1
        try:
            given = cloudpickle.dumps([astuple(row) for row in rows])
            outcomes = _outcomes(await self._actor.exchange.remote(given))
        except ray.exceptions.RayActorError as error:  # it has died, and is started again
            if life == self._life:
                self._life += 1
                self._crew.begin(self._lost(error))
            return
        except Exception as error:  # whoever waits for the rows gets it
            self._fail(error)
            return
        finally:
            self._messages -= 1
        for outcome in outcomes:
            self._crew.answered_at = time.monotonic()
            _, future = self._rows.pop(outcome.row, (None, None))
            if future is not None and not future.done():
                future.set_result(outcome)
        self._send_soon()

    def _fail(self, error: Exception) -> None:
        rows, self._rows, self._next = self._rows, {}, []
        for _, future in rows.values():
            if not future.done():
                future.set_exception(error)

    async def _lost(self, error: Exception) -> None:
        """Let the rows of an actor that has died be asked again, and wait until it has been started again."""
        if time.monotonic() - self._crew.answered_at > _DEAD_S:
            self._fail(error)
            return
        rows, self._rows, self._next = self._rows, {}, []
        self._restarts = True
        await asyncio.sleep(_PAUSE_S)
        for row, future in rows.values():
            if not future.done():
                self._crew.give(row, future)
        with suppress(ray.exceptions.RayError):  # its rows say it
            await ready(self._actor)
        self._restarts = False
