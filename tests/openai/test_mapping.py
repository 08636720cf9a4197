"""The mapping alone: requests in OpenAI's shape, and responses. No I/O, no HTTP library."""

from __future__ import annotations

import json
import struct
from base64 import b64encode
from typing import Any

import pytest
from helpers.imports import loaded_by
from hypothesis import given
from hypothesis import strategies as st

import g4f_lite as g
from g4f_lite.openai.mapping.answers import body_of
from g4f_lite.openai.mapping.arguments import arguments
from g4f_lite.openai.mapping.bodies import read_request
from g4f_lite.openai.mapping.errors import ROWS, error_response
from g4f_lite.openai.mapping.events import Events, interruption
from g4f_lite.openai.mapping.requests import Asked, Place, place_of
from g4f_lite.openai.mapping.trail_headers import LONGEST, header_text, trail_headers

CHAT = Place("chat", "/v1")


@pytest.mark.parametrize(
    ("method", "path", "place"),
    [
        ("POST", "/v1/chat/completions", CHAT),
        ("POST", "/v1/chat/completions/", CHAT),
        ("POST", "/chat/completions", Place("chat", "")),
        ("POST", "/openai/v1/audio/transcriptions", Place("transcription", "/openai/v1")),
        ("POST", "/v1/audio/translations", Place("translation", "/v1")),
        ("POST", "/v1/audio/speech", Place("speech", "/v1")),
        ("POST", "/v1/images/generations", Place("images", "/v1")),
        ("POST", "/v1/embeddings", Place("embeddings", "/v1")),
        ("GET", "/v1/models", Place("models", "/v1")),
        ("GET", "/v1/models/openai/gpt-oss-20b", Place("model", "/v1", "openai/gpt-oss-20b")),
        ("GET", "/v1/models/openai%2Fgpt", Place("model", "/v1", "openai/gpt")),
        ("GET", "/v1/chat/completions", None),
        ("POST", "/v1/chat/completions/id", None),
        ("POST", "/v1/models", None),
        ("DELETE", "/v1/models/mine", None),
        ("POST", "/v1/images/edits", None),
        ("POST", "/v1/responses", None),
        ("POST", "/v1/xchat/completionsx", None),
    ],
)
def test_a_method_and_a_path_stand_for_an_operation(method: str, path: str, place: Place | None) -> None:
    assert place_of(method, path) == place


def asked(fields: dict[str, Any], operation: str = "chat") -> Asked:
    return read_request(Place(operation, ""), "application/json", json.dumps(fields).encode())


def test_known_fields_are_keywords_and_others_stay_beside_them() -> None:
    fields = {"model": "m", "messages": [{"role": "user", "content": "x"}], "n": None, "top_k": 1, "stream": True}
    own = {"g4f_lite": {"provider": ["groq"], "retries": 0}}
    assert arguments(asked({**fields, **own})) == {
        "model": "m",
        "messages": fields["messages"],
        "stream": True,
        "provider": ["groq"],
        "retries": 0,
        "extra_body": {"top_k": 1},
    }
    assert "model" not in arguments(asked({**fields, "model": ""}))
    for wrong in ({"g4f_lite": 1}, {"g4f_lite": {"messages": []}}, {"messages": None}):
        with pytest.raises(g.InvalidRequestError):
            arguments(asked({**fields, **wrong}))


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_object_is_an_invalid_request(body: bytes) -> None:
    with pytest.raises(g.InvalidRequestError):
        read_request(CHAT, "application/json", body)


def test_a_form_has_fields_lists_and_a_file() -> None:
    parts = [('name="model"', "m"), ('name="x[]"', "a"), ('name="x[]"', "b"), ('name="y"', "1"), ('name="y"', "2")]
    text = "".join(f"--B\r\ncontent-disposition: form-data; {name}\r\n\r\n{value}\r\n" for name, value in parts)
    head = '--B\r\ncontent-disposition: form-data; name="file"; filename="a b.wav"\r\ncontent-type: audio/wav\r\n\r\n'
    body = text.encode() + head.encode() + b"\x00\r\n\xff\r\n--B--\r\n"
    form = read_request(Place("transcription", ""), "multipart/form-data; boundary=B", body)
    assert form.fields == {"model": "m", "x": ["a", "b"], "y": ["1", "2"]}
    assert form.file is not None
    assert (form.file.name, b"".join(form.file.blocks())) == ("a b.wav", b"\x00\r\n\xff")
    for wrong in (b"", b"no form", body[:-20].replace(b"--B\r\n", b"--C\r\n")):
        with pytest.raises(g.InvalidRequestError):
            arguments(read_request(Place("transcription", ""), "multipart/form-data; boundary=B", wrong))


@given(st.binary(max_size=300), st.text(max_size=40))
def test_no_form_is_a_crash(body: bytes, boundary: str) -> None:
    kind = f"multipart/form-data; boundary={boundary}".encode("latin-1", "replace").decode("latin-1")
    try:
        read_request(Place("transcription", ""), kind, body)
    except g.InvalidRequestError:
        pass


