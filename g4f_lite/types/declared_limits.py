"""What the caller declares: the limits of a provider or a route, and the budget of a client."""

from __future__ import annotations

from math import ceil
from typing import Any, Literal, TypeAlias, get_args

from ..errors.exceptions import ConfigurationError
from ..errors.quoted_values import quoted
from ..value import Value
from .checks import is_one_of

BudgetWindow: TypeAlias = Literal["day", "week", "month", "total"]
WhenDown: TypeAlias = Literal["local", "refuse", "open"]
UnknownPrice: TypeAlias = Literal["refuse", "allow"]
NANO = 1_000_000_000
_MOST = 1e15
"""USD. More could not be counted exactly."""


class Limits(Value, frozen=True, kw_only=True):
    """
    The limits of a provider or of one of its routes; None means no limit, and one of them is set at least.

    Raises:
        ConfigurationError: a limit is not a whole number above 0.
    """

    rpm: int | None = None
    """Requests in any 60 seconds."""
    tpm: int | None = None
    """Tokens of prompts and completions in any 60 seconds."""
    rpd: int | None = None
    """Requests in any 24 hours."""
    tpd: int | None = None
    """Tokens in any 24 hours."""
    parallel: int | None = None
    """Calls at the same time; a stream counts until its end."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise ConfigurationError(f"Limits.{name} must be a whole number above 0, or None; not {quoted(value)}")
        if all(getattr(self, name) is None for name in self.__struct_fields__):
            raise ConfigurationError(f"Limits() limits nothing; set one of {', '.join(self.__struct_fields__)}")


class Budget(Value, frozen=True, kw_only=True):
    """
    What the calls of a client may cost, in USD (extra `prices`).

    Args:
        usd: the most that is spent in the window.
        per: the window: a `day`, `week` (from Monday) or `month` of the calendar in UTC, or `total`, which has no end.
        name: clients with the same `state` and this name share the budget.
        when_down: while the state cannot be reached: `local` spends a small share that is kept for this, `refuse`
            spends nothing, `open` spends without a limit; what is spent is recorded later.
        unknown_price: whether a route whose price is not known may be used. What it costs is then not counted, unless
            the service says it.

    Raises:
        ConfigurationError: a value is not one of these.
    """

    usd: float
    per: BudgetWindow = "day"
    name: str = "default"
    when_down: WhenDown = "local"
    unknown_price: UnknownPrice = "refuse"

    def __post_init__(self) -> None:
        if isinstance(self.usd, bool) or not isinstance(self.usd, (int, float)) or not 1 / NANO <= self.usd <= _MOST:
            raise ConfigurationError(
                f"Budget.usd must be a number above 0, and {_MOST:g} at most; not {quoted(self.usd)}"
            )
        if not isinstance(self.name, str) or not self.name.strip():
            raise ConfigurationError(f"Budget.name must be a text that is not empty, not {quoted(self.name)}")
        _check_choice("per", self.per, BudgetWindow)
        _check_choice("when_down", self.when_down, WhenDown)
        _check_choice("unknown_price", self.unknown_price, UnknownPrice)


def nano_usd(usd: float) -> int:
    """Return USD in nano-dollars, rounded up but for the error of a float."""
    return ceil(usd * NANO - 1e-3)


def _check_choice(name: str, value: object, choices: Any) -> None:
    if not is_one_of(value, get_args(choices)):
        names = ", ".join(map(repr, get_args(choices)))
        raise ConfigurationError(f"Budget.{name} must be one of {names}, not {quoted(value)}")
