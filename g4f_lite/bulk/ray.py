"""
A job whose calls are made by the actors of a Ray cluster (extra `ray`).

The driver is the same `Job`: it alone reads rows, decides, and writes the journal. An actor has an `AsyncClient`; it
gets rows, and gives back each outcome as soon as the row has ended. If an actor dies, the rows that it had are asked
again. Money and limits travel as reservations: the actors' clients share a state, which an actor on the driver's node
keeps. Keys travel as arguments, which Ray writes into no log, as it does the environment of its actors.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Unpack

import msgspec

from ..client.async_client import AsyncClient
from ..client.settings import ClientSettings
from ..errors.exceptions import ConfigurationError
from ..errors.suggestions import install_hint
from ..health.shared_state import Answer, Command
from ..health.stores.opening import state_from_url
from ..plugins.registry import process_registry
from ..provider.keys import load_stored
from ..routing.leg_factory import base_url_variable
from ..value import Unpicklable
from .asking import Asker, Asks, Outcome
from .failures import Fault
from .job import Job
from .rows import Given, Row
from .settings import state_url

try:
    import ray
    from ray import cloudpickle
except ImportError as missing:
    raise ImportError(f"ray is not installed; run: {install_hint('ray')}") from missing

CHUNK = 50
"""Rows that an actor is given with one message, at most."""
_GATHER_S = 0.01
"""How long rows, and outcomes, are gathered before they are sent: a message costs as much as several calls."""
_STATE_S, _LOOK_S = 5.0, 0.1
"""How long a client waits for the state's actor before it takes it to be away; how often it looks for news."""
_DEAD_S = 120.0
"""After so long without an outcome, while actors die, they cannot work."""
_PAUSE_S, _CLOSING_S = 0.2, 10.0


class RayJob(Job):
    """
    `Job` on a Ray cluster.

    Args:
        source, out, job: as for `Job`, without `client`. What is passed must be picklable; plugins are installed on
            each node, as this library is.
        address: of the cluster, as for `ray.init`; None: that of the environment, else a new one on this machine. If
            Ray is initialized already, that is used.
        actors: how many there are; None: one for each processor of the cluster, but the driver's.

    Raises:
        ConfigurationError: a setting cannot work.
    """

    def __init__(
        self,
        source: str | Path | Given,
        out: str | Path,
        *,
        address: str | None = None,
        actors: int | None = None,
        **job: Any,
    ) -> None:
        if job.get("client") is not None:
            raise ConfigurationError("a job on Ray makes the clients of its actors; give it their settings")
        if actors is not None and (isinstance(actors, bool) or not isinstance(actors, int) or actors < 1):
            raise ConfigurationError(f"actors must be a whole number above 0, not {actors!r}")
        super().__init__(source, out, **job)
        self._address = address
        self._count = actors

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[Callable[[Row], Awaitable[Outcome]]]:
        if starts := not ray.is_initialized():
            await asyncio.to_thread(_init, self._address)
        try:
            settings, state = dict(self._settings or {}), None
            if settings.get("state") == state_url(self.out):  # a file on this machine
                state = _on_this_node(_StateActor, settings.pop("state"))
            count = self._count or max(1, int(ray.cluster_resources().get("CPU", 1)) - 1)
            actors = [_caller(settings, self._asks, state) for _ in range(count)]
            try:
                await asyncio.gather(*map(_ready, actors))
                yield _Crew(actors).ask
                with suppress(TimeoutError):  # what was used is told to the state
                    ending = asyncio.gather(*(actor.close.remote() for actor in actors), return_exceptions=True)
                    await asyncio.wait_for(ending, _CLOSING_S)
            finally:
                for actor in actors if state is None else [*actors, state]:
                    ray.kill(actor)
        finally:
            if starts:
                ray.shutdown()


# -- the driver's side ---------------------------------------------------------------------


def _init(address: str | None) -> None:
    """Start or join a cluster, which takes seconds: not in the main thread, so that the signals stay the job's."""
    ray.init(address, log_to_driver=False, logging_level="ERROR")


