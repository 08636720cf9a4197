"""A probe that fails opens the breaker whose probe it was, also if the failure counts for the other one."""

from __future__ import annotations

import pytest

from g4f_lite import ConnectionFailedError, OpenaiTemplate, ServerError
from g4f_lite.health.tracker import Health, Memory
from g4f_lite.provider.leg import Leg

LEG = Leg(OpenaiTemplate(name="acme", api_base="http://127.0.0.1:1/v1"), "m")
SERVER, CONNECTION = (ServerError("broken"), False), (ConnectionFailedError("refused", kind="refused"), True)


@pytest.mark.parametrize(("first", "then"), [(SERVER, CONNECTION), (CONNECTION, SERVER)])
def test_one_probe_at_a_time_whatever_fails(first: tuple[Exception, bool], then: tuple[Exception, bool]) -> None:
    health = Health(lambda: 1.0)

    def attempt(now: float, error: Exception, origin: bool) -> bool:
        """Begin an attempt and let it fail; return whether it could begin."""
        admission = health.admit(LEG, now)
        if admission.error is None:
            health.failed(
                LEG, error, now, memory=Memory.BREAKER, origin_failed=origin, probe=admission.probe  # type: ignore[arg-type]
            )  # fmt: skip
        return admission.error is None

    assert [attempt(float(second), *first) for second in range(4)] == [True, True, True, False]
    now = 100.0
    for opens_for in (10.0, 20.0, 30.0):
        assert attempt(now, *then)
        assert not attempt(now + 0.1, *then) and not attempt(now + opens_for - 0.1, *then)
        now += opens_for
