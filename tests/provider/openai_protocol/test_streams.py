"""How the events of a stream in OpenAI's protocol are read and assembled."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.openai_bodies import CALL, ERRORS, EXAMPLE, GROQ, MESSAGES, THINKING, USAGE, mistral, parse, whole

from g4f_lite.errors.exceptions import MalformedResponseError, ReplyError
from g4f_lite.provider.openai_protocol.chat import OpenaiTemplate
from g4f_lite.types.assembly import assemble
from g4f_lite.types.chat import ChatCompletion
from g4f_lite.types.chat_request import ChatRequest
from g4f_lite.types.chunks import ChatCompletionChunk
from g4f_lite.types.http import ServerSentEvent
from g4f_lite.types.usage import Usage


def chunk(delta: object = None, finish: object = None, *, index: int = 0, **more: Any) -> dict[str, Any]:
    choice = {"index": index, "delta": {} if delta is None else delta, "finish_reason": finish, "logprobs": None}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 7, "model": "m-1", "choices": [choice], **more}


def stream(*events: object, provider: OpenaiTemplate = EXAMPLE) -> ChatCompletion:
    """Parse these events and assemble the answer."""
    parser = provider.new_stream(ChatRequest(messages=MESSAGES))
    chunks: list[ChatCompletionChunk] = []
    for event in events:
        chunks += parser.feed(ServerSentEvent(data=event if isinstance(event, bytes) else json.dumps(event).encode()))
    return assemble([*chunks, *parser.close()])


def tool(index: int | None = None, id: str | None = None, name: str | None = None, arguments: object = None) -> object:
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    piece = {"index": index, "id": id, "type": "function", "function": function or None}
    return {"tool_calls": [{key: value for key, value in piece.items() if value is not None}]}


def test_the_pieces_of_a_stream_make_one_answer() -> None:
    answer = stream(
        chunk({"role": "assistant", "content": ""}, system_fingerprint="fp"),
        chunk({"reasoning": "Hm", "channel": "analysis"}),
        chunk({"reasoning": "."}),
        chunk({"content": "Mon"}),
        chunk({"content": None}),
        chunk({"content": "day"}, service_tier="flex"),
        chunk({}, "stop"),
        {"id": "c1", "choices": [], "usage": USAGE},
        b"[DONE]",
    )
    assert (answer.id, answer.model, answer.created, answer.object) == ("c1", "m-1", 7, "chat.completion")
    assert (answer.text, answer.reasoning, answer.choices[0].finish_reason) == ("Monday", "Hm.", "stop")
    assert (answer.system_fingerprint, answer.service_tier) == ("fp", "flex")
    assert answer.usage == parse(whole({"content": "a"}, usage=USAGE)).usage


def test_reasoning_stays_in_the_field_that_the_service_wants_back() -> None:
    message = stream(chunk({"reasoning_content": "H"}), chunk({"reasoning_content": "m"})).choices[0].message
    assert (message.reasoning, message.reasoning_content) == (None, "Hm")
    message = stream(chunk(mistral(THINKING)), chunk(mistral("a", {"type": "text", "text": "b"}))).choices[0].message
    assert (message.reasoning, message.content) == ("Hm, so.", "ab")


def test_fields_that_a_service_wants_back_are_kept_with_and_without_streaming() -> None:
    extra, other = {"google": {"thought_signature": "c2ln"}}, {"x": [{"input": {"a": None}}]}
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}, "extra_content": extra}
    piece = {"tool_calls": [{**call, "index": 0}]}
    apart = stream(
        chunk(piece), chunk({"extra_content": extra}), chunk({"extra_content": other}), chunk(None, "tool_calls")
    )
    said = {"content": None, "tool_calls": [call], "extra_content": extra | other}
    at_once = parse(whole(said, "tool_calls"))
    assert apart.choices[0].message == at_once.choices[0].message
    assert at_once.choices[0].message.to_dict() == {"role": "assistant", **said}
    bare = parse(whole({"content": None, "tool_calls": [CALL]}, "tool_calls")).choices[0].message
    assert bare.to_dict() == {"role": "assistant", "content": None, "tool_calls": [CALL]}
    assert stream(chunk({"content": "a"}), chunk(None, "stop")).choices[0].message.extra_content is None


def test_the_first_chunk_may_have_no_choices_and_no_id() -> None:  # Azure's filter results
    empty = {"id": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": []}
    bare = {"choices": [{"index": 0, "finish_reason": None, "content_filter_results": {}}]}
    answer = stream(empty, chunk({"content": "a"}), bare, chunk(None, "stop"), bare)
    assert (answer.id, answer.model, answer.created, answer.text) == ("c1", "m-1", 7, "a")


def test_a_finish_reason_is_not_overwritten_by_a_later_null() -> None:
    finish = stream(chunk({"content": "a"}, "length"), chunk({"content": ""}, usage=USAGE)).choices[0].finish_reason
    assert finish == "length"


def test_the_last_usage_counts_wherever_it_appears() -> None:
    usage = stream(
        chunk({"content": "a"}, usage={"prompt_tokens": 1}), chunk(None, "stop", usage={"prompt_tokens": 2}), chunk()
    ).usage
    assert usage == Usage(prompt_tokens=2)
    assert stream(chunk(usage=None)).usage is None


def test_groqs_usage_is_found_inside_x_groq() -> None:
    inside = {"id": "req", "usage": {"prompt_tokens": 4, "completion_tokens": 2, "total_tokens": 6}}
    usage = Usage(prompt_tokens=4, completion_tokens=2, total_tokens=6)
    assert stream(chunk({"content": "a"}), chunk(None, "stop", x_groq=inside), provider=GROQ).usage == usage
    both = chunk(None, "stop", x_groq=inside, usage={"prompt_tokens": 9})
    assert stream(both, provider=GROQ).usage == Usage(prompt_tokens=9)
    assert stream(chunk({"content": "a"}, x_groq={"id": "req"}), provider=GROQ).usage is None


def test_several_choices_are_kept_apart_and_in_order() -> None:
    answer = stream(
        chunk({"content": "b"}, index=1), chunk({"content": "a"}), chunk({"content": "B"}, "stop", index=1),
        chunk({"content": "A"}, "length"),
    )  # fmt: skip
    assert [(c.index, c.message.content, c.finish_reason) for c in answer.choices] == [
        (0, "aA", "length"),
        (1, "bB", "stop"),
    ]


F, G = ("1", "f", "{}"), ("2", "g", '{"a":1}')
TOOLS = [
    ("pieces by index", [tool(0, "1", "f", ""), tool(0, arguments="{"), tool(0, arguments="}"), tool(1, "2", "g", ""),
                         tool(1, None, None, '{"a":1}')], [F, G]),
    ("pieces in turn", [tool(0, "1", "f"), tool(1, "2", "g", '{"a"'), tool(0, None, None, "{}"),
                        tool(1, None, None, ":1}")], [F, G]),
    ("whole calls", [tool(0, "1", "f", "{}"), tool(1, "2", "g", '{"a":1}')], [F, G]),
    ("whole calls, all at index 0", [tool(0, "1", "f", "{}"), tool(0, "2", "g", '{"a":1}')], [F, G]),
    ("another id with each piece", [tool(0, "1", "f", "{"), tool(0, "9", None, "}")], [F]),
    ("the name with each piece", [tool(0, "1", "f", "{"), tool(0, "1", "f", "}")], [F]),
    ("the id before the name", [tool(0, "1"), tool(0, None, "f", "{}")], [F]),
    ("no index, the id before the name", [tool(None, "1"), tool(None, None, "f", "{}")], [F]),
    ("no index, whole", [tool(None, "1", "f", "{}"), tool(None, "2", "g", '{"a":1}')], [F, G]),
    ("no index, in pieces", [tool(None, "1", "f", "{"), tool(None, None, None, "}"), tool(None, "2", "g", '{"a":1}')],
     [F, G]),
    ("no index, in turn", [tool(None, "1", "f", "{"), tool(None, "2", "g", '{"a"'), tool(None, "1", None, "}"),
                           tool(None, "2", None, ":1}")], [F, G]),
    ("no index and no id", [tool(None, None, "f", "{}"), tool(None, "", "g", "{}")], [("", "f", "{}"), ("", "g", "{}")]),
    ("arguments as an object", [tool(0, "2", "g", {"a": 1})], [G]),
    ("no arguments", [tool(0, "1", "f")], [("1", "f", "{}")]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "deltas", "calls"), TOOLS, ids=[name for name, _, _ in TOOLS])
def test_the_pieces_of_each_tool_call_are_joined(name: str, deltas: list[object], calls: list[object]) -> None:
    answer = stream(*map(chunk, deltas), chunk(None, "tool_calls"))
    assert [(call.id, call.function.name, call.function.arguments) for call in answer.tool_calls] == calls
    assert answer.choices[0].message.content is None


@pytest.mark.parametrize("body", [b"[DON", b"{", b"[]", b"7", b"null", b"\xff", b"[" * 100_000], ids=str)
def test_an_unreadable_event_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedResponseError) as caught:
        stream(body[:20] if len(body) < 20 else body)
    assert len(caught.value.message) < 120


@pytest.mark.parametrize("body", ERRORS, ids=lambda body: json.dumps(body)[:40])
def test_an_error_inside_a_stream_is_not_a_chunk(body: object) -> None:
    with pytest.raises(ReplyError) as caught:
        stream(chunk({"content": "a"}), body)
    assert caught.value.reply.in_stream
    assert "no" in EXAMPLE.classify_error(caught.value.reply).message


@pytest.mark.parametrize(
    "event", [{"message": "The model is thinking"}, {"code": 0, "message": "ok"}, {"code": 200, "msg": "success"}]
)
def test_an_event_may_tell_what_the_service_is_doing(event: object) -> None:
    assert stream(event, chunk({"content": "a"}), event, chunk(None, "stop")).text == "a"


@pytest.mark.parametrize("data", [b'{"error": {"message": "no"}}', b'{"message": "no"}', b"no"])
def test_an_event_named_error_is_an_error_whatever_its_data(data: bytes) -> None:
    with pytest.raises(ReplyError) as caught:
        GROQ.new_stream(ChatRequest(messages=MESSAGES)).feed(ServerSentEvent(data=data, event="error"))
    assert GROQ.classify_error(caught.value.reply).message == "no"


def test_the_stream_ends_at_done() -> None:
    for provider in (EXAMPLE, GROQ):
        parser: Any = provider.new_stream(ChatRequest(messages=MESSAGES))
        assert not parser.done
        assert list(parser.feed(ServerSentEvent(data=b"[DONE]"))) == []
        assert parser.done
