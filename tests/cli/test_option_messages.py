"""Errors of the command name its options, not keyword arguments of Python."""

from __future__ import annotations

import io
import sys

import pytest

from g4f_lite.cli import main
from g4f_lite.cli.failures import NOTHING_USABLE, USAGE
from g4f_lite.testing import FaultServer, replies


@pytest.mark.parametrize(
    ("arguments", "code", "shown"),
    [
        (["-p", "Groq:Qwen3"], USAGE, "is a route, not a provider; write --model 'groq:Qwen3'"),
        (
            ["-p", "groq", "-m", "openai:gpt-5"],
            USAGE,
            "--provider 'groq' and --model 'openai:gpt-5' name two providers",
        ),
        (["-m", "nobody-serves-this"], USAGE, "name the provider too: 'PROVIDER:nobody-serves-this'"),
        (["-p", "groq, openai"], USAGE, "there is no provider 'groq, openai'; give -p once for each"),
        (["now"], USAGE, "put quotation marks around a text of several words"),
        (["-m", ":"], USAGE, "--model must be"),
        (["--fallback", " "], USAGE, "--fallback holds"),
        (["-p", "groq", "--base-url", "groq=http://me:pw@host"], USAGE, "with `g4f-lite keys set`"),
        (["-p", "groq"], NOTHING_USABLE, "set GROQ_API_KEY, or run `g4f-lite keys set groq`; get one at"),
    ],
)
def test_an_error_names_the_options(
    arguments: list[str], code: int, shown: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["g4f-lite", "ask", "hi", *arguments])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    assert main() == code
    error = capsys.readouterr().err
    assert shown in error
    assert not any(f"{keyword}=" in error for keyword in ("provider", "model", "keys", "base_urls"))


def test_a_services_own_message_is_not_changed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with FaultServer() as server:
        server.script(replies.error(400, "model=x is wrong"))
        address = f"groq={server.base_url}"
        monkeypatch.setenv("GROQ_API_KEY", "test")
        monkeypatch.setattr(
            sys, "argv", ["g4f-lite", "ask", "hi", "-p", "groq", "--no-fallback", "--base-url", address]
        )
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
        assert main() == 1
    assert "model=x is wrong" in capsys.readouterr().err
