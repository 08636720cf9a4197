"""What is sent to a service that speaks OpenAI's protocol, and what its answers mean."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_lite.assembly import assemble
from g4f_lite.errors import MalformedResponseError, ReplyError, UnsupportedParameterError
from g4f_lite.http import HTTPRequest, HTTPResponse, ServerSentEvent
from g4f_lite.openai_template import OpenaiTemplate
from g4f_lite.openai_wire import loose_completion
from g4f_lite.types import ChatCompletion, ChatCompletionChunk, ChatRequest, TokenDetails, Usage
from g4f_lite_providers.groq import Groq


class Example(OpenaiTemplate):
    name = "example"
    api_base = "https://api.example.com/v1"
    unsupported_parameters = frozenset({"seed"})


MESSAGES = ({"role": "user", "content": "Which day is it?"},)
EXAMPLE = Example()
GROQ = Groq()


# -- what is sent --------------------------------------------------------------------------


def build(
    provider: OpenaiTemplate = EXAMPLE, *, key: str | None = None, stream: bool = False, **params: Any
) -> HTTPRequest:
    request = ChatRequest(**{"messages": MESSAGES, "model": "m", **params})
    return provider.build_request(request, key=key, stream=stream)


def body_of(provider: OpenaiTemplate = EXAMPLE, *, stream: bool = False, **params: Any) -> dict[str, Any]:
    body = json.loads(build(provider, stream=stream, **params).body)
    assert isinstance(body, dict)
    return body


BARE = {"messages": list(MESSAGES), "model": "m"}


def test_a_bare_request_holds_messages_and_model_and_nothing_else() -> None:
    request = build()
    assert (request.method, request.url) == ("POST", "https://api.example.com/v1/chat/completions")
    assert request.headers == {"content-type": "application/json", "accept": "application/json"}
    assert json.loads(request.body) == BARE


SET = [
    ("temperature", 0.0), ("temperature", 0.5), ("max_tokens", 1), ("max_completion_tokens", 9), ("n", 2), ("user", ""),
    ("parallel_tool_calls", False), ("stop", []), ("stop", "a"), ("tools", [{"type": "function"}]), ("metadata", {}),
    ("tool_choice", "required"), ("response_format", {"type": "json_object"}), ("reasoning_effort", "low"),
    ("logit_bias", {"50256": -100}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), SET)
def test_what_the_caller_set_is_sent_as_it_is(name: str, value: object) -> None:
    assert body_of(**{name: value}) == {**BARE, name: value}


def test_json_that_is_encoded_already_is_sent_as_it_is() -> None:
    raw = [{"type": "function", "function": {"name": "f", "parameters": msgspec.Raw(b'{"type": "object"}')}}]
    sent = json.loads(build(tools=raw, temperature=0.5).body)
    assert sent["tools"][0]["function"]["parameters"] == {"type": "object"}
    assert (sent["model"], sent["temperature"]) == ("m", 0.5)


def test_a_stream_is_asked_for_with_its_usage() -> None:
    assert build(stream=True).headers["accept"] == "text/event-stream"
    assert body_of(stream=True) == {**BARE, "stream": True, "stream_options": {"include_usage": True}}


def test_the_callers_own_stream_options_are_kept() -> None:
    options = {"include_usage": False}
    assert body_of(stream=True, stream_options=options)["stream_options"] == options
    assert body_of(stream=True, extra_body={"stream_options": options})["stream_options"] == options


def test_a_service_that_cannot_tell_the_usage_is_not_asked_for_it() -> None:
    silent = Example(capabilities=frozenset({"streaming"}))
    assert body_of(silent, stream=True) == {**BARE, "stream": True}
    assert body_of(GROQ, stream=True) == {**BARE, "stream": True}


def test_the_extra_body_is_merged_in_last() -> None:
    body = body_of(temperature=0.1, extra_body={"temperature": 0.9, "own": {"x": None}})
    assert body == {**BARE, "temperature": 0.9, "own": {"x": None}}
    assert body_of(stream=True, extra_body={"stream": False})["stream"] is True


@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
def test_an_extra_header_replaces_ours_however_it_is_written(name: str) -> None:
    headers = build(key="k", extra_headers={name: "Basic x", "X-Title": "t"}).headers
    assert headers == {
        "content-type": "application/json",
        "accept": "application/json",
        "authorization": "Basic x",
        "x-title": "t",
    }


def test_the_key_goes_into_its_header_and_nowhere_else() -> None:
    request = build(key="gsk_secret")
    assert request.headers["authorization"] == "Bearer gsk_secret"
    assert "secret" not in f"{request.url} {request.body!r} {request!r}"
    assert "authorization" not in build().headers


def test_a_parameter_that_the_service_refuses_is_not_sent_to_it() -> None:
    with pytest.raises(UnsupportedParameterError, match="example does not support the parameter 'seed'"):
        build(seed=0)
    for name, harmless, value in (("logprobs", False, True), ("top_logprobs", 0, 2), ("logit_bias", {}, {"1": 1})):
        assert name not in body_of(GROQ, **{name: harmless})
        with pytest.raises(UnsupportedParameterError, match=name):
            build(GROQ, **{name: value})


def test_the_extra_body_is_nobodys_to_change() -> None:
    class Renames(OpenaiTemplate):
        name, renamed_parameters, allowed_values = "renames", {"seed": "random_seed"}, {"n": (1,)}

    extra = {"seed": 1, "n": 2, "tools": [], "stream_options": {"x": 1}}
    sent = json.loads(
        Renames().build_request(ChatRequest(messages=MESSAGES, extra_body=extra), key=None, stream=False).body
    )
    assert {name: sent[name] for name in extra} == extra


def test_what_another_service_wants_back_is_not_sent() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    signed = {**call, "extra_content": {"google": {"thought_signature": "c2ln"}}}
    said = {
        "role": "assistant",
        "content": "a",
        "tool_calls": [signed],
        "extra_content": {"anthropic": {"content": []}},
    }
    messages = (*MESSAGES, said)
    assert body_of(messages=messages)["messages"] == [
        *MESSAGES,
        {"role": "assistant", "content": "a", "tool_calls": [call]},
    ]
    assert said["tool_calls"] == [signed]  # the caller's own are left alone
    odd = ({"role": "assistant", "content": "a", "tool_calls": "x"}, {"role": "assistant", "tool_calls": [7]})
    assert body_of(messages=odd)["messages"] == list(odd)


def test_groq_gets_no_names_and_no_nulls_but_for_content() -> None:
    messages = (
        {"role": "user", "name": "ann", "content": "Hi"},
        {"role": "assistant", "content": None, "function_call": None, "tool_calls": [{"id": "1", "name": "f"}]},
    )
    sent = body_of(GROQ, messages=messages, n=1)
    assert sent == {
        "model": "m",
        "n": 1,
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "name": "f"}]},
        ],
    }
    assert messages[0]["name"] == "ann"  # the caller's messages are the next leg's, too


# -- a whole answer ------------------------------------------------------------------------


def whole(message: object, finish: object = "stop", **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    return {"id": "c1", "object": "chat.completion", "created": 7, "model": "m-1", "choices": [choice], **more}


def parse(body: object, status: int = 200) -> ChatCompletion:
    encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
    return EXAMPLE.parse_response(HTTPResponse(status=status, headers={"x-request-id": "1"}, body=encoded))


CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
USAGE = {
    "prompt_tokens": 5,
    "completion_tokens": 7,
    "total_tokens": 12,
    "prompt_tokens_details": {"cached_tokens": 2, "audio_tokens": None},
    "completion_tokens_details": {"reasoning_tokens": 3},
    "queue_time": 0.02,
}


def test_a_whole_answer_is_read_with_all_that_is_public() -> None:
    message = {"role": "assistant", "content": "Monday", "reasoning": "Hm.", "annotations": [], "tool_calls": [CALL]}
    answer = parse(whole(message, "tool_calls", usage=USAGE, system_fingerprint="fp", x_groq={"id": "req"}))
    assert (answer.id, answer.model, answer.created, answer.system_fingerprint) == ("c1", "m-1", 7, "fp")
    assert (answer.text, answer.reasoning, answer.choices[0].finish_reason) == ("Monday", "Hm.", "tool_calls")
    (call,) = answer.tool_calls
    assert (call.id, call.function.name, call.function.arguments) == ("call_1", "f", '{"a": 1}')
    assert answer.usage == Usage(
        prompt_tokens=5,
        completion_tokens=7,
        total_tokens=12,
        prompt_tokens_details=TokenDetails(cached_tokens=2),
        completion_tokens_details=TokenDetails(reasoning_tokens=3),
    )


def mistral(*parts: object) -> dict[str, Any]:
    return {"role": "assistant", "content": list(parts)}


THINKING = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm, "}, {"type": "text", "text": "so."}]}
LOOSE = [
    ("blank lines first", b"\n\n \n" + json.dumps(whole({"content": "a"})).encode(), ("a", "", "stop", 7)),
    ("nothing but what is needed", {"choices": [{"message": {"content": "a"}}]}, ("a", "", None, 0)),
    ("a null usage", whole({"content": "a"}, usage=None), ("a", "", "stop", 7)),
    ("an error that is none", whole({"content": "a"}, error=None), ("a", "", "stop", 7)),
    ("the word error in the text", whole({"content": '"error"', "role": "error"}), ('"error"', "", "stop", 7)),
    ("DeepSeek's field", whole({"content": "a", "reasoning_content": "b"}), ("a", "b", "stop", 7)),
    ("a float for a time", {**whole({"content": "a"}), "created": 7.9}, ("a", "", "stop", 7)),
    ("a text for a time", {**whole({"content": "a"}), "created": "7"}, ("a", "", "stop", 7)),
    ("a date for a time", {**whole({"content": "a"}), "created": "2026-11-22"}, ("a", "", "stop", 0)),
    ("a null id", {**whole({"content": "a"}), "id": None, "model": None}, ("a", "", "stop", 7)),
    ("a null role", whole({"content": "a", "role": None}), ("a", "", "stop", 7)),
    ("a null index", {"choices": [{"index": None, "message": {"content": "a"}}]}, ("a", "", None, 0)),
    ("a number for a finish reason", whole({"content": "a"}, 3), ("a", "", None, 7)),
    ("null token counts", whole({"content": "a"}, usage={"prompt_tokens": None}), ("a", "", "stop", 7)),
    ("a list of texts", whole(mistral({"type": "text", "text": "a"}, {"type": "text", "text": "b"}, "c")),
     ("abc", "", "stop", 7)),
    ("thinking, then text", whole(mistral(THINKING, {"type": "text", "text": "a"})), ("a", "Hm, so.", "stop", 7)),
    ("thinking alone", whole(mistral(THINKING), "length"), ("", "Hm, so.", "length", 7)),
    ("odd parts", whole(mistral(7, None, {"type": "image"}, {"type": "thinking", "thinking": [7, None, "x"]}, "a")),
     ("a", "x", "stop", 7)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "body", "seen"), LOOSE, ids=[name for name, _, _ in LOOSE])
def test_an_answer_of_slightly_other_types_is_read(
    name: str, body: object, seen: tuple[str, str, str | None, int]
) -> None:
    answer = parse(body)
    assert (answer.text, answer.reasoning, answer.choices[0].finish_reason, answer.created) == seen


def test_arguments_sent_as_an_object_are_not_lost() -> None:
    call = {"function": {"name": "f", "arguments": {"day": "Mon"}}}
    (read,) = parse(whole({"content": None, "tool_calls": [call, None, 7]}, "tool_calls")).tool_calls
    assert (read.id, read.function.name, read.function.arguments) == ("", "f", '{"day":"Mon"}')


MALFORMED = [
    (b"", "the answer is empty"),
    (b" \n\n", "the answer is empty"),
    (b"<!DOCTYPE html><html></html>", "is the base URL right"),
    (b"upstream connect error", "is not JSON: 'upstream connect error'"),
    (b'{"choices": [{"message": {"content": "cut', "is not JSON"),
    (b'{"choices": []}\xff', "is not JSON"),
    (b"[" * 100_000, "is not JSON"),
    (b'{"x":' * 100_000, "is not JSON"),
    (b"[]", "not an object"),
    (b"7", "not an object"),
    (b"null", "not an object"),
    (b"{}", "no choices"),
    (b'{"choices": []}', "no choices"),
    (b'{"choices": null}', "no choices"),
    (b'{"choices": "none"}', "no choices"),
    (b'{"choices": [null, 7]}', "no choices"),
]


@pytest.mark.parametrize(("body", "told"), MALFORMED, ids=[str(body[:20]) for body, _ in MALFORMED])
def test_what_cannot_be_understood_is_malformed_and_says_how(body: bytes, told: str) -> None:
    with pytest.raises(MalformedResponseError, match=told) as caught:
        parse(body)
    assert len(caught.value.message) < 120


FAILED_CHOICE = {"index": 0, "message": {"content": "Mon"}, "finish_reason": "error"}
ERRORS = [
    {"error": {"message": "no", "code": 429}},
    {**whole({"content": "a"}), "error": {"message": "no"}},  # beside choices
    {"error": "no Unexpected endpoint"},  # LM Studio
    [{"error": {"message": "no"}}],  # Google
    {"status": 404, "title": "Not Found", "detail": "no"},  # NVIDIA
    {"object": "error", "message": "no"},  # vLLM
    {"object": "Error", "message": [{"msg": "no"}], "code": 3001},  # Mistral
    {"success": False, "errors": [{"code": 5007, "message": "no"}], "result": None},  # Cloudflare
    {"choices": [{**FAILED_CHOICE, "error": {"message": "no"}}]},  # a gateway that lost the service behind it
    {"choices": [{**FAILED_CHOICE, "error": {"message": "no"}, "finish_reason": "stop"}]},
]


@pytest.mark.parametrize("body", ERRORS, ids=lambda body: json.dumps(body)[:40])
def test_an_error_inside_a_200_is_no_answer(body: object) -> None:
    with pytest.raises(ReplyError) as caught:
        parse(body)
    reply = caught.value.reply
    assert (reply.status, reply.headers) == (200, {"x-request-id": "1"})
    assert "no" in EXAMPLE.classify_error(reply).message


def test_an_answer_that_ended_with_an_error_is_no_answer() -> None:
    with pytest.raises(ReplyError) as caught:
        parse({"choices": [FAILED_CHOICE]})
    assert "ended with an error" in EXAMPLE.classify_error(caught.value.reply).message


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


TEXTS = st.none() | st.text(max_size=9)
COUNTS = st.integers(0, 1 << 40)
CALLS = some(id=st.text(max_size=3), function=some(name=st.text(max_size=3), arguments=st.text(max_size=3)))
REPLY = some(content=TEXTS, refusal=TEXTS, reasoning=TEXTS, tool_calls=st.none() | st.lists(CALLS, max_size=2))
LOGPROBS = st.sampled_from((None, {"content": [{"token": "a"}]}))
CHOICES = some(index=st.integers(0, 3), finish_reason=TEXTS, logprobs=LOGPROBS, message=REPLY)
ANSWERS = some(
    id=st.text(max_size=3),
    created=COUNTS,
    usage=st.none() | some(prompt_tokens=COUNTS, prompt_tokens_details=st.none() | some(cached_tokens=COUNTS)),
    choices=st.lists(CHOICES, min_size=1, max_size=2),
)


@settings(deadline=None, max_examples=100)
@given(ANSWERS)
def test_the_fast_and_the_forgiving_way_read_the_same(answer: dict[str, Any]) -> None:
    answer = {"choices": [{}], **answer}
    if not any(choice.get("finish_reason") == "error" for choice in answer["choices"]):
        assert loose_completion(answer) == parse(answer)


NAMES = st.sampled_from(
    ("error", "choices", "message", "delta", "content", "tool_calls", "function", "arguments", "usage", "created")
)
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text() | NAMES
)
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4))


@settings(deadline=None, max_examples=200)
@given(JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=40), st.sampled_from(["", "error"]))
def test_whatever_comes_is_an_answer_an_error_or_malformed(body: bytes, event: str) -> None:
    try:
        assert parse(body).choices
    except (MalformedResponseError, ReplyError):
        pass
    try:
        assemble(EXAMPLE.new_stream(ChatRequest(messages=MESSAGES)).feed(ServerSentEvent(data=body, event=event)))
    except (MalformedResponseError, ReplyError):
        pass


# -- a stream ------------------------------------------------------------------------------


def chunk(delta: object = None, finish: object = None, *, index: int = 0, **more: Any) -> dict[str, Any]:
    choice = {"index": index, "delta": {} if delta is None else delta, "finish_reason": finish, "logprobs": None}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 7, "model": "m-1", "choices": [choice], **more}


def stream(*events: object, provider: OpenaiTemplate = EXAMPLE) -> ChatCompletion:
    """Return the answer that these events make up, for a parser and for the assembly."""
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


def test_what_a_service_wants_back_is_kept_whole_and_in_a_stream() -> None:
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


def test_the_last_usage_counts_wherever_it_stands() -> None:
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
    ("no arguments", [tool(0, "1", "f")], [("1", "f", "")]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "deltas", "calls"), TOOLS, ids=[name for name, _, _ in TOOLS])
def test_the_pieces_of_tool_calls_find_their_call(name: str, deltas: list[object], calls: list[object]) -> None:
    answer = stream(*map(chunk, deltas), chunk(None, "tool_calls"))
    assert [(call.id, call.function.name, call.function.arguments) for call in answer.tool_calls] == calls
    assert answer.choices[0].message.content is None


@pytest.mark.parametrize("body", [b"[DON", b"{", b"[]", b"7", b"null", b"\xff", b"[" * 100_000], ids=str)
def test_an_event_that_cannot_be_understood_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedResponseError) as caught:
        stream(body[:20] if len(body) < 20 else body)
    assert len(caught.value.message) < 120


@pytest.mark.parametrize("body", [*ERRORS[:3], ERRORS[5], ERRORS[8]], ids=lambda body: json.dumps(body)[:40])
def test_an_error_inside_a_stream_is_no_chunk(body: object) -> None:
    with pytest.raises(ReplyError) as caught:
        stream(chunk({"content": "a"}), body)
    assert caught.value.reply.in_stream
    assert "no" in EXAMPLE.classify_error(caught.value.reply).message


@pytest.mark.parametrize("data", [b'{"error": {"message": "no"}}', b'{"message": "no"}', b"no"])
def test_an_event_named_error_is_one_whatever_it_holds(data: bytes) -> None:
    with pytest.raises(ReplyError) as caught:
        GROQ.new_stream(ChatRequest(messages=MESSAGES)).feed(ServerSentEvent(data=data, event="error"))
    assert GROQ.classify_error(caught.value.reply).message == "no"


def test_nothing_is_awaited_after_done() -> None:
    for provider in (EXAMPLE, GROQ):
        parser: Any = provider.new_stream(ChatRequest(messages=MESSAGES))
        assert not parser.done
        assert list(parser.feed(ServerSentEvent(data=b"[DONE]"))) == []
        assert parser.done
