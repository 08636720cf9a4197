"""A character that two events share: joined if its halves are escapes, and no JSON if its bytes are cut."""

from __future__ import annotations

import pytest
from helpers.driving import run

from g4f_lite import MalformedResponseError, OpenaiTemplate, StreamInterruptedError
from g4f_lite.testing import FaultServer, replies


class Plain(OpenaiTemplate):
    name = "plain"
    needs_auth = False
    default_model = "m"


def stream(*contents: bytes) -> bytes:
    events = (
        b'data: {"choices":[{"index":0,"delta":{"content":"%b"},"finish_reason":%b}]}\n\n'
        % (content, b'"stop"' if content is contents[-1] else b"null")
        for content in contents
    )
    return b"".join(events) + b"data: [DONE]\n\n"


def text_and_error(mode: str, server: FaultServer, *contents: bytes) -> tuple[str, type | None]:
    server.script(replies.body(stream(*contents), content_type="text/event-stream"))
    outcome = run(mode, {"routes": [Plain(api_base=server.base_url)], "retries": 0}, {})
    return outcome.text, None if outcome.error is None else type(outcome.error)


@pytest.mark.parametrize("mode", ["sync stream", "async stream"])
def test_escapes_are_joined(mode: str, server: FaultServer) -> None:
    assert text_and_error(mode, server, rb"a \ud83d", rb"\ude00 b") == ("a 😀 b", None)


@pytest.mark.parametrize("mode", ["sync stream", "async stream"])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_cut_bytes_are_malformed(mode: str, at: int, server: FaultServer) -> None:
    whole = "😀".encode()
    assert text_and_error(mode, server, whole[:at], whole[at:]) == ("", MalformedResponseError)
    assert text_and_error(mode, server, b"before", whole[:at], whole[at:]) == ("before", StreamInterruptedError)
