"""A stream without a limit for the time between its content."""

from __future__ import annotations

import pytest
from helpers.driving import MODES, run

from g4f_lite import Timeouts
from g4f_lite.testing import FaultServer, replies


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "timeouts", [Timeouts(stall=None), Timeouts(connect=None, first_token=None, stall=None, total=None)]
)
def test_no_limit_is_no_failure(mode: str, timeouts: Timeouts, groq: FaultServer) -> None:
    words = "word " * 3000  # more than comes at once
    groq.script(replies.answer(words))
    outcome = run(mode, {"timeouts": timeouts}, {"provider": "groq"})
    assert outcome.error is None and outcome.completion is not None
    assert len(outcome.completion.text.split()) == 3000
