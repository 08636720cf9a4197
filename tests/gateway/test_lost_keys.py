"""A file of keys that is not where it should be: nobody is let in because of it."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest
import requests
from helpers.commands import Cli, start
from helpers.driving import eventually
from helpers.gateways import MESSAGES, running, tables

from g4f_lite.errors.exceptions import ConfigurationError
from g4f_lite.gateway.key_store import KeyStore
from g4f_lite.gateway.settings import KeySettings
from g4f_lite.testing import FaultServer

OPEN = "everybody who reaches it is let in"
CONFIGURED = ("[teams.ops]\nrpm = 9\n", '[server]\nadmin = { env = "HOME" }\n', '[server]\nstore = "sqlite:own.db"\n')


@pytest.mark.parametrize(
    "where", ["sqlite:data/gateway.db", "sqlite:/nonexist/x/gw.db", "sqlite:/proc/gw.db", "sqlite:."]
)
@pytest.mark.parametrize("option", ["--check", "--port=0"])
def test_a_named_file_that_cannot_be_used_is_an_error(where: str, option: str, tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(f'[server]\nstore = "{where}"\n', "utf-8")
    with start("serve", str(config), option) as process:
        assert process.wait(60) == 2
        assert process.stderr is not None
        assert f"{config}: [server] store = {where!r}: " in process.stderr.read().decode()
    assert [one.name for one in tmp_path.iterdir()] == ["gateway.toml"]


def test_a_link_that_leads_nowhere_is_no_empty_file(tmp_path: Path) -> None:
    (tmp_path / "gateway.db").symlink_to(tmp_path / "unmounted" / "gateway.db")
    with pytest.raises(ConfigurationError, match="cannot be used: No such file"):
        KeyStore(tmp_path / "gateway.db").all()


@pytest.mark.parametrize("text", CONFIGURED)
def test_a_gateway_that_lets_everybody_in_says_so(text: str, groq: FaultServer, cli: Cli, tmp_path: Path) -> None:
    config, log = tmp_path / "gateway.toml", tmp_path / "log"
    config.write_text(text, "utf-8")
    assert OPEN in cli("serve", str(config), "--check").out
    with log.open("wb") as stderr, start("serve", str(config), "--port", "0", stderr=stderr):
        assert eventually(lambda: OPEN in log.read_text(), 60)


def status(base_url: str, key: str) -> int:
    body = {"model": "auto", "messages": MESSAGES}
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return requests.post(f"{base_url}/chat/completions", json=body, headers=headers, timeout=60).status_code


def test_keys_stay_in_force_if_their_file_is_lost(
    groq: FaultServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = KeyStore(tmp_path / "gateway.db")
    key = store.new("a", KeySettings())
    with running(tables(groq), store=store) as gateway:
        store.path.unlink()
        assert eventually(lambda: "the keys stay as they were: " in caplog.text, 20)
        assert (status(gateway.base_url, key), status(gateway.base_url, "")) == (200, 401)
        with pytest.raises(ConfigurationError, match="is not there any more"):
            store.new("b", KeySettings())
        with pytest.raises(ConfigurationError, match="is not there any more"):
            store.all()  # not that there are none
        other = KeyStore(store.path).new("c", KeySettings())
        assert eventually(lambda: status(gateway.base_url, other) == 200, 20)


@pytest.mark.xdist_group("gateway workers")
def test_workers_that_begin_after_the_file_was_lost_have_its_keys(groq: FaultServer, tmp_path: Path) -> None:
    config, log = tmp_path / "gateway.toml", tmp_path / "log"
    config.write_text('[server]\nworkers = 2\n[models.m]\nroutes = ["groq:one"]\n', "utf-8")
    store = KeyStore(tmp_path / "gateway.db")
    key = store.new("a", KeySettings())
    with log.open("wb") as stderr, start("serve", str(config), "--port", "0", stderr=stderr) as process:
        assert eventually(lambda: "curl" in log.read_text(), 60)
        url = re.findall(r"http://127\.0\.0\.1:\d+/v1", log.read_text())[0]

        def models(key: str) -> tuple[int, str]:
            answer = requests.get(f"{url}/models", headers={"Authorization": f"Bearer {key}"}, timeout=60)
            return answer.status_code, answer.text

        assert (models(key)[0], models("nobody's")[0]) == (200, 401)
        os.unlink(store.path)
        config.write_text('[server]\nworkers = 2\n[models.after]\nroutes = ["groq:one"]\n', "utf-8")
        process.send_signal(signal.SIGHUP)
        seen = ""

        def is_replaced() -> bool:  # the old workers answer for a while beside the new ones
            nonlocal seen
            seen += models(key)[1]
            return "after" in seen

        assert eventually(is_replaced, 60)
        assert {models(key)[0] for _ in range(10)} == {200}
        assert {models("nobody's")[0] for _ in range(10)} == {401}
