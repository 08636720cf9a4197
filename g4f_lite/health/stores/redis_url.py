"""Read the URL of a Redis server. Its password and its path are in no message."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from ...errors.exceptions import ConfigurationError

_OPTIONS = ("db", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
"""What may stand in the query. Time limits and retries are not the caller's: calls wait for the state."""


def _wrong(why: str) -> ConfigurationError:
    return ConfigurationError(f"the URL of the state {why}; give redis://HOST:PORT/NUMBER, rediss:// or unix://PATH")


def read_url(url: str) -> tuple[str, dict[str, Any]]:
    """
    Return the place of the server, for messages, and the settings of a connection, as redis-py takes them.

    Raises:
        ConfigurationError: it cannot be the URL of a Redis server.
    """
    try:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
        port = parts.port
    except ValueError:
        raise _wrong("cannot be read") from None
    if parts.scheme not in ("redis", "rediss", "unix") or parts.fragment:
        raise _wrong("is not one of Redis")
    if unknown := sorted(options.keys() - set(_OPTIONS)):
        raise _wrong(f"has the unknown option {unknown[0]!r}")
    settings: dict[str, Any] = {"username": unquote(parts.username or "") or None}
    settings["password"] = unquote(parts.password or "") or None
    number = options.pop("db", "")
    if parts.scheme == "unix":
        if not (path := unquote(parts.path)).strip("/"):
            raise _wrong("has no path")
        settings["unix_socket_path"], place = path, f"unix://{path}"
    else:
        number = number or parts.path.strip("/")
        settings |= {"host": unquote(parts.hostname or "") or "127.0.0.1", "port": port or 6379}
        settings |= {"ssl": True, **options} if parts.scheme == "rediss" else {}
        place = f"{parts.scheme}://{settings['host']}:{settings['port']}"
    if options and parts.scheme != "rediss":
        raise _wrong(f"has the option {min(options)!r}, which is for rediss://")
    if number and not (number.isascii() and number.isdigit()):
        raise _wrong("names no database, which is a number")
    return place, {**settings, "db": int(number or 0)}
