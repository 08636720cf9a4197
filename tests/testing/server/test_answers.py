"""The server that stands for all services: each reply as its protocol has it, each fault on the socket."""

from __future__ import annotations

import gzip
import http.client
import json
import re
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
import requests
from helpers.driving import eventually

from g4f_lite.testing import FaultServer, Received, replies, shapes
from g4f_lite.testing.replies import answer, error
from g4f_lite.testing.server import Reply
from g4f_lite.testing.shapes import ShapeName

SHAPES: tuple[ShapeName, ...] = ("openai", "anthropic", "gemini", "cohere")
CALL = {"id": "call_7", "type": "function", "function": {"name": "day", "arguments": '{"zone": "Europe/Paris"}'}}
JSON = {"content-type": "application/json"}


def path_of(shape: ShapeName, stream: bool = False, model: str = "m-1") -> str:
    if shape == "gemini":
        return f"/v1beta/models/{model}:" + ("streamGenerateContent?alt=sse" if stream else "generateContent")
    return {"openai": "/v1/chat/completions", "anthropic": "/v1/messages", "cohere": "/v2/chat"}[shape]


def body_of(shape: ShapeName, stream: bool = False, model: str = "m-1") -> bytes:
    return json.dumps({} if shape == "gemini" else {"model": model, "stream": stream}).encode()


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(server: FaultServer, shape: ShapeName = "openai", stream: bool = False, model: str = "m-1") -> Answer:
    """Ask as the plugin of a service would, and wait for the whole reply."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        connection.request("POST", path_of(shape, stream, model), body_of(shape, stream, model), JSON)
        response = connection.getresponse()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
    finally:
        connection.close()


class Wire:
    """A client that sees every byte, and how the connection ends."""

    def __init__(self, server: FaultServer) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=5)

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.socket.close()

    def send(self, shape: ShapeName = "openai", stream: bool = False) -> Wire:
        body = body_of(shape, stream)
        head = f"POST {path_of(shape, stream)} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
        self.socket.sendall(head.encode() + body)
        return self

    def read_until(self, there: Callable[[bytes], bool]) -> bytes:
        came = b""
        while not there(came):
            piece = self.socket.recv(65536)
            assert piece, came
            came += piece
        return came

    def read_to_the_end(self) -> tuple[bytes, str]:
        """Return all bytes, and how it ended: "end" or "reset"."""
        came = b""
        try:
            while piece := self.socket.recv(65536):
                came += piece
        except ConnectionResetError:
            return came, "reset"
        return came, "end"

    def is_silent(self, seconds: float = 0.1) -> bool:
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1) is None
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(5)


def split(came: bytes) -> tuple[bytes, bytes]:
    """Return head and body of a reply."""
    head, _, body = came.partition(b"\r\n\r\n")
    return head, body


def dechunked(body: bytes) -> tuple[bytes, bool]:
    """Return what the chunks hold, and whether their end came."""
    content = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        if int(size, 16) == 0:
            assert rest == b"\r\n"
            return content, True
        content += rest[: int(size, 16)]
        body = rest[int(size, 16) + 2 :]
    return content, False


class Event(NamedTuple):
    name: str | None
    data: str

    @property
    def json(self) -> Any:
        return json.loads(self.data)


def events_of(body: bytes, shape: ShapeName) -> list[Event]:
    """Read a stream as strictly as nobody should: only the fields, the order and the line ends of its service."""
    newline = "\r\n" if shape == "gemini" else "\n"
    assert set(re.findall(r"\r\n|\r|\n", body.decode())) <= {newline}
    *blocks, rest = body.decode().split(newline * 2)
    assert rest == ""
    pattern = rf"(?:event: ([\w-]+){newline})?data: (.*)"
    return [Event(*found.groups()) for block in blocks if (found := re.fullmatch(pattern, block)) is not None]


# -- what the facts say that an answer means, as a plugin would read it ----------------------


class Read(NamedTuple):
    text: str = ""
    reasoning: str = ""
    calls: tuple[tuple[str | None, str, Any], ...] = ()
    finish: str | None = None
    tokens: tuple[int, int] | None = None


def joined(parts: list[dict[str, Any]], field: str) -> str:
    return "".join(part.get(field, "") for part in parts)


def read_openai(reply: Any) -> Read:
    (choice,), usage = reply["choices"], reply["usage"]
    message = choice["message"]
    functions = [(call["id"], call["function"]) for call in message.get("tool_calls", ())]
    calls = tuple((ident, function["name"], json.loads(function["arguments"])) for ident, function in functions)
    tokens = usage and (usage["prompt_tokens"], usage["completion_tokens"])
    assert not tokens or usage["total_tokens"] == sum(tokens)
    return Read(message["content"], message.get("reasoning", ""), calls, choice["finish_reason"], tokens)


def read_openai_stream(events: list[Event]) -> Read:
    assert {event.name for event in events} <= {None}
    chunks = [event.json for event in events if event.data != "[DONE]"]
    choices = [chunk["choices"][0] for chunk in chunks]
    deltas = [choice["delta"] for choice in choices]
    assert {choice["finish_reason"] for choice in choices[:-1]} <= {None}
    assert [delta.get("role") for delta in deltas] == ["assistant", *[None] * (len(deltas) - 1)]
    calls: list[dict[str, Any]] = []
    for piece in (piece for delta in deltas for piece in delta.get("tool_calls", ())):
        if "id" in piece:
            assert piece["index"] == len(calls)
            calls.append({**piece, "function": {**piece["function"]}})
        else:
            calls[piece["index"]]["function"]["arguments"] += piece["function"]["arguments"]
    message = {"content": joined(deltas, "content"), "reasoning": joined(deltas, "reasoning"), "tool_calls": calls}
    return read_openai({"choices": [{**choices[-1], "message": message}], "usage": chunks[-1].get("usage")})


def read_anthropic(reply: Any) -> Read:
    assert (reply["type"], reply["role"], reply["stop_sequence"]) == ("message", "assistant", None)
    blocks, usage = reply["content"], reply["usage"]
    calls = tuple((block["id"], block["name"], block["input"]) for block in blocks if block["type"] == "tool_use")
    prompt = usage["input_tokens"] + usage["cache_creation_input_tokens"] + usage["cache_read_input_tokens"]
    tokens = (prompt, usage["output_tokens"]) if reply["stop_reason"] else None
    return Read(joined(blocks, "text"), joined(blocks, "thinking"), calls, reply["stop_reason"], tokens)


def read_anthropic_stream(events: list[Event]) -> Read:
    assert all(event.name == event.json["type"] for event in events)
    data = [event.json for event in events if event.name != "ping"]
    assert len(data) < len(events)
    block = "content_block_start( content_block_delta)+"
    order = f"message_start( {block} content_block_stop)*( message_delta message_stop|( {block})?)"
    assert re.fullmatch(order, " ".join(one["type"] for one in data))
    message = data[0]["message"]
    assert (message["content"], message["stop_reason"]) == ([], None)
    starts = [one for one in data if one["type"] == "content_block_start"]
    for index, start in enumerate(starts):
        deltas = [one["delta"] for one in data if one["type"] == "content_block_delta" and one["index"] == index]
        fields = ("text", "thinking", "signature", "partial_json")
        block = start["content_block"] | {field: joined(deltas, field) for field in fields}
        assert (start["index"], start["content_block"].get("input", {})) == (index, {})
        message["content"].append({**block, "input": json.loads(block["partial_json"] or "{}")})
    for delta in (one for one in data if one["type"] == "message_delta"):
        message |= delta["delta"]
        message["usage"] |= delta["usage"]
    return read_anthropic(message)


def read_gemini(reply: Any) -> Read:
    (candidate,), usage = reply["candidates"], reply["usageMetadata"]
    assert candidate["content"]["role"] == "model"
    parts = candidate["content"].get("parts", [])
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    tokens = usage["promptTokenCount"], usage.get("candidatesTokenCount", 0) + usage.get("thoughtsTokenCount", 0)
    assert usage["totalTokenCount"] == sum(tokens)
    return Read(
        joined([part for part in parts if not part.get("thought")], "text"),
        joined([part for part in parts if part.get("thought")], "text"),
        tuple((call.get("id"), call["name"], call["args"]) for call in calls),
        candidate.get("finishReason"),
        tokens,
    )


def read_gemini_stream(events: list[Event]) -> Read:
    assert {event.name for event in events} <= {None}
    chunks = [read_gemini(event.json) for event in events] or [Read()]
    assert {chunk.finish for chunk in chunks[:-1]} <= {None}
    totals = [chunk.tokens or (0, 0) for chunk in chunks]
    assert totals == sorted(totals)  # cumulative
    texts, thoughts, calls, finishes, _ = zip(*chunks, strict=True)
    return Read("".join(texts), "".join(thoughts), sum(calls, ()), finishes[-1], totals[-1] if finishes[-1] else None)


def read_cohere(reply: Any) -> Read:
    message, billed = reply["message"], reply["usage"]["billed_units"]
    assert (reply["id"], message["role"]) == ("chat-test", "assistant")
    assert reply["usage"]["tokens"]["input_tokens"] > billed["input_tokens"]
    functions = [(call["id"], call["function"]) for call in message.get("tool_calls", ())]
    return Read(
        joined(message["content"], "text"),
        joined(message["content"], "thinking"),
        tuple((ident, function["name"], json.loads(function["arguments"])) for ident, function in functions),
        reply["finish_reason"],
        (billed["input_tokens"], billed["output_tokens"]),
    )


def read_cohere_stream(events: list[Event]) -> Read:
    assert all(event.name == event.json["type"] for event in events)
    data = [event.json for event in events]
    content = r"content-start( content-delta)+"
    call = "tool-call-start( tool-call-delta)+ tool-call-end"
    order = f"message-start( {content} content-end)*( {call})*( message-end|( {content})?)"
    assert re.fullmatch(order, " ".join(one["type"] for one in data))
    messages = [one["delta"]["message"] for one in data if "message" in one.get("delta", ())]
    contents = [message["content"] for message in messages[1:] if "content" in message]
    pieces = [
        (one["type"], one["delta"]["message"]["tool_calls"])
        for one in data
        if one["type"][-10:] in ("call-start", "call-delta")
    ]
    calls: list[dict[str, Any]] = []
    for kind, piece in pieces:
        if kind == "tool-call-start":
            calls.append({**piece, "function": {**piece["function"]}})
        else:
            calls[-1]["function"]["arguments"] += piece["function"]["arguments"]
    if data[-1]["type"] != "message-end":
        return Read(joined(contents, "text"), joined(contents, "thinking"))
    message = {"role": "assistant", "content": contents, "tool_calls": calls}
    return read_cohere({"id": data[0]["id"], "message": message, **data[-1]["delta"]})


READ = {"openai": read_openai, "anthropic": read_anthropic, "gemini": read_gemini, "cohere": read_cohere}
READ_STREAM = {
    "openai": read_openai_stream,
    "anthropic": read_anthropic_stream,
    "gemini": read_gemini_stream,
    "cohere": read_cohere_stream,
}
FINISHES = {  # what stands on the wire for OpenAI's finish reasons
    "stop": ("stop", "end_turn", "STOP", "COMPLETE"),
    "length": ("length", "max_tokens", "MAX_TOKENS", "MAX_TOKENS"),
    "tool_calls": ("tool_calls", "tool_use", "STOP", "TOOL_CALL"),
    "content_filter": ("content_filter", "refusal", "SAFETY", "ERROR"),
    "odd": ("odd", "odd", "odd", "odd"),
}


def finish_in(shape: ShapeName, finish: str) -> str:
    return FINISHES[finish][SHAPES.index(shape)]


# -- good answers --------------------------------------------------------------------------

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


@pytest.mark.parametrize("shape", SHAPES)
def test_a_whole_answer_is_the_json_of_its_service(shape: ShapeName, server: FaultServer) -> None:
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
    assert start.json["message"]["usage"]["output_tokens"] == 1  # the last event's count stands
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


def test_a_stream_in_geminis_shape_is_whole_responses_and_has_no_done(server: FaultServer) -> None:
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
def test_each_shape_says_the_same_whole_and_in_a_stream(
    params: dict[str, Any], meant: Read, shape: ShapeName, server: FaultServer
) -> None:
    expected = meant._replace(finish=finish_in(shape, meant.finish or ""))
    server.script(answer(shape=shape, **params))
    assert READ[shape](ask(server, shape).json) == expected
    events = events_of(ask(server, shape, stream=True).body, shape)
    assert READ_STREAM[shape](events) == expected


def test_a_call_without_an_id_gets_one_where_the_protocol_demands_it(server: FaultServer) -> None:
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


@pytest.mark.parametrize("shape", SHAPES)
def test_without_a_script_or_a_shape_the_path_says_how_to_answer(shape: ShapeName, server: FaultServer) -> None:
    assert READ[shape](ask(server, shape).json).text == "ok"
    assert READ_STREAM[shape](events_of(ask(server, shape, stream=True).body, shape)).text == "ok"
    server.script(answer("hi", headers={"x-limit": "1"}))
    assert READ[shape](ask(server, shape).json).text == "hi"
    assert ask(server, shape, stream=True).headers["x-limit"] == ask(server, shape).headers["x-limit"] == "1"


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_that_is_given_wins_over_the_path(shape: ShapeName, server: FaultServer) -> None:
    other = SHAPES[SHAPES.index(shape) - 1]
    server.script(answer("hi", shape=shape))
    assert READ[shape](ask(server, other).json).text == "hi"


def test_a_shape_that_does_not_exist_is_told_at_once() -> None:
    for make in (answer, replies.cut, replies.comments, replies.wrong_length, replies.gzipped, replies.silence):
        with pytest.raises(ValueError, match="no shape 'antropic': there are openai, anthropic, gemini, cohere"):
            make(shape="antropic")
    with pytest.raises(ValueError, match="no shape"):
        replies.completion(Received("POST", "/", {}, b""), shape="antropic")


class Plain:
    """A protocol of nobody's."""

    DONE: tuple[str, ...] = ("bye",)
    KEEP_ALIVE = b"data: .\n\n"

    def whole(self, model: str, said: shapes.Said) -> dict[str, Any]:
        return {"model": model, "said": said.text}

    def chunks(self, model: str, said: shapes.Said) -> Iterator[dict[str, Any]]:
        return ({"said": piece} for piece in said.pieces)

    def error(self, failure: shapes.Failure) -> dict[str, Any]:
        return {"wrong": failure.message}

    def sse(self, data: object) -> bytes:
        return replies.sse(data)


