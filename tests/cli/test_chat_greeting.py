"""In a terminal, `chat` says how it is stopped and ended; in a pipe, nothing."""

from __future__ import annotations

from helpers.commands import Cli, in_terminal

from g4f_lite.testing import FaultServer

SAID = "Ctrl-D ends the chat"


def test_a_terminal_is_told(groq: FaultServer) -> None:
    assert in_terminal("chat", "-p", "groq", after=b"> ", typed=b"exit\n", env={"TERM": "dumb"}).out.count(SAID) == 1


def test_a_pipe_is_not(cli: Cli, groq: FaultServer) -> None:
    ran = cli("chat", "-p", "groq", stdin=b"hello\n")
    assert (ran.out, ran.err) == ("ok\n", "")
