"""A row that is too large for the memory of a job fails, and the others are asked."""

from __future__ import annotations

import csv
import gzip
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from helpers.bulk import GROQ, echo, failures, lines_of

from g4f_lite import ConfigurationError
from g4f_lite.bulk import Job
from g4f_lite.bulk.rows import CSVFile, LinesFile
from g4f_lite.bulk.seen import Ids, Rows
from g4f_lite.testing import FaultServer
from g4f_lite.types.size_limits import MAX_OBJECTS, MAX_ROW

FIRST, LAST = b'{"id": "a", "prompt": "prompt 1"}\n', b'{"id": "z", "prompt": "prompt 3"}'
LARGE = b'{"prompt": "' + b"x" * MAX_ROW + b'"}'


@pytest.mark.no_cover
@pytest.mark.parametrize("name", ["in.jsonl", "in.jsonl.gz"])
def test_a_row_that_is_too_large_fails_alone(name: str, groq: FaultServer, tmp_path: Path) -> None:
    groq.script(echo())
    source, out = tmp_path / name, tmp_path / "out"
    content = FIRST + LARGE + b"\n" + LAST
    source.write_bytes(gzip.compress(content, 1) if name.endswith(".gz") else content)
    summary = Job(source, out, **GROQ).run()
    assert (summary.rows, summary.answered, summary.failed) == (3, 2, 1)
    assert sorted((one["row"], one["answer"]) for one in lines_of(out)) == [(1, "to prompt 1"), (3, "to prompt 3")]
    (failed,) = failures(out)
    assert failed["row"] == 2 and failed["error"]["message"] == "row 2 is longer than 32 MiB"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b" " * MAX_ROW + b'{"prompt": "x"}\n', "row 2 is longer than 32 MiB"),
        (b"x" * MAX_ROW + b"\n", "row 2 is longer than 32 MiB"),
        (b"x" * 2 * (MAX_ROW + 1) + b"\n", "row 2 is longer than 32 MiB"),
        (b'{"a": [' + b"{}," * MAX_OBJECTS + b"{}]}\n", f"row 2 has more than {MAX_OBJECTS} objects"),
        (b"[" * (MAX_OBJECTS + 1) + b"\n", f"row 2 has more than {MAX_OBJECTS} lists"),
    ],
    ids=["blank before", "by its end", "twice", "objects", "lists"],
)
def test_what_is_too_large(line: bytes, fault: str, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(FIRST + line + LAST)
    first, large, last = LinesFile(source).read(Rows(), Ids())
    assert (first.id, large.fault, last.id) == ("a", fault, "z")


def test_the_largest_row_is_read(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    line = b'{"prompt": "' + b"x" * (MAX_ROW - 15) + b'"}\n'
    assert len(line) == MAX_ROW
    source.write_bytes(line + FIRST)
    first, second = LinesFile(source).read(Rows(), Ids())
    assert (first.fault, second.fault) == (None, None) and second.id == "a"


@pytest.mark.no_cover
def test_a_long_line_is_never_whole_in_memory(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    with source.open("wb") as file:
        file.writelines([b'{"prompt": "', *[b"x" * MAX_ROW] * 8, b'"}\n', FIRST])
    tracemalloc.start()
    try:
        faults: list[Any] = [row.fault for row in LinesFile(source).read(Rows(), Ids())]
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert faults == ["row 1 is longer than 32 MiB", None] and most < 4 * MAX_ROW


LINES_OF_CELL = "x" * 1023 + "\n"


@pytest.mark.no_cover
@pytest.mark.parametrize(
    "content",
    [
        "id,text\n1," + "x," * (MAX_ROW // 2) + "\n2,b\n",
        "id,text\n1," + f'"{LINES_OF_CELL * 8192}",' * 4 + "\n2,b\n",
        "x," * MAX_ROW + "\n",
    ],
    ids=["one line", "many lines", "the header"],
)
def test_a_table_with_a_row_that_is_too_large_is_refused(content: str, tmp_path: Path) -> None:
    source, before = tmp_path / "in.csv", csv.field_size_limit()
    source.write_text(content, "utf-8")
    try:
        with pytest.raises(ConfigurationError, match=r"in\.csv cannot be read: a row is longer than 32 MiB"):
            list(CSVFile(source).read(Rows(), Ids()))
    finally:
        csv.field_size_limit(before)


@pytest.mark.parametrize("out", ["-", "./-"])
def test_standard_output_is_no_output(out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="- is no output: a file is"):
        Job(["x"], out, **GROQ)
    assert list(tmp_path.iterdir()) == []
