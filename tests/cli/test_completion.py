"""What the shell completes wherever a provider, a model or a file is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.commands import run


def complete(line: str, folder: Path) -> list[str]:
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1), "_G4F_LITE_COMPLETE": "bash_complete"}
    return run(env={**words, "G4F_LITE_CONFIG_DIR": str(folder)}).out.split()


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("g4f-lite models gr", "plain,groq"),
        ("g4f-lite keys set gr", "plain,groq"),
        ("g4f-lite keys remove gr", "plain,groq"),
        ("g4f-lite embed -p gr", "plain,groq"),
        ("g4f-lite chat -p gr", "plain,groq"),
        ("g4f-lite ask --fallback gpt-oss-1", "plain,gpt-oss-120b"),
        ("g4f-lite ask -m groq:gpt-oss-1", "plain,groq:gpt-oss-120b"),
        ("g4f-lite ask -m quick", "plain,quickest"),
        ("g4f-lite ask -a no", "file,no"),
        ("g4f-lite ask --schema no", "file,no"),
        ("g4f-lite chat --schema no", "file,no"),
    ],
)
def test_it_completes(line: str, completed: str, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[aliases]\nquickest = "groq:openai/gpt-oss-20b"\n', "utf-8")
    assert completed in complete(line, tmp_path)


@pytest.mark.parametrize("line", ["g4f-lite ask -m nobody:x", "g4f-lite models zzz"])
def test_it_completes_nothing_of_an_unknown_name(line: str, tmp_path: Path) -> None:
    assert complete(line, tmp_path) == []


def test_a_broken_file_of_defaults_does_not_stop_it(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[aliases\n", "utf-8")
    assert "plain,gpt-oss-120b" in complete("g4f-lite ask -m gpt-oss-1", tmp_path)