def test_a_shape_of_ones_own_has_all_replies_and_faults(server: FaultServer) -> None:
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
    whole = READ[shape](replies.completion(request, "hi", reasoning="hm"))
    assert (whole.text, whole.reasoning) == ("hi", "hm")
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


# -- errors --------------------------------------------------------------------------------

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
def test_an_error_wears_the_envelope_of_its_shape(status: int, type: str, state: str, server: FaultServer) -> None:
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


def test_what_only_one_envelope_holds_is_left_out_of_the_others(server: FaultServer) -> None:
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


# -- answers that break off ----------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("how", ["end", "close", "reset"])
@pytest.mark.parametrize("after", [0, 3])
def test_a_stream_is_cut_after_so_many_pieces(after: int, how: Any, shape: ShapeName, server: FaultServer) -> None:
    server.script(replies.cut(after, how=how, shape=shape), answer("next"))
    with Wire(server) as wire:
        wire.send(shape, stream=True)
        if how == "end":
            came, end = wire.read_until(lambda came: came.endswith(replies.END)), "kept"
            wire.send(shape)
            assert b"next" in wire.read_until(lambda came: b"next" in came)
        else:
            came, end = wire.read_to_the_end()
    head, body = split(came)
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"content-type: text/event-stream" in head
    content, ended = dechunked(body)
    assert (end, ended) == {"end": ("kept", True), "close": ("end", False), "reset": ("reset", False)}[how]
    assert READ_STREAM[shape](events_of(content, shape)) == Read("".join(f"word{n} " for n in range(after)))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("how", "end"), [("close", "end"), ("end", "end"), ("reset", "reset")])