def _caller(settings: Mapping[str, Any], asks: Asks, state: Any) -> Any:
    """Return a new actor that makes calls; Ray starts it again if it dies."""
    options = {"num_cpus": 1, "max_restarts": -1, "max_concurrency": 1000, "scheduling_strategy": "SPREAD"}
    return ray.remote(_Caller).options(**options).remote(cloudpickle.dumps((settings, asks, state, _environment())))


async def _ready(actor: Any) -> None:
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
        except ray.exceptions.RayActorError:  # it has died, and is started again
            if time.monotonic() > end:
                raise
            await asyncio.sleep(_PAUSE_S)


def _on_this_node(kind: type, *arguments: Any) -> Any:
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    options = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": -1, "scheduling_strategy": here}
    return ray.remote(kind).options(**options).remote(*arguments)


def _environment() -> dict[str, str]:
    """Return the variables with keys and addresses of providers, and one for each stored key that has none."""
    registry, stored = process_registry(), load_stored()
    found: dict[str, str] = {}
    for provider in map(registry.get, registry.names()):
        names = provider.api_key_env
        if names and provider.name in stored and not any(os.environ.get(name) for name in names):
            found[names[0]] = stored[provider.name]
        variables = (*names, base_url_variable(provider))
        found |= {name: value for name in variables if (value := os.environ.get(name))}
    return found


