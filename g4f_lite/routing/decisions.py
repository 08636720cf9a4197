"""
What the router does after a failure: one table.

It reads: the same leg again? what else of this plan is useless now? does the call stop?
"""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple

from .. import errors as e


class Again(Enum):
    """Whether the same leg is tried again."""

    NEVER = auto()
    ONCE = auto()
    BACKOFF = auto()
    """As often as `retries` allows, with exponential backoff."""
    ASKED = auto()
    """As BACKOFF, but the wait that the service asks for rules, up to `patience`."""


class Scope(Enum):
    """What the failure says about the other legs of the plan."""

    LEG = auto()
    KEY = auto()
    """The provider's other legs with this key are useless too."""
    MODEL = auto()
    """The same model with other keys is useless too."""
    ORIGIN = auto()
    """All that is served from there is useless."""


class Decision(NamedTuple):
    again: Again = Again.NEVER
    scope: Scope = Scope.LEG
    stops: bool = False


DECISIONS: dict[type[e.ProviderError], Decision] = {
    e.RateLimitError: Decision(Again.ASKED),
    e.QuotaExceededError: Decision(scope=Scope.KEY),
    e.AuthenticationError: Decision(scope=Scope.KEY),
    e.PermissionDeniedError: Decision(),
    e.ModelUnavailableError: Decision(scope=Scope.MODEL),
    e.ContextWindowError: Decision(scope=Scope.MODEL),
    e.RequestTooLargeError: Decision(),
    e.UnsupportedParameterError: Decision(scope=Scope.MODEL),
    e.InvalidRequestError: Decision(stops=True),
    e.ContentFilterError: Decision(stops=True),
    e.ServerError: Decision(Again.BACKOFF),
    e.ConnectionFailedError: Decision(scope=Scope.ORIGIN),
    e.ProviderTimeoutError: Decision(),
    e.MalformedResponseError: Decision(Again.ONCE),
    e.ToolCallError: Decision(Again.ONCE),
    e.StreamInterruptedError: Decision(stops=True),
    e.DeadlineExceededError: Decision(stops=True),
    e.ProviderError: Decision(),
}

_RESET = Decision(Again.ONCE)
_SILENT_ORIGIN = Decision(scope=Scope.ORIGIN)


def decide(error: e.ProviderError) -> Decision:
    """Return the table's row for an error; a plugin's subclass takes its nearest ancestor's."""
    if isinstance(error, e.ConnectionFailedError) and error.kind == "reset":
        return _RESET  # the origin is there: it took the connection
    if isinstance(error, e.ProviderTimeoutError) and error.phase == "connect":
        return _SILENT_ORIGIN
    return next(DECISIONS[kind] for kind in type(error).__mro__ if kind in DECISIONS)
