from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from g4f_lite.health.shared_state import Window
from g4f_lite.health.stores.windows import SLIDING, bucket_end, bucket_number, window_end

moments = st.integers(1_000_000_000_000, 4_102_444_800_000 + 10**12)
windows = st.sampled_from(get_args(Window))


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("window", "now", "end"),
    [
        ("day", "2026-11-29T00:00:00", "2026-11-30T00:00:00"),
        ("day", "2026-11-29T23:59:59.999", "2026-11-30T00:00:00"),
        ("day", "2026-12-31T12:00:00", "2027-01-01T00:00:00"),
        ("week", "2026-11-29T23:59:59.999", "2026-11-30T00:00:00"),  # a Sunday
        ("week", "2026-11-30T00:00:00", "2026-12-07T00:00:00"),
        ("week", "2026-12-31T12:00:00", "2027-01-04T00:00:00"),
        ("month", "2026-11-30T23:59:59.999", "2026-12-01T00:00:00"),
        ("month", "2026-12-31T23:59:59.999", "2027-01-01T00:00:00"),
        ("month", "2028-02-01T00:00:00", "2028-03-01T00:00:00"),
        ("month", "2028-02-29T12:00:00", "2028-03-01T00:00:00"),
        ("month", "2100-02-28T23:00:00", "2100-03-01T00:00:00"),
    ],
)
def test_windows_of_the_calendar_end_in_utc(window: Window, now: str, end: str) -> None:
    assert window_end(window, ms(now)) == ms(end)


@pytest.mark.parametrize("window", ["parallel", "minute", "24h", "total"])
def test_other_windows_have_no_end(window: Window) -> None:
    assert window_end(window, ms("2026-11-29T00:00:00")) is None


@given(windows, moments)
def test_a_moment_counts_until_its_bucket_ends(window: Window, at: int) -> None:
    number = bucket_number(window, at)
    end = bucket_end(window, number)
    if end is None:
        assert window in ("parallel", "total") and number == 0
        return
    assert at < end
    if window in SLIDING:
        length = 60_000 if window == "minute" else 86_400_000
        assert length * 1.003 < end - at <= length * 1.021  # longer than the window; 98 % of a limit can be used
    else:
        assert bucket_number(window, end) == number + 1 and bucket_number(window, end - 1) == number


@given(moments)
def test_each_week_begins_on_a_monday(at: int) -> None:
    end = window_end("week", at)
    assert end is not None
    begin = datetime.fromtimestamp(end / 1000, UTC) - timedelta(days=7)
    assert (begin.weekday(), begin.hour, begin.minute) == (0, 0, 0)
    assert begin.timestamp() * 1000 <= at
