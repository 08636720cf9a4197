"""The time limits of one attempt."""

from __future__ import annotations

import msgspec

from ..errors.quoted_values import quoted
from ..value import Value
from .checks import LONGEST


class DefaultSeconds(float):
    """
    A default limit, not set by the caller: it may be lifted or stretched, which a value set by the caller never is.

    Args:
        seconds: the limit.
        stretched: the limit where a service may take longer: see `Timeouts`.
    """

    def __new__(cls, seconds: float, stretched: float | None = None) -> DefaultSeconds:
        limit = super().__new__(cls, seconds)
        limit.stretched = float(seconds) if stretched is None else stretched
        return limit

    stretched: float


class Timeouts(Value, frozen=True, kw_only=True):
    """
    Limits of one attempt, in seconds; None means no limit.

    `first_token` and `stall` are for streams and count data, not keep-alive comments;
    `total` is for responses that do not stream. The defaults of `first_token` and `total` do not
    apply to the last leg of a call. The default of `first_token` is 60 for a model that thinks. The default of
    `stall` ends silence; while a service shows that it works (pings, status events, empty deltas), there may be 180
    between content. Values set by the caller hold as they are; a million seconds is the most.

    Raises:
        ValueError: a limit is not above 0.
    """

    connect: float | None = 5.0
    first_token: float | None = DefaultSeconds(10.0, stretched=60.0)
    stall: float | None = DefaultSeconds(15.0, stretched=180.0)
    total: float | None = DefaultSeconds(120.0)

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            limit = getattr(self, name)
            if limit is None:
                continue
            if isinstance(limit, bool) or not isinstance(limit, (int, float)) or not 0 < limit < float("inf"):
                raise ValueError(f"Timeouts.{name} must be a number of seconds above 0, or None; got {quoted(limit)}")
            if limit > LONGEST:
                msgspec.structs.force_setattr(self, name, LONGEST)
