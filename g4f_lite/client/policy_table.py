"""What a TOML file says of a client's policy: `[client]` of a gateway, `[policy]` of a scenario."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from ..errors.exceptions import ConfigurationError
from ..errors.suggestions import did_you_mean
from ..types.breaker import Breaker
from ..types.declared_limits import Budget, Limits
from ..types.tables import Table
from ..types.timeouts import Timeouts


class PolicyTable(Table, frozen=True):
    """What `AsyncClient` takes; None for its default. The checks of the client check it."""

    routes: list[str | list[str]] | None = None
    """In the order of trying; those of a list are one tier, which the strategy orders."""
    strategy: str = "order"
    retries: int | None = None
    patience: float | None = None
    deadline: float | None = None
    timeouts: dict[str, float | bool] = {}
    """Of `Timeouts`: `connect`, `first_token`, `stall`, `total`; `false` for no limit."""
    hedge_after: float | None = None
    on_interrupt: Literal["raise", "restart", "continue"] = "raise"
    limits: dict[str, dict[str, int]] = {}
    """By provider or route, as `Limits`: `rpm`, `tpm`, `rpd`, `tpd`, `parallel`."""
    budget: dict[str, Any] | None = None
    """As `Budget`: `usd`, `per`, …"""
    breaker: dict[str, Any] | None = None
    """As `Breaker`: `failures`, `share`, …"""

    def keywords(self) -> dict[str, Any]:
        """
        Return what is said, as keywords of `AsyncClient`.

        Raises:
            ConfigurationError: a limit, the budget, the breaker or a timeout cannot work; the message names it.
        """
        given = {name: getattr(self, name) for name in ("retries", "patience", "deadline", "hedge_after")}
        said: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        said |= {"strategy": self.strategy, "on_interrupt": self.on_interrupt}
        if self.routes is not None:
            said["routes"] = [tier if isinstance(tier, str) else tuple(tier) for tier in self.routes]
        if self.timeouts:
            limits = {name: None if value is False else value for name, value in self.timeouts.items()}
            said["timeouts"] = _made("timeouts", Timeouts, limits)
        if self.limits:
            said["limits"] = {name: _made(f"limits.{name}", Limits, one) for name, one in self.limits.items()}
        if self.budget is not None:
            said["budget"] = _made("budget", Budget, self.budget)
        if self.breaker is not None:
            said["breaker"] = _made("breaker", Breaker, self.breaker)
        return said


def _made(what: str, kind: type[msgspec.Struct], values: Mapping[str, Any]) -> Any:
    """Return a setting of the client; its own check checks its values."""
    known = kind.__struct_fields__
    for name in values:
        if name not in known:
            raise ConfigurationError(f"{what}: unknown name {name!r}{did_you_mean(name, known)}")
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"{what}: {error}") from None
