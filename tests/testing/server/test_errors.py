"""The error replies of `FaultServer`: each protocol's envelope, also inside a stream."""

from __future__ import annotations

import pytest
from helpers.raw_client import SHAPES, ask
from helpers.shape_reading import READ_STREAM, Read, events_of

from g4f_lite.testing import FaultServer
from g4f_lite.testing.replies import error
from g4f_lite.testing.shapes import ShapeName

KINDS = [  # status, Anthropic's type, Gemini's status
    (400, "invalid_request_error", "INVALID_ARGUMENT"),
    (401, "authentication_error", "UNAUTHENTICATED"),
    (402, "billing_error", "UNKNOWN"),
    (403, "permission_error", "PERMISSION_DENIED"),
    (404, "not_found_error", "NOT_FOUND"),
    (413, "request_too_large", "UNKNOWN"),
    (422, "invalid_request_error", "UNKNOWN"),
    (429, "rate_limit_error", "RESOURCE_EXHAUSTED"),
    (500, "api_error", "INTERNAL"),
    (503, "api_error", "UNAVAILABLE"),
    (529, "overloaded_error", "UNKNOWN"),
]


@pytest.mark.parametrize(("status", "type", "state"), KINDS)
def test_an_error_has_the_envelope_of_its_shape(status: int, type: str, state: str, server: FaultServer) -> None:
    server.script(error(status, "slow down", retry_after="9"))
    given = {shape: ask(server, shape, stream) for shape in SHAPES for stream in (True, False)}
    assert {(reply.status, reply.headers["retry-after"]) for reply in given.values()} == {(status, "9")}
    assert given["openai"].json == {
        "error": {"message": "slow down", "type": "invalid_request_error", "code": None, "param": None}
    }
    assert given["anthropic"].json == {
        "type": "error",
        "error": {"type": type, "message": "slow down"},
        "request_id": "req_test",
    }
    assert given["gemini"].json == {"error": {"code": status, "message": "slow down", "status": state}}
    assert given["cohere"].json == {"id": "error-test", "message": "slow down"}


def test_a_field_of_one_envelope_is_omitted_from_the_others(server: FaultServer) -> None:
    wait = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37s"}
    server.script(error(429, "slow", code="rate_limited", param="messages", type="tokens", details=[wait]))
    assert ask(server).json["error"] == {
        "message": "slow", "type": "tokens", "code": "rate_limited", "param": "messages"}  # fmt: skip
    assert ask(server, "anthropic").json["error"] == {"type": "tokens", "message": "slow"}
    assert ask(server, "gemini").json["error"] == {
        "code": 429, "message": "slow", "status": "tokens", "details": [wait]}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("after", [0, 2])
def test_an_error_inside_a_stream_follows_the_content(after: int, shape: ShapeName, server: FaultServer) -> None:
    server.script(error(529, "overloaded", shape=shape, after=after, x_quota="0"))
    reply = ask(server, shape, stream=True)
    assert (reply.status, reply.headers["x-quota"]) == (200, "0")
    *events, last = events_of(reply.body, shape)
    assert READ_STREAM[shape](events) == Read("word0 word1 " if after else "")
    assert last.json.get("error", last.json)["message"] == "overloaded"
    assert last.name == ("error" if shape == "anthropic" else None)
    assert ask(server, shape).status == 529
