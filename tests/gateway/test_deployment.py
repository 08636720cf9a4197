"""The files of examples/gateway: what they name is there, and nginx passes a stream on piece by piece."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from helpers.commands import run
from helpers.driving import eventually
from helpers.gateways import MESSAGES, Running, running, tables
from helpers.installing import ROOT

from g4f_lite.cli.serve import serve
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Action, Received

FILES = ROOT / "examples" / "gateway"


def test_the_configuration_is_one(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text((FILES / "gateway.toml").read_text("utf-8").replace("/data/", f"{tmp_path}/"), "utf-8")
    ran = run("serve", str(config), "--check", env={"GROQ_API_KEY": "k", "G4F_ADMIN_KEY": "k"})
    assert (ran.code, ran.err) == (0, "") and "1. groq:" in ran.out


def test_what_the_container_and_the_unit_name_is_there() -> None:
    text = (FILES / "Dockerfile").read_text("utf-8")
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", text, re.MULTILINE)
    assert copied and all((ROOT / name).exists() for line in copied for name in line.split())
    options = {name for option in serve.params for name in option.opts}
    for said in (text, (FILES / "g4f-lite-gateway.service").read_text("utf-8")):
        assert "serve" in said and set(re.findall(r"--workers", said)) <= options
        assert "/etc/g4f-lite/gateway.toml" in said


def test_the_health_check_of_the_container_can_be_run(groq: FaultServer) -> None:
    code = re.findall(r'CMD \["python", "-c", "(.+)"\]', (FILES / "Dockerfile").read_text("utf-8"))[0]
    with running(tables(groq)) as gateway:
        exec(code.replace("http://127.0.0.1:8080", gateway.url), {})
    with pytest.raises(OSError):
        exec(code.replace("http://127.0.0.1:8080", gateway.url), {})


@contextmanager
def nginx(gateway: Running, folder: Path) -> Iterator[str]:
    """Run nginx with the example before a gateway; yield its address."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{found.getsockname()[1]}"
    own = (FILES / "nginx.conf").read_text("utf-8")
    own = own.replace("127.0.0.1:8080", gateway.url.removeprefix("http://")).replace("127.0.0.1:8443", address)
    paths = "".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/log; events {{}}\n"
        f"http {{ access_log off; {paths}\n{own}\n}}\n",
        "utf-8",
    )
    command = [shutil.which("nginx") or "", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", f"{folder}/log"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            assert eventually(lambda: answers(f"http://{address}"), 20), (folder / "log").read_text()
            yield f"http://{address}"
        finally:
            process.terminate()


def answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/health/live", timeout=5).status_code == 200
    except requests.ConnectionError:
        return False


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_nginx_passes_a_stream_on_piece_by_piece(groq: FaultServer, tmp_path: Path) -> None:
    seen = [threading.Event() for _ in range(3)]

    def slow(request: Received) -> Iterator[Action]:
        whole = b"".join(part for part in replies.answer("one two three")(request) if isinstance(part, bytes))
        first, second = whole.index(b"two") + 60, whole.index(b"three") + 60
        for piece, before in ((whole[:first], None), (whole[first:second], seen[0]), (whole[second:], seen[1])):
            assert before is None or before.wait(20)  # the caller has got what came before
            yield piece

    groq.script(slow)
    client = {"routes": ["groq:one"]}
    with running(tables(groq, client=client)) as gateway, nginx(gateway, tmp_path) as url:
        body = {"messages": MESSAGES, "stream": True}
        text = ""
        with requests.post(f"{url}/v1/chat/completions", json=body, stream=True, timeout=30) as answer:
            for piece in answer.iter_content(None):
                text += piece.decode()
                for word, event in zip(("one", "two", "three"), seen, strict=True):
                    if word in text:
                        event.set()
        assert text.endswith("data: [DONE]\n\n") and all(event.is_set() for event in seen)
        # a caller who leaves nginx ends the call here, too
        groq.script(replies.silence())
        with pytest.raises(requests.ReadTimeout):
            requests.post(f"{url}/v1/chat/completions", json=body, timeout=0.5)
        assert eventually(lambda: gateway.under_way == 0, 30)
        assert eventually(lambda: groq.open_connections == 0, 30)
