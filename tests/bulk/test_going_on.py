"""Jobs that go on, are stopped, or are replaced by another one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from helpers.bulk import GROQ, failures, write_rows

from g4f_lite import ConfigurationError
from g4f_lite.bulk import Job, Progress
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Reply


def refuse_every_third(groq: FaultServer) -> None:
    def answer(prompt: str) -> Reply:
        return replies.error(400, "against the rules") if int(prompt.split()[1]) % 3 == 0 else replies.answer("ok")

    groq.script(replies.by_prompt(answer))


def test_rows_that_always_fail_end_when_they_are_asked_again(groq: FaultServer, tmp_path: Path) -> None:
    """More of them than are taken for a fault of all: but the job has had answers."""
    refuse_every_third(groq)
    source, out = write_rows(tmp_path / "in.jsonl", 90), tmp_path / "out"
    for retry_failed in (False, True, False):
        summary = Job(source, out, retry_failed=retry_failed, **GROQ).run()
        assert (summary.ending, summary.answered, summary.failed) == ("complete", 60, 30), summary.reason
        assert len(failures(out)) == 30


def test_a_source_that_never_yields_again_does_not_keep_a_job_from_its_end(groq: FaultServer, tmp_path: Path) -> None:
    groq.script(replies.answer("ok"))

    async def rows() -> AsyncIterator[str]:
        yield "a"
        await asyncio.Event().wait()

    async def main() -> Progress:
        job = Job(rows(), tmp_path / "out", **GROQ)
        async for progress in job:
            if progress.answered:
                job.stop()
        return progress

    summary = asyncio.run(asyncio.wait_for(main(), 60))
    assert (getattr(summary, "ending", None), summary.answered) == ("interrupted", 1)


def test_who_deletes_what_a_refusal_names_can_begin_another_job(groq: FaultServer, tmp_path: Path) -> None:
    refuse_every_third(groq)
    source, out = write_rows(tmp_path / "in.jsonl", 9), tmp_path / "out"
    Job(source, out, max_cost=1, params={"max_tokens": 5}, **GROQ).run()
    with pytest.raises(ConfigurationError) as refused:
        Job(source, out, system="Be brief.", **GROQ).run()
    named = re.findall(r"out\.[\w.-]+\w", str(refused.value).split("delete this one")[1])
    assert {"out.job.json", "out.failed.jsonl", "out.state.db"} <= set(named)
    for one in (out, *(tmp_path / name for name in named)):
        one.unlink()
    assert Job(source, out, system="Be brief.", **GROQ).run().answered == 6
