"""The address of a proxy is checked."""

from __future__ import annotations

import pytest
from helpers.driving import MODES, run

import g4f_lite
from g4f_lite.testing import FaultServer


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("proxy", ["http://127.0.0.1:99999", "http://[::bad:1"])
def test_a_malformed_proxy_address_is_a_connection_error(proxy: str, mode: str, groq: FaultServer) -> None:
    outcome = run(mode, {"proxy": proxy}, {"provider": "groq", "fallback_models": []})
    assert isinstance(outcome.error, g4f_lite.ConnectionFailedError)
