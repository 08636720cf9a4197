"""The settings `limits`, `budget` and `state`: their checks, and the memory and link that a client makes of them."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping

from ..errors.exceptions import ConfigurationError
from ..errors.quoted_values import quoted
from ..health.quotas import Quotas
from ..health.shared_state import SharedState
from ..health.sharing import SharedHealth
from ..health.stores.local_link import Link
from ..health.stores.opening import check_state, link_to
from ..routing.eligibility import check_prices
from ..types.breaker import Breaker
from ..types.declared_limits import Budget, Limits
from ..types.time_limit import Clock


def check_limits(limits: object) -> dict[str, Limits]:
    """
    Return a copy of the setting `limits`.

    Raises:
        ConfigurationError: it is no mapping from names to `Limits`.
    """
    if limits is None:
        return {}
    if not isinstance(limits, Mapping):
        raise ConfigurationError(f"limits must be a mapping from provider names, not {type(limits).__name__}")
    for name, one in limits.items():
        if not isinstance(name, str):
            raise ConfigurationError(f"limits must be named by providers or routes, not by {quoted(name)}")
        if not isinstance(one, Limits):
            raise ConfigurationError(f"limits[{quoted(name)}] must be g4f_lite.Limits(…), not {quoted(one)}")
    return dict(limits)


def shared_health(
    limits: Mapping[str, Limits],
    budget: Budget | None,
    state: str | SharedState | None,
    *,
    clock: Clock,
    random: Callable[[], float],
    breaker: Breaker,
) -> tuple[SharedHealth, Link]:
    """
    Return the memory of a client with one of these settings, and its link to the state. Nothing is sent yet.

    Raises:
        ConfigurationError: a setting cannot work.
    """
    if budget is not None:
        if not isinstance(budget, Budget):
            raise ConfigurationError(f"budget must be g4f_lite.Budget(…), not {quoted(budget)}")
        check_prices()
    if state is None:
        from ..health.stores.memory import MemoryState

        link = link_to(MemoryState(None if clock is time else clock))
    else:
        link = link_to(check_state(state), owned=isinstance(state, str))
    host = "" if state is None else socket.gethostname() or "here"
    quotas = Quotas(limits, budget)
    health = SharedHealth(random, clock, quotas, link.tell, host, breaker=breaker)
    link.listen(health.learn, quotas.declared())
    return health, link
