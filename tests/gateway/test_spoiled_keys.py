"""A file of keys that an older configuration, a newer version or a broken disk has left."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import requests
from helpers.driving import eventually
from helpers.gateways import Running, running, tables

from g4f_lite.gateway.key_store import KeyStore
from g4f_lite.gateway.overview import overview
from g4f_lite.gateway.settings import KeySettings, checked
from g4f_lite.testing import FaultServer


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path / "gateway.db")


def status(gateway: Running, key: str = "") -> int:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    body = {"messages": [{"role": "user", "content": "Which day is it?"}]}
    return requests.post(f"{gateway.base_url}/chat/completions", json=body, headers=headers, timeout=30).status_code


def test_a_key_whose_team_is_not_there_any_more_is_refused(
    store: KeyStore, groq: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    key = store.new("team-a", KeySettings(team="ops"))
    with running(tables(groq, teams={"ops": {"rpm": 9}}), store=store) as gateway:
        assert status(gateway, key) == 200
    with running(tables(groq), store=store) as gateway:
        assert (status(gateway, key), status(gateway)) == (401, 401)
    assert "the key 'team-a' is refused: there is no [teams.ops]" in caplog.text
    assert "of team ops (which is not there: it is refused)" in overview(checked(tables(groq), "here"), store)


@pytest.mark.parametrize("settings", [b"{", b'{"of_tomorrow": 1}', b"\xff", b'{"rpm": "many"}'])
def test_keys_are_followed_again_once_they_can_be_read(settings: bytes, store: KeyStore, groq: FaultServer) -> None:
    first = store.new("team-a", KeySettings())
    with running(tables(groq), store=store) as gateway:
        with closing(sqlite3.connect(store.path)) as file, file:
            file.execute("INSERT INTO keys VALUES ('odd', 'g4f-1234', ?, 0)", (settings,))
        assert eventually(lambda: gateway.gateway._seen == store.changed_at(), 20)
        assert status(gateway, first) == 200
        with closing(sqlite3.connect(store.path)) as file, file:
            file.execute("DELETE FROM keys WHERE name = 'odd'")
        second = store.new("team-b", KeySettings())
        assert eventually(lambda: status(gateway, second) == 200, 20)
