"""`g4f-lite chat`, `ask -c` and `logs`: conversations, and what is kept of them."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.commands import Cli, in_terminal
from helpers.installing import unmeasured

from g4f_lite.testing import FaultServer, replies


def test_chat_remembers_what_was_said(cli: Cli, groq: FaultServer) -> None:
    groq.script(replies.answer("one"), replies.error(400, "no such thing"), replies.answer("two"))
    ran = cli("chat", "-p", "groq", "--no-fallback", "-s", "be brief", stdin=b"first\n\nlost\nsecond\n")
    assert (ran.code, ran.out) == (0, "one\ntwo\n")
    assert "no such thing" in ran.err
    said = [(message["role"], message["content"]) for message in groq.received[2].json["messages"]]
    assert said == [("system", "be brief"), ("user", "first"), ("assistant", "one"), ("user", "second")]


def test_chat_in_a_terminal_ends_with_exit(groq: FaultServer) -> None:
    ran = in_terminal("chat", "-p", "groq", after=b"> ", typed=b"hello\nexit\n", env={"TERM": "dumb"})
    assert ran.code == 0 and "\nok\n" in ran.out
    assert groq.received[0].json["messages"][-1]["content"] == "hello"


def test_nothing_is_logged_before_it_is_switched_on(cli: Cli, groq: FaultServer, tmp_path: Path) -> None:
    assert cli("ask", "hi", "-p", "groq").code == 0
    assert not (tmp_path / "config" / "logs.db").exists()
    ran = cli("logs")
    assert (ran.code, ran.out) == (0, "") and "logs on" in ran.err
    assert cli("ask", "-c", "hi", "-p", "groq").code == 2
    assert cli("logs", "off").code == 0 and not (tmp_path / "config" / "logs.db").exists()


def test_a_conversation_goes_on_after_the_process(cli: Cli, groq: FaultServer, tmp_path: Path) -> None:
    assert "logs.db" in cli("logs", "on").err
    assert stat.S_IMODE(os.stat(tmp_path / "config" / "logs.db").st_mode) == 0o600
    groq.script(replies.answer("one"), replies.answer("two"), replies.answer("three"), replies.answer("other"))
    cli("ask", "first 100%", "-p", "groq", "-s", "be brief")
    cli("ask", "-c", "second", "-p", "groq")
    assert cli("chat", "-c", "-p", "groq", stdin=b"third\n").out == "three\n"
    said = [message["content"] for message in groq.received[2].json["messages"]]
    assert said == ["be brief", "first 100%", "one", "second", "two", "third"]
    cli("ask", "elsewhere", "-p", "groq")
    rows = json.loads(cli("logs", "--json", "-n", "9").out)
    assert [(row["conversation"], row["text"]) for row in rows] == [(1, "one"), (1, "two"), (1, "three"), (2, "other")]
    assert rows[0]["trail"]["attempts"][0]["outcome"] == "ok" and rows[0]["prompt_tokens"] > 0
    assert [row["text"] for row in json.loads(cli("logs", "-q", "100% first", "--json").out)] == ["one"]
    assert json.loads(cli("logs", "-q", "1_0", "--json").out) == []
    shown = cli("logs", "-c", "2").out
    assert "> elsewhere" in shown and shown.endswith("other\n")
    cli("logs", "off")
    cli("ask", "unseen", "-p", "groq")
    assert len(json.loads(cli("logs", "--json", "-n", "9").out)) == 4


def test_words_of_any_language_are_found(cli: Cli, groq: FaultServer) -> None:
    cli("logs", "on")
    groq.script(replies.answer("Лиссабон"))
    cli("ask", 'Die "Hauptstadt" größer?', "-p", "groq")
    for words in ("größer", "Лиссабон", '"Hauptstadt"', "größer Лиссабон"):
        assert len(json.loads(cli("logs", "-q", words, "--json").out)) == 1, words


def test_many_processes_may_log_at_once(groq: FaultServer, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "g4f_lite.cli"]
    subprocess.run([*command, "logs", "on"], check=True, capture_output=True, env=unmeasured())
    ask = [*command, "ask", "hi", "-p", "groq"]
    silent = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    running = [subprocess.Popen(ask, env=unmeasured(), **silent) for _ in range(6)]
    assert [process.wait(60) for process in running] == [0] * 6
    with sqlite3.connect(tmp_path / "config" / "logs.db") as log:
        assert log.execute("SELECT count(*), count(DISTINCT conversation) FROM calls").fetchone() == (6, 6)


def test_a_log_that_is_none_is_reported(cli: Cli, groq: FaultServer, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "logs.db").write_text("no database, but a text that is longer than a header of SQLite. " * 9)
    for arguments in (["logs"], ["ask", "-p", "groq", "hi"], ["logs", "on"]):
        ran = cli(*arguments)
        assert ran.code == 2 and "logs.db" in ran.err and "Traceback" not in ran.err


@pytest.mark.parametrize("kind", ["folder", "other tables", "cut"])
def test_a_log_that_cannot_be_read_is_reported(kind: str, cli: Cli, groq: FaultServer, tmp_path: Path) -> None:
    log = tmp_path / "config" / "logs.db"
    log.parent.mkdir()
    if kind == "folder":
        log.mkdir()
    elif kind == "other tables":
        with sqlite3.connect(log) as other:
            other.execute("CREATE TABLE calls (other TEXT)")
            other.execute("CREATE TABLE switch (is_on)")
            other.execute("INSERT INTO switch VALUES (1)")
        other.close()
    else:
        cli("logs", "on")
        log.write_bytes(log.read_bytes()[:5000])
    for arguments in (["logs"], ["ask", "-p", "groq", "-c", "hi"]):
        ran = cli(*arguments)
        assert ran.code == 2 and "logs.db" in ran.err and "Traceback" not in ran.err


@pytest.mark.usefixtures("homeless")
def test_without_a_home_there_is_no_log(cli: Cli) -> None:
    assert cli("logs").code == 0
    assert "no home folder" in cli("logs", "on").err
