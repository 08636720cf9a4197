"""Ctrl-C, closed pipes and a full disk end the command cleanly."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from helpers.bulk import echo, faults_of, write_rows
from helpers.commands import in_terminal, interrupt, start
from helpers.driving import eventually

from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Pause


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A background shell ignores SIGINT for all its children; ours must not inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_pieces_are_printed_as_they_arrive_and_ctrl_c_ends_cleanly_midway(
    groq: FaultServer, interruptible: None
) -> None:
    groq.script(replies.silence("stream", 2))
    with start("ask", "hi", "-p", "groq") as process:
        assert process.stdout is not None
        began = b""
        while len(began) < len("word0 word1 "):
            piece = os.read(process.stdout.fileno(), 100)
            assert piece, "it ended early"
            began += piece
        out, err = interrupt(process)
    assert (process.returncode, began + out, err) == (130, b"word0 word1 \n", b"")


def test_ctrl_c_ends_cleanly_before_the_answer(groq: FaultServer, interruptible: None) -> None:
    groq.script(replies.silence())
    with start("ask", "hi", "-p", "groq", "-v") as process:
        assert eventually(lambda: bool(groq.received), within=10)
        assert interrupt(process) == (b"", b"")
    assert process.returncode == 130


def test_ctrl_c_and_ctrl_d_instead_of_a_key_store_nothing(interruptible: None, tmp_path: Path) -> None:
    ctrl_c = in_terminal("keys", "set", "groq", after=b"not shown", typed=signal.SIGINT)
    assert (ctrl_c.code, "Traceback" in ctrl_c.out) == (130, False)
    ctrl_d = in_terminal("keys", "set", "groq", after=b"not shown", typed=b"\x04")
    assert ctrl_d.code == 2
    assert "nothing was stored" in ctrl_d.out
    assert not list(tmp_path.rglob("keys.json"))


def test_a_reader_that_goes_away_ends_the_command_quietly(groq: FaultServer) -> None:
    groq.script(replies.stream([{"choices": [{"delta": {"content": "x" * 4000}}]}] * 100 + [Pause(60)]))
    with start("ask", "hi", "-p", "groq") as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.read(5) == b"xxxxx"
        process.stdout.close()
        assert process.wait(10) == 141
        assert process.stderr.read() == b""


def test_a_full_disk_is_reported() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    for command in (["models", "groq"], ["--help"]):
        with open("/dev/full", "wb") as full, start(*command, stdout=full) as process:
            assert process.communicate(timeout=20)[1] == b"Error: No space left on device\n"
        assert process.returncode == 1


def test_the_command_works_with_closed_standard_streams(groq: FaultServer) -> None:
    command = f'"{sys.executable}" -m g4f_lite.cli ask hi -p groq'
    for closed in ("<&-", "2>&- </dev/null"):
        ran = subprocess.run(f"{command} {closed}", shell=True, capture_output=True, timeout=20)
        assert (ran.returncode, ran.stderr) == (0, b"")
    asked = len(groq.received)
    ran = subprocess.run(f"{command} >&- </dev/null", shell=True, capture_output=True, timeout=20)
    assert (ran.returncode, ran.stderr) == (1, b"Error: standard output is closed\n")
    assert len(groq.received) == asked  # an answer that nobody sees is not paid for


@contextmanager
def unread(*arguments: str, to_stdout: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    """Start a command whose stderr, and with `to_stdout` whose stdout too, is a pipe that nobody reads any more."""
    ours, its = os.pipe()
    os.close(ours)
    with start(*arguments, stderr=its, **({"stdout": its} if to_stdout else {})) as process:
        os.close(its)
        yield process


def test_an_answer_counts_though_nobody_reads_the_notes(groq: FaultServer) -> None:
    groq.script(replies.answer("Hello"))
    for options in (("-v",), ("--usage",)):
        with unread("ask", "hi", "-p", "groq", *options) as process:
            assert (process.communicate(timeout=20)[0], process.returncode) == (b"Hello\n", 0)
    with open("/dev/full", "wb") as full, start("ask", "hi", "-p", "groq", "-v", stderr=full) as process:
        assert (process.communicate(timeout=20)[0], process.returncode) == (b"Hello\n", 0)


def test_a_failure_has_its_exit_code_though_nobody_reads_it() -> None:
    with unread("ask", "hi", "-p", "gorq") as process:
        assert process.wait(20) == 2


def test_a_job_goes_on_though_nobody_reads_its_progress(groq: FaultServer, tmp_path: Path) -> None:
    groq.script(replies.delayed(0.3, echo()))
    options = (str(write_rows(tmp_path / "in.jsonl", 10)), "-p", "groq", "--at-once", "2")
    for name, to_stdout, code in (("a", False, 0), ("b", True, 141)):
        out = tmp_path / name
        with unread("bulk", options[0], str(out), *options[1:], to_stdout=to_stdout) as process:
            assert process.wait(30) == code
        assert faults_of(out, range(1, 11)) == []


def test_a_gateway_serves_though_nobody_reads_its_log() -> None:
    ours, its = os.pipe()
    with start("serve", "--port", "0", stdout=its, stderr=its) as process:
        os.close(its)
        with os.fdopen(ours, "rb") as log:
            found = re.search(rb"http://[\d.:]+", log.readline())
        assert found is not None
        with urlopen(f"{found[0].decode()}/health/live", timeout=20) as answer:
            assert answer.status == 200
        process.terminate()
        assert process.wait(20) == 0
