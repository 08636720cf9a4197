"""A connection that comes when the time of its call is up is closed."""

from __future__ import annotations

import gc
import warnings

import pytest
from helpers.driving import MESSAGES
from helpers.ways import needs_inner_parts

from g4f_lite import Client, G4FLiteError, Timeouts
from g4f_lite.testing import FaultServer
from g4f_lite.types.time_limit import TimeLimit


@needs_inner_parts
def test_it_is_closed_before_anything_is_sent(groq: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    remaining = TimeLimit.connect_remaining

    def late(limit: TimeLimit) -> float:
        asked.append(remaining(limit))
        if len(asked) == 2:  # the first time is before the connection
            raise limit.error()
        return asked[-1]

    monkeypatch.setattr(TimeLimit, "connect_remaining", late)
    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always")
        with Client(retries=0, timeouts=Timeouts(connect=20)) as client:
            with pytest.raises(G4FLiteError):
                client.chat.completions.create(messages=MESSAGES, provider="groq", fallback_models=[])
        gc.collect()
    assert len(asked) >= 2
    assert not [str(one.message) for one in noted if "unclosed" in str(one.message)]
    assert groq.received == []
