"""A file of keys that is not where it should be: nobody is let in because of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.commands import Cli, start
from helpers.driving import eventually

from g4f_lite.errors.exceptions import ConfigurationError
from g4f_lite.gateway.key_store import KeyStore
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
