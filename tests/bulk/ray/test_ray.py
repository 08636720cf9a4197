"""Jobs on a real cluster: actors and drivers that are killed, a cap over all actors, and keys that no log shows."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from helpers.bulk import MODEL, echo, failures, faults_of, lines_of, write_rows
from helpers.driving import eventually
from helpers.installing import ROOT

from g4f_lite import ConfigurationError
from g4f_lite.bulk.ray import Ask, RayJob
from g4f_lite.testing import FaultServer, replies

sys.path.append(str(ROOT))

from stress.bulk import Billing

SECRET = "gsk_secret_of_the_tests"


def job(server: FaultServer, source: Any, out: Path, **more: Any) -> RayJob:
    params = {"fallback_models": [], "max_tokens": 20}
    settings = {"routes": [f"groq:{MODEL}"], "base_urls": {"groq": server.base_url}, "actors": 2, "params": params}
    return RayJob(source, out, **{**settings, **more})


def callers() -> list[int]:
    """Return the processes of the actors that make calls, in this cluster alone."""
    ours = f"G4F_LITE_TEST_CLUSTER={os.environ['G4F_LITE_TEST_CLUSTER']}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"ray::_Caller" in (process / "cmdline").read_bytes() and ours in (process / "environ").read_bytes():
                found.append(int(process.name))
        except OSError:
            pass  # it has ended
    return found


@contextmanager
def killing(server: FaultServer, times: int, every: int) -> Iterator[list[int]]:
    """Kill one of the actors, so many times, each after so many more requests."""
    killed: list[int] = []
    stop = threading.Event()

    def kill() -> None:
        while len(killed) < times and not stop.wait(0.05):
            if len(server.received) >= (len(killed) + 1) * every and (found := callers()):
                killed.append(random.choice(found))
                os.kill(killed[-1], signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        stop.set()
        thread.join()


def test_the_actors_of_two_nodes_answer_and_no_log_has_a_key(
    cluster: Any, groq: FaultServer, logs: Path, tmp_path: Path
) -> None:
    groq.script(
        replies.by_prompt(
            lambda prompt: replies.error(400, "no way") if prompt.endswith("7") else replies.answer(f"to {prompt}")
        )
    )
    source, out = write_rows(tmp_path / "in.jsonl", 300), tmp_path / "out.jsonl"
    summary = job(groq, source, out, at_once=32).run()
    assert (summary.ending, summary.answered, summary.failed) == ("complete", 270, 30)
    assert faults_of(out, range(1, 301)) == []
    assert failures(out)[0]["trail"]["attempts"]
    assert eventually(lambda: not callers())
    assert all(one.headers["authorization"] == f"Bearer {SECRET}" for one in groq.received)
    shown = [path for path in logs.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert shown == []


def test_actors_that_are_killed_lose_only_what_is_under_way(cluster: Any, groq: FaultServer, tmp_path: Path) -> None:
    groq.script(replies.delayed(0.1, echo()))
    source, out = write_rows(tmp_path / "in.jsonl", 150), tmp_path / "out.jsonl"
    with killing(groq, times=3, every=30) as killed:
        summary = job(groq, source, out, at_once=16).run()
    assert (summary.ending, summary.answered, len(killed)) == ("complete", 150, 3)
    assert faults_of(out, range(1, 151)) == []
    assert len(groq.received) <= 150 + 16 * len(killed)


def test_a_driver_that_is_killed_goes_on(cluster: Any, groq: FaultServer, tmp_path: Path) -> None:
    groq.script(replies.delayed(0.05, echo()))
    source, out = write_rows(tmp_path / "in.jsonl", 200), tmp_path / "out.jsonl"
    options = ["-m", f"groq:{MODEL}", "--no-fallback", "--at-once", "8", "--ray", cluster.address]
    command = [sys.executable, "-m", "g4f_lite.cli", "bulk", str(source), str(out), *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        end = time.monotonic() + 60
        while (not out.exists() or out.read_bytes().count(b"\n") < 40) and time.monotonic() < end:
            time.sleep(0.05)
        process.kill()
    before = len(lines_of(out))
    assert 40 <= before < 200
    ran = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert ran.returncode == 0, ran.stderr
    assert "200 answered, 0 failed" in ran.stdout
    assert faults_of(out, range(1, 201)) == []


def test_the_cap_holds_over_all_actors(cluster: Any, groq: FaultServer, tmp_path: Path) -> None:
    billing = Billing(random.Random(3))
    groq.script(billing)
    source, out = write_rows(tmp_path / "in.jsonl", 120), tmp_path / "out.jsonl"
    summary = job(groq, source, out, at_once=16, max_cost=0.0005).run()
    assert summary.ending == "cap" and summary.answered > 5 and billing.billed <= 0.0005


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Ray Data about itself
def test_a_dataset_gets_columns_and_no_row_raises(cluster: Any, groq: FaultServer) -> None:
    import ray.data

    ray.data.DataContext.get_current().enable_progress_bars = False
    groq.script(
        replies.by_prompt(
            lambda prompt: replies.error(400, "no way") if "3" in prompt else replies.answer(f"to {prompt}")
        )
    )
    settings = {"keys": {"groq": SECRET}, "base_urls": {"groq": groq.base_url}, "routes": [f"groq:{MODEL}"]}
    arguments = {"template": "say {text}", "params": {"fallback_models": []}, **settings}
    rows = ray.data.from_items([{"text": f"n{number}"} for number in range(10)])
    made = rows.map_batches(Ask, fn_constructor_kwargs=arguments, concurrency=1, batch_size=5).take_all()
    found = {row["text"]: row for row in made}
    assert found["n1"]["answer"] == "to say n1" and found["n1"]["error"] is None and found["n1"]["cost"] > 0
    assert found["n1"]["usage"]["prompt_tokens"] > 0
    assert found["n3"]["answer"] is None and "no way" in found["n3"]["error"] and len(found) == 10


def test_settings_that_cannot_work(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", 2)
    with pytest.raises(ConfigurationError, match="actors must be a whole number above 0"):
        RayJob(source, tmp_path / "o", actors=0)
    with pytest.raises(ConfigurationError, match="makes the clients of its actors"):
        RayJob(source, tmp_path / "o", client=object())
