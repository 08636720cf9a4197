"""When an attempt ends: which defaults stretch, and that values set by the caller never do."""

from __future__ import annotations

import copy
import pickle

import pytest
from helpers.clocks import FakeClock

from g4f_lite import ProviderTimeoutError, Timeouts
from g4f_lite.types.time_limit import TimeLimit
from g4f_lite.types.timeouts import DefaultSeconds

SET = Timeouts(first_token=10, stall=15, total=120)


def limit_of(timeouts: Timeouts, *, deadline: float = 300.0, **kwargs: bool) -> tuple[TimeLimit, FakeClock]:
    clock = FakeClock(0.0)
    return TimeLimit(clock, timeouts, deadline, stream=True, **kwargs), clock


def end_with_work_every(seconds: float, limit: TimeLimit, clock: FakeClock) -> float:
    """Return when an attempt ends whose service shows that it works, but sends no more content."""
    while not limit.expired():
        clock.now = min(clock.now + seconds, limit.expires_at)
        if not limit.expired():
            limit.on_sign_of_work()
    return clock.now


@pytest.mark.parametrize(
    ("timeouts", "thinks", "first_content_by"),
    [
        (Timeouts(), False, 10),
        (Timeouts(), True, 60),
        (Timeouts(stall=3), True, 60),
        (SET, True, 10),
        (Timeouts(first_token=None), True, 300),
    ],
)
def test_the_default_time_to_first_content_stretches_for_a_model_that_thinks(
    timeouts: Timeouts, thinks: bool, first_content_by: float
) -> None:
    assert limit_of(timeouts, thinks=thinks)[0].expires_at == first_content_by


def test_the_last_leg_has_no_default_limit_though_its_model_thinks() -> None:
    assert limit_of(Timeouts(), thinks=True, patient=True)[0].expires_at == 300


def test_thinking_changes_no_other_limit() -> None:
    assert TimeLimit(FakeClock(0.0), Timeouts(), 300.0, thinks=True).expires_at == 120


def test_signs_of_work_do_not_lengthen_the_time_to_first_content() -> None:
    limit, clock = limit_of(Timeouts())
    assert end_with_work_every(3, limit, clock) == 10


@pytest.mark.parametrize(
    ("timeouts", "every", "ends_at", "message"),
    [
        (Timeouts(), 5, 5 + 180, "no more content for 180 s"),
        (Timeouts(), 14.9, 5 + 180, "no more content for 180 s"),
        (Timeouts(), 15.1, 5 + 15, "no more content for 15 s"),
        (SET, 5, 5 + 15, "no more content for 15 s"),
        (Timeouts(first_token=3), 5, 5 + 180, "no more content for 180 s"),  # the other default was not set
    ],
)
def test_a_service_that_shows_that_it_works_gets_more_time_between_content_by_default(
    timeouts: Timeouts, every: float, ends_at: float, message: str
) -> None:
    limit, clock = limit_of(timeouts)
    clock.now = 1
    limit.on_content()
    clock.now = 5
    limit.on_content()
    assert end_with_work_every(every, limit, clock) == pytest.approx(ends_at)
    with pytest.raises(ProviderTimeoutError, match=message) as caught:
        limit.remaining()
    assert caught.value.phase == "stall"


def test_silence_after_signs_of_work_ends_the_attempt() -> None:
    limit, clock = limit_of(Timeouts())
    limit.on_content()
    clock.now = 12
    limit.on_sign_of_work()
    assert limit.expires_at == 12 + 15


def test_without_a_limit_nothing_ends_a_stream_that_has_begun() -> None:
    limit, _ = limit_of(Timeouts(stall=None))
    limit.on_content()
    limit.on_sign_of_work()
    assert limit.expires_at == float("inf")


def test_the_deadline_of_a_whole_stream_does_not_stretch() -> None:
    limit, clock = limit_of(Timeouts(), deadline=30.0, bounded=True)
    limit.on_content()
    assert end_with_work_every(5, limit, clock) == 30


def test_the_callers_time_between_chunks_does_not_count() -> None:
    limit, clock = limit_of(Timeouts())
    limit.on_content()
    limit.pause()
    clock.now = 100
    limit.resume()
    assert limit.expires_at == 115
    assert end_with_work_every(5, limit, clock) == 280


def test_defaults_stay_defaults_in_copies_and_pickles() -> None:
    for twin in (pickle.loads(pickle.dumps(Timeouts())), copy.deepcopy(Timeouts())):
        assert twin == Timeouts()
        assert [type(twin.first_token), twin.first_token.stretched] == [DefaultSeconds, 60]
        assert [type(twin.stall), twin.stall.stretched] == [DefaultSeconds, 180]


def test_the_end_of_a_body_that_is_late_is_an_error_without_any_limit_too() -> None:
    limit, clock = limit_of(Timeouts(stall=None))
    limit.on_content()
    limit.expires_at = clock.now + 0.05
    clock.now += 1
    assert str(limit.error()) == "no more content for the time allowed"


def test_a_connection_that_the_system_gives_up_is_an_error_without_a_limit_too() -> None:
    limit, _ = limit_of(Timeouts(connect=None))
    assert str(limit.connect_error()) == "no connection within the time that the system allows"
