"""The settings of a client, and their checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypedDict

from ..errors.exceptions import ConfigurationError
from ..failover.policy import OnInterrupt
from ..provider.keys import Keys
from ..routing.names import ProviderChoice
from ..routing.strategies import Strategy
from ..types.timeouts import Timeouts
from .chat_request import unknown_keyword


def check_mapping(value: object, name: str) -> None:
    if value is not None and not isinstance(value, Mapping):
        raise ConfigurationError(f"{name} must be a mapping from provider names, not {type(value).__name__}")


class ClientSettings(TypedDict, total=False):
    """Keywords of `Client` and `AsyncClient`; docs/clients.md tells of each."""

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
    retry_wait: Callable[[Any], float] | None
    retry_stop: Callable[[Any], bool] | None


def check_settings(client: str, settings: Mapping[str, Any], *own: str) -> None:
    """
    Args:
        own: what the client has besides the common settings.

    Raises:
        TypeError: an unknown keyword; says the nearest one.
    """
    known = (*ClientSettings.__annotations__, *own)
    for name in settings:
        if name not in known:
            raise unknown_keyword(name, known, client)


DEFAULT_TIMEOUTS = Timeouts()
