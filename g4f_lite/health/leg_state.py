"""What is remembered of one leg, one origin, one cooldown. Not locked: `Health` holds the lock."""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

from ..errors.exceptions import (
    DeadlineExceededError,
    ProviderError,
    ProviderTimeoutError,
    StreamInterruptedError,
    copy_of,
)
from ..provider.leg import Leg
from ..types.breaker import Breaker
from .breaker import BreakerState
from .limits import Limit
from .pressure import Line


class Cooldown(NamedTuple):
    """Until when something is not used, and the error that caused it."""

    until: float
    error: ProviderError


class OriginState:
    __slots__ = ("breaker", "error")

    def __init__(self, breaker: Breaker) -> None:
        self.breaker = BreakerState(breaker)
        self.error: ProviderError | None = None
        """The last failure that counted for the breaker."""


class LegState(OriginState):
    __slots__ = ("attempts", "first_token", "limits", "limits_at", "line")

    def __init__(self, breaker: Breaker) -> None:
        super().__init__(breaker)
        self.limits: tuple[Limit, ...] = ()
        self.limits_at = 0.0
        """When the headers came that report them."""
        self.attempts: set[int] = set()
        """The numbers of those under way. A set, because a repeated `discard` does no harm: see `Health.released`."""
        self.first_token: float | None = None
        self.line: Line | None = None

    @property
    def in_flight(self) -> int:
        return len(self.attempts)


def detached(error: ProviderError, message: str | None = None) -> ProviderError:
    """
    Return a copy to be kept for other calls: without traceback and trail, which would keep a whole call alive.

    Of an interrupted stream it is the cause: the text until then is for that call alone, and so is its deadline.
    """
    if isinstance(error, StreamInterruptedError):
        cause = error.__cause__
        of_leg = isinstance(cause, ProviderError) and not isinstance(cause, DeadlineExceededError)
        error = cause if of_leg else ProviderTimeoutError(error.message)  # type: ignore[assignment]
    copy = copy_of(error)
    for name in ("trail", "retry_at"):
        vars(copy).pop(name, None)
    copy.args = (error.message if message is None else message,)
    return copy


def key_of(leg: Leg) -> Hashable:
    return (leg.provider.name, leg.base_url, leg.key_identity)
