"""A quota of one model stops the rows that ask for it, and a quota of the key stops all."""

from __future__ import annotations

import pytest

from g4f_lite.bulk.failures import Fault, judge
from g4f_lite.errors import exceptions as e


def quota(*, of_model: bool) -> e.QuotaExceededError:
    error = e.QuotaExceededError("no tokens are left")
    error.of_model = of_model
    return error


@pytest.mark.parametrize(
    ("error", "of_row"),
    [
        (quota(of_model=True), Fault.OF_ROW),
        (e.RoutesExhaustedError("x", [quota(of_model=True), e.AuthenticationError("a")]), Fault.OF_ROW),
        (quota(of_model=False), Fault.OF_ALL),
        (e.RoutesExhaustedError("x", [quota(of_model=False), e.AuthenticationError("a")]), Fault.OF_ALL),
    ],
)
def test_a_quota_of_a_model_is_that_of_who_asks_for_it(error: Exception, of_row: Fault) -> None:
    assert judge(error, names_route=True).fault is of_row
    assert judge(error, names_route=False).fault is Fault.OF_ALL
