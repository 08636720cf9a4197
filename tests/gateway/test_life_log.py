"""What the log has of the life of the processes: each line is JSON, with its time."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest
import requests
from helpers.commands import start
from helpers.driving import eventually

from g4f_lite.testing import FaultServer

pytestmark = pytest.mark.xdist_group("gateway workers")


def test_the_log_tells_what_became_of_the_processes(groq: FaultServer, tmp_path: Path) -> None:
    config, log = tmp_path / "gateway.toml", tmp_path / "log"
    good = '[server]\nworkers = 2\ndrain_delay = 0.1\n[models.m]\nroutes = ["groq:one"]\n'
    config.write_text(good, "utf-8")

    def lines() -> list[Any]:
        text = log.read_text()
        return [json.loads(one) for one in text[text.find("\n{") : text.rfind("\n")].splitlines() if one]

    def count(event: str) -> int:
        return [one["event"] for one in lines()].count(event)

    with log.open("wb") as stderr, start("serve", str(config), "--port", "0", stderr=stderr) as process:
        assert eventually(lambda: "curl" in log.read_text() and count("worker_started") == 2, 60)
        url = re.findall(r"http://127\.0\.0\.1:\d+/v1", log.read_text())[0]
        os.kill(int(next(one["worker"] for one in lines() if "worker" in one)), signal.SIGKILL)
        assert eventually(lambda: count("worker_started") == 3 and count("worker_ended") == 1, 60)
        process.send_signal(signal.SIGHUP)
        assert eventually(lambda: count("configuration") == 1 and count("worker_started") == 5, 60)
        config.write_text("[server]\nworker = 2\n", "utf-8")
        process.send_signal(signal.SIGHUP)
        assert eventually(lambda: any("stays as it was" in one.get("message", "") for one in lines()), 60)
        assert requests.get(f"{url}/nothing", timeout=30).status_code == 404
        process.terminate()
        assert process.wait(60) == 0
    found = lines()
    assert (count("stopping"), count("stopped"), count("refused")) == (1, 1, 1)
    assert all(one["at"] > 1e9 for one in found)
