"""
A job whose calls are made by the actors of a Ray cluster (extra `ray`).

The driver is the same `Job`: it alone reads rows, decides, and writes the journal; `crew` has its side of the actors.
Each of them has an `AsyncClient`. Money and limits travel as reservations: the actors' clients share a state, which an
actor on the driver's node keeps. Keys travel as arguments, which Ray writes into no log, as it does the environment of
its actors.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Unpack

import msgspec

from ..client.async_client import AsyncClient
from ..client.settings import ClientSettings
from ..errors.exceptions import ConfigurationError
from ..errors.quoted_values import quoted
from ..errors.suggestions import install_hint
from ..health.shared_state import Answer, Command
from ..health.stores.opening import state_from_url
from ..plugins.registry import process_registry
from ..provider.keys import load_stored
from ..routing.leg_factory import base_url_variable
from ..value import Unpicklable
from .asking import Asker, Asks
from .failures import Fault
from .job import Job
from .lines import Answered, Outcome
from .rows import Given, Row
from .settings import state_url

try:
    import ray
    from ray import cloudpickle
except ImportError as missing:
    raise ImportError(f"ray is not installed; run: {install_hint('ray')}") from missing

from .crew import Crew

_GATHER_S = 0.01
"""How long an outcome waits for others, to be sent together; less if as many rows have ended as are under way."""
_STATE_S, _LOOK_S = 5.0, 0.1
"""How long a client waits for the state's actor before it takes it to be away; how often it looks for news."""


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
            raise ConfigurationError(f"actors must be a whole number above 0, not {quoted(actors)}")
        super().__init__(source, out, **job)
        self._address = address
        self._count = actors

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[Crew]:
        if starts := not ray.is_initialized():
            await self._may_stop(_start(self._address))
        try:
            settings, state = dict(self._settings or {}), None
            if settings.get("state") == state_url(self.out):  # a file on this machine
                state = _on_this_node(_StateActor, settings.pop("state"))
            count = self._count or max(1, int(ray.cluster_resources().get("CPU", 1)) - 1)
            actors = [_caller(settings, self._asks, state) for _ in range(count)]
            crew = Crew(actors)
            try:
                await self._may_stop(crew.start())
                yield crew
                await crew.close()
            finally:
                crew.cancel()
                for actor in actors if state is None else [*actors, state]:
                    ray.kill(actor)
        finally:
            if starts:
                ray.shutdown()

    async def _may_stop(self, starting: Coroutine[Any, Any, None]) -> None:
        """Wait for a part of the start, which `stop` cuts."""
        self._starting = asyncio.ensure_future(starting)
        if self._stop_reason is not None:
            self._starting.cancel()
        await self._starting


# -- the driver's side ---------------------------------------------------------------------


async def _start(address: str | None) -> None:
    """
    Start or join a cluster, which takes seconds, or many minutes if nobody answers.

    In a thread, so that the signals stay the job's, and one that nobody waits for at the end of the process.
    """
    loop = asyncio.get_running_loop()
    started: asyncio.Future[None] = loop.create_future()
    abandoned = threading.Event()

    def tell(failure: Exception | None) -> None:
        if not started.done():
            started.set_result(None) if failure is None else started.set_exception(failure)

    def init() -> None:
        failure: Exception | None = None
        try:
            ray.init(address, log_to_driver=False, logging_level="ERROR")
            if abandoned.is_set():
                ray.shutdown()
        except Exception as error:
            failure = error
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(tell, failure)

    threading.Thread(target=init, daemon=True).start()
    try:
        await started
    finally:
        abandoned.set()


def _caller(settings: Mapping[str, Any], asks: Asks, state: Any) -> Any:
    """Return a new actor that makes calls; Ray starts it again if it dies."""
    options = {"num_cpus": 1, "max_restarts": -1, "max_concurrency": 1000, "scheduling_strategy": "SPREAD"}
    return ray.remote(_Caller).options(**options).remote(cloudpickle.dumps((settings, asks, state, _environment())))


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
        self._ended: list[Outcome | Answered | Exception] = []
        self._returns: asyncio.Future[None] | None = None
        """Ends the call of `exchange` that waits."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def ready(self) -> None:
        """Return once it can work."""

    async def close(self) -> None:
        """Tell the state what is still to be told."""
        await self._client.aclose()

    async def end_waits(self) -> None:
        """Let go of the calls that only wait, now or later."""
        self._asker.end_waits()

    async def waiting(self) -> bytes:
        """Return what the calls wait for that only wait."""
        return msgspec.msgpack.encode(self._asker.waiting())

    async def exchange(self, pickled: bytes) -> bytes:
        """
        Begin to ask rows. Return how rows have ended, also earlier ones, once there are some; or none at the next call.

        Raises:
            Exception: a bug.
        """
        loop = asyncio.get_running_loop()
        self._return()
        returns = self._returns = loop.create_future()
        for row in (Row(*one) for one in cloudpickle.loads(pickled)):
            task = loop.create_task(self._ask(row))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if self._ended:
            loop.call_later(_GATHER_S, self._return)
        await returns
        ended, self._ended = self._ended, []
        for one in ended:
            if isinstance(one, Exception):
                raise one
        return msgspec.msgpack.encode([one.outcome() if isinstance(one, Answered) else one for one in ended])

    def _return(self) -> None:
        if self._returns is not None and not self._returns.done():
            self._returns.set_result(None)

    async def _ask(self, row: Row) -> None:
        ended: Outcome | Answered | Exception
        try:
            ended = await self._asker(row)
        except Exception as error:  # `exchange` raises it
            ended = error
        self._ended.append(ended)
        if len(self._ended) >= len(self._tasks):
            self._return()
        elif len(self._ended) == 1:
            asyncio.get_running_loop().call_later(_GATHER_S, self._return)


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
        ended = await self._asker(row)
        while isinstance(ended, Outcome) and ended.fault is Fault.LIMITED:
            await asyncio.sleep(ended.wait_s)
            ended = await self._asker(row)
        outcome = ended.outcome() if isinstance(ended, Answered) else ended
        line = msgspec.json.decode(outcome.line)
        error = None if outcome.fault is None else outcome.message
        return {"answer": line.get("answer"), "usage": line.get("usage"), "cost": outcome.cost, "error": error}


def _plain(value: Any) -> Any:
    """Return a value of NumPy's as one of Python's."""
    return value.item() if hasattr(value, "item") else value
