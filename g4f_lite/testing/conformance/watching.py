"""Watches a provider's code for what it may not do, and for keys that it keeps."""

from __future__ import annotations

import builtins
import io
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from ...provider.base import Provider
from .service import SECRET

_CALLS = {
    time.sleep: "sleeps",
    builtins.open: "opens a file",
    io.open: "opens a file",
    os.open: "opens a file",
    input: "waits for an input",
}
"""Functions in C, however they were imported."""
_CODES = {
    **dict.fromkeys(
        (getattr(type(os.environ), name).__code__ for name in ("__getitem__", "__iter__")), "reads the environment"
    ),
    subprocess.Popen.__init__.__code__: "starts a process",
    socket.create_connection.__code__: "opens a connection",
    socket.getaddrinfo.__code__: "looks an address up",
}
_SOCKET = frozenset(("connect", "connect_ex", "send", "sendall", "recv", "recv_into"))


@contextmanager
def watched(what: str) -> Iterator[list[str]]:
    """Yield a list that gets what the code inside does and may not: sleeping, reading the environment, I/O."""
    did: list[str] = []

    def see(frame: FrameType, event: str, called: Any) -> None:
        found = None
        if event == "c_call":
            try:
                found = _CALLS.get(called)
            except TypeError:  # a method of something that cannot be hashed
                return
            if isinstance(getattr(called, "__self__", None), socket.socket) and called.__name__ in _SOCKET:
                found = "uses a connection"
        elif event == "call":
            found = _CODES.get(frame.f_code)
        if found is not None and f"{what} {found}" not in did:
            did.append(f"{what} {found}")

    before = sys.getprofile()
    sys.setprofile(see)
    try:
        yield did
    finally:
        sys.setprofile(before)


def kept_in(one: Provider) -> list[str]:
    """Return where the key of a request is still to be found: in the provider, its classes, or their modules."""
    places: dict[str, Any] = {f"the instance's {name}": value for name, value in vars(one).items()}
    for owner in type(one).__mro__:
        if owner.__module__.partition(".")[0] in ("g4f_lite", "builtins", "abc"):
            continue
        places |= {f"{owner.__name__}.{name}": value for name, value in vars(owner).items()}
        module = sys.modules.get(owner.__module__)
        places |= {f"{owner.__module__}.{name}": value for name, value in vars(module).items() if module}
    return [where for where, value in places.items() if _holds(value)]


def _holds(value: Any, depth: int = 4) -> bool:
    if isinstance(value, str):
        return SECRET in value
    if isinstance(value, bytes):
        return SECRET.encode() in value
    if isinstance(value, dict):
        return depth > 0 and any(_holds(one, depth - 1) for pair in list(value.items()) for one in pair)
    if isinstance(value, (list, tuple, set, frozenset)):
        return depth > 0 and any(_holds(one, depth - 1) for one in list(value))
    return False
