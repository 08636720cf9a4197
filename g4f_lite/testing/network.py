"""Keep a test on this machine: no connections to other machines, no real keys."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any, Protocol

_REAL = ("_API_KEY", "_API_BASE", "_PROXY", "_TOKEN", "_ENDPOINT", "_ACCOUNT_ID")


class NetworkBlockedError(RuntimeError):
    """A connection beyond this machine was attempted."""


class Environment(Protocol):
    """The part of `pytest.MonkeyPatch` that `hide_environment` uses."""

    def delenv(self, name: str) -> None: ...


def hide_environment(environment: Environment) -> None:
    """Remove keys, addresses and proxies from the environment."""
    for name in [name for name in os.environ if name.upper().endswith(_REAL)]:
        environment.delenv(name)


_blocks = 0
_installed = False


@contextmanager
def network_blocked() -> Iterator[None]:
    """
    Block connections beyond this machine.

    A connection to another machine, or a look-up of a host name, raises `NetworkBlockedError`, whichever library makes
    it. An audit hook checks them; Python cannot remove it, but it does nothing after the block.
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
        host = address[0] if isinstance(address, tuple) else ""  # a Unix socket's address is a path
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0] or ""
    else:
        return
    host = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    if host and host != "localhost" and not _is_this_machine(host):
        raise NetworkBlockedError(f"the test may connect only to this machine, but tried to reach {host}")


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
