"""Which failures come before anything was sent: nothing is billed for them."""

from __future__ import annotations

import socket

import pytest
from helpers.driving import MODES, run

from g4f_lite import ConnectionFailedError, ProviderTimeoutError, RedirectError, ServerError
from g4f_lite.testing import FaultServer, replies


@pytest.mark.parametrize(
    ("error", "unsent"),
    [
        (ConnectionFailedError(kind="refused"), True),
        (ConnectionFailedError(kind="dns"), True),
        (ConnectionFailedError(kind="tls"), True),
        (ConnectionFailedError(kind="proxy"), True),
        (ConnectionFailedError(kind="reset"), False),
        (RedirectError(), False),
        (ProviderTimeoutError(phase="connect"), True),
        (ProviderTimeoutError(phase="total"), False),
        (ServerError(status=500), False),
    ],
)
def test_an_error_says_it(error: ServerError, unsent: bool) -> None:
    assert error.unsent is unsent


@pytest.mark.parametrize("mode", MODES)
def test_the_record_of_the_attempt_says_it(mode: str, groq: FaultServer) -> None:
    groq.script(replies.error(500, "broken"))
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        down = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    settings = {"base_urls": {"openai": down}, "keys": {"openai": "k"}, "retries": 0}
    found = run(mode, settings, {"provider": ["openai", "groq"], "fallback_models": []})
    assert [one.unsent for one in found.trail.attempts] == [True, False]
