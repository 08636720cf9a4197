"""Commands run in processes like those of users, or in this process (`cli`) if only their arguments matter."""

from __future__ import annotations

import io
import os
import sys

import pytest
from helpers.commands import Cli, Ran

from g4f_lite.cli import main


@pytest.fixture(autouse=True)
def like_outside_of_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let processes buffer and encode as they do outside of tests, and find what this one imports."""
    for name in ("PYTHONUNBUFFERED", "PYTHONIOENCODING", "PYTHONUTF8", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run the command in this process."""

    def call(*arguments: str, stdin: bytes = b"") -> Ran:
        monkeypatch.setattr(sys, "argv", ["g4f-lite", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = main()
        return Ran(code, *capsys.readouterr())

    return call
