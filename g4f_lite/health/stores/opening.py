"""From the setting `state` to a state and the link to it. A store is imported only when it is used."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import unquote, urlsplit

from ...errors.exceptions import ConfigurationError
from ...suggestions import install_hint
from ..shared_state import SharedState
from .local_link import Link, LocalLink

_REDIS = ("redis", "rediss", "unix")
_FORMS = "redis://HOST:PORT/0, rediss://…, unix://PATH or sqlite:///PATH"


def state_from_url(url: str) -> SharedState:
    """
    Return the state that a URL names. It connects when it is first used.

    Args:
        url: `redis://`, `rediss://` or `unix://` as redis-py takes it, or `sqlite:///PATH` with an absolute path.

    Raises:
        ConfigurationError: the URL names none, or what it needs is not installed.
    """
    scheme = url.partition(":")[0]
    if scheme == "sqlite":
        parts = urlsplit(url)
        if parts.netloc or not parts.path.strip("/"):
            raise ConfigurationError("the URL of a SQLite state is sqlite:///PATH, with the absolute path of a file")
        from .sqlite import SQLiteState

        path = unquote(parts.path)
        windows = path[2:3] == ":"  # sqlite:///C:/…
        return SQLiteState(path[1:] if windows else "/" + path.lstrip("/"))
    if scheme in _REDIS:
        try:
            from .redis import RedisState

            return RedisState(url)
        except ImportError as error:
            raise ConfigurationError(f"redis is not installed; run: {install_hint('redis')}") from error
        except ValueError as error:
            raise ConfigurationError(f"the URL of the state cannot be used: {error}") from None
    raise ConfigurationError(f"state must be a URL such as {_FORMS}, not one that begins with {scheme[:20]!r}")


def check_state(state: Any) -> SharedState:
    """
    Return the state that the setting `state` means.

    Raises:
        ConfigurationError: it is neither a URL nor a state.
    """
    if isinstance(state, str):
        return state_from_url(state)
    if all(callable(getattr(state, name, None)) for name in ("execute", "wait", "close")):
        return cast("SharedState", state)
    raise ConfigurationError(f"state must be a URL ({_FORMS}) or a SharedState, not {type(state).__name__}")


def link_to(state: SharedState) -> Link:
    """Return a link to a state."""
    if state.is_local:
        return LocalLink(state)
    from .link import StateLink

    return StateLink(state)
