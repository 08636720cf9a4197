"""
What a bulk job on Ray costs beside a plain loop over the same client, and beside the HTTP processor of `ray.data.llm`.

    python -m benchmarks.bulk_ray             some minutes; prints the bars
    python -m benchmarks.bulk_ray --quick     fewer rows

Needs Linux and `ray[data]`, and is to be run where nothing else runs. It starts a cluster of its own, or joins that of
`RAY_ADDRESS`. The loop is that of `benchmarks.bulk`: one process, 64 calls at once. The job has two actors, and as many
calls at once in each. Processor time of the job is that of its driver, its actors, and Ray's own processes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.bulk import AT_ONCE, loop_time, settings, upstream, write_rows

os.environ.setdefault("RAY_worker_niceness", "0")  # else Ray gives its workers less of the processors than others get

import ray
from ray.data.llm import HttpRequestProcessorConfig, build_processor

from g4f_lite.bulk.progress import Progress
from g4f_lite.bulk.ray import RayJob

ACTORS = 2
SLOW_AT_ONCE = 512
"""Calls at once at a service that takes 0.1 s for each."""
_BLOCK = 16
"""Rows of a dataset that are sent together."""
BARS = {"rows a second, job / loop": 0.8, "rows a second at 100 ms, job / ray.data.llm": 50.0}


def processor_time() -> float:
    """Return the seconds that this process and those of Ray have used."""
    used = time.process_time()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            name, rest = (process / "stat").read_text("utf-8").split("(", 1)[1].rsplit(")", 1)
        except OSError:
            continue  # it has ended
        if name in ("raylet", "gcs_server") or name.startswith("ray::"):
            fields = rest.split()
            used += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return used


def job_rates(source: Path, out: Path, address: str, at_once: int) -> tuple[float, float]:
    """Return the rows a second of a job, and its processor time for a row, once its actors work."""
    marks: list[tuple[float, float, int]] = []

    def mark(progress: Progress) -> None:
        if progress.answered > 0:
            marks.append((time.perf_counter(), processor_time(), progress.answered))

    given = settings(address)
    summary = RayJob(source, out, at_once=at_once, actors=ACTORS, **given).run(mark)
    assert summary.ending == "complete" and not summary.failed, summary
    (began, used_before, before), (ended, used, rows) = marks[0], marks[-2]  # the last one is of the whole end
    return (rows - before) / (ended - began), (used - used_before) / (rows - before)


def dataset_rate(address: str, rows: int) -> float:
    """Return the rows a second of Ray's own processor, once its workers work."""
    config: Any = HttpRequestProcessorConfig(url=f"{address}/chat/completions", batch_size=_BLOCK, concurrency=ACTORS)
    messages = [{"role": "user", "content": "Which day is it?"}]
    processor = build_processor(
        config,
        preprocess=lambda row: {"payload": {"model": "day", "messages": messages}},
        postprocess=lambda row: {"text": row["http_response"]["choices"][0]["message"]["content"]},
    )
    dataset = processor(ray.data.range(rows, override_num_blocks=rows // _BLOCK))
    arrivals = [time.perf_counter() for _ in dataset.iter_rows()]
    assert len(arrivals) == rows
    return (rows - _BLOCK) / (arrivals[-1] - arrivals[0])  # the rows of a block arrive together


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bulk_ray", description="Measure bulk jobs on Ray.")
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    rows, rounds, slow, few = (20_000, 3, 6000, 128) if quick else (40_000, 5, 20_000, 1280)
    ray.init(os.environ.get("RAY_ADDRESS"), num_cpus=None if os.environ.get("RAY_ADDRESS") else 4, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    with tempfile.TemporaryDirectory() as name, upstream() as address:
        folder, speeds, costs = Path(name), [], []
        source = write_rows(folder / "in.jsonl", rows)
        loop_time(write_rows(folder / "few.jsonl", 500), folder / "x", address)
        for turn in range(rounds):
            began = time.perf_counter()
            used = loop_time(source, folder / "x", address) / rows
            loop = rows / (time.perf_counter() - began)
            speed, cost = job_rates(source, folder / f"{turn}.jsonl", address, ACTORS * AT_ONCE)
            speeds.append(speed / loop)
            costs.append(cost / used)
            print(
                f"{rows} rows: job {speed:.0f} rows/s and {cost * 1e6:.0f} µs a row, loop {loop:.0f} and"
                f" {used * 1e6:.0f} µs; load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
        slowly = address.replace("/answer/", "/slow/")
        dataset = dataset_rate(slowly, few)
        speed, _ = job_rates(write_rows(folder / "slow.jsonl", slow), folder / "slow-out", slowly, SLOW_AT_ONCE)
        print(f"at 100 ms: job {speed:.0f} rows/s, ray.data.llm {dataset:.1f}; {ACTORS} actors each")
    print(f"processor time, job / loop: {statistics.median(costs):.2f}; load {os.getloadavg()[0]:.1f}")
    found = dict(zip(BARS, (statistics.median(speeds), speed / dataset), strict=True))
    for what, bar in BARS.items():
        print(f"{what:<45}{found[what]:>8.2f}   bar {bar:.2f}: {'met' if found[what] >= bar else 'missed'}")


if __name__ == "__main__":
    main()