class _Crew:
    """Gives rows to the actor that has the fewest; those of a moment go together."""

    def __init__(self, actors: Sequence[Any]) -> None:
        self._under_way = [0] * len(actors)
        self._actors = actors
        self._waiting: list[tuple[Row, asyncio.Future[Outcome]]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._answered_at = time.monotonic()
        self._restarting: set[int] = set()

    async def ask(self, row: Row) -> Outcome:
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._give(row, outcome)
        return await outcome

    def _give(self, row: Row, outcome: asyncio.Future[Outcome]) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_later(_GATHER_S, self._send)
        self._waiting.append((row, outcome))

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        size = min(CHUNK, -(-len(waiting) // len(self._actors)))
        for start in range(0, len(waiting), size):
            chunk = {row.number: (row, outcome) for row, outcome in waiting[start : start + size]}
            number = min(range(len(self._actors)), key=lambda one: (one in self._restarting, self._under_way[one]))
            self._begin(self._chunk(number, chunk))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _avoid(self, number: int) -> None:
        """Give an actor no rows, if another one can take them, until it has been started again."""

        async def until_ready() -> None:
            with suppress(ray.exceptions.RayError):  # its rows say it
                await _ready(self._actors[number])
            self._restarting.discard(number)

        if number not in self._restarting:
            self._restarting.add(number)
            self._begin(until_ready())

    async def _chunk(self, number: int, chunk: dict[int, tuple[Row, asyncio.Future[Outcome]]]) -> None:
        self._under_way[number] += len(chunk)
        failure: Exception | None = None
        try:
            rows = [row for row, _ in chunk.values()]
            async for answer in self._actors[number].ask.options(num_returns="streaming").remote(rows):
                for outcome in await answer:
                    self._answered_at = time.monotonic()
                    self._under_way[number] -= 1
                    _, future = chunk.pop(outcome.row)
                    if not future.done():
                        future.set_result(outcome)
        except ray.exceptions.RayActorError as error:  # it has died, and is started again
            failure = error if time.monotonic() - self._answered_at > _DEAD_S else None
            self._avoid(number)
        except Exception as error:  # whoever waits for the rows gets it
            failure = error
        self._under_way[number] -= len(chunk)
        if failure is None and chunk:
            await asyncio.sleep(_PAUSE_S)
        for row, future in chunk.values():
            if future.done():
                continue
            if failure is None:
                self._give(row, future)
            else:
                future.set_exception(failure)


# -- in an actor ---------------------------------------------------------------------------


class _Caller:
    """
    Args:
        pickled: the settings of its client, what is the same for all rows, the actor that keeps what the clients share
            (None if the settings say all), and variables with keys and addresses. One small argument is kept for
            restarts by Ray itself.
    """

    def __init__(self, pickled: bytes) -> None:
        settings, asks, state, environment = cloudpickle.loads(pickled)
        os.environ.update(environment)
        if state is not None:
            settings["state"] = _RayState(state)
        self._client = AsyncClient(**settings)
        self._asker = Asker(self._client, asks)

    async def ready(self) -> None:
        """Return once it can work."""

    async def close(self) -> None:
        """Tell the state what is still to be told."""
        await self._client.aclose()

    async def ask(self, rows: Sequence[Row]) -> AsyncIterator[list[Outcome]]:
        """Yield the outcomes of rows as they end; those that end together in one list."""
        ended: asyncio.Queue[Outcome | BaseException] = asyncio.Queue()

        async def ask(row: Row) -> None:
            try:
                ended.put_nowait(await self._asker(row))
            except BaseException as error:
                ended.put_nowait(error)
                raise

        tasks = [asyncio.ensure_future(ask(row)) for row in rows]
        left = len(tasks)
        while left:
            found = [await ended.get()]
            if left > 1:
                await asyncio.sleep(_GATHER_S)
            while not ended.empty():
                found.append(ended.get_nowait())
            left -= len(found)
            outcomes = [one for one in found if isinstance(one, Outcome)]
            yield outcomes
            for one in found:
                if isinstance(one, BaseException):
                    raise one


class _StateActor:
    """Keeps a state where its file is."""

    def __init__(self, url: str) -> None:
        self._state = state_from_url(url)

    def execute(self, commands: Sequence[Command]) -> Sequence[Answer]:
        return self._state.execute(commands)


class _RayState(Unpicklable):
    """A `SharedState` in another actor."""

    is_local = False

    def __init__(self, actor: Any) -> None:
        self._actor = actor
        self._closed = threading.Event()

    def execute(self, commands: Sequence[Command]) -> Sequence[Answer]:
        try:
            answers: Sequence[Answer] = ray.get(self._actor.execute.remote(list(commands)), timeout=_STATE_S)
        except (ray.exceptions.RayError, TimeoutError) as error:
            raise OSError(f"the state's actor does not answer: {type(error).__name__}") from None
        return answers

    def wait(self, seconds: float) -> None:
        self._closed.wait(min(seconds, _LOOK_S))

    def close(self) -> None:
        self._closed.set()


# -- for datasets --------------------------------------------------------------------------


class Ask:
    """
    For `ds.map_batches(Ask, fn_constructor_kwargs={…}, …)`: adds the columns `answer`, `usage`, `cost` and `error`.

    A row that fails has a text in `error`, and nothing is raised for it. What is limited is waited for. All rows of a
    batch are asked at once: `batch_size` bounds how many calls an actor makes.

    Args:
        template: a prompt with names of columns in braces; None: the column `prompt`.
        params, system: as for `Job`.
        settings: those of the `AsyncClient`.
    """

    def __init__(
        self,
        *,
        template: str | None = None,
        params: Mapping[str, Any] | None = None,
        system: str | None = None,
        **settings: Unpack[ClientSettings],
    ) -> None:
        asks = Asks(params=dict(params or {}), system=system, template="{prompt}" if template is None else template)
        self._asker = Asker(AsyncClient(**settings), asks)

    async def __call__(self, batch: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """Yield the batch with the new columns."""
        columns = list(batch)
        rows = [dict(zip(columns, values, strict=True)) for values in zip(*batch.values(), strict=True)]
        answers = await asyncio.gather(*(self._answer(number, row) for number, row in enumerate(rows, 1)))
        yield {**batch, **{name: [one[name] for one in answers] for name in ("answer", "usage", "cost", "error")}}

    async def _answer(self, number: int, fields: dict[str, Any]) -> dict[str, Any]:
        row = Row(number, {name: _plain(value) for name, value in fields.items()})
        outcome = await self._asker(row)
        while outcome.fault is Fault.LIMITED:
            await asyncio.sleep(outcome.wait_s)
            outcome = await self._asker(row)
        line = msgspec.json.decode(outcome.line)
        error = None if outcome.fault is None else outcome.message
        return {"answer": line.get("answer"), "usage": line.get("usage"), "cost": outcome.cost, "error": error}


def _plain(value: Any) -> Any:
    """Return a value of NumPy's as one of Python's."""
    return value.item() if hasattr(value, "item") else value
