"""Changes of keys that come at the same time, and names that a path cannot tell."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest
from helpers.admin import Administrator, administrated
from helpers.commands import Cli
from helpers.driving import eventually

from g4f_lite.errors.exceptions import ConfigurationError
from g4f_lite.gateway.key_store import KeyStore
from g4f_lite.gateway.settings import KeySettings

WANTED = {"rpm": 60, "tpm": 1000, "parallel": 3, "disabled": True, "expires": "2031-01-01"}


@pytest.fixture
def admin(tmp_path: Path) -> Iterator[Administrator]:
    with administrated(tmp_path) as one:
        yield one


def test_no_change_undoes_another(admin: Administrator) -> None:
    names = [f"key-{number}" for number in range(12)]
    secrets = {name: admin.ask("keys", "POST", {"name": name})["key"] for name in names}

    def change(name: str, field: str) -> None:
        if field == "rotate":
            secrets[name] = admin.ask(f"keys/{name}/rotate", "POST")["key"]
        else:
            admin.ask(f"keys/{name}", "PATCH", {field: WANTED[field]})

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda one: change(*one), [(name, field) for name in names for field in [*WANTED, "rotate"]]))
    for row in admin.ask("keys")["keys"]:
        assert {field: row[field] for field in WANTED} == WANTED, row
        admin.ask(f"keys/{row['name']}", "PATCH", {"disabled": False})
        assert admin.call(key=secrets[row["name"]]).status_code == 200, row


def follows(admin: Administrator) -> bool:
    """Let the gateway look at the file once more."""
    looked = threading.Event()
    loop = admin.gateway.loop
    loop.call_soon_threadsafe(lambda: (admin.gateway.gateway._read_changes(), looked.set()))
    return looked.wait(20)


def test_a_change_at_the_same_time_of_the_clock_is_seen(admin: Administrator) -> None:
    secret, store = admin.ask("keys", "POST", {"name": "team-a"})["key"], KeyStore(admin.folder / "gateway.db")
    same = (time.time_ns() + 3600 * 10**9,) * 2  # in steps as long as the test
    os.utime(store.path, ns=same)
    assert eventually(lambda: follows(admin) and admin.call(key=secret).status_code == 200, 20)
    store.disable("team-a")
    os.utime(store.path, ns=same)
    assert eventually(lambda: admin.call(key=secret).status_code == 401, 20)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a b", "a\n", "a\0", "\u202eab", "x" * 65, "a%2Fb"])
def test_a_name_is_one_part_of_a_path(admin: Administrator, tmp_path: Path, name: str) -> None:
    assert admin.refusal("POST", "keys", {"name": name})[0] == 400
    with pytest.raises(ConfigurationError, match="name must have"):
        KeyStore(tmp_path / "other.db").new(name, KeySettings())


@pytest.mark.parametrize("name", ["...a", "équipe", "a@b.example", "-a", "العربية", "队"])
def test_whatever_is_made_can_be_ended(admin: Administrator, name: str) -> None:
    admin.ask("keys", "POST", {"name": name})
    path = f"keys/{quote(name, safe='')}"
    assert admin.ask(path, "PATCH", {"disabled": True})["disabled"] is True
    assert admin.ask(path, "DELETE")["deleted"] is True


NO_NAME = "models: no name of [models] fits 'fsat'; did you mean 'fast'?"


def test_a_key_is_not_given_a_name_that_is_not_there(admin: Administrator) -> None:
    assert admin.refusal("POST", "keys", {"name": "team-c", "models": ["fsat"]}) == (400, NO_NAME)
    admin.ask("keys", "POST", {"name": "team-c", "models": ["fa*"]})
    assert admin.refusal("PATCH", "keys/team-c", {"models": ["solo", "fsat"]}) == (400, NO_NAME)


def test_a_key_whose_name_has_gone_can_be_disabled(admin: Administrator) -> None:
    KeyStore(admin.folder / "gateway.db").new("old", KeySettings(models=("gone",)))
    assert admin.ask("keys/old", "PATCH", {"disabled": True})["models"] == ["gone"]


def test_the_command_makes_no_key_for_a_name_that_is_not_there(cli: Cli, tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text('[models.fast]\nroutes = ["groq"]\n', "utf-8")
    ran = cli("gateway", "keys", "--config", str(config), "new", "team-c", "--model", "fsat")
    assert (ran.code, ran.out) == (2, "") and NO_NAME in ran.err
    assert cli("gateway", "keys", "--config", str(config), "new", "team-c", "--model", "f*t").code == 0
    config.write_text("", "utf-8")
    assert cli("gateway", "keys", "--config", str(config), "new", "team-d", "--model", "gpt-oss-120b").code == 0
