"""
Fixtures for tests of plugins, which pytest finds through an entry point. docs/plugins/testing.md shows each in use.

Every run of pytest loads this module, so a fixture imports what it needs when it is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..client.client import Client
    from .scripted import ScriptedProvider
    from .server import FaultServer


@pytest.fixture
def fault_server() -> Iterator[FaultServer]:
    """A provider on 127.0.0.1 whose answers and faults are scripted."""
    from .server import FaultServer

    with FaultServer() as server:
        yield server


@pytest.fixture
def scripted_provider() -> ScriptedProvider:
    """A provider that needs no socket and answers "ok"."""
    from .scripted import ScriptedProvider

    return ScriptedProvider()


@pytest.fixture
def network_guard() -> Iterator[None]:
    """Connections beyond this machine raise `NetworkBlockedError`."""
    from .network import network_blocked

    with network_blocked():
        yield


@pytest.fixture
def offline_client(
    scripted_provider: ScriptedProvider, network_guard: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Client]:
    """A client without real keys or connections beyond this machine, which asks `scripted_provider`."""
    from ..client.client import Client
    from .network import hide_environment

    hide_environment(monkeypatch)
    monkeypatch.setenv("G4F_LITE_CONFIG_DIR", str(tmp_path))
    with Client(routes=[scripted_provider]) as client:
        yield client
