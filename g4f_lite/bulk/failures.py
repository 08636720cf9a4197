"""
Whose fault a failure is: that of its row, of a moment, or of all rows.

Rule: every decision of a job that depends on the kind of an error is made here; which errors are those of a key, the
calls' own table says (`failover/decisions.py`). A limit is no failure: the job waits.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from enum import Enum, auto
from typing import NamedTuple

from ..errors import exceptions as e
from ..errors.exceptions import ConfigurationError
from ..errors.quoted_values import quoted
from ..failover.decisions import decide
from ..routing.tiers import FailureScope

ALL_OF = 20
"""So many failures, with no answer before or between them, are a fault of all."""
_LONGEST_WAIT_S = 60.0
_SHORTEST_WAIT_S = 0.5


class Fault(Enum):
    OF_ROW = auto()
    """It is written, and the job goes on."""
    OF_MOMENT = auto()
    """As of a row, but `ALL_OF` of them in a row say that the service is away."""
    OF_ALL = auto()
    """No other row would do better: the job stops at once."""
    LIMITED = auto()
    """The row is asked again after a wait."""
    SPENT = auto()
    """There is no money left: the job stops at once."""
    LEFT = auto()
    """The job stops while the call only waits: the next run asks the row."""


class Verdict(NamedTuple):
    fault: Fault
    wait_s: float = 0.0


_LIMITS = (e.RateLimitError, e.QuotaExceededError)
_OF_NAMES = (e.ModelUnavailableError, e.ConfigurationError, e.QuotaExceededError)
"""Of the models and providers that were asked for: by the job, or by the row itself. This quota is one of a model."""
_OF_MOMENT = (
    e.ServerError, e.ConnectionFailedError, e.ProviderTimeoutError, e.MalformedResponseError, e.DeadlineExceededError,
)  # fmt: skip


def judge(error: BaseException, *, names_route: bool) -> Verdict:
    """
    Args:
        error: what the call of a row has raised.
        names_route: whether the row says itself which model or provider is asked.
    """
    errors = error.exceptions if isinstance(error, e.RoutesExhaustedError) else (error,)
    if any(isinstance(one, e.BudgetExceededError) for one in errors):
        return Verdict(Fault.SPENT)
    if any(isinstance(one, _LIMITS) and _passes(one) for one in errors):
        return Verdict(Fault.LIMITED, _wait_s(error))
    if all(map(_of_key, errors)):
        return Verdict(Fault.OF_ALL)
    if all(isinstance(one, _OF_NAMES) or _of_key(one) for one in errors):
        return Verdict(Fault.OF_ROW if names_route else Fault.OF_ALL)
    return Verdict(Fault.OF_MOMENT if any(isinstance(one, _OF_MOMENT) for one in errors) else Fault.OF_ROW)


def only_fails(errors: Collection[BaseException]) -> bool:
    """Return whether a call with these failures so far waits for services that fail, and for no limit."""
    is_limited = any(isinstance(one, (*_LIMITS, e.BudgetExceededError)) for one in errors)
    return not is_limited and any(isinstance(one, _OF_MOMENT) for one in errors)


def _of_key(error: BaseException) -> bool:
    """Return whether no call with this key would do better, or there is none."""
    if isinstance(error, e.ProviderError):
        return decide(error).scope is FailureScope.KEY
    return isinstance(error, e.MissingKeyError)


def _passes(error: BaseException) -> bool:
    """Return whether a limit is one of time: credit that is used up does not come back."""
    return isinstance(error, e.RateLimitError) or getattr(error, "retry_after", None) is not None


def _wait_s(error: BaseException) -> float:
    wait = getattr(error, "retry_after", None)
    if (retry_at := getattr(error, "retry_at", None)) is not None:
        wait = retry_at - time.time()
    return max(_SHORTEST_WAIT_S, min(_LONGEST_WAIT_S, wait or 0.0))


class MostFailures:
    """
    How many rows may fail.

    Args:
        most: a number of rows, a share such as "5%" or 0.05 of all rows, or None for any number.

    Raises:
        ConfigurationError: it is none of these.
    """

    def __init__(self, most: int | float | str | None) -> None:
        self._rows: int | None = None
        self._share: float | None = None
        if isinstance(most, str):
            try:
                share = float(most.removesuffix("%"))
                most = share / 100 if most.endswith("%") else share if "." in most else int(most)
            except ValueError:
                raise _no_bound(most) from None
        if most is None:
            return
        if isinstance(most, bool) or not isinstance(most, (int, float)) or not most >= 0:
            raise _no_bound(most)
        if isinstance(most, int):
            self._rows = most
        elif most <= 1:
            self._share = most
        else:
            raise _no_bound(most)

    def exceeded(self, failed: int, ended: int, total: int | None) -> bool:
        """
        Args:
            ended: rows that were answered or failed; a share is of these if nobody knows how many there are in all.
        """
        if self._rows is not None:
            return failed > self._rows
        if self._share is None:
            return False
        return failed > self._share * (max(ended, _FEW) if total is None else total)


_FEW = 100
"""A share of fewer rows says nothing."""


def _no_bound(most: object) -> ConfigurationError:
    return ConfigurationError(
        f"max_failures must be a number of rows, or a share such as '5%' or 0.05; not {quoted(most)}"
    )
