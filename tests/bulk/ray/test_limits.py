"""Limits hold over all actors of a job."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from helpers.bulk import MODEL, echo, faults_of, lines_of, write_rows

from g4f_lite import Limits
from g4f_lite.bulk.ray import RayJob
from g4f_lite.testing import FaultServer
from g4f_lite.testing.script import Action, Received


class Counted:
    """Answers, and counts how many requests are under way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = self.most = 0

    def __call__(self, request: Received) -> Iterable[Action]:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(0.05)
        with self._lock:
            self._now -= 1
        return echo()(request)


def test_requests_of_all_actors_count_together(cluster: Any, groq: FaultServer, tmp_path: Path) -> None:
    counted = Counted()
    groq.script(counted)
    source, out = write_rows(tmp_path / "in.jsonl", 60), tmp_path / "out.jsonl"

    async def main() -> str | None:
        job = RayJob(
            source, out, routes=[f"groq:{MODEL}"], base_urls={"groq": groq.base_url}, actors=2, at_once=16,
            params={"fallback_models": []}, limits={"groq": Limits(rpd=20, parallel=3)},
        )  # fmt: skip
        async for progress in job:
            if progress.waiting:  # for tomorrow
                job.stop()
        return job.progress.routes and "asked"

    assert asyncio.run(main()) == "asked"
    assert len(groq.received) == 20 and counted.most <= 3
    assert faults_of(out, {line["row"] for line in lines_of(out)}) == [] and len(lines_of(out)) == 20
