"""From the setting `state` to a state and the link to it. A store is imported only when it is used."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, unquote, urlsplit

from ...errors.exceptions import ConfigurationError
from ..shared_state import SharedState
from .local_link import Link, LocalLink

_FORMS = "redis://HOST:PORT/0, rediss://…, unix://PATH or sqlite:///PATH"


def state_from_url(url: str) -> SharedState:
    """
    Return the state that a URL names. It connects when it is first used.

    Args:
        url: `redis://HOST:PORT/0`, `rediss://…` or `unix://PATH`; or `sqlite:///PATH` with an absolute path.

    Raises:
        ConfigurationError: the URL names none, or what it needs is not installed.
    """
    scheme = url.partition("://")[0]
    if scheme == "sqlite":
        return _make("sqlite", "SQLiteState", _path_of(url))
    if scheme in ("redis", "rediss", "unix"):
        return _make("redis", "RedisState", url)
    raise ConfigurationError(f"state must be a URL ({_FORMS}) or a SharedState; this one begins with {scheme[:20]!r}")


def _make(module: str, name: str, place: str) -> SharedState:
    # Not with `import`: a client that uses it loads it before any call, so that no fork comes in between.
    made: SharedState = getattr(import_module(f".{module}", __package__), name)(place)
    return made


def _path_of(url: str) -> str:
    parts = urlsplit(url)
    path = unquote(parts.path, errors="surrogateescape").lstrip("/")
    if parts.netloc or not path or "\0" in path:
        raise ConfigurationError("the URL of a SQLite state is sqlite:///PATH, with the absolute path of a file")
    return path if path[1:2] == ":" else f"/{path}"  # of Windows: C:/…


def sqlite_url(path: Path) -> str:
    """Return the URL of a state in this file."""
    return f"sqlite:///{quote(path.absolute().as_posix().lstrip('/'), errors='surrogateescape')}"


def check_state(state: Any) -> SharedState:
    """
    Return the state that the setting `state` means.

    Raises:
        ConfigurationError: it is neither a URL nor a state.
    """
    if isinstance(state, str):
        return state_from_url(state)
    methods = (getattr(state, name, None) for name in ("execute", "wait", "close"))
    if isinstance(getattr(state, "is_local", None), bool) and all(map(callable, methods)):
        return cast("SharedState", state)
    raise ConfigurationError(f"state must be a URL ({_FORMS}) or a SharedState, not {type(state).__name__}")


def link_to(state: SharedState, *, owned: bool = False) -> Link:
    """
    Return a link to a state.

    Args:
        owned: whether the link closes it.
    """
    if state.is_local:
        return LocalLink(state)
    link: Link = import_module(".link", __package__).StateLink(state, owned=owned)
    return link
