"""What the progress of `g4f-lite bulk` shows in a terminal while it stops, and in one that cannot draw."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from helpers.bulk import MODEL, echo, write_rows
from helpers.commands import in_terminal

from g4f_lite.testing import FaultServer, replies

COMMON = ("-p", "groq", "-m", MODEL, "--no-fallback", "--at-once", "2")


def test_a_terminal_shows_that_a_job_stops(groq: FaultServer, tmp_path: Path) -> None:
    groq.script(replies.delayed(5, echo()))
    source, out = write_rows(tmp_path / "in.jsonl", 30), tmp_path / "out.jsonl"
    ran = in_terminal("bulk", str(source), str(out), *COMMON, typed=signal.SIGINT, after=b"2 at once")
    assert ran.code == 130
    assert "calls under way end; Ctrl-C cuts them" in ran.out
    assert "2 answered, 0 failed, 28 left" in ran.out


def test_a_terminal_shows_why_a_job_stands_still(groq: FaultServer, tmp_path: Path) -> None:
    groq.script(replies.error(500, "out of order"))
    source, out = write_rows(tmp_path / "in.jsonl", 30), tmp_path / "out.jsonl"
    ran = in_terminal("bulk", str(source), str(out), *COMMON, typed=signal.SIGINT, after=b" rests for ")
    assert ran.code == 130
    assert "2 wait" in ran.out and f"last error: groq:{MODEL}: 500 out of order" in ran.out
    assert "0 answered, 0 failed, 30 left" in ran.out


def test_a_terminal_that_cannot_draw_gets_lines(groq: FaultServer, tmp_path: Path) -> None:
    groq.script(replies.delayed(0.5, echo()))
    source, out = write_rows(tmp_path / "in.jsonl", 8), tmp_path / "out.jsonl"
    ran = in_terminal("bulk", str(source), str(out), *COMMON, env={"TERM": "dumb"})
    assert ran.code == 0
    lines = [json.loads(line) for line in ran.out.splitlines() if line.startswith("{")]
    assert lines[-1]["answered"] == 8 and lines[-1]["stopping"] is False
    assert "━" not in ran.out
