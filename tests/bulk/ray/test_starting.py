"""A job whose actors do not all find a place in the cluster, and one that is stopped before any of them works."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

from helpers.bulk import MODEL, echo, faults_of, lines_of, write_rows

from g4f_lite.bulk.progress import Progress, Summary
from g4f_lite.bulk.ray import RayJob
from g4f_lite.testing import FaultServer, replies


def job(server: FaultServer, source: Path, out: Path, actors: int) -> RayJob:
    settings = {"routes": [f"groq:{MODEL}"], "base_urls": {"groq": server.base_url}, "at_once": 8}
    return RayJob(source, out, actors=actors, params={"fallback_models": []}, **settings)


def test_actors_without_a_place_are_not_waited_for(cluster: Any, groq: FaultServer, tmp_path: Path) -> None:
    groq.script(echo())
    source, out = write_rows(tmp_path / "in.jsonl", 40), tmp_path / "out.jsonl"
    summary = job(groq, source, out, actors=12).run()
    assert (summary.ending, summary.answered) == ("complete", 40)
    assert faults_of(out, range(1, 41)) == []


def test_a_job_that_waits_for_a_place_can_be_stopped(cluster: Any, groq: FaultServer, tmp_path: Path) -> None:
    import ray

    class Busy:
        def ready(self) -> None: ...

    groq.script(echo())
    source, out = write_rows(tmp_path / "in.jsonl", 40), tmp_path / "out.jsonl"
    places = int(ray.cluster_resources()["CPU"])
    busy = [ray.remote(Busy).options(num_cpus=1).remote() for _ in range(places)]
    try:
        # All places, also those that the actors of the last test give back only now.
        ray.get([one.ready.remote() for one in busy], timeout=60)
        waits = job(groq, source, out, actors=1)
        ended: list[Summary] = []
        running = threading.Thread(target=lambda: ended.append(waits.run(lambda progress: waits.stop("enough"))))
        running.start()
        running.join(60)
        assert [(one.ending, one.reason, one.answered) for one in ended] == [("interrupted", "enough", 0)]
    finally:
        for one in busy:
            ray.kill(one)
    assert lines_of(out) == []


def test_calls_of_actors_that_only_wait_end_when_the_job_is_told_to(
    cluster: Any, groq: FaultServer, tmp_path: Path
) -> None:
    groq.script(replies.error(500, "out of order"))
    source = write_rows(tmp_path / "in.jsonl", 50)
    made = job(groq, source, tmp_path / "out.jsonl", actors=1)
    seen: list[Progress] = []

    async def main() -> None:
        async for progress in made:
            seen.append(progress)
            if progress.waiting == 8:
                made.stop("enough")

    asyncio.run(asyncio.wait_for(main(), 120))
    told = next(one for one in seen if one.waiting == 8)
    assert "out of order" in (told.last_error or "") and list(told.resting) == [f"groq:{MODEL}"]
    assert isinstance(seen[-1], Summary)
    assert (seen[-1].ending, seen[-1].failed, seen[-1].left) == ("interrupted", 0, 50)
