"""`g4f-lite serve` and `g4f-lite gateway keys` as real commands."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from helpers.commands import start
from helpers.gateways import MESSAGES
from helpers.imports import python

from g4f_lite.testing import FaultServer


@pytest.fixture
def config(groq: FaultServer, tmp_path: Path) -> Path:
    path = tmp_path / "gateway.toml"
    path.write_text(f'[client]\nroutes = ["groq:one"]\nbase_urls = {{ groq = "{groq.base_url}" }}\n', "utf-8")
    return path


def keys(config: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "g4f_lite.cli", "gateway", "keys", "--config", str(config), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_it_says_where_it_answers_and_ends_with_a_signal(config: Path, groq: FaultServer, number: int) -> None:
    key = keys(config, "new", "team-a", "--model", "auto", "--rpm", "5").strip()
    assert re.fullmatch("g4f-[A-Za-z0-9]{43}", key)
    assert key not in keys(config, "list") and "team-a" in keys(config, "list")
    with start("serve", str(config), "--port", "0") as process:
        assert process.stderr is not None
        said = process.stderr.readline().decode()
        url = re.findall(r"http://127\.0\.0\.1:\d+/v1", said)[0]
        headers = {"Authorization": f"Bearer {key}"}
        body = {"messages": MESSAGES}
        answer = requests.post(f"{url}/chat/completions", json=body, headers=headers, timeout=30)
        assert (answer.status_code, answer.headers["x-ratelimit-remaining-requests"]) == (200, "4")
        assert requests.post(f"{url}/chat/completions", json=body, timeout=30).status_code == 401
        process.send_signal(number)
        _, rest = process.communicate(timeout=60)
    assert process.returncode == 0, rest
    lines = [json.loads(line) for line in rest.decode().splitlines() if line.startswith("{")]
    told = [(one.get("event") or one["key"], one.get("status")) for one in lines]
    assert told == [("team-a", 200), ("refused", 401), ("stopping", None), ("stopped", None)]
    assert key not in rest.decode()
    assert config.with_name("gateway-usage.db").exists()


def test_check_says_what_would_be_tried(config: Path, groq: FaultServer) -> None:
    config.write_text(config.read_text("utf-8") + '[models.fast]\nroutes = ["groq:one", "groq:two"]\n', "utf-8")
    with start("serve", str(config), "--check") as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert "model fast:\n  1. groq:one at http://" in out.decode() and "\n  2. groq:two at http://" in out.decode()
    assert groq.received == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[server]\nlisten_on = 1\n", "[server] unknown name 'listen_on'; did you mean 'listen'?"),
        ("[server]\nlisten = 'here'\n", "listen must be HOST:PORT"),
        ("[models.x]\nroutes = []\n", "[models.x] routes is empty"),
        ("[keys.a]\nhash = 'x'\n", "[keys.a] hash must be"),
        ("[server]\nmax_body = 'big'\n", "server.max_body: must be a whole number, not a text"),
        ("nothing", "gateway.toml: "),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_place(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(text, "utf-8")
    with start("serve", str(path), "--check") as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 2 and out == b""
    assert said in err.decode() and "Traceback" not in err.decode()


def test_keys_are_listed_without_the_packages_of_the_gateway(tmp_path: Path) -> None:
    for command in ("new", "a"), ("list",):
        ran = python("import os, sys; sys.modules['prometheus_client'] = None\n"
                     f"os.environ['G4F_LITE_CONFIG_DIR'] = {str(tmp_path)!r}\n"
                     f"sys.argv = ['g4f-lite', 'gateway', 'keys', *{command!r}]\n"
                     "from g4f_lite.cli import main; sys.exit(main())")  # fmt: skip
        assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("a  ")


@pytest.mark.parametrize("package", ["python_multipart", "prometheus_client"])
def test_a_missing_package_is_told_with_the_command_that_installs_it(package: str) -> None:
    ran = python(f"import sys; sys.modules[{package!r}] = None; sys.argv = ['g4f-lite', 'serve']\n"
                 "from g4f_lite.cli import main; sys.exit(main())")  # fmt: skip
    assert ran.returncode == 1
    assert package in ran.stderr and "[gateway]" in ran.stderr and "Traceback" not in ran.stderr
