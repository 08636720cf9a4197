"""
Measure what a bulk job costs beside a plain loop over the same client, and what it keeps in memory.

    python -m benchmarks.bulk             all, some minutes; prints a table and the bars
    python -m benchmarks.bulk --quick     fewer rows

The plain loop reads JSON lines, makes 64 calls at once, and writes a line with the answer of each: what a program does
that need not resume, limit, or count anything. Its processor time is that of the same process.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from g4f_lite import AsyncClient
from g4f_lite.bulk import Job
from g4f_lite.bulk.journal import read_done

AT_ONCE = 64
BARS = {"processor time, job / loop": 1.15, "memory, MB": 10.0, "resume, s": 5.0}
_MODEL = "openai/gpt-oss-120b"


@contextmanager
def upstream() -> Iterator[str]:
    """Yield the address of a service that does no work, in a process of its own."""
    with subprocess.Popen([sys.executable, "-m", "benchmarks.upstream"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/answer/v1"
        finally:
            process.kill()


def settings(address: str) -> dict[str, Any]:
    return {"routes": [f"groq:{_MODEL}"], "keys": {"groq": "gsk_test"}, "base_urls": {"groq": address}}


def write_rows(path: Path, count: int) -> Path:
    with path.open("w") as file:
        file.writelines(f'{{"id": "row-{n}", "prompt": "Which day is number {n}?"}}\n' for n in range(count))
    return path


def job_time(source: Path, out: Path, address: str) -> float:
    began = time.process_time()
    Job(source, out, at_once=AT_ONCE, **settings(address)).run()
    return time.process_time() - began


def loop_time(source: Path, out: Path, address: str) -> float:
    async def main() -> None:
        async with AsyncClient(**settings(address)) as client:
            with source.open("rb") as lines, out.open("wb") as file:

                async def work() -> None:
                    for line in lines:
                        row = msgspec.json.decode(line)
                        messages = [{"role": "user", "content": row["prompt"]}]
                        reply = await client.chat.completions.create(messages=messages)
                        file.write(msgspec.json.encode({"id": row["id"], "answer": reply.text}) + b"\n")

                await asyncio.gather(*(work() for _ in range(AT_ONCE)))

    began = time.process_time()
    asyncio.run(main())
    return time.process_time() - began


def memory() -> float:
    """Return the MB that this process has in memory now."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def growth(source: Path, out: Path, address: str) -> float:
    """Return by how many MB a job grows, after its first rows."""
    found: list[float] = []

    async def main() -> None:
        job = Job(source, out, at_once=AT_ONCE, **settings(address))
        found.extend([memory() async for progress in job if progress.answered > 2000])

    asyncio.run(main())
    return max(found) - found[0]


def scan(folder: Path, rows: int) -> float:
    """Return the seconds of processor time in which a job finds out that all of its rows are done."""
    source, out = write_rows(folder / "many.jsonl", rows), folder / "many-out.jsonl"
    job = Job(source, out, **settings("http://127.0.0.1:9"))
    job._open()[0].close()  # writes what the job is
    usage = '"usage":{"prompt_tokens":72,"completion_tokens":5,"total_tokens":77}'
    with out.open("w") as file:
        file.writelines(
            f'{{"row":{n + 1},"id":"row-{n}","answer":"It is Sunday.","provider":"groq","model":"{_MODEL}",'
            f'"cost":0.0000135,"finish_reason":"stop",{usage}}}\n'
            for n in range(rows)
        )
    began = time.process_time()
    assert job.run().answered == rows
    took = time.process_time() - began
    assert read_done(out, with_ids=True).answered == rows
    return took


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bulk", description="Measure what a bulk job costs.")
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    rows, rounds, many, scanned = (1500, 3, 20_000, 100_000) if quick else (5000, 7, 300_000, 1_000_000)
    with tempfile.TemporaryDirectory() as name, upstream() as address:
        folder = Path(name)
        source = write_rows(folder / "in.jsonl", rows)
        job_time(source, folder / "warm.jsonl", address)
        loop_time(source, folder / "warm-loop.jsonl", address)
        ratios = []
        for turn in range(rounds):
            job, loop = job_time(source, folder / f"{turn}.jsonl", address), loop_time(source, folder / "x", address)
            ratios.append(job / loop)
            print(f"{rows} rows: job {job / rows * 1e6:.0f} µs a row, loop {loop / rows * 1e6:.0f} µs", flush=True)
        found = {
            "processor time, job / loop": statistics.median(ratios),
            "memory, MB": growth(write_rows(folder / "long.jsonl", many), folder / "long-out.jsonl", address),
            "resume, s": scan(folder, scanned) * 1_000_000 / scanned,
        }
    print(f"{many:,} rows at {AT_ONCE} at once; resume of 1,000,000 rows; load {os.getloadavg()[0]:.1f}")
    for what, bar in BARS.items():
        print(f"{what:<30}{found[what]:>8.2f}   bar {bar:.2f}: {'met' if found[what] <= bar else 'missed'}")


if __name__ == "__main__":
    main()