def test_a_whole_answer_is_cut_in_its_middle(how: Any, end: str, shape: ShapeName, server: FaultServer) -> None:
    server.script(replies.cut(how=how, shape=shape))
    with Wire(server) as wire:
        came, ended = wire.send(shape).read_to_the_end()
    assert ended == end
    head, body = split(came)
    request = Received("POST", path_of(shape), {}, body_of(shape))
    whole = json.dumps(replies.completion(request, "never whole", shape=shape)).encode()
    assert f"content-length: {len(whole)}".encode() in head
    assert body == whole[: len(whole) // 2]


@pytest.mark.parametrize(
    ("when", "last"),
    [("before", b""), ("headers", b"HTTP/1.1 200 OK\r\ncontent-"), ("body", b'length: 1000\r\n\r\n{"id": "x')],
)
def test_a_reset_comes_when_it_was_told_to(when: Any, last: bytes, server: FaultServer) -> None:
    server.script(replies.reset(when))
    with Wire(server) as wire:
        came, end = wire.send().read_to_the_end()
    assert (came[-len(last) :] if last else came, end) == (last, "reset")


@pytest.mark.parametrize("shape", SHAPES)
def test_fewer_bytes_come_than_were_announced(shape: ShapeName, server: FaultServer) -> None:
    server.script(replies.wrong_length(40, shape=shape))
    with Wire(server) as wire:
        came, end = wire.send(shape).read_to_the_end()
    head, body = split(came)
    assert READ[shape](json.loads(body)).text == "ok"
    assert (f"content-length: {len(body) + 40}".encode() in head, end) == (True, "end")
    with pytest.raises(http.client.IncompleteRead, match="40 more expected"):
        ask(server, shape)


# -- silence -------------------------------------------------------------------------------

SILENCES: dict[str, tuple[Reply, Callable[[bytes], bool]]] = {
    "before the headers": (replies.silence(), lambda came: came == b""),
    "in the body": (replies.silence("body"), lambda came: came.endswith(b'\r\n\r\n{"id":')),
    "at the start of a stream": (replies.silence("stream"), lambda came: b"assistant" in came),
    "in a stream": (replies.silence("stream", 2), lambda came: b"word1" in came),
    "after keep-alives": (replies.stream([b": x\n\n", replies.Pause(60)]), lambda came: b": x" in came),
}


@pytest.mark.parametrize("name", SILENCES)
def test_silence_ends_when_the_client_leaves(name: str, server: FaultServer) -> None:
    reply, there = SILENCES[name]
    server.script(reply)
    with Wire(server) as wire:
        came = wire.send(stream=True).read_until(there)
        assert b'finish_reason": "' not in came
        assert wire.is_silent()
        assert server.open_connections == 1
    assert eventually(lambda: server.open_connections == 0, within=2)


@pytest.mark.parametrize("name", SILENCES)
def test_silence_ends_when_the_server_closes(name: str) -> None:
    reply, there = SILENCES[name]
    with FaultServer() as server:
        server.script(reply)
        with Wire(server) as wire:
            wire.send(stream=True).read_until(there)
            assert wire.is_silent(0.02)
            began = time.monotonic()
            server.close()
            assert time.monotonic() - began < 1
            rest, end = wire.read_to_the_end()
            assert (end, dechunked(rest)[1]) == ("end", False)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_stalled_stream_has_said_what_it_was_told_to(shape: ShapeName, server: FaultServer) -> None:
    server.script(replies.silence("stream", 3, shape=shape))
    with Wire(server) as wire:
        wire.send(shape, stream=True)
        came = wire.read_until(lambda came: b"word2" in came and came.endswith(b"\n\r\n"))
        assert wire.is_silent(0.05)
    content, ended = dechunked(split(came)[1])
    assert (READ_STREAM[shape](events_of(content, shape)), ended) == (Read("word0 word1 word2 "), False)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("openai", b": keep-alive\n\n"),
        ("anthropic", b'event: ping\ndata: {"type": "ping"}\n\n'),
        ("gemini", b": keep-alive\r\n\r\n"),
        ("cohere", b": keep-alive\n\n"),
    ],
)
def test_keep_alives_come_for_ever_and_nothing_else(shape: ShapeName, expected: bytes, server: FaultServer) -> None:
    server.script(replies.comments(0.001, shape=shape))
    chunk = replies.http_chunk(expected)
    with Wire(server) as wire:
        came = wire.send(shape, stream=True).read_until(lambda came: came.count(chunk) > 20)
    pieces = split(came)[1].split(chunk)
    assert set(pieces[:-1]) == {b""}
    assert eventually(lambda: server.open_connections == 0)


