"""The setting `max_response_bytes`: checked before any I/O, and obeyed by each kind of answer in both clients."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from helpers.driving import MODES, run

import g4f_lite
from g4f_lite import AsyncClient, Client, MalformedResponseError, OpenaiTemplate, StreamInterruptedError
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.replies import head

HUGE = 1 << 62
KIB = 1000


class Plain(OpenaiTemplate):
    name = "plain"
    needs_auth = False
    default_model = "first"
    capabilities = OpenaiTemplate.capabilities | {"embeddings", "speech", "images"}


class Other(Plain):
    name = "other"


def settings(*servers: FaultServer, **more: Any) -> dict[str, Any]:
    names = [Plain(), Other()][: len(servers)]
    urls = {provider.name: server.base_url for provider, server in zip(names, servers, strict=True)}
    return {"plugins": names, "routes": [one.name for one in names], "base_urls": urls, "retries": 0, **more}


def completion(size: int) -> bytes:
    """Return a completion of this many bytes."""
    start, end = b'{"choices":[{"message":{"content":"', b'"},"finish_reason":"stop"}]}'
    return start + b"x" * (size - len(start) - len(end)) + end


@pytest.mark.parametrize("value", [0, -1, True, 1e6, "64", None, [1]])
def test_what_is_no_number_of_bytes_is_refused_before_any_request(value: Any, server: FaultServer) -> None:
    said = r"max_response_bytes must be a whole number of bytes, 1 or more, not "
    for client in (Client, AsyncClient):
        with pytest.raises(g4f_lite.ConfigurationError, match=said):
            client(max_response_bytes=value)
    if value is None:  # of a call: the client's own
        return
    for mode in MODES:
        with pytest.raises(g4f_lite.ConfigurationError, match=said):
            raise run(mode, settings(server), {"max_response_bytes": value}).error or AssertionError
    with Client(**settings(server)) as client, pytest.raises(g4f_lite.ConfigurationError, match=said):
        client.embeddings.create(input="x", provider="plain", model="m", max_response_bytes=value)
    assert not server.received


@pytest.mark.parametrize("where", ["client", "call"])
@pytest.mark.parametrize("mode", MODES)
def test_a_completion_may_be_as_large_as_the_setting_and_no_larger(mode: str, where: str, server: FaultServer) -> None:
    limit = {"max_response_bytes": KIB}
    ours, its = (limit, {}) if where == "client" else ({"max_response_bytes": HUGE}, limit)
    server.script(replies.body(completion(KIB)))
    assert run(mode, settings(server, **ours), its).text.startswith("xxx")
    server.script(replies.body(completion(KIB + 1)))
    error = run(mode, settings(server, **ours), its).error
    assert isinstance(error, MalformedResponseError)
    assert "larger than 1000 bytes; the setting max_response_bytes decides" in str(error)


@pytest.mark.parametrize("how", ["chunked", "until close", "gzip"])
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_the_bytes_count_however_they_come(mode: str, how: str, server: FaultServer) -> None:
    body = completion(KIB + 1)
    server.script(
        {
            "chunked": replies.raw(head(200, {"transfer-encoding": "chunked"}), replies.http_chunk(body), replies.END),
            "until close": replies.raw(head(200, {"connection": "close"}), body, replies.Close()),
            "gzip": replies.raw(
                head(200, {"content-encoding": "gzip", "content-length": str(len(gzip.compress(body)))})
                + gzip.compress(body)
            ),
        }[how]
    )
    for limit, fits in ((KIB, False), (KIB + 1, True), (HUGE, True)):
        outcome = run(mode, settings(server, max_response_bytes=limit), {})
        assert (outcome.error is None) is fits, (limit, outcome.error)
        if not fits:
            assert "max_response_bytes" in str(outcome.error)


@pytest.mark.parametrize("mode", MODES)
def test_another_leg_answers_in_the_place_of_one_whose_answer_is_too_large(mode: str) -> None:
    with FaultServer() as one, FaultServer() as two:
        one.script(replies.body(completion(1 << 16)))
        two.script(replies.answer("Sunday"))
        outcome = run(mode, settings(one, two, max_response_bytes=10 * KIB), {})
    assert outcome.text == "Sunday"
    assert [attempt.outcome for attempt in outcome.trail.attempts] == ["MalformedResponseError", "ok"]


@pytest.mark.parametrize("mode", ["sync stream", "async stream"])
def test_a_stream_may_have_twice_the_bytes(mode: str, server: FaultServer) -> None:
    event = replies.sse({"choices": [{"index": 0, "delta": {"content": "word "}}]})
    server.script(replies.stream([event] * 1000))
    outcome = run(mode, settings(server, max_response_bytes=10 * KIB), {})
    assert isinstance(outcome.error, StreamInterruptedError)
    assert "the stream is larger than 20000 bytes" in str(outcome.error)
    assert outcome.text == "word " * ((20 * KIB) // len(event))


@pytest.mark.parametrize("mode", ["sync stream", "async stream"])
def test_an_event_may_not_be_larger_than_a_small_limit(mode: str, server: FaultServer) -> None:
    server.script(replies.stream([{"choices": [{"index": 0, "delta": {"content": "x" * 1500}}]}]))
    error = run(mode, settings(server, max_response_bytes=KIB), {}).error
    assert isinstance(error, MalformedResponseError)
    assert "an event of the stream is larger than 1000 bytes" in str(error)


def models(size: int) -> bytes:
    return json.dumps({"data": [{"id": "x" * size}]}).encode()


OPERATIONS: dict[str, tuple[str, dict[str, Any], bytes, str]] = {
    "embeddings": (
        "embeddings.create",
        {"input": "x", "provider": "plain", "model": "m"},
        b'{"data":[{"embedding":[' + b"0.5," * 500 + b"0.5]}]}",
        "application/json",
    ),
    "speech": (
        "audio.speech.create",
        {"input": "x", "voice": "v", "provider": "plain", "model": "m"},
        b"\x01" * 2000,
        "audio/mpeg",
    ),
    "images": (
        "images.generate",
        {"prompt": "x", "provider": "plain", "model": "m"},
        b'{"data":[{"b64_json":"' + b"A" * 2000 + b'"}]}',
        "application/json",
    ),
    "models": ("models.list", {"provider": "plain", "max_age": 0}, models(2000), "application/json"),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_setting_holds_for_each_operation(operation: str, server: FaultServer) -> None:
    path, params, body, kind = OPERATIONS[operation]
    server.script(replies.body(body, content_type=kind))
    for limit, fits in ((KIB, False), (HUGE, True)):
        with Client(**settings(server, max_response_bytes=limit)) as client:
            method: Any = client
            for name in path.split("."):
                method = getattr(method, name)
            if fits:
                method(**params)
                continue
            if operation == "models":  # the provider's own list stands in
                listed = method(**params)
                assert not listed.live
                assert "max_response_bytes" in str(listed.trail)
                continue
            with pytest.raises(MalformedResponseError, match="max_response_bytes"):
                method(**params)
