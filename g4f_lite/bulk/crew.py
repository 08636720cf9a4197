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

from .asking import Waiting, together
from .lines import Outcome, left
from .rows import Row

_DEAD_S = 300.0
"""If actors die for so long, and none has an outcome, they cannot work."""
_PAUSE_S, _CLOSING_S = 0.2, 10.0
_waiting = msgspec.msgpack.Decoder(Waiting).decode
_outcomes = msgspec.msgpack.Decoder(list[Outcome]).decode


class Crew:
    """The actors of a job."""

    def __init__(self, actors: Sequence[Any]) -> None:
        self.dying_since: float | None = None
        """When the first actor has died after the last outcome."""
        self.ends = False
        """Rows that an actor had that has died are left."""
        self._members = [_Member(actor, self) for actor in actors]
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """
        Return once an actor can work; others may still wait for their place in the cluster.

        Raises:
            ConnectionError: one cannot work.
        """
        starting = [self.begin(member.start()) for member in self._members]
        await asyncio.wait(starting, return_when=asyncio.FIRST_COMPLETED)
        for member in self._members:
            if member.failure is not None:
                raise ConnectionError(f"an actor cannot work: {member.failure}") from member.failure

    async def __call__(self, row: Row) -> Outcome:
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.give(row, outcome)
        return await outcome

    def end_waits(self) -> None:
        """Let the actors let go of the calls that only wait."""
        self.ends = True
        for member in self._members:
            member.actor.end_waits.remote()

    def waiting(self) -> Waiting:
        """Return what the actors' calls waited for when they last said so; they say it again."""
        for member in self._members:
            member.look()
        return together(member.waiting for member in self._members)

    def give(self, row: Row, outcome: asyncio.Future[Outcome]) -> None:
        """Give a row to the actor that has the fewest, and none to one that starts if another can take it."""
        min(self._members, key=_Member.order).give(row, outcome)

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """Let the actors' clients tell the state what is still to be told."""
        with suppress(TimeoutError):
            closing = (member.actor.close.remote() for member in self._members if not member.starts)
            await asyncio.wait_for(asyncio.gather(*closing, return_exceptions=True), _CLOSING_S)

    def cancel(self) -> None:
        for task in self._tasks:
            task.cancel()


class _Member:
    """An actor, and the rows that it has."""

    def __init__(self, actor: Any, crew: Crew) -> None:
        self.actor = actor
        self.starts = True
        self.failure: Exception | None = None
        """Why it cannot work."""
        self.waiting = Waiting()
        """What its calls wait for."""
        self._looks = False
        self._crew = crew
        self._rows: dict[int, tuple[Row, asyncio.Future[Outcome]]] = {}
        self._next: list[Row] = []
        """Those of them that it will get with the next message."""
        self._sends = False
        """There will be one."""
        self._messages = 0
        """That are under way."""
        self._life = 0

    async def start(self) -> None:
        """Return once the actor can work, or cannot."""
        self.starts, self.failure = True, None
        end = time.monotonic() + _DEAD_S
        while self.starts and self.failure is None:
            try:
                await self.actor.ready.remote()
                self.starts = False
            except ray.exceptions.RayActorError as error:  # it has died, and is started again
                if error.actor_init_failed or time.monotonic() > end:
                    self.failure = error
                await asyncio.sleep(_PAUSE_S)

    def look(self) -> None:
        """Let the actor say what its calls wait for."""
        if not self._looks and not self.starts:
            self._looks = True
            self._crew.begin(self._look())

    async def _look(self) -> None:
        try:
            self.waiting = _waiting(await self.actor.waiting.remote())
        except ray.exceptions.RayError:  # it has died
            self.waiting = Waiting()
        finally:
            self._looks = False

    def order(self) -> tuple[bool, int]:
        return self.starts, len(self._rows)

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
            outcomes = _outcomes(await self.actor.exchange.remote(given))
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
        if outcomes:
            self._crew.dying_since = None
        for outcome in outcomes:
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
        now = time.monotonic()
        self._crew.dying_since = self._crew.dying_since or now
        if now - self._crew.dying_since > _DEAD_S:
            self._fail(ConnectionError(f"actors die, and none has answered for {_DEAD_S:.0f} s: {error}"))
            return
        rows, self._rows, self._next = self._rows, {}, []
        self.starts = True
        await asyncio.sleep(_PAUSE_S)
        for row, future in rows.values():
            if not future.done() and self._crew.ends:
                future.set_result(left(row))
            elif not future.done():
                self._crew.give(row, future)
        await self.start()