def test_dripped_bytes_come_one_at_a_time(server: FaultServer) -> None:
    content = b"HTTP/1.1 200 OK\r\n\r\n" + b"drop"
    server.script(replies.drip(content, every=0.01))
    with Wire(server) as wire:
        began = time.monotonic()
        wire.send()
        came = [wire.socket.recv(65536)]
        assert len(came[0]) == 1
        while piece := wire.socket.recv(65536):
            came.append(piece)
    assert b"".join(came) == content
    assert time.monotonic() - began >= 0.01 * len(content)
    assert len(came) > len(content) / 2


# -- lies ----------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_a_compressed_answer_is_what_its_header_says(shape: ShapeName, server: FaultServer) -> None:
    server.script(replies.gzipped("It is", shape=shape), replies.gzipped(broken=True, shape=shape))
    reply = ask(server, shape)
    assert reply.headers["content-encoding"] == "gzip"
    assert READ[shape](json.loads(gzip.decompress(reply.body))).text == "It is"
    broken = ask(server, shape)
    assert broken.headers["content-encoding"] == "gzip"
    with pytest.raises((zlib.error, gzip.BadGzipFile)):
        gzip.decompress(broken.body)


def test_requests_meets_the_same_faults(server: FaultServer) -> None:
    server.script(replies.gzipped("hi"), replies.gzipped(broken=True), replies.reset(), replies.cut(), replies.cut())
    broken = requests.exceptions.ContentDecodingError
    gone = (requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError)
    with requests.Session() as session:
        assert read_openai(session.post(server.base_url, json={}, timeout=5).json()).text == "hi"
        for stream, error in ((False, broken), (False, gone), (False, gone), (True, gone)):
            with pytest.raises(error):
                session.post(server.base_url, json={"stream": stream}, timeout=5)


