"""The good answers of `FaultServer`: each is the JSON or the stream of its protocol."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from helpers.raw_client import SHAPES, Wire, ask, body_of, dechunked, path_of, split
from helpers.shape_reading import (
    FINISHES,
    READ,
    READ_STREAM,
    Event,
    Read,
    events_of,
    finish_in,
    read_anthropic,
    read_gemini,
)

from g4f_lite.testing import FaultServer, Received, replies, shapes
from g4f_lite.testing.replies import answer, error
from g4f_lite.testing.shapes import ShapeName

CALL = {"id": "call_7", "type": "function", "function": {"name": "day", "arguments": '{"zone": "Europe/Paris"}'}}
WHOLE: dict[str, dict[str, Any]] = {
    "openai": {
        "id": "chatcmpl-test", "object": "chat.completion", "created": 1_700_000_000, "model": "m-1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "It is Sunday"}, "finish_reason": "stop",
                     "logprobs": None}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8},
    },
    "anthropic": {
        "id": "msg_test", "type": "message", "role": "assistant", "model": "m-1",
        "content": [{"type": "text", "text": "It is Sunday"}], "stop_reason": "end_turn", "stop_sequence": None,
        "usage": {"input_tokens": 3, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 2,
                  "output_tokens": 3},
    },
    "gemini": {
        "candidates": [{"content": {"parts": [{"text": "It is Sunday"}], "role": "model"}, "index": 0,
                        "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 3, "totalTokenCount": 8},
        "modelVersion": "m-1", "responseId": "response-test",
    },
    "cohere": {
        "id": "chat-test", "finish_reason": "COMPLETE",
        "message": {"role": "assistant", "content": [{"type": "text", "text": "It is Sunday"}]},
        "usage": {"billed_units": {"input_tokens": 5, "output_tokens": 3},
                  "tokens": {"input_tokens": 505, "output_tokens": 5}},
    },
}  # fmt: skip


# -- complete answers and streams -------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_a_complete_answer_is_the_json_of_its_service(shape: ShapeName, server: FaultServer) -> None:
    server.script(answer("It is Sunday", shape=shape))
    reply = ask(server, shape)
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert reply.json == WHOLE[shape]


def stream_of(server: FaultServer, shape: ShapeName) -> list[Event]:
    server.script(answer("It is", shape=shape, tool_calls=[CALL]))
    reply = ask(server, shape, stream=True)
    assert (reply.status, reply.headers["content-type"]) == (200, "text/event-stream")
    return events_of(reply.body, shape)


def test_a_stream_in_openais_shape_ends_with_done(server: FaultServer) -> None:
    *events, done = stream_of(server, "openai")
    assert done == Event(None, "[DONE]")
    assert {(event.json["object"], event.json["model"]) for event in events} == {("chat.completion.chunk", "m-1")}
    assert [event.json["choices"][0]["delta"] for event in events] == [
        {"role": "assistant", "content": ""},
        {"content": "It "},
        {"content": "is"},
        {"tool_calls": [{**CALL, "index": 0, "function": {"name": "day", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"zone": "Eu'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": 'rope/Paris"}'}}]},
        {},
    ]


def test_a_stream_in_anthropics_shape_names_its_events_and_has_no_done(server: FaultServer) -> None:
    start, *events = stream_of(server, "anthropic")
    assert (start.name, start.json["message"]["model"]) == ("message_start", "m-1")
    assert start.json["message"]["usage"]["output_tokens"] == 1  # the count of the last event is final
    tool = {"type": "tool_use", "id": "call_7", "name": "day", "input": {}}
    last = {"delta": {"stop_reason": "tool_use", "stop_sequence": None}, "usage": {"output_tokens": 2}}
    assert [(event.name, event.json) for event in events] == [
        (name, {"type": name, **data}) for name, data in [
            ("ping", {}),
            ("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
            ("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": "It "}}),
            ("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": "is"}}),
            ("content_block_stop", {"index": 0}),
            ("content_block_start", {"index": 1, "content_block": tool}),
            *(("content_block_delta", {"index": 1, "delta": {"type": "input_json_delta", "partial_json": part}})
              for part in ("", '{"zone": "Eu', 'rope/Paris"}')),
            ("content_block_stop", {"index": 1}),
            ("message_delta", last),
            ("message_stop", {}),
        ]
    ]  # fmt: skip


def test_a_stream_in_geminis_shape_is_complete_responses_and_has_no_done(server: FaultServer) -> None:
    chunks = [event.json for event in stream_of(server, "gemini")]
    assert {(chunk["modelVersion"], chunk["responseId"]) for chunk in chunks} == {("m-1", "response-test")}
    seen = [(chunk["candidates"][0], chunk["usageMetadata"]["candidatesTokenCount"]) for chunk in chunks]
    assert [(one["content"]["parts"], one.get("finishReason"), count) for one, count in seen] == [
        ([{"text": "It "}], None, 1),
        ([{"text": "is"}], None, 2),
        ([{"functionCall": {"name": "day", "args": {"zone": "Europe/Paris"}, "id": "call_7"}}], None, 2),
        ([{"text": ""}], "STOP", 2),
    ]


def test_a_stream_in_coheres_shape_names_its_events_and_has_no_done(server: FaultServer) -> None:
    start, *events, end = stream_of(server, "cohere")
    assert (start.name, start.json["id"]) == ("message-start", "chat-test")
    assert [(event.name, event.json.get("delta", {}).get("message")) for event in events] == [
        ("content-start", {"content": {"type": "text", "text": ""}}),
        ("content-delta", {"content": {"text": "It "}}),
        ("content-delta", {"content": {"text": "is"}}),
        ("content-end", None),
        ("tool-call-start", {"tool_calls": {**CALL, "function": {"name": "day", "arguments": ""}}}),
        ("tool-call-delta", {"tool_calls": {"function": {"arguments": '{"zone": "Eu'}}}),
        ("tool-call-delta", {"tool_calls": {"function": {"arguments": 'rope/Paris"}'}}}),
        ("tool-call-end", None),
    ]
    assert end.json["delta"]["finish_reason"] == "TOOL_CALL"


def test_geminis_signature_goes_beside_the_call(server: FaultServer) -> None:
    server.script(answer("", tool_calls=[{**CALL, "extra_content": {"google": {"thought_signature": "c2ln"}}}, CALL]))
    parts = ask(server, "gemini").json["candidates"][0]["content"]["parts"]
    assert [part.get("thoughtSignature") for part in parts] == ["c2ln", None]


PARIS = {"zone": "Europe/Paris"}
TWO = [CALL, {**CALL, "id": "call_8"}]
SAYINGS: list[tuple[dict[str, Any], Read]] = [
    ({"text": "It is Sunday"}, Read("It is Sunday", finish="stop", tokens=(5, 3))),
    ({"text": ""}, Read(finish="stop", tokens=(5, 0))),
    ({"text": "Чт  \n日\u2028 😀"}, Read("Чт  \n日\u2028 😀", finish="stop", tokens=(5, 3))),
    ({"reasoning": "hm, hm"}, Read("ok", "hm, hm", finish="stop", tokens=(5, 3))),
    ({"text": "", "tool_calls": TWO}, Read("", "", (("call_7", "day", PARIS), ("call_8", "day", PARIS)), "tool_calls", (5, 0))),
    ({"reasoning": "hm", "tool_calls": [CALL]}, Read("ok", "hm", (("call_7", "day", PARIS),), "tool_calls", (5, 2))),
    *(({"finish": finish}, Read("ok", finish=finish, tokens=(5, 1))) for finish in FINISHES),
]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("params", "meant"), SAYINGS, ids=lambda one: str(one) if isinstance(one, dict) else "")
def test_each_shape_says_the_same_with_and_without_streaming(
    params: dict[str, Any], meant: Read, shape: ShapeName, server: FaultServer
) -> None:
    expected = meant._replace(finish=finish_in(shape, meant.finish or ""))
    server.script(answer(shape=shape, **params))
    assert READ[shape](ask(server, shape).json) == expected
    events = events_of(ask(server, shape, stream=True).body, shape)
    assert READ_STREAM[shape](events) == expected


def test_a_call_without_an_id_gets_one_if_the_protocol_requires_it(server: FaultServer) -> None:
    server.script(answer("", tool_calls=[{"function": CALL["function"]}]))
    assert read_anthropic(ask(server, "anthropic").json).calls[0][0] == "toolu_0"
    assert read_gemini(ask(server, "gemini").json).calls[0][0] is None


def test_more_fields_go_into_the_message_or_candidate_as_they_are(server: FaultServer) -> None:
    server.script(answer("no", refusal="never"))
    assert ask(server).json["choices"][0]["message"] == {"role": "assistant", "content": "no", "refusal": "never"}
    assert b'"refusal": "never"' in ask(server, stream=True).body
    server.script(answer("no", finish="stop_sequence", stop_sequence="\n"))
    assert ask(server, "anthropic").json["stop_sequence"] == "\n"
    assert b'"stop_sequence": "\\n"}' in ask(server, "anthropic", stream=True).body
    server.script(answer("no", safetyRatings=[]))
    assert ask(server, "gemini").json["candidates"][0]["safetyRatings"] == []
    assert ask(server, "gemini", stream=True).body.count(b'"safetyRatings": []') == 1


# -- the choice of a shape -----------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_without_a_script_or_a_shape_the_path_says_how_to_answer(shape: ShapeName, server: FaultServer) -> None:
    assert READ[shape](ask(server, shape).json).text == "ok"
    assert READ_STREAM[shape](events_of(ask(server, shape, stream=True).body, shape)).text == "ok"
    server.script(answer("hi", headers={"x-limit": "1"}))
    assert READ[shape](ask(server, shape).json).text == "hi"
    assert ask(server, shape, stream=True).headers["x-limit"] == ask(server, shape).headers["x-limit"] == "1"


@pytest.mark.parametrize("shape", SHAPES)
def test_a_given_shape_takes_precedence_over_the_path(shape: ShapeName, server: FaultServer) -> None:
    other = SHAPES[SHAPES.index(shape) - 1]
    server.script(answer("hi", shape=shape))
    assert READ[shape](ask(server, other).json).text == "hi"


def test_an_unknown_shape_is_refused_at_once() -> None:
    for make in (answer, replies.cut, replies.comments, replies.wrong_length, replies.gzipped, replies.silence):
        with pytest.raises(ValueError, match="unknown shape 'antropic'; known: openai, anthropic, gemini, cohere"):
            make(shape="antropic")
    with pytest.raises(ValueError, match="unknown shape"):
        replies.completion(Received("POST", "/", {}, b""), shape="antropic")


class Plain:
    """A protocol of no real service."""

    DONE: tuple[str, ...] = ("bye",)
    KEEP_ALIVE = b"data: .\n\n"
    FRAMING = "sse"

    def whole(self, model: str, said: shapes.Said) -> dict[str, Any]:
        return {"model": model, "said": said.text}

    def chunks(self, model: str, said: shapes.Said) -> Iterator[dict[str, Any]]:
        return ({"said": piece} for piece in said.pieces)

    def error(self, failure: shapes.Failure) -> dict[str, Any]:
        return {"wrong": failure.message}

    def sse(self, data: object) -> bytes:
        return replies.sse(data)


def test_a_custom_shape_has_all_replies_and_faults(server: FaultServer) -> None:
    server.script(*(make(shape=Plain()) for make in (answer, answer, replies.cut)), error(400, "no", shape=Plain()))
    assert ask(server).json == {"model": "m-1", "said": "ok"}
    assert events_of(ask(server, stream=True).body, "openai") == [(None, '{"said": "ok"}'), (None, "bye")]
    with Wire(server) as wire:
        content, ended = dechunked(split(wire.send(stream=True).read_to_the_end()[0])[1])
        assert ([event.json["said"] for event in events_of(content, "openai")], ended) == (["word0 ", "word1 "], False)
    assert ask(server).json == {"wrong": "no"}


@pytest.mark.parametrize("shape", SHAPES)
def test_bodies_can_be_made_for_a_request_without_sending_them(shape: ShapeName) -> None:
    request = Received("POST", path_of(shape), {}, body_of(shape))
    complete = READ[shape](replies.completion(request, "hi", reasoning="hm"))
    assert (complete.text, complete.reasoning) == ("hi", "hm")
    assert {one: replies.completion(request, "It is Sunday", shape=one) for one in SHAPES} == {
        one: json.loads(json.dumps(WHOLE[one]).replace("m-1", request.model)) for one in SHAPES
    }
    chunks = list(replies.events(request, ["a", "b"], "length", shape=shape))
    events = [Event(chunk.get("type"), json.dumps(chunk)) for chunk in chunks]
    assert READ_STREAM[shape](events)[:4] == ("ab", "", (), finish_in(shape, "length"))
    chunks = list(replies.events(request, ["a", "b"], None, reasoning="hm"))
    events = [Event(chunk.get("type"), json.dumps(chunk)) for chunk in chunks]
    assert READ_STREAM[shape](events) == Read("ab", "hm")
    assert replies.usage("one two") == {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}


@pytest.mark.parametrize(
    ("path", "sent", "kind", "begins"),
    [
        ("/v1/embeddings", b'{"input": ["a", "b"]}', "application/json", b'{"object": "list"'),
        ("/v1/images/generations", b"{}", "application/json", b'{"created"'),
        ("/v1/audio/speech", b'{"input": "a"}', "audio/wav", b"RIFF"),
        ("/v1/audio/transcriptions", b"", "application/json", b'{"text": "ok"'),
        ("/v1/models", b"", "application/json", b'{"object": "list"'),
    ],
)
def test_an_answer_fits_the_endpoint(path: str, sent: bytes, kind: str, begins: bytes, server: FaultServer) -> None:
    server.on(path.removeprefix("/v1"), answer(), error(503, "down"))
    reply = requests.post(server.origin + path, data=sent, timeout=5)
    assert (reply.status_code, reply.headers["content-type"]) == (200, kind)
    assert reply.content.startswith(begins)
    assert requests.post(server.origin + path, data=sent, timeout=5).status_code == 503
