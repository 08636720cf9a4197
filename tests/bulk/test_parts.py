"""The parts of a job that decide, without a socket: pace, failures, journal, sets."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from g4f_lite import ConfigurationError
from g4f_lite.bulk.failures import Fault, judge
from g4f_lite.bulk.journal import Appended, Journal, read_done
from g4f_lite.bulk.pace import FEWEST, Pace
from g4f_lite.bulk.seen import Ids, Rows
from g4f_lite.errors import exceptions as e


def paced(rate_at: Callable[[int], float], limited_above: float = float("inf"), rows: int = 20_000) -> list[int]:
    """Let rows end as fast as a service lets so many calls; return how many were made at once, row by row."""
    pace, now, seen = Pace("auto"), 0.0, []
    for _ in range(rows):
        rate = rate_at(pace.at_once)
        now += 1 / min(rate, limited_above)
        pace.ended(now, limited=rate > limited_above)
        seen.append(pace.at_once)
    return seen


def test_more_calls_are_made_while_that_helps() -> None:
    seen = paced(lambda at_once: 10.0 * at_once if at_once <= 100 else 1000.0)
    assert seen[0] == FEWEST and 64 <= seen[-1] <= 200


def test_no_more_calls_are_made_where_that_does_not_help() -> None:
    assert max(paced(lambda at_once: 50.0)[1000:]) <= 13


def test_fewer_calls_are_made_after_a_refusal() -> None:
    seen = paced(lambda at_once: 10.0 * at_once, limited_above=300.0)
    assert max(seen) <= 60 and min(seen[2000:]) >= FEWEST
    assert any(later < earlier for earlier, later in pairwise(seen))


def test_a_number_stays() -> None:
    pace = Pace(5)
    for number in range(1000):
        pace.ended(number / 10, limited=number % 2 == 0)
    assert pace.at_once == 5


LIMITED = e.RateLimitError("slow", retry_after=2.0)


@pytest.mark.parametrize(
    ("error", "of_all", "of_row"),
    [
        (LIMITED, Fault.LIMITED, Fault.LIMITED),
        (e.RoutesExhaustedError("x", [e.ServerError("a"), LIMITED]), Fault.LIMITED, Fault.LIMITED),
        (e.QuotaExceededError("a day", retry_after=9.0), Fault.LIMITED, Fault.LIMITED),
        (e.QuotaExceededError("no credit"), Fault.OF_ALL, Fault.OF_ALL),
        (e.BudgetExceededError("spent", retry_after=9.0), Fault.SPENT, Fault.SPENT),
        (e.RoutesExhaustedError("x", [e.ServerError("a"), e.BudgetExceededError("s")]), Fault.SPENT, Fault.SPENT),
        (e.AuthenticationError("no"), Fault.OF_ALL, Fault.OF_ALL),
        (e.MissingKeyError("no"), Fault.OF_ALL, Fault.OF_ALL),
        (e.UnknownModelError("no"), Fault.OF_ALL, Fault.OF_ROW),
        (e.ModelUnavailableError("no"), Fault.OF_ALL, Fault.OF_ROW),
        (e.RoutesExhaustedError("x", [e.AuthenticationError("a"), e.ModelUnavailableError("m")]), Fault.OF_ALL, Fault.OF_ROW),
        (e.RoutesExhaustedError("x", [e.AuthenticationError("a"), e.ServerError("m")]), Fault.OF_MOMENT, Fault.OF_MOMENT),
        (e.ConnectionFailedError("no"), Fault.OF_MOMENT, Fault.OF_MOMENT),
        (e.DeadlineExceededError("no"), Fault.OF_MOMENT, Fault.OF_MOMENT),
        (e.InvalidRequestError("no"), Fault.OF_ROW, Fault.OF_ROW),
        (e.ContentFilterError("no"), Fault.OF_ROW, Fault.OF_ROW),
        (e.ContextWindowError("no"), Fault.OF_ROW, Fault.OF_ROW),
    ],
)  # fmt: skip
def test_whose_fault_an_error_is(error: Exception, of_all: Fault, of_row: Fault) -> None:
    assert judge(error, names_route=False).fault is of_all
    assert judge(error, names_route=True).fault is of_row


def test_sets_know_what_they_have() -> None:
    rows, ids, rng = Rows(), Ids(), random.Random(5)
    numbers = set(rng.sample(range(100_000), 5000))
    for number in numbers:
        rows.add(number)
        assert ids.add(str(number))
        assert not ids.add(str(number))
    assert {number for number in range(100_100) if number in rows} == numbers
    assert {number for number in range(100_100) if str(number) in ids} == numbers


WHOLE = b'{"row":1,"id":"a","answer":"x"}\n{"row":2,"id":"b","answer":"y\\n"}\n'


@pytest.mark.parametrize(
    "torn", [b"", b"{", b'{"row":3,"id":"c"}', b"\0" * 5000, b'{"row":3,"answer":"' + b"z" * 200_000]
)
def test_a_torn_last_line_is_cut(torn: bytes, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_bytes(WHOLE + torn)
    done = read_done(out, with_ids=True)
    assert [number for number in range(9) if number in done.rows] == [1, 2] and "c" not in done.ids
    journal = Journal(out)
    journal.write([b'{"row":4}\n'], [])
    journal.close()
    assert out.read_bytes() == WHOLE + b'{"row":4}\n'


def test_an_output_that_is_torn_at_each_byte(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    for size in range(len(WHOLE) + 1):
        out.write_bytes(WHOLE[:size])
        whole = WHOLE[:size].count(b"\n")
        assert read_done(out, with_ids=False).answered == whole
        Journal(out).close()
        assert out.read_bytes().count(b"\n") == whole and out.stat().st_size == WHOLE.rfind(b"\n", 0, size) + 1


@pytest.mark.parametrize("line", [b"text\n", b"{}\n", b'{"row":"x"}\n', b'{"row":0}\n', b"\xff\n"])
def test_a_line_of_something_else_is_refused(line: bytes, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_bytes(WHOLE + line + WHOLE)
    with pytest.raises(ConfigurationError, match="line 3 is none of a bulk job"):
        read_done(out, with_ids=False)


def test_a_line_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    out = Appended(tmp_path / "out")
    out.append(b"first\n")
    real: Any = os.write

    def full(file: int, data: Any) -> int:
        if len(data) < 5:
            raise OSError(28, "No space left on device")
        return int(real(file, data[:3]))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        out.append(b"second\n")
    monkeypatch.undo()
    out.append(b"third\n")
    out.close()
    assert (tmp_path / "out").read_bytes() == b"first\nthird\n"
