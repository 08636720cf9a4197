"""Where a body ends is said once, by the transport: else a server would take the rest of a body for another request."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from helpers.driving import MODES, run

from g4f_lite import HTTPRequest, MalformedResponseError, OpenaiTemplate, hookimpl
from g4f_lite.testing import FaultServer, replies

FRAMING = [
    {"Content-Length": "3"},
    {"content-length": "71"},
    {"CONTENT-LENGTH": "0"},
    {"Transfer-Encoding": "chunked"},
    {"transfer-encoding": "identity"},
]


class Framing(OpenaiTemplate):
    """A provider that says itself where the body ends."""

    name = "framing"
    needs_auth = False
    default_model = "m"
    own: dict[str, str] = {}

    def build_request(self, request: Any, *, key: str | None, stream: bool) -> HTTPRequest:
        built = super().build_request(request, key=key, stream=stream)
        return msgspec.structs.replace(built, headers={**built.headers, **self.own})


class Adding:
    def __init__(self, headers: dict[str, str]) -> None:
        self.headers = headers

    @hookimpl
    def request_headers(self, attempt: Any) -> dict[str, str]:
        return self.headers


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("headers", FRAMING, ids=str)
def test_a_providers_own_framing_is_not_sent(headers: dict[str, str], mode: str, server: FaultServer) -> None:
    outcome = run(mode, {"routes": [Framing(api_base=server.base_url, own=headers)]}, {})
    assert isinstance(outcome.error, MalformedResponseError)
    assert f"the header {next(iter(headers))!r} cannot be sent" in outcome.error.message
    assert not server.received


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("headers", FRAMING, ids=str)
def test_a_hooks_framing_is_left_out(headers: dict[str, str], mode: str, server: FaultServer) -> None:
    server.script(replies.answer("fine"))
    settings = {"routes": [Framing(api_base=server.base_url)], "plugins": [Adding({**headers, "x-other": "left out"})]}
    assert run(mode, settings, {}).text == "fine"
    [received] = server.received
    assert received.headers["content-length"] == str(len(received.body))
    assert "transfer-encoding" not in received.headers
    assert "x-other" not in received.headers


@pytest.mark.parametrize("mode", MODES)
def test_a_header_whose_name_only_resembles_them_is_sent(mode: str, server: FaultServer) -> None:
    server.script(replies.answer("fine"))
    own = {"X-Content-Length": "3", "Content-Encoding-Hint": "none"}
    assert run(mode, {"routes": [Framing(api_base=server.base_url, own=own)]}, {}).text == "fine"
    [received] = server.received
    assert {name: received.headers[name.lower()] for name in own} == own
