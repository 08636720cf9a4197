"""In a terminal, `chat` says how it is stopped and ended; in a pipe, nothing."""

from __future__ import annotations

import pytest
from helpers.commands import Cli, in_terminal

from g4f_lite.testing import FaultServer

SAID = "Ctrl-D ends the chat"


def test_a_terminal_is_told(groq: FaultServer) -> None:
    assert in_terminal("chat", "-p", "groq", after=b"> ", typed=b"exit\n", env={"TERM": "dumb"}).out.count(SAID) == 1


def test_a_pipe_is_not(cli: Cli, groq: FaultServer) -> None:
    ran = cli("chat", "-p", "groq", stdin=b"hello\n")
    assert (ran.out, ran.err) == ("ok\n", "")


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["-p", "gorq"], 2, "did you mean 'groq'?"),
        (["-p", "groq", "-o", "top_p=high"], 2, "top_p must be"),
        (["-p", "openai"], 3, "set OPENAI_API_KEY"),
    ],
)
def test_what_no_line_could_mend_ends_it_at_once(
    options: list[str], code: int, said: str, cli: Cli, groq: FaultServer
) -> None:
    ran = cli("chat", *options, stdin=b"hello\nagain\n")
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (code, "", 1)
    assert said in ran.err and groq.received == []
