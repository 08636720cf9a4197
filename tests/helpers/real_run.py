"""
Runs a scenario on real sockets with the real clock, through the public `AsyncClient`.

    python -m helpers.real_run SCENARIO.toml OUT.json [TRAILS.jsonl]

It writes the report, made by the code that makes that of a simulation, and how late this machine did things.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from g4f_lite import AsyncClient, Client, G4FLiteError, OpenaiTemplate, hookimpl
from g4f_lite.client import base
from g4f_lite.client.call_factory import CallFactory
from g4f_lite.records import prices
from g4f_lite.records.trail import Attempt, Trail
from g4f_lite.simulation.clients import prices_of, settings_of
from g4f_lite.simulation.figures import PolicyReport, Recorder
from g4f_lite.simulation.reading import load
from g4f_lite.simulation.scenario import Scenario
from g4f_lite.simulation.services import Reply, services_of
from g4f_lite.simulation.traffic import Size, calls_of, chance_of, sizes
from g4f_lite.testing import FaultServer, replies

from .modelled_services import Served

_TICK_S = 0.05


class _Service(OpenaiTemplate):
    name = "modelled"
    needs_auth = False


class RealRun:
    """One policy, from the first call to the end of the last one."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.trails: list[Trail] = []
        self._services = services_of(scenario.services, scenario.seed)
        self._recorder = Recorder({name: one.phases for name, one in scenario.services.items()})
        self._served = [Served(one, self.now, self._recorder.request_ended) for one in self._services.values()]
        self._began_at = time.monotonic()
        self._begun = 0
        self.latest = 0.0
        """By how much a timer was late at most, in seconds."""

    @hookimpl
    def call_finished(self, trail: Trail) -> None:
        self.trails.append(trail)

    def now(self) -> float:
        return time.monotonic() - self._began_at

    async def report(self) -> PolicyReport:
        for one in self._served:
            await one.open()
        providers = {
            one.service.name: _Service(
                name=one.service.name, api_base=one.base_url, default_model=one.service.settings.models[0]
            )
            for one in self._served
        }
        policy, traffic = self.scenario.policy, self.scenario.traffic
        calls: list[asyncio.Task[None]] = []
        with prices.declared(prices_of(self.scenario)):
            settings = settings_of(policy, providers)
            settings["plugins"] = [*settings["plugins"], self]
            # The jitter of waits and breakers is that of the simulated client, so that figures are compared, not luck.
            base.CallFactory = partial(CallFactory, chance=Random(f"{self.scenario.seed}/client/0"))
            async with AsyncClient(**settings) as client:
                self._began_at = time.monotonic()
                ticking = asyncio.ensure_future(self._tick())
                doors = [asyncio.ensure_future(one.keep_doors()) for one in self._served]
                drawn = sizes(traffic, chance_of(self.scenario.seed, "workers"))
                for _ in range(traffic.workers):
                    calls.append(asyncio.ensure_future(self._work(client, drawn)))
                for when, size in calls_of(traffic, self.scenario.seed):
                    await asyncio.sleep(max(0.0, when - self.now()))
                    calls.append(asyncio.ensure_future(self._call(client, size)))
                await asyncio.gather(*calls)
                lasted = self.now()
                for task in (ticking, *doors):
                    task.cancel()
                await asyncio.gather(ticking, *doors, return_exceptions=True)
        for one in self._served:
            await one.close()
        return self._recorder.report(self.scenario.name, lasted, self._services)

    async def _tick(self) -> None:
        """Measure how late this machine does things."""
        while True:
            began = time.monotonic()
            await asyncio.sleep(_TICK_S)
            self.latest = max(self.latest, time.monotonic() - began - _TICK_S)

    async def _work(self, client: AsyncClient, drawn: Iterator[Size]) -> None:
        while self._begun < (self.scenario.traffic.calls or 0):
            await self._call(client, next(drawn))

    async def _call(self, client: AsyncClient, size: Size) -> None:
        self._begun += 1
        began, first = self.now(), None
        params: dict[str, Any] = {"messages": [{"role": "user", "content": "x" * 4 * size.prompt}], "seed": size.tokens}
        if self.scenario.traffic.max_tokens is not None:
            params["max_tokens"] = self.scenario.traffic.max_tokens
        try:
            if size.stream:
                stream = await client.chat.completions.create(stream=True, **params)
                first = self.now()
                async for _ in stream:
                    pass
                trail = stream.trail
            else:
                trail = (await client.chat.completions.create(**params)).trail
            self._count_refused(trail)
            self._recorder.answered(began, self.now(), first, trail)
        except G4FLiteError as error:
            trail = error.trail
            self._count_refused(trail)
            self._recorder.failed(self.now(), type(error).__name__, trail, has_content=first is not None)

    def _count_refused(self, trail: Trail) -> None:
        """Count the requests that a closed door has kept off, of which the service knows nothing."""
        for attempt in trail.attempts:
            if _is_refused(attempt):
                service = self._services[attempt.provider]
                service.seen += 1
                service.seen_failing += 1
                self._recorder.request_ended(service, Reply(0.0, "refused"), self.now())


def _is_refused(attempt: Attempt) -> bool:
    return attempt.outcome == "ConnectionFailedError" and "refuse" in (attempt.message or "")


def _warm_up() -> None:
    """Import what calls and failures import, which would make the first ones late."""
    with FaultServer() as server, Client(base_url=server.base_url, retry_wait=lambda _: 0.0) as client:
        server.script(
            replies.error(503, "busy"), replies.error(429, "slow down", retry_after="0"), replies.answer("ok")
        )
        for stream in (False, True):
            reply = client.chat.completions.create(
                messages=[{"role": "user", "content": "Hi"}], model="m", stream=stream
            )
            if stream:
                list(reply)
    prices.price("groq", "openai/gpt-oss-20b")


def main(scenario: str, report: str, trails: str | None = None) -> None:
    _warm_up()
    run = RealRun(load(scenario))
    found = asyncio.run(run.report())
    if trails is not None:
        Path(trails).write_text("".join(json.dumps(one.to_dict()) + "\n" for one in run.trails), "utf-8")
    Path(report).write_text(json.dumps({"report": found.to_dict(), "lateness_s": run.latest}), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