def completion(raw: dict[str, Any] | None = None) -> g.ChatCompletion:
    choice = g.Choice(message=g.Message(content="ok"), finish_reason="stop")
    return g.ChatCompletion(model="m", choices=(choice,), raw_json=None if raw is None else json.dumps(raw).encode())


def test_the_services_own_bytes_go_on_if_they_say_the_same() -> None:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "ok", "x": None}}
    own = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "y": [None]}
    result = completion(own)
    assert body_of(result, asked({})) == ("application/json", result.raw_json)
    for different in (
        {**own, "choices": []},
        {**own, "choices": [{**choice, "message": {"content": [{"text": "ok"}]}}]},
        {**own, "choices": [{**choice, "finish_reason": "end_turn"}]},
        {"candidates": []},
        {name: value for name, value in own.items() if name != "id"},
    ):
        said = json.loads(body_of(completion(different), asked({}))[1])
        assert said["choices"][0]["message"]["content"] == "ok"
        assert {"id", "object", "created", "model"} <= said.keys()


@pytest.mark.parametrize("wanted", ["float", "base64"])
@pytest.mark.parametrize("sent", ["float", "base64"])
def test_vectors_have_the_encoding_that_was_asked_for(sent: str, wanted: str) -> None:
    text = b64encode(struct.pack("<2f", 0.5, 1.0)).decode()
    vector: Any = (0.5, 1.0) if sent == "float" else text
    result = g.CreateEmbeddingResponse(model="m", data=(g.Embedding(embedding=vector),))
    (said,) = json.loads(body_of(result, asked({"encoding_format": wanted}, "embeddings"))[1])["data"]
    assert said == {"object": "embedding", "index": 0, "embedding": [0.5, 1.0] if wanted == "float" else text}


def test_events_are_whole_and_end_with_an_error_if_they_are_cut() -> None:
    events = Events()
    chunk = g.ChatCompletionChunk(id="c", model="m", choices=(g.ChunkChoice(delta=g.Delta(content="a\nb")),))
    said = events.of(chunk)
    assert said.startswith(b"data: {") and said.endswith(b"}\n\n") and said.count(b"\n") == 2
    assert json.loads(said[6:])["choices"][0]["delta"] == {"content": "a\nb"}
    pretty = json.dumps(chunk.to_dict(), indent=1).encode()
    assert Events(unchanged=True).of(g.ChatCompletionChunk(raw_json=pretty)).count(b"\n") == 2
    with pytest.raises(g.StreamInterruptedError):
        events.of(g.ChatCompletionChunk(restarted=True))
    error = json.loads(interruption(g.StreamInterruptedError("cut"))[6:])["error"]
    assert (error["message"], error["code"]) == ("cut", "stream_interrupted")


def test_every_exception_has_a_row() -> None:
    for name in g.__all__:
        kind = getattr(g, name)
        if (
            isinstance(kind, type)
            and issubclass(kind, g.G4FLiteError)
            and kind not in (g.RoutesExhaustedError, g.ReplyError)
        ):
            response = error_response(kind("it failed"), request_id="r1", retried=True)
            assert 400 <= response.status <= 599
            assert response.headers["x-request-id"] == "r1" and response.headers["x-should-retry"] == "false"
            assert json.loads(response.body)["error"].keys() == {"message", "type", "param", "code"}
    assert ROWS[g.RateLimitError].status == 429


def test_the_services_status_and_error_go_on() -> None:
    error = g.ServerError("busy", status=529, retry_after=1.5)
    error.body = {"error": {"message": "its own", "type": "overloaded", "details": [1]}}
    response = error_response(error, request_id="r1", retried=False)
    assert response.status == 529
    assert (response.headers["retry-after"], response.headers["retry-after-ms"]) == ("2", "1500")
    said = json.loads(response.body)["error"]
    assert (said["message"], said["type"], said["details"]) == ("its own", "overloaded", [1])


@given(st.text(), st.text())
def test_headers_are_printable_ascii_of_bounded_length(text: str, name: str) -> None:
    attempts = tuple(g.Attempt(provider=name, model=text, message=text * 50) for _ in range(20))
    headers = trail_headers(g.Trail(entries=attempts), name, text)
    assert all(" " <= one <= "~" for value in headers.values() for one in value)
    assert len(headers["x-g4f-trail"]) <= LONGEST
    assert json.loads(headers["x-g4f-trail"])["attempts"] is not None
    assert header_text("a\r\nb: c") == "a  b: c"


def test_nothing_is_imported_that_is_not_used() -> None:
    heavy = {"openai", "groq", "httpx", "httpx2", "python_multipart"}
    assert not loaded_by("import g4f_lite, g4f_lite.openai; g4f_lite.Client") & heavy
    pure = "from g4f_lite.openai.mapping import answers, arguments, errors, events, requests"
    assert loaded_by(pure) & (heavy | {"requests", "aiohttp", "socket"}) <= {"python_multipart", "socket"}
