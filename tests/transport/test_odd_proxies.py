"""A proxy that cannot be used is named as the fault, by both clients in the same words."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.driving import MODES, run

from g4f_lite import ConnectionFailedError, OpenaiTemplate
from g4f_lite.testing import FaultServer, replies


class Plain(OpenaiTemplate):
    name = "plain"
    needs_auth = False
    default_model = "m"


NO_ADDRESS = (
    "the proxy is not an address; change the variable of the environment (or the system's setting) that names it,"
    " or pass proxy="
)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("proxy", "said"),
    [
        ("http://[bad", NO_ADDRESS),
        ("http://127.0.0.1:99999", NO_ADDRESS),
        ("http://127.0.0.1:0", NO_ADDRESS),
        ("http://127.0.0.1:9\r\nX-Evil: 1", NO_ADDRESS),
        ("http://a b:1", NO_ADDRESS),
        ("http://:80", NO_ADDRESS),
        ("http://127.0.0.1:9", "the proxy cannot be used: 127.0.0.1:9 cannot be reached: it refuses the connection"),
        ("http://a.invalid:80", "the proxy cannot be used: the name 'a.invalid' cannot be resolved"),
    ],
)
def test_an_odd_proxy_is_the_fault(
    proxy: str, said: str, mode: str, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)
    outcome = run(mode, {"routes": [Plain(api_base=server.base_url)], "retries": 0}, {})
    assert isinstance(outcome.error, ConnectionFailedError)
    assert (outcome.error.kind, outcome.error.message) == ("proxy", said)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("around", ["  {}  ", "{}\n"])
def test_blanks_around_a_proxy_do_not_matter(
    around: str, mode: str, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.script(replies.answer("through the proxy"))
    monkeypatch.setenv("HTTP_PROXY", around.format(server.origin))
    settings: dict[str, Any] = {"routes": [Plain(api_base="http://127.0.0.1:9/v1")]}
    assert run(mode, settings, {}).text == "through the proxy"


@pytest.mark.parametrize("mode", MODES)
def test_a_blank_proxy_is_none(mode: str, server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.script(replies.answer("directly"))
    monkeypatch.setenv("HTTP_PROXY", "  ")
    assert run(mode, {"routes": [Plain(api_base=server.base_url)]}, {}).text == "directly"
