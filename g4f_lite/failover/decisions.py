"""
What happens after a failure: one table, and `decide`, which finds the row for an error.

Rule: every decision that depends on the kind of an error is made in this file. A row answers four questions. Is the
same leg tried again? Which other legs of this plan cannot succeed either? Does the call stop, at once or when another
leg says the same? What is remembered for later calls?
"""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple

from ..errors import exceptions as e
from ..health.tracker import Memory
from ..routing.tiers import FailureScope
from .policy import OnInterrupt


class RetryMode(Enum):
    """Whether the same leg is tried again."""

    NEVER = auto()
    ONCE = auto()
    NEW_KEY = auto()
    """Once and at once, with the key that its function returns now."""
    BACKOFF = auto()
    """Up to `retries` times: after the wait that the service asked for if `patience` allows it, else by backoff."""
    QUEUE = auto()
    """As often as the deadline allows: the call waits in the leg's line. It does not use up `retries`."""
    OTHER_MODEL = auto()
    """At once, with another model that the service lists. It does not use up `retries`."""
    WHEN_READY = auto()
    """Once no other leg is left, as often as the deadline allows. It does not use up `retries`."""


class Decision(NamedTuple):
    """A row of the table."""

    again: RetryMode = RetryMode.NEVER
    scope: FailureScope = FailureScope.LEG
    memory: Memory = Memory.NOTHING
    cooldown_s: float = 0.0
    """If the service does not say how long to wait."""
    stops: bool = False
    """No other leg would do better."""
    second_opinion: bool = False
    """One leg may be wrong about the request, but not two: the next one of another provider or model decides."""

    def cooldown_after(self, error: e.ProviderError) -> float:
        """Return for how many seconds the leg or its key is not used: as the service asked, else as the row says."""
        return self.cooldown_s if error.retry_after is None else error.retry_after


_10_MIN, _1_H = 600.0, 3600.0


DECISIONS: dict[type[e.ProviderError], Decision] = {
    e.RateLimitError: Decision(RetryMode.QUEUE, memory=Memory.RATE),
    e.QuotaExceededError: Decision(scope=FailureScope.KEY, memory=Memory.KEY, cooldown_s=_1_H),
    e.BudgetExceededError: Decision(),  # nothing was sent: a cheaper leg may still fit
    e.AuthenticationError: Decision(scope=FailureScope.KEY, memory=Memory.KEY, cooldown_s=_10_MIN),
    e.PermissionDeniedError: Decision(memory=Memory.LEG, cooldown_s=_10_MIN),
    e.ModelUnavailableError: Decision(scope=FailureScope.MODEL, memory=Memory.LEG, cooldown_s=_1_H),
    e.ContextWindowError: Decision(scope=FailureScope.MODEL),
    e.RequestTooLargeError: Decision(),
    e.UnsupportedParameterError: Decision(scope=FailureScope.MODEL),
    e.InvalidRequestError: Decision(scope=FailureScope.MODEL, second_opinion=True),
    e.ContentFilterError: Decision(stops=True),
    e.ServerError: Decision(RetryMode.BACKOFF, memory=Memory.BREAKER),
    e.NotReadyError: Decision(RetryMode.WHEN_READY, memory=Memory.LEG),
    e.ConnectionFailedError: Decision(scope=FailureScope.ORIGIN, memory=Memory.BREAKER),
    e.RedirectError: Decision(memory=Memory.BREAKER),
    e.ProviderTimeoutError: Decision(memory=Memory.BREAKER),
    e.MalformedResponseError: Decision(RetryMode.ONCE, memory=Memory.BREAKER),
    e.ToolCallError: Decision(RetryMode.ONCE),
    e.StreamInterruptedError: Decision(memory=Memory.BREAKER, stops=True),
    e.DeadlineExceededError: Decision(stops=True),
    e.ProviderError: Decision(),
}

# Rows that depend on more than the class of the error.
_NOT_SENT = Decision()
_MODEL_QUOTA = DECISIONS[e.QuotaExceededError]._replace(scope=FailureScope.LEG, memory=Memory.LEG)
_NO_KEY = Decision(scope=FailureScope.KEY)
_KEY_REFUSED = Decision(RetryMode.NEW_KEY, scope=FailureScope.KEY)
_NEW_KEY_REFUSED = DECISIONS[e.AuthenticationError]._replace(cooldown_s=10.0)  # the function may soon return another
_FIRST_LISTED = DECISIONS[e.ModelUnavailableError]._replace(memory=Memory.NOTHING)
_NEXT_LISTED = Decision(RetryMode.OTHER_MODEL)
_SCHEMA_VIOLATED = Decision(stops=True)
_CUT_AT_TOKEN_LIMIT = Decision()
_RESET = Decision(RetryMode.ONCE, memory=Memory.BREAKER)
_NO_CONNECTION = DECISIONS[e.ConnectionFailedError]


def decide(
    error: e.ProviderError,
    *,
    sent: bool = True,
    names_model: bool = True,
    asks_for_key: bool = False,
    before: e.ProviderError | None = None,
    lists_more: bool = False,
    on_interrupt: OnInterrupt = "raise",
) -> Decision:
    """
    Return the row for an error. A plugin's subclass takes the row of its nearest ancestor.

    Args:
        sent: whether the request was sent; if not, the service cannot be at fault.
        names_model: whether the leg names its model; if not, the service may list another one next time.
        asks_for_key: whether the leg's key comes from a function, which may return another one.
        before: the leg's last error in this call.
        lists_more: whether the service lists a model that has not refused this call.
        on_interrupt: what happens to a stream that is interrupted after content.
    """
    row = _row(error, sent=sent, names_model=names_model)
    if asks_for_key and isinstance(error, e.AuthenticationError):
        if not sent:
            return _NO_KEY
        return _NEW_KEY_REFUSED if isinstance(before, e.AuthenticationError) else _KEY_REFUSED
    if lists_more and blames_model(error):
        return _NEXT_LISTED
    if on_interrupt != "raise" and row.stops and isinstance(error, e.StreamInterruptedError):
        return row._replace(stops=False)
    return row


def blames_model(error: BaseException) -> bool:
    """Return whether another model of the same service may do better."""
    if not isinstance(error, e.ProviderError):
        return False
    row = _row(error)
    return row.scope is FailureScope.MODEL and not row.second_opinion


def _row(error: e.ProviderError, *, sent: bool = True, names_model: bool = True) -> Decision:
    if not sent:
        return _NOT_SENT
    if not names_model and isinstance(error, e.ModelUnavailableError):
        return _FIRST_LISTED
    if isinstance(error, e.QuotaExceededError) and error.of_model:
        return _MODEL_QUOTA
    if isinstance(error, e.StreamInterruptedError) and isinstance(error.__cause__, e.ToolCallError):
        return _SCHEMA_VIOLATED  # the answer is complete but violates the schema: do not penalize the leg
    if isinstance(error, e.ToolCallError) and error.code == "length":
        return _CUT_AT_TOKEN_LIMIT  # the same limit would cut the next answer, too, and it is billed
    if isinstance(error, e.ConnectionFailedError) and error.kind == "reset":
        return _RESET  # the origin is up: it accepted the connection
    if isinstance(error, e.ProviderTimeoutError) and error.phase == "connect":
        return _NO_CONNECTION
    if (own := DECISIONS.get(type(error))) is not None:
        return own
    return next(DECISIONS[kind] for kind in type(error).__mro__ if kind in DECISIONS)
