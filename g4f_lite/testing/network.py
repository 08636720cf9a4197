"""A program that stays on this machine: no connection elsewhere, no real key."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any, Protocol

_REAL = ("_API_KEY", "_API_BASE", "_PROXY", "_TOKEN", "_ENDPOINT", "_ACCOUNT_ID")


class NetworkBlockedError(RuntimeError):
    """Something wanted to leave this machine."""


class Environment(Protocol):
    """As `pytest.MonkeyPatch`."""

    def delenv(self, name: str) -> None: ...


def hide_environment(environment: Environment) -> None:
    """Take keys, addresses and proxies out of the environment."""
    for name in [name for name in os.environ if name.upper().endswith(_REAL)]:
        environment.delenv(name)


_blocks = 0
_installed = False


@contextmanager
def network_blocked() -> Iterator[None]:
    """
    Let nothing in this process reach beyond this machine.

    Connecting elsewhere, or looking a name up, raises `NetworkBlockedError`. It is an audit hook, so
    whichever library opens the connection is caught; it stays installed, and asleep, afterwards.
    """
    global _blocks, _installed
    if not _installed:
        sys.addaudithook(_refuse)
        _installed = True
    _blocks += 1
    try:
        yield
    finally:
        _blocks -= 1


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if not _blocks or not event.startswith("socket."):
        return
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else ""  # a path, for a socket of this machine
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0] or ""
    else:
        return
    host = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    if host and host != "localhost" and not _is_here(host):
        raise NetworkBlockedError(f"the test is to stay on this machine, but wants to reach {host}")


def _is_here(host: str) -> bool:
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
