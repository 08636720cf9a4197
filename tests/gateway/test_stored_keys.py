"""A running gateway and the file with the keys that the command makes."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import requests
from helpers.driving import eventually
from helpers.gateways import MESSAGES, Running, running, tables

from g4f_lite.gateway.key_store import KeyStore
from g4f_lite.gateway.settings import KeySettings
from g4f_lite.testing import FaultServer


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path / "gateway.db")


def status(gateway: Running, key: str = "") -> int:
    headers = {"x-api-key": key}
    url = f"{gateway.base_url}/chat/completions"
    return requests.post(url, json={"messages": MESSAGES}, headers=headers, timeout=30).status_code


def test_a_running_gateway_follows(store: KeyStore, groq: FaultServer) -> None:
    with running(tables(groq), store=store) as gateway:
        assert status(gateway) == 200
        key = store.new("team-a", KeySettings())
        assert eventually(lambda: (status(gateway, key), status(gateway)) == (200, 401), 20)
        store.disable("team-a")
        assert eventually(lambda: status(gateway, key) == 401, 20)
        store.disable("team-a", disabled=False)
        assert eventually(lambda: status(gateway, key) == 200, 20)
        new = store.rotate("team-a")
        assert eventually(lambda: (status(gateway, key), status(gateway, new)) == (401, 200), 20)
        store.delete("team-a")
        assert eventually(lambda: status(gateway, new) == 401, 20)
        assert status(gateway) == 401  # once there were keys, nobody comes in without one
        other = store.new("team-b", KeySettings())
        assert eventually(lambda: status(gateway, other) == 200, 20)
        store.path.unlink()
        assert eventually(lambda: status(gateway, other) == 401, 20)
        assert status(gateway) == 401


def test_no_auth_lets_everybody_in(store: KeyStore, groq: FaultServer) -> None:
    store.new("team-a", KeySettings())
    with running(tables(groq), store=store, no_auth=True) as gateway:
        assert status(gateway) == 200


def test_the_file_is_for_its_owner_alone_and_has_no_key(store: KeyStore) -> None:
    key = store.new("team-a", KeySettings())
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert key.encode() not in store.path.read_bytes()