def test_garbage_is_not_http(server: FaultServer) -> None:
    server.script(replies.garbage())
    with pytest.raises(http.client.BadStatusLine):
        ask(server)


def test_a_web_page_comes_with_its_status_and_type(server: FaultServer) -> None:
    server.script(replies.html(), replies.html(503))
    page = ask(server)
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.body.startswith(b"<!DOCTYPE html>")
    assert ask(server).status == 503


def test_a_redirect_points_elsewhere(server: FaultServer) -> None:
    server.script(replies.redirect("http://elsewhere.invalid/"), replies.redirect("/v2", 302))
    first, second = ask(server), ask(server)
    assert (first.status, first.headers["location"], first.body) == (307, "http://elsewhere.invalid/", b"")
    assert (second.status, second.headers["location"]) == (302, "/v2")


def test_any_body_with_any_status_and_headers(server: FaultServer) -> None:
    server.script(replies.body(b"\x00", 418, content_type="text/plain", x_ratelimit_reset="1s"))
    reply = ask(server)
    assert (reply.status, reply.body) == (418, b"\x00")
    assert (reply.headers["content-type"], reply.headers["x-ratelimit-reset"]) == ("text/plain", "1s")


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("openai", b'raw data: {"type": "ping"}\n\ndata: text\n\n'),
        ("anthropic", b'raw event: ping\ndata: {"type": "ping"}\n\ndata: text\n\n'),
        ("gemini", b'raw data: {"type": "ping"}\r\n\r\ndata: text\r\n\r\n'),
        ("cohere", b'raw event: ping\ndata: {"type": "ping"}\n\ndata: text\n\n'),
    ],
)
def test_any_stream_has_the_framing_of_its_shape(shape: ShapeName, expected: bytes, server: FaultServer) -> None:
    parts = [b"raw ", {"type": "ping"}, replies.Pause(0.001), "text"]
    server.script(replies.stream(parts, shape=shape, headers={"x-quota": "1"}), replies.stream(parts, end=False))
    reply = ask(server, shape, stream=True)
    assert (reply.body, reply.headers["x-quota"]) == (expected, "1")
    with Wire(server) as wire:
        came = wire.send(shape, stream=True).read_until(lambda came: b"data: text" in came and came.endswith(b"\n\r\n"))
        assert dechunked(split(came)[1]) == (expected, False)
        assert wire.is_silent(0.05)


