"""Uploads that are kept on disk: memory stays flat, each attempt gets all of it, and nothing stays behind."""

from __future__ import annotations

import hashlib
import os
import re
import resource
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
import requests
from helpers.commands import start
from helpers.driving import eventually
from helpers.gateways import KEY, key_table, running, tables

from g4f_lite.testing import FaultServer, replies

MIB = 1 << 20
CONTENT = b"RIFF" + os.urandom(24 * MIB)
FORM = {"Content-Type": "multipart/form-data; boundary=B"}
HEAD = (
    b'--B\r\nContent-Disposition: form-data; name="model"\r\n\r\nauto\r\n'
    b'--B\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
)
TAIL = b"\r\n--B--\r\n"
pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are found in /proc")


class Served:
    """The command, which answers from one route."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, folder: Path) -> None:
        self.process, self.url, self.folder = process, url, folder

    @property
    def path(self) -> str:
        return f"{self.url}/v1/audio/transcriptions"

    def largest(self) -> int:
        """The most memory that it has had, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) // 1024

    def kept(self) -> int:
        """How many files without a name it has open."""
        found = 0
        for one in Path(f"/proc/{self.process.pid}/fd").iterdir():
            try:
                found += "(deleted)" in os.readlink(one)
            except OSError:
                pass
        return found

    def leave(self, sent: int) -> socket.socket:
        """Announce a file of 20 MiB, and send so much of it."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        caller = socket.create_connection((host, int(port)), 20)
        length = len(HEAD) + 20 * MIB + len(TAIL)
        head = f"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: h\r\nContent-Type: {FORM['Content-Type']}\r\n"
        caller.sendall(f"{head}Content-Length: {length}\r\n\r\n".encode() + HEAD + b"x" * sent)
        return caller


@pytest.fixture
def served(groq: FaultServer, tmp_path: Path) -> Iterator[Served]:
    config = tmp_path / "gateway.toml"
    config.write_text(f'[client]\nroutes = ["groq:ears"]\nbase_urls = {{ groq = "{groq.base_url}" }}\n', "utf-8")
    (folder := tmp_path / "tmp").mkdir()
    with start("serve", str(config), "--port", "0", env={"TMPDIR": str(folder)}) as process:
        assert process.stderr is not None
        url = re.findall(r"http://127\.0\.0\.1:\d+", process.stderr.readline().decode())[0]
        yield Served(process, url, folder)
        process.terminate()
        process.communicate(timeout=60)


def test_a_large_upload_is_sent_again_from_its_start_and_leaves_nothing(served: Served, groq: FaultServer) -> None:
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="k", max_retries=0) as client:
        assert client.audio.transcriptions.create(model="auto", file=("a.wav", CONTENT[:1000])).text == "ok"
        assert served.kept() == 0
        before = served.largest()
        groq.received.clear()
        groq.script(*[replies.error(500, "oops")] * 2, replies.answer("heard"))
        assert client.audio.transcriptions.create(model="auto", file=("talk.wav", CONTENT)).text == "heard"
    found = [hashlib.sha256(one.form["file"][0]).hexdigest() for one in groq.received]
    assert found == [hashlib.sha256(CONTENT).hexdigest()] * 3
    assert served.largest() - before < 12
    assert served.kept() == 0 and not list(served.folder.iterdir())

    # callers that leave, while they send and while they wait
    with served.leave(6 * MIB):
        assert eventually(lambda: served.kept() == 1, 30)
        assert not list(served.folder.iterdir())
    assert eventually(lambda: served.kept() == 0, 30)
    groq.script(replies.silence())
    asked = len(groq.received)
    with served.leave(20 * MIB) as caller:
        caller.sendall(TAIL)
        assert eventually(lambda: len(groq.received) == asked + 1, 20)
        assert served.kept() == 1
    assert eventually(lambda: served.kept() == 0, 30)

    # more than is allowed, announced or not
    answers = [
        requests.post(served.path, data=data, headers=FORM, timeout=60)
        for data in (HEAD + b"x" * (33 * MIB) + TAIL, iter((HEAD, *[b"x" * MIB] * 33, TAIL)))
    ]
    assert [one.status_code for one in answers] == [413] * 2
    # a disk that is full
    resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (5 * MIB, 5 * MIB))
    groq.script(replies.answer("heard"))
    full = requests.post(served.path, data=HEAD + CONTENT + TAIL, headers=FORM, timeout=60)
    assert (full.status_code, full.json()["error"]["code"]) == (507, "no_space")
    small = requests.post(served.path, data=HEAD + CONTENT[:1000] + TAIL, headers=FORM, timeout=60)
    assert small.status_code == 200
    assert eventually(lambda: served.kept() == 0, 30)


def test_a_caller_who_asks_first_is_told_to_send(groq: FaultServer) -> None:
    with running(tables(groq, client={"routes": ["groq:ears"]}, keys=key_table())) as gateway:
        host, _, port = gateway.url.removeprefix("http://").partition(":")
        for key, status in ((KEY, b"HTTP/1.1 100 Continue"), ("wrong", b"HTTP/1.1 401 Unauthorized")):
            with socket.create_connection((host, int(port)), 30) as caller, caller.makefile("rb") as answer:
                lines = "POST /v1/audio/transcriptions HTTP/1.1", "Host: h", f"x-api-key: {key}", "Expect: 100-continue"
                body = HEAD + CONTENT[:99] + TAIL
                more = f"Content-Type: {FORM['Content-Type']}", f"Content-Length: {len(body)}", "Connection: close"
                caller.sendall("\r\n".join((*lines, *more, "", "")).encode())
                assert answer.readline().strip() == status
                if key == KEY:
                    caller.sendall(body)
                    assert b'{"text": "ok"' in answer.read()
