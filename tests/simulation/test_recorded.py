"""Recorded trails are read in the forms in which the library gives them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from g4f_lite import Client, ConfigurationError, OpenaiTemplate, ProviderError, hookimpl
from g4f_lite.records.trail import Trail
from g4f_lite.simulation.recorded import read_trails
from g4f_lite.testing import FaultServer, replies

MESSAGES = [{"role": "user", "content": "Which day is it?"}]


class Acme(OpenaiTemplate):
    name = "acme"
    needs_auth = False
    default_model = "acme/large-2"


class Trails:
    def __init__(self) -> None:
        self.found: list[Trail] = []

    @hookimpl
    def call_finished(self, trail: Trail) -> None:
        self.found.append(trail)


@pytest.fixture(scope="module")
def trails() -> list[Trail]:
    """Return the trails of an answer, of a refusal with a wait, and of a call that sent nothing."""
    observer = Trails()
    with FaultServer() as server:
        server.script(replies.answer("Sunday"), replies.error(429, "slow down", retry_after="7"))
        with Client(plugins=[Acme, observer], base_urls={"acme": server.base_url}, deadline=2.0) as client:
            client.chat.completions.create(messages=MESSAGES, provider="acme")
            for _ in range(2):
                with pytest.raises(ProviderError):
                    client.chat.completions.create(messages=MESSAGES, provider="acme")
    return observer.found


def row(trail: Trail) -> dict[str, Any]:
    return json.loads(json.dumps(trail.to_dict()))


@pytest.mark.parametrize("form", ["lines", "array", "indented rows of the log", "lines with blank ones"])
def test_all_forms_say_the_same(trails: list[Trail], tmp_path: Path, form: str) -> None:
    rows = [row(one) for one in trails]
    text = {
        "lines": "\n".join(map(json.dumps, rows)),
        "array": json.dumps(rows),
        "indented rows of the log": json.dumps([{"id": 1, "trail": one} for one in rows], indent=2),
        "lines with blank ones": "\n\n".join(map(json.dumps, rows)) + "\n\n",
    }[form]
    file = tmp_path / "trails.jsonl"
    file.write_text(text, "utf-8")
    calls = read_trails(file)
    assert [call.trail.outcome for call in calls] == ["ok", "RateLimitError", "RateLimitError"]
    answer, refused, unsent = calls
    [attempt] = answer.trail.attempts
    assert attempt == trails[0].attempts[0]
    assert answer.start <= attempt.started_at <= answer.end
    assert refused.trail.attempts[0].retry_after == 7
    assert not unsent.trail.attempts and unsent.trail.skipped and unsent.start >= refused.start


def test_other_operations_and_calls_under_way_are_left_out(trails: list[Trail], tmp_path: Path) -> None:
    given = row(trails[0])
    file = tmp_path / "trails.jsonl"
    rows = [given, {**given, "operation": "embeddings"}, {**given, "outcome": None}]
    file.write_text("\n".join(map(json.dumps, rows)))
    assert len(read_trails(file)) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no trail"), ("{", "line 1 is no JSON"), ("[1", "no JSON"), ('{"a": 1}', "line 1 is no trail"), ("7", "line 1 is no trail"),
        ('{"attempts": [1], "outcome": "ok", "duration": 1}', "line 1 is no trail"),
        ('{"attempts": [], "outcome": null, "duration": null}', "no trail"),
        ('{"attempts": [], "outcome": "ok", "duration": "x"}', "Expected `float | null`, got `str` - at `$.duration`"),
        ('{"attempts": [], "outcome": "ok", "duration": -1}', "a time is below 0, or infinite"),
        ('{"attempts": [], "outcome": "ok", "duration": 1, "started_at": [1]}', "got `array` - at `$.started_at`"),
        ('{"attempts": [{"provider": "a", "model": "m", "started_at": "x"}], "outcome": "ok", "duration": 1}', "got `str`"),
        ('{"attempts": [{"provider": "a", "model": "m", "status": "500"}], "outcome": "ok", "duration": 1}', "got `str`"),
        ('{"attempts": [{"provider": "a", "model": "m", "usage": 5}], "outcome": "ok", "duration": 1}', "got `int`"),
        ('{"attempts": ' + "[" * 100_000 + "]" * 100_000 + "}", "line 1 is no JSON"),
    ],
)  # fmt: skip
def test_what_is_no_trail_is_told_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "trails.jsonl"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        read_trails(file)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nothing"):
        read_trails(tmp_path / "nothing")