def test_a_stream_can_close_or_reset_where_it_likes(server: FaultServer) -> None:
    server.script(
        replies.stream(["a", replies.Close()]), replies.stream(["a", replies.Pause(0.01), replies.Close(reset=True)])
    )
    for expected in ("end", "reset"):
        with Wire(server) as wire:
            came, end = wire.send(stream=True).read_to_the_end()
            assert (dechunked(split(came)[1]), end) == ((b"data: a\n\n", False), expected)


def test_raw_actions_are_done_as_they_stand(server: FaultServer) -> None:
    whole = replies.head(204, {"x-a": "b"})
    server.script(replies.raw(whole[:10], replies.Pause(0.01), whole[10:]), replies.raw(replies.Close()))
    with Wire(server) as wire:
        assert wire.send().read_until(lambda came: len(came) == len(whole)) == whole
        assert wire.send().read_to_the_end() == (b"", "end")
    assert whole == b"HTTP/1.1 204 Scripted\r\nx-a: b\r\n\r\n"


# -- what arrives --------------------------------------------------------------------------


def test_all_that_arrives_is_kept(server: FaultServer) -> None:
    body = json.dumps({"model": "m-2", "stream": False, "messages": ["héllo"]}).encode()
    requests.post(f"{server.base_url}/chat/completions?a=b", data=body, headers={"X-Key": "k:1 "}, timeout=5)
    (received,) = server.received
    assert (received.method, received.path) == ("POST", "/v1/chat/completions?a=b")
    assert (received.headers["x-key"], received.headers["host"]) == ("k:1", f"127.0.0.1:{server.port}")
    assert (received.body, received.json["messages"]) == (body, ["héllo"])
    assert (received.model, received.stream, server.models) == ("m-2", False, ["m-2"])


