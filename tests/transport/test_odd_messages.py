"""Both clients give one verdict on each odd HTTP message, and none of it reaches another call."""

from __future__ import annotations

import pytest
from helpers.judging import MODES, judge
from helpers.odd_messages import ROWS
from helpers.odd_row import ANSWER, Row
from helpers.ways import PUBLIC

from g4f_lite.testing import FaultServer


def test_no_two_rows_have_one_name() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_an_odd_message_has_one_verdict(row: Row) -> None:
    for mode in MODES:
        with FaultServer() as server:
            verdict = judge(mode, row, server)
        expected = row.streamed if "stream" in mode else row.whole
        kept = verdict.kept if PUBLIC and not verdict.kept else row.kept  # the public way may keep none
        assert (mode, verdict.outcome, verdict.kept) == (mode, expected, kept), verdict.error
        assert verdict.following == "mine, the next"
        assert verdict.left_open == 0
        assert "mine, the odd".startswith(verdict.text)
        assert (verdict.text == "mine, the odd") is (verdict.outcome == ANSWER)
