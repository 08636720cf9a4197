"""Files that are damaged, or in another form than a job reads: refused with a reason, or a fault of their row."""

from __future__ import annotations

import gzip
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers.bulk import GROQ, failures, lines_of

from g4f_lite import ConfigurationError, NoUsableRouteError
from g4f_lite.bulk import Job
from g4f_lite.testing import FaultServer, replies

LINE = b'{"prompt": "hi"}\n'


def flipped(whole: bytes) -> bytes:
    """A compressed file with a wrong byte in its middle."""
    return whole[:25] + bytes([whole[25] ^ 0xFF]) + whole[26:]


PACKED = gzip.compress(b"id,text\n" + b"1,x\n" * 5000, mtime=0)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("in.jsonl.gz", flipped(gzip.compress(LINE * 5000, mtime=0)), "cannot be read: Error -3"),
        ("in.csv.gz", flipped(PACKED), "cannot be read: Error -3"),
        ("in.csv.gz", PACKED[:20], "cannot be read: Compressed file ended"),
        ("in.csv.gz", b"id,text\n1,x\n", "cannot be read: Not a gzipped file"),
        ("in.csv", "id,text\n1,\xe9\n".encode("latin-1"), "cannot be read: 'utf-8' codec"),
        ("in.csv", "id,text\n1,x\n".encode("utf-16"), "in.csv is in UTF-16"),
        ("in.jsonl", LINE.decode().encode("utf-16"), "in.jsonl is in UTF-16"),
        ("in.csv", b'id,text\n1,"open\n2,b\n3,c\n', "cannot be read: unexpected end of data, in line 4"),
        ("in.csv", b'id,text\n1,a\n2,"b"c\n', "cannot be read: ',' expected after '\"', in line 3"),
        ("in.csv", b"text,text\n1,2\n", "has 2 columns 'text'"),
        ("in.csv", b"", "has no column 'text'; it is empty"),
    ],
    ids=[
        "damaged lines", "damaged table", "torn table", "not packed", "Latin-1", "UTF-16 table", "UTF-16 lines",
        "open quote", "stray quote", "two columns", "empty",
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_refused(name: str, content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigurationError) as raised:
        Job(tmp_path / name, tmp_path / "out", template="{text}").plan()
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("name", "content", "prompts"),
    [
        ("in.csv", b"id,text\n1," + b"x" * 200_000 + b"\n", ["x" * 200_000]),
        ("in.csv", b"\n\r\nid,text\n1,a\n", ["a"]),
        ("in.csv", b'"a, b, c";text\n1;a\n', ["a"]),
        ("in.jsonl", b'\xef\xbb\xbf{"text": "a"}\r\n\r\n{"text": "b"}', ["a", "b"]),
        ("in.jsonl", b"\xef\xbb\xbf", []),
    ],
    ids=["large cell", "blank first", "separators in quotes", "BOM and CRLF", "only a BOM"],
)
def test_a_file_in_a_form_of_its_own_is_read(
    name: str, content: bytes, prompts: list[str], groq: FaultServer, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    summary = Job(tmp_path / name, tmp_path / "out", template="{text}", **GROQ).run()
    assert (summary.answered, summary.failed) == (len(prompts), 0)
    assert sorted(one.json["messages"][0]["content"] for one in groq.received) == prompts


SURROGATE = "\ud800"


@pytest.mark.parametrize(
    "row",
    [
        {"id": SURROGATE, "prompt": "x"},
        {"custom_id": SURROGATE, "url": "/v1/chat/completions", "body": {}},
        {"custom_id": "a", "url": "http://[x/v1/chat/completions", "body": {"messages": []}},
        {"prompt": "x", "stream": 0},
        {"prompt": "x", "on_interrupt": "x"},
        {"prompt": "x", "max_response_bytes": "a"},
        {"prompt": "x", "response_model": "x"},
    ],
)
def test_a_row_that_cannot_be_asked_fails_alone(row: Any, groq: FaultServer, tmp_path: Path) -> None:
    groq.script(replies.answer("ok"))
    summary = Job([{"prompt": "a"}, row, {"prompt": "b"}], tmp_path / "out", **GROQ).run()
    assert (summary.ending, summary.answered, summary.failed) == ("complete", 2, 1), summary.reason
    (failed,) = failures(tmp_path / "out")
    assert failed.get("row", 2) == 2


@pytest.mark.parametrize("line", [b'{"row":-9}\n', b'{"row":100000000000000}\n', b'{"row":3}\n', b"\n", b"\0\0\n"])
def test_a_line_that_somebody_wrote_into_the_output_is_refused(line: bytes, groq: FaultServer, tmp_path: Path) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out"
    source.write_bytes(LINE * 2)
    Job(source, out, **GROQ).run()
    out.write_bytes(out.read_bytes() + line)
    with pytest.raises(ConfigurationError, match="line 3 is none of a bulk job; delete it"):
        Job(source, out, **GROQ).run()


def test_an_output_that_is_torn_inside_a_character_goes_on(groq: FaultServer, tmp_path: Path) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out"
    source.write_bytes(LINE * 2)
    Job(source, out, **GROQ).run()
    first, _ = out.read_bytes().splitlines(keepends=True)
    out.write_bytes(first + '{"row":2,"id":"\xe9'.encode()[:-1])
    assert Job(source, out, **GROQ).run().answered == 2
    assert sorted(line["row"] for line in lines_of(out)) == [1, 2]


@pytest.mark.skipif(sys.platform == "win32", reason="it has no named pipes in folders")
def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(ConfigurationError, match="is no regular file, and a job reads its input more than once"):
        Job(fifo, tmp_path / "out")


def test_a_device_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is no regular file, and a job reads its input more than once"):
        Job(os.devnull, tmp_path / "out")
    with pytest.raises(ConfigurationError, match="is no regular file; an output is read again"):
        Job(["x"], os.devnull)


IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "x" * 2_000_000},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}, IMAGE]}]},
        {"custom_id": "a", "url": "/v1/chat/completions", "body": {"messages": [{"role": "user", "content": [IMAGE]}]}},
    ],
    ids=["too long", "an image", "an image in a batch"],
)
def test_a_row_that_fits_no_route_fails_alone(row: Any, groq: FaultServer, tmp_path: Path) -> None:
    groq.script(replies.answer("ok"))
    job = Job([{"prompt": "a"}, row, {"prompt": "b"}], tmp_path / "out", params={"fallback_models": []}, **GROQ)
    summary = job.run()
    assert (summary.ending, summary.answered, summary.failed) == ("complete", 2, 1), summary.reason


def test_rows_that_have_no_route_at_all_are_refused(groq: FaultServer, tmp_path: Path) -> None:
    """Its price is not known, and there is a cap."""
    settings = {**GROQ, "routes": ["groq:of-unknown-price"]}
    params = {"fallback_models": []}
    with pytest.raises(NoUsableRouteError, match="is not known"):
        Job([{"prompt": "a"}] * 9, tmp_path / "out", params=params, max_cost=1, **settings).run()
    assert groq.received == [] and not list(tmp_path.iterdir())