def test_a_chunked_request_is_read_to_its_end(server: FaultServer) -> None:
    with requests.Session() as session:
        for model in ("m-3", "m-4"):
            parts = iter([b'{"model": ', f'"{model}", '.encode(), b'"stream": true}'])
            session.post(server.base_url, data=parts, timeout=5)
    assert [(received.model, received.stream) for received in server.received] == [("m-3", True), ("m-4", True)]
    assert server.connections == 1


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"null", b"{}"])
def test_a_body_that_names_no_model_does_no_harm(body: bytes, server: FaultServer) -> None:
    assert requests.post(f"{server.origin}/", data=body, timeout=5).status_code == 200
    assert (server.received[0].model, server.received[0].stream, server.received[0].body) == ("", False, body)


@pytest.mark.parametrize(
    ("path", "shape", "model", "stream"),
    [
        ("/v1/chat/completions", "openai", "body-model", True),
        ("/", "openai", "body-model", True),
        ("/v1/messages", "anthropic", "body-model", True),
        ("/anthropic/v1/messages?beta=true", "anthropic", "body-model", True),
        ("/v1/messages/batches", "openai", "body-model", True),
        ("/v1beta/models/gemini-2.5-pro:generateContent", "gemini", "gemini-2.5-pro", False),
        ("/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse", "gemini", "gemini-2.5-pro", True),
        ("/v1beta/models/gemini-2.5-pro:streamGenerateContent", "gemini", "gemini-2.5-pro", True),
        ("/v1/publishers/google/models/a%2Fb:generateContent?x=y", "gemini", "a/b", False),
        ("/v2/chat", "cohere", "body-model", True),
        ("/v1beta/models/gemini-2.5-pro:countTokens", "openai", "body-model", True),
        ("/v1beta/models/gemini-2.5-pro:generateContents", "openai", "body-model", True),
    ],
)
def test_shape_model_and_stream_are_found_where_each_service_has_them(
    path: str, shape: ShapeName, model: str, stream: bool
) -> None:
    received = Received("POST", path, {}, b'{"model": "body-model", "stream": true}')
    assert (received.shape, received.model, received.stream) == (shape, model, stream)


# -- scripts -------------------------------------------------------------------------------


def texts(server: FaultServer, *models: str) -> list[str]:
    return [read_openai(ask(server, model=model).json).text for model in models]


def test_a_script_is_played_in_order_and_its_last_reply_for_ever(server: FaultServer) -> None:
    assert server.script(answer("one"), answer("two"), answer("three")) is server
    assert texts(server, *["m"] * 5) == ["one", "two", "three", "three", "three"]
    server.script(answer("new"))
    assert texts(server, "m", "m") == ["new", "new"]
    server.script()
    assert texts(server, "m") == ["ok"]


def test_a_script_for_a_model_goes_before_the_one_for_all(server: FaultServer) -> None:
    assert server.script(answer("any 1"), answer("any 2")).on("a", answer("a 1"), answer("a 2")) is server
    assert texts(server, "a", "b", "a", "a", "b", "c") == ["a 1", "any 1", "a 2", "a 2", "any 2", "any 2"]
    assert server.models == ["a", "b", "a", "a", "b", "c"]
    server.on("a", answer("again"))
    assert texts(server, "a", "b") == ["again", "any 2"]


def test_a_script_for_a_model_finds_it_in_geminis_path(server: FaultServer) -> None:
    server.on("gemini-x", answer("found")).script(answer("other"))
    said = [read_gemini(ask(server, "gemini", model=model).json).text for model in ("gemini-x", "gemini-y")]
    assert (said, server.models) == (["found", "other"], ["gemini-x", "gemini-y"])


