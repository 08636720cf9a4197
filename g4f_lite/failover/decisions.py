"""
What the router does after a failure: one table.

It reads: the same leg again? what else of this plan is useless now? does the call stop? what is
remembered beyond the call?
"""

from __future__ import annotations

from enum import Enum, StrEnum, auto
from typing import NamedTuple

from ..errors import exceptions as e


class RetryMode(Enum):
    """Whether the same leg is tried again."""

    NEVER = auto()
    ONCE = auto()
    BACKOFF = auto()
    """As often as `retries` allows: after the wait asked for if it is within `patience`, else by backoff."""


class FailureScope(StrEnum):  # a str is hashed by C code
    """What the failure says about the other legs of the plan."""

    LEG = auto()
    KEY = auto()
    """The provider's other legs with this key are useless too."""
    MODEL = auto()
    """The same model with other keys is useless too."""
    ORIGIN = auto()
    """All that is served from there is useless."""


class Memory(Enum):
    """What later calls learn from it."""

    NOTHING = auto()
    LEG = auto()
    """The leg rests until the reset, else for `rest_s`."""
    KEY = auto()
    """The key rests until the reset, else for `rest_s`."""
    BREAKER = auto()
    """It counts for the breaker of the leg, or of the origin where that is what failed."""


class Decision(NamedTuple):
    again: RetryMode = RetryMode.NEVER
    scope: FailureScope = FailureScope.LEG
    memory: Memory = Memory.NOTHING
    rest_s: float = 0.0
    stops: bool = False


_10_MIN, _1_H = 600.0, 3600.0


DECISIONS: dict[type[e.ProviderError], Decision] = {
    e.RateLimitError: Decision(RetryMode.BACKOFF, memory=Memory.LEG),
    e.QuotaExceededError: Decision(scope=FailureScope.KEY, memory=Memory.KEY, rest_s=_1_H),
    e.AuthenticationError: Decision(scope=FailureScope.KEY, memory=Memory.KEY, rest_s=_10_MIN),
    e.PermissionDeniedError: Decision(memory=Memory.LEG, rest_s=_10_MIN),
    e.ModelUnavailableError: Decision(scope=FailureScope.MODEL, memory=Memory.LEG, rest_s=_1_H),
    e.ContextWindowError: Decision(scope=FailureScope.MODEL),
    e.RequestTooLargeError: Decision(),
    e.UnsupportedParameterError: Decision(scope=FailureScope.MODEL),
    e.InvalidRequestError: Decision(stops=True),
    e.ContentFilterError: Decision(stops=True),
    e.ServerError: Decision(RetryMode.BACKOFF, memory=Memory.BREAKER),
    e.ConnectionFailedError: Decision(scope=FailureScope.ORIGIN, memory=Memory.BREAKER),
    e.ProviderTimeoutError: Decision(memory=Memory.BREAKER),
    e.MalformedResponseError: Decision(RetryMode.ONCE, memory=Memory.BREAKER),
    e.ToolCallError: Decision(RetryMode.ONCE),
    e.StreamInterruptedError: Decision(memory=Memory.BREAKER, stops=True),
    e.DeadlineExceededError: Decision(stops=True),
    e.ProviderError: Decision(),
}

_NOT_SENT = Decision()
_MISFIT = Decision(stops=True)
_RESET = Decision(RetryMode.ONCE, memory=Memory.BREAKER)
_SILENT_ORIGIN = Decision(scope=FailureScope.ORIGIN, memory=Memory.BREAKER)


def decide(error: e.ProviderError) -> Decision:
    """Return the table's row for an error; a plugin's subclass takes its nearest ancestor's."""
    if not error.sent:
        return _NOT_SENT  # the leg's service knows nothing of it
    if isinstance(error, e.StreamInterruptedError) and isinstance(error.__cause__, e.ToolCallError):
        return _MISFIT  # all of it came, and did not fit its type: nothing against the leg
    if isinstance(error, e.ConnectionFailedError) and error.kind == "reset":
        return _RESET  # the origin is there: it took the connection
    if isinstance(error, e.ProviderTimeoutError) and error.phase == "connect":
        return _SILENT_ORIGIN
    if (own := DECISIONS.get(type(error))) is not None:
        return own
    return next(DECISIONS[kind] for kind in type(error).__mro__ if kind in DECISIONS)
