"""Keep a test on this machine: no connections to other machines, no real keys."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from ipaddress import ip_address
from threading import Lock
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


_lock = Lock()
_blocks = 0
_guards = ExitStack()


@contextmanager
def network_blocked() -> Iterator[None]:
    """
    Block connections beyond this machine.

    A connection to another machine, or a look-up of a host name, raises `NetworkBlockedError` if it is made through
    Python's module `socket`, by whichever library and in any thread. The module is as before when the last block ends.
    """
    # Not by an audit hook: with one, in Python 3.11, a thread that starts under coverage can end at once with "Cannot
    # install a trace function while another trace function is being installed" (python/cpython issue 98257).
    global _blocks
    with _lock:
        if not _blocks:
            for method in ("connect", "connect_ex", "sendto"):
                _guard(socket.socket, method, _host_of_last)
            _guard(socket.socket, "sendmsg", _host_of_message)
            for function in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr"):
                _guard(socket, function, _first_argument)
        _blocks += 1
    try:
        yield
    finally:
        with _lock:
            _blocks -= 1
            if not _blocks:
                _guards.close()


def _guard(owner: Any, name: str, host_of: Callable[..., Any]) -> None:
    real = getattr(owner, name)

    @wraps(real)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        _refuse(host_of(*args, **kwargs))
        return real(*args, **kwargs)

    if name in vars(owner):
        _guards.callback(setattr, owner, name, real)
    else:  # inherited
        _guards.callback(delattr, owner, name)
    setattr(owner, name, guarded)


def _host_of_last(*args: Any) -> Any:
    return _host_of(args[-1])


def _host_of_message(_: Any, buffers: Any, ancillary: Any = (), flags: int = 0, address: Any = None) -> Any:
    return _host_of(address)


def _host_of(address: Any) -> Any:
    return address[0] if isinstance(address, tuple) and address else ""  # a Unix socket's address is a path


def _first_argument(host: Any = "", *_: Any, **__: Any) -> Any:
    return host


def _refuse(host: Any) -> None:
    host = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "")
    if host and host != "localhost" and not _is_this_machine(host):
        raise NetworkBlockedError(f"the test may connect only to this machine, but tried to reach {host}")


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