def test_a_reply_can_be_chosen_by_the_model(server: FaultServer) -> None:
    server.script(replies.by_model(lambda model: answer(f"I am {model}")))
    assert texts(server, "a", "b") == ["I am a", "I am b"]


def test_requests_that_arrive_together_get_one_reply_each(server: FaultServer) -> None:
    server.script(*(answer(f"n{number}") for number in range(30)))
    said: list[str] = []
    threads = [threading.Thread(target=lambda: said.extend(texts(server, "m"))) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == sorted(f"n{number}" for number in range(30))
    assert (server.connections, len(server.received)) == (30, 30)


# -- connections and threads ---------------------------------------------------------------


def test_a_connection_is_kept_and_counted_once(server: FaultServer) -> None:
    assert (server.connections, server.open_connections) == (0, 0)
    server.script(answer("a"), error(503), replies.cut(1, how="end"))
    with Wire(server) as wire:
        for stream in (False, False, True):
            wire.send(stream=stream).read_until(lambda came: came.endswith((b"}", replies.END)))
        assert (server.connections, server.open_connections, len(server.received)) == (1, 1, 3)
    server.script(answer())
    ask(server)
    assert eventually(lambda: (server.connections, server.open_connections) == (2, 0))


def test_a_client_that_asks_nothing_is_counted_and_does_no_harm(server: FaultServer) -> None:
    with Wire(server):
        assert eventually(lambda: server.open_connections == 1)
    assert eventually(lambda: server.open_connections == 0)
    assert server.received == []


def test_after_close_nothing_is_left() -> None:
    ending = FaultServer()
    ending.script(
        answer(), replies.silence(), replies.comments(), replies.drip(b"x" * 9999), replies.stream([b"x" * 60000] * 999)
    )
    wires = [Wire(ending) for _ in range(6)]
    for wire in wires[1:]:  # the first one is idle
        wire.send(stream=True)
    assert eventually(lambda: (len(ending.received), ending.open_connections) == (5, 6))
    began = time.monotonic()
    ending.close()
    assert time.monotonic() - began < 1
    assert [thread for thread in threading.enumerate() if thread.name == "fault-server"] == []
    assert ending.open_connections == 0
    with pytest.raises(ConnectionRefusedError):
        Wire(ending)
    for wire in wires:
        wire.read_to_the_end()
        wire.socket.close()
    ending.close()  # twice is once


def test_close_leaves_no_thread_however_late_a_client_comes() -> None:
    for _ in range(30):
        ending = FaultServer()
        coming = [socket.create_connection(("127.0.0.1", ending.port)) for _ in range(5)]
        ending.close()
        assert [thread for thread in threading.enumerate() if thread.name == "fault-server"] == []
        for one in coming:
            one.close()


def test_the_address_is_told_in_both_forms(server: FaultServer) -> None:
    assert server.origin == f"http://127.0.0.1:{server.port}"
    assert server.base_url == f"{server.origin}/v1"


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


def test_a_form_is_read_as_what_was_put_into_it(server: FaultServer) -> None:
    content = bytes(range(256)) * 1000 + b"\r\n--x\r\n"
    files = {"file": ("a.wav", content), "model": (None, "ears"), "kinds[]": (None, "word")}
    requests.post(f"{server.origin}/v1/audio/transcriptions", files=files, timeout=5)
    (request,) = server.received
    assert request.form == {"file": [content], "model": [b"ears"], "kinds[]": [b"word"]}
    assert (request.model, request.filename, request.endpoint) == ("ears", "a.wav", "/audio/transcriptions")


def test_a_slow_receiver_takes_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultServer(read_pause=0.02) as slow:
        begun = time.monotonic()
        requests.post(f"{slow.origin}/v1/audio/transcriptions", data=b"x" * (1 << 20), timeout=5)
        assert time.monotonic() - begun >= 15 * 0.02
        assert len(slow.received[0].body) == 1 << 20


def test_all_that_tests_are_written_with_comes_from_one_place() -> None:
    names = """
        completion usage events sse head http_chunk answer error stream body raw cut silence drip comments garbage html
        wrong_length gzipped redirect reset by_model models END FOREVER Close Pause
    """.split()
    assert set(names) <= set(replies.__all__)
    assert all(hasattr(replies, name) for name in replies.__all__)
