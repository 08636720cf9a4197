"""Several workers under gunicorn: replaced under load, killed, and stopped with streams under way."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from helpers.commands import start
from helpers.driving import eventually
from helpers.gateways import KEY, MESSAGES
from helpers.imports import python

from g4f_lite.gateway.keys import hash_of
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Action, Received

LIMITED = "g4f-" + "l" * 43
ADMIN = "g4f-admin"
ADMINISTRATOR = {"Authorization": f"Bearer {ADMIN}"}
pytestmark = [
    pytest.mark.xdist_group("gateway workers"),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are found in /proc"),
]


class Master:
    """The command, which has started two workers."""

    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self.process = process
        self.url = url

    @property
    def workers(self) -> set[int]:
        found = set()
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if int(parent) == self.process.pid and state != "Z":
                found.add(int(stat.parent.name))
        return found

    def has_replaced(self, gone: set[int]) -> bool:
        found = self.workers
        return len(found) == 2 and not found & gone

    def post(self, session: Any = requests, key: str = KEY, **fields: Any) -> requests.Response:
        body = {"messages": MESSAGES, "model": "named", **fields}
        url, headers = f"{self.url}/v1/chat/completions", {"Authorization": f"Bearer {key}"}
        return session.post(url, json=body, headers=headers, stream=bool(fields.get("stream")), timeout=60)

    def counted(self) -> float:
        text = requests.get(f"{self.url}/metrics", headers=ADMINISTRATOR, timeout=60).text
        lines = [line for line in text.splitlines() if line.startswith("g4f_lite_calls_total{") and '"ok"' in line]
        return sum(float(line.split()[-1]) for line in lines)


@contextmanager
def master(config: Path, tmp_path: Path) -> Iterator[Master]:
    (metrics := tmp_path / "tmp").mkdir()
    env = {"TMPDIR": str(metrics), "G4F_ADMIN": ADMIN}
    with (tmp_path / "log").open("wb") as log, start("serve", str(config), env=env, stderr=log) as process:
        said = ""
        try:
            assert eventually(lambda: "curl" in (tmp_path / "log").read_text() or process.poll() is not None, 40)
            said = (tmp_path / "log").read_text()
            running = Master(process, re.findall(r"http://127\.0\.0\.1:\d+", said)[0])
            assert eventually(lambda: len(running.workers) == 2, 30)
            yield running
        finally:
            process.terminate()
            process.wait(60)
    assert process.returncode == 0, (tmp_path / "log").read_text()
    assert not list(metrics.iterdir())


@pytest.fixture
def config(groq: FaultServer, tmp_path: Path) -> Path:
    path = tmp_path / "gateway.toml"
    server = 'listen = "127.0.0.1:0"\nworkers = 2\ndrain_delay = 0.5\nadmin = { env = "G4F_ADMIN" }\n'
    client = f'routes = ["groq:one"]\nbase_urls = {{ groq = "{groq.base_url}" }}\n'
    keys = f'[keys.a]\nhash = "{hash_of(KEY)}"\n[keys.b]\nhash = "{hash_of(LIMITED)}"\nparallel = 8\n'
    name = 'routes = ["groq:one"]\n'
    path.write_text(f"[server]\n{server}\n[client]\n{client}\n{keys}\n[models.named]\n{name}", "utf-8")
    return path


def wait_for_go(go_on: threading.Event, reply: Any) -> Any:
    def held(request: Received) -> Iterator[Action]:
        assert go_on.wait(40)
        yield from reply(request)

    return held


def test_workers_are_killed_and_replaced_under_load(config: Path, groq: FaultServer, tmp_path: Path) -> None:
    with master(config, tmp_path) as running:
        assert [running.post().status_code for _ in range(6)] == [200] * 6
        assert [running.counted() for _ in range(4)] == [6.0] * 4  # whichever worker is asked

        kill_the_workers_of_eight_calls(running, groq)
        assert running.counted() == 6.0

        before, failed, answered, stop = running.workers, [], [], threading.Event()

        def load(streamed: bool) -> None:
            with requests.Session() as session:
                while not stop.is_set():
                    try:
                        answer = running.post(session, stream=streamed)
                        whole = answer.text.endswith("[DONE]\n\n") if streamed else answer.json()["choices"]
                        (answered if whole else failed).append(answer.text)
                    except (requests.RequestException, ValueError, KeyError) as error:
                        failed.append(repr(error))

        callers = [threading.Thread(target=load, args=(number == 0,)) for number in range(4)]
        for one in callers:
            one.start()
        text = config.read_text("utf-8")
        config.write_text("nothing", "utf-8")
        running.process.send_signal(signal.SIGHUP)  # a mistake stops nobody
        assert eventually(lambda: "stays as it was" in (tmp_path / "log").read_text(), 30)
        assert eventually(lambda: running.has_replaced(before), 40)
        config.write_text(f'{text}\n[models.later]\nroutes = ["groq:one"]\n', "utf-8")
        before = running.workers
        running.process.send_signal(signal.SIGHUP)
        assert eventually(lambda: running.has_replaced(before), 40)
        assert running.post(model="later").status_code == 200
        stop.set()
        for one in callers:
            one.join(40)
        assert running.counted() == 6 + len(answered) + 1  # of all workers that there were
        assert eventually(lambda: running.post(key=LIMITED).status_code == 200, 40)
    assert not failed and len(answered) > 20


def kill_the_workers_of_eight_calls(running: Master, groq: FaultServer) -> None:
    """Kill one worker after the other, while all calls that the key may make at once are under way."""
    groq.script(replies.silence())
    asked = len(groq.received)
    ended: list[int] = []

    def call() -> None:
        try:
            while running.post(key=LIMITED).status_code == 429:  # a process may have kept a part of the limit
                time.sleep(0.1)
        except requests.RequestException:
            ended.append(1)

    callers = [threading.Thread(target=call) for _ in range(8)]
    for one in callers:
        one.start()
    assert eventually(lambda: len(groq.received) == asked + 8, 60)
    groq.script(replies.answer("ok"))
    for number, pid in enumerate(running.workers):
        others = running.workers - {pid}
        os.kill(pid, signal.SIGKILL)
        if number == 0:
            assert running.post(key=LIMITED).status_code == 429  # what it had reserved is held for some time
        assert eventually(lambda: running.has_replaced({pid}), 60)  # noqa: B023
        assert others <= running.workers
        assert requests.get(f"{running.url}/health/live", timeout=60).status_code == 200
    for one in callers:
        one.join(60)
    assert len(ended) == 8


@contextmanager
def stopped(worker: int) -> Iterator[None]:
    """Let a worker take no call meanwhile."""
    os.kill(worker, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(worker, signal.SIGCONT)


def test_each_worker_knows_the_calls_of_all(config: Path, groq: FaultServer, tmp_path: Path) -> None:
    with master(config, tmp_path) as running:
        first, second = running.workers
        made = []
        for asleep in (first, second):
            with stopped(asleep):
                made.append(running.post().headers["x-request-id"])
        for asleep, awake in ((first, second), (second, first)):

            def told() -> tuple[str, list[tuple[str, str]]]:
                with stopped(asleep):  # noqa: B023  # called in this round
                    answer = requests.get(f"{running.url}/admin/api/calls", headers=ADMINISTRATOR, timeout=60).json()
                return answer["worker"], [(one["id"], one["worker"]) for one in answer["calls"]]

            assert eventually(lambda: len(told()[1]) == 2, 30)
            assert told() == (str(awake), [(made[1], str(first)), (made[0], str(second))])


def test_streams_under_way_end_whole_when_it_is_stopped(config: Path, groq: FaultServer, tmp_path: Path) -> None:
    go_on, found = threading.Event(), []
    groq.script(wait_for_go(go_on, replies.answer("one two three")))
    with master(config, tmp_path) as running:
        callers = [threading.Thread(target=lambda: found.append(running.post(stream=True))) for _ in range(6)]
        for one in callers:
            one.start()
        assert eventually(lambda: len(groq.received) == 6, 20)
        running.process.terminate()
        time.sleep(0.5)
        go_on.set()
        for one in callers:
            one.join(40)
        assert running.process.wait(40) == 0
    assert [(one.status_code, one.text.endswith("[DONE]\n\n")) for one in found] == [(200, True)] * 6
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines() if line.startswith("{")]
    assert [one["status"] for one in lines if "event" not in one] == [200] * 6


def test_a_worker_that_is_just_starting_is_ended_as_well(config: Path, tmp_path: Path) -> None:
    with master(config, tmp_path) as running:
        gone, end = running.workers, time.monotonic() + 60
        for pid in gone:  # each gets a successor
            os.kill(pid, signal.SIGTERM)
        for _ in range(6):
            while not (new := running.workers - gone):
                assert time.monotonic() < end
            pid = max(new)
            os.kill(pid, signal.SIGTERM)  # as soon as it is there
            gone.add(pid)
        assert eventually(lambda: running.has_replaced(gone), 60)


def test_workers_without_gunicorn_are_told_what_to_install() -> None:
    ran = python("import sys; sys.modules['gunicorn'] = None; sys.argv = ['g4f-lite', 'serve', '--workers', '2']\n"
                 "from g4f_lite.cli import main; sys.exit(main())")  # fmt: skip
    assert ran.returncode == 1
    assert "gunicorn" in ran.stderr and "[gateway]" in ran.stderr and "Traceback" not in ran.stderr


def test_an_address_in_use_is_told_at_once(config: Path, groq: FaultServer) -> None:
    port = groq.base_url.split(":")[2].split("/")[0]
    with start("serve", str(config), "--port", port, env={"G4F_ADMIN": ADMIN}) as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == 2 and b"cannot listen on 127.0.0.1" in said
