"""A job whose routes are all down: it says so, stops, and lets go of the calls that only wait when it is told to end."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from helpers.bulk import GROQ, MODEL, echo, failures, faults_of, lines_of, write_rows

from g4f_lite import Breaker
from g4f_lite.bulk import Job, Progress, Summary, running
from g4f_lite.testing import FaultServer, replies

DOWN = replies.error(500, "out of order")
RESTS = f"groq:{MODEL}"


def job(tmp_path: Path, source: Any, **more: Any) -> Job:
    return Job(source, tmp_path / "out.jsonl", params={"fallback_models": []}, **{**GROQ, **more})


async def stopped_when_waiting(made: Job, count: int, go: threading.Event | None = None) -> tuple[Progress, Summary]:
    """Stop a job once so many of its rows wait; return what it said then, and at its end."""
    seen: list[Progress] = []
    async for progress in made:
        if not seen and progress.waiting >= count:
            seen.append(progress)
            made.stop("enough")
            if go is not None:
                asyncio.get_running_loop().call_later(0.2, go.set)
    assert isinstance(progress, Summary) and seen, progress
    return seen[0], progress


def test_a_job_says_why_it_stands_still_and_ends_at_once_when_it_is_told_to(groq: FaultServer, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", 50)
    groq.script(DOWN)
    made = job(tmp_path, source, at_once=8)
    seen, summary = asyncio.run(asyncio.wait_for(stopped_when_waiting(made, 8), 60))
    assert seen.last_error is not None and "out of order" in seen.last_error and (seen.answered, seen.failed) == (0, 0)
    assert list(seen.resting) == [RESTS] and 0 < seen.resting[RESTS] - time.time() < 60
    assert (summary.ending, summary.reason, summary.failed, summary.left) == ("interrupted", "enough", 0, 50)
    assert summary.waiting == 0 and lines_of(tmp_path / "out.jsonl") == failures(tmp_path / "out.jsonl") == []
    groq.script(echo())
    assert job(tmp_path, source).run().answered == 50
    assert faults_of(tmp_path / "out.jsonl", range(1, 51)) == []


def test_calls_under_way_end_while_those_that_wait_do_not(groq: FaultServer, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", 50)
    go = threading.Event()

    def reply(request: Any) -> Any:
        if request.json["messages"][0]["content"] != "prompt 3":
            return DOWN(request)
        go.wait(30)
        return echo()(request)

    groq.script(reply)
    made = job(tmp_path, source, at_once=8)
    _, summary = asyncio.run(asyncio.wait_for(stopped_when_waiting(made, 7, go), 60))
    assert (summary.ending, summary.answered, summary.failed, summary.left) == ("interrupted", 1, 0, 49)


def test_a_job_that_nobody_answers_stops(groq: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "SILENT_S", 2.0)
    source = write_rows(tmp_path / "in.jsonl", 50)
    groq.script(DOWN)
    summary = asyncio.run(asyncio.wait_for(_ended(job(tmp_path, source, at_once=8)), 60))
    assert (summary.ending, summary.failed, summary.left) == ("failures", 0, 50)
    assert summary.reason is not None and "out of order" in summary.reason and "no row was answered" in summary.reason


def test_a_job_rides_out_an_outage_once_rows_were_answered(
    groq: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "SILENT_S", 1.0)
    source = write_rows(tmp_path / "in.jsonl", 30)
    groq.script(*[echo()] * 5, *[DOWN] * 5, echo())
    summary = asyncio.run(asyncio.wait_for(_ended(job(tmp_path, source, at_once=4)), 60))
    assert (summary.ending, summary.answered) == ("complete", 30)


def test_an_outage_that_lasts_longer_than_a_call_may_wait_stops_the_job(groq: FaultServer, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", 30)
    groq.script(*[echo()] * 5, DOWN)
    soon = Breaker(rest=0.3, longest_rest=0.3)
    summary = asyncio.run(asyncio.wait_for(_ended(job(tmp_path, source, at_once=1, deadline=2.0, breaker=soon)), 30))
    assert (summary.ending, summary.answered, summary.left) == ("failures", 5, 25)
    assert summary.reason is not None and "no row was answered" in summary.reason


async def _ended(made: Job) -> Summary:
    progress = [one async for one in made][-1]
    assert isinstance(progress, Summary)
    return progress
