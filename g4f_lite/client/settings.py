"""The settings of a client, and their checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypedDict

from ..errors.exceptions import ConfigurationError
from ..errors.quoted_values import quoted
from ..failover.policy import OnInterrupt
from ..health.shared_state import SharedState
from ..provider.base import KeyFunction
from ..provider.keys import Keys
from ..routing.names import ProviderChoice
from ..routing.strategies import Strategy
from ..types.breaker import Breaker
from ..types.declared_limits import Budget, Limits
from ..types.timeouts import Timeouts

DEFAULT_TIMEOUTS = Timeouts()


class ClientSettings(TypedDict, total=False):
    """Keywords of `Client` and `AsyncClient`, each described in docs/clients.md."""

    routes: Sequence[ProviderChoice] | None
    strategy: str | Strategy
    keys: Keys | None
    base_urls: Mapping[str, str] | None
    plugins: Iterable[object] | None
    retries: int
    patience: float
    timeouts: Timeouts
    deadline: float
    on_interrupt: OnInterrupt
    base_url: str | None
    api_key: str | KeyFunction | None
    max_response_bytes: int
    retry_wait: Callable[[Any], float] | None
    retry_stop: Callable[[Any], bool] | None
    limits: Mapping[str, Limits] | None
    budget: Budget | None
    state: str | SharedState | None
    breaker: Breaker
    join_events: bool


def check_mapping(value: object, name: str) -> None:
    """
    Raises:
        ConfigurationError: the setting is not a mapping from texts.
    """
    if value is None:
        return
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{name} must be a mapping from provider names, not {type(value).__name__}")
    for key in value:
        if not isinstance(key, str):
            raise ConfigurationError(f"{name} must be named by providers, not by {quoted(key)}")
