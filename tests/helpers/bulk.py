"""Bulk jobs at a fault server: their files, their service, and what their output says."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from g4f_lite.testing import replies
from g4f_lite.testing.script import Reply

MODEL = "openai/gpt-oss-120b"
GROQ: dict[str, Any] = {"routes": [f"groq:{MODEL}"], "retry_wait": lambda state: 0.01}
"""Settings of a job whose key and address are those of the fixture `groq`."""


def write_rows(path: Path, count: int, *, ids: bool = True) -> Path:
    """Write JSON lines with the prompts "prompt 1" and so on."""
    rows = ({"prompt": f"prompt {number}"} for number in range(1, count + 1))
    lines = ({"id": f"row-{number}", **row} if ids else row for number, row in enumerate(rows, 1))
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


def echo() -> Reply:
    """Answer a prompt with itself, so that an answer shows which row it belongs to."""
    return replies.by_prompt(lambda prompt: replies.answer(f"to {prompt}"))


def lines_of(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def failures(out: Path) -> list[Any]:
    return lines_of(out.with_name(f"{out.name}.failed.jsonl"))


def faults_of(out: Path, rows: Iterable[int]) -> list[str]:
    """Return what is wrong with an output of `write_rows` and `echo`: rows that are missing, doubled, or mixed up."""
    wrong = []
    counts = Counter(line["row"] for line in [*lines_of(out), *failures(out)])
    expected = set(rows)
    wrong += [f"row {row} is missing" for row in expected - counts.keys()]
    wrong += [f"row {row} is there {count} times" for row, count in counts.items() if count > 1]
    wrong += [f"row {row} was never asked" for row in counts.keys() - expected]
    for line in lines_of(out):
        if line["answer"] != f"to prompt {line['row']}":
            wrong.append(f"row {line['row']} has the answer {line['answer']!r}")
    return wrong
