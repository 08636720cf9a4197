"""Frameworks over `g4f_lite.openai`. They are large: `pip install '.[ecosystem]'` in an environment of its own."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

collect_ignore_glob = ["test_*.py"] if find_spec("agents") is None else []

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # or its import downloads a list
os.environ["DSPY_CACHEDIR"] = os.path.join(tempfile.gettempdir(), f"g4f-lite-dspy-{os.getpid()}")


IGNORED = (
    "ignore::DeprecationWarning",  # the frameworks and what they bring warn of each other
    "ignore::UserWarning",
    "ignore:asynchronous generator:ResourceWarning",  # the agents package shuts those of a loop down, and goes on with it
    "ignore:unclosed event loop:ResourceWarning",  # of `run_sync`, with the pair of sockets that wakes it
    "ignore:unclosed <socket.socket fd=[0-9]+, family=1,:ResourceWarning",
)


def pytest_configure(config: pytest.Config) -> None:
    if not collect_ignore_glob:
        for line in IGNORED:
            config.addinivalue_line("filterwarnings", line)


@pytest.fixture(autouse=True)
def only_this_machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No framework may phone home."""
    elsewhere: list[Any] = []
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def connect_here(one: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1"):
            elsewhere.append(address)
            raise ConnectionRefusedError(address)
        connect(one, address)

    def look_up_here(host: Any, *more: Any, **how: Any) -> Any:
        if host not in (None, "localhost", "127.0.0.1", "::1"):
            elsewhere.append(host)
            raise socket.gaierror(socket.EAI_NONAME, f"{host} is not this machine")
        return look_up(host, *more, **how)

    monkeypatch.setattr(socket.socket, "connect", connect_here)
    monkeypatch.setattr(socket, "getaddrinfo", look_up_here)
    yield
    assert elsewhere == []
