"""The command starts fast, has help for every command, and says what to install if it cannot start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from helpers.commands import Cli
from helpers.installing import unmeasured

import g4f_lite
from g4f_lite.errors.suggestions import install_hint


def test_every_command_has_help_with_an_example(cli: Cli) -> None:
    for command in ("", "ask", "transcribe", "providers", "models", "plugins", "explain", "doctor", "keys", "keys set", "keys list",
                    "keys remove"):  # fmt: skip
        for flag in ("-h", "--help"):
            ran = cli(*command.split(), flag)
            assert (ran.code, ran.err) == (0, "")
            assert "Example" in ran.out
    assert cli("--version").out == f"g4f-lite {g4f_lite.__version__}\n"


def test_a_list_of_commands_cuts_no_line(cli: Cli) -> None:
    for group in ("", "gateway", "gateway keys", "keys", "logs", "plugin"):
        lines = cli(*group.split(), "--help").out.partition("Commands:")[2].splitlines()
        assert len(lines) > 1 and not [line for line in lines if line.endswith("...")]


def test_version_and_help_load_click_and_nothing_else() -> None:
    code = (
        "import sys; from g4f_lite.cli import main; main(); "
        "heavy = {'requests', 'aiohttp', 'msgspec', 'rich', 'pluggy', 'urllib3', 'tenacity', 'asyncio', 'sqlite3'}; "
        "sys.exit(' '.join(heavy & set(sys.modules)))"
    )
    for argument in ("--version", "--help"):
        ran = subprocess.run([sys.executable, "-c", code, argument], env=unmeasured(), capture_output=True)
        assert ran.stderr.strip() == b""
        assert b"g4f-lite" in ran.stdout


def test_without_click_one_line_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "g4f_lite").symlink_to(Path(g4f_lite.__file__).parent)
    ran = subprocess.run(
        [sys.executable, "-S", "-m", "g4f_lite.cli", "ask", "hi"],  # -S: without site-packages
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"g4f-lite needs click and rich: {install_hint('cli')}\n"
