"""How long a retry waits if the service names no time."""

from __future__ import annotations

import pytest

from g4f_lite.failover.backoff import LONGEST_BACKOFF, backoff


def test_backoff_is_exponential_with_full_jitter() -> None:
    assert [backoff(number, lambda: 0.999999) for number in (1, 2, 3)] == pytest.approx([0.5, 1, 2], rel=1e-3)
    assert backoff(500, lambda: 1.0) == LONGEST_BACKOFF
    assert backoff(5, lambda: 0.0) == 0
