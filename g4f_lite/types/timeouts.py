"""The time limits of one attempt."""

from __future__ import annotations

from ..value import Value


class DefaultSeconds(float):
    """A default limit, not set by the caller: it does not apply to the last leg."""


class Timeouts(Value, frozen=True, kw_only=True):
    """
    Limits of one attempt, in seconds; None means no limit.

    `first_token` and `stall` are for streams and count data, not keep-alive comments;
    `total` is for responses that do not stream. The defaults of `first_token` and `total` do not
    apply to the last leg of a call; values set by the caller always do.

    Raises:
        ValueError: a limit is not above 0.
    """

    connect: float | None = 5.0
    first_token: float | None = DefaultSeconds(10.0)
    stall: float | None = 15.0
    total: float | None = DefaultSeconds(120.0)

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            limit = getattr(self, name)
            if limit is not None and not (isinstance(limit, (int, float)) and 0 < limit < float("inf")):
                raise ValueError(f"Timeouts.{name} must be a number of seconds above 0, or None; got {limit!r}")
