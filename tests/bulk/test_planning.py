"""What a plan says of rows that will fail, and which line of its file a row is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.bulk import GROQ, echo, failures, lines_of, write_rows

from g4f_lite.bulk import Job
from g4f_lite.testing import FaultServer


@pytest.fixture
def echoing(groq: FaultServer) -> FaultServer:
    return groq.script(echo())


def job(tmp_path: Path, source: Any, **more: Any) -> Job:
    return Job(source, tmp_path / "out.jsonl", params={"fallback_models": []}, **GROQ, **more)


def test_a_failure_says_which_line_of_the_file_its_row_is(echoing: FaultServer, tmp_path: Path) -> None:
    lines = tmp_path / "in.jsonl"
    lines.write_text('\n{"prompt": "prompt 1"}\n  \n{"prompt": 1\n{"x": 2}\n\n{"prompt": "prompt 4"}\n', "utf-8")
    job(tmp_path, lines).run()
    assert sorted(line["row"] for line in lines_of(tmp_path / "out.jsonl")) == [1, 4]
    first, second = sorted(failures(tmp_path / "out.jsonl"), key=lambda line: line["row"])
    assert (first["row"], first["line"]) == (2, 4) and "row 2 (line 4) is not JSON" in first["error"]["message"]
    assert (second["row"], second["line"]) == (3, 5)


def test_a_failure_says_in_which_line_of_a_table_its_row_begins(echoing: FaultServer, tmp_path: Path) -> None:
    table = tmp_path / "in.csv"
    table.write_text('\nid,text\na,"prompt 1"\n\nb,"two\nlines",more\nc\n', "utf-8")
    job(tmp_path, table, template="{text}").run()
    first, second = sorted(failures(tmp_path / "out.jsonl"), key=lambda line: line["row"])
    assert (first["row"], first["line"]) == (2, 5) and (second["row"], second["line"]) == (3, 7)
    assert second["error"]["message"].endswith("row 3 (line 7) has 1 cells, and the header 2")


def test_a_plan_says_which_rows_will_fail(echoing: FaultServer, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    lines = ['{"prompt": "a"}', "nonsense", "", '{"prompt": "b", "tempreture": 1}', '{"prompt": "c", "stream": true}']
    lines += [
        '{"prompt": "d", "provider": "nobody"}',
        '{"messages": "e"}',
        '{"custom_id": "f", "body": {}, "url": "/x"}',
    ]
    source.write_text("\n".join([*lines, *['{"prompt": "g"}'] * 1100, "{}"]), "utf-8")
    made = job(tmp_path, source)
    plan = made.plan()
    assert [one.line for one in plan.problems] == [2, 4, 5, 6, 7, 8, 1109] and plan.problems[0].row == 2
    assert "7 rows are invalid, and will fail: lines 2, 4, 5, 6, 7, 8, 1109" in str(plan)
    assert "line 4: " in str(plan) and "tempreture" in str(plan)
    assert not echoing.received
    summary = made.run()
    assert (summary.failed, summary.answered) == (7, 1101)
    told = [line.get("g4f_lite", line)["line"] for line in failures(made.out)]  # that of a batch has its own place
    assert sorted(told) == [one.line for one in plan.problems]


def test_a_plan_says_that_no_row_has_a_field_of_the_template(echoing: FaultServer, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", 50)
    plan = job(tmp_path, source, template="{txt}").plan()
    assert plan.invalid == 50
    assert "lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, …" in str(plan) and "row 1 has no field 'txt'" in str(plan)
    assert plan.to_dict()["problems"][0]["row"] == 1
