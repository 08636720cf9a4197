"""Requests to a service that uses OpenAI's protocol."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from helpers.openai_bodies import EXAMPLE, GROQ, MESSAGES, Example

from g4f_lite.errors.exceptions import UnsupportedParameterError
from g4f_lite.provider.openai_protocol.chat import OpenaiTemplate
from g4f_lite.types.chat_request import ChatRequest
from g4f_lite.types.http import HTTPRequest


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


def test_a_minimal_request_holds_only_messages_and_model() -> None:
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
def test_the_callers_parameters_are_sent_unchanged(name: str, value: object) -> None:
    assert body_of(**{name: value}) == {**BARE, name: value}


def test_already_encoded_json_is_sent_unchanged() -> None:
    raw = [{"type": "function", "function": {"name": "f", "parameters": msgspec.Raw(b'{"type": "object"}')}}]
    sent = json.loads(build(tools=raw, temperature=0.5).body)
    assert sent["tools"][0]["function"]["parameters"] == {"type": "object"}
    assert (sent["model"], sent["temperature"]) == ("m", 0.5)


def test_a_streaming_request_asks_for_usage() -> None:
    assert build(stream=True).headers["accept"] == "text/event-stream"
    assert body_of(stream=True) == {**BARE, "stream": True, "stream_options": {"include_usage": True}}


def test_the_callers_own_stream_options_are_kept() -> None:
    options = {"include_usage": False}
    assert body_of(stream=True, stream_options=options)["stream_options"] == options
    assert body_of(stream=True, extra_body={"stream_options": options})["stream_options"] == options


def test_a_service_that_cannot_report_usage_is_not_asked_for_it() -> None:
    silent = Example(capabilities=frozenset({"streaming"}))
    assert body_of(silent, stream=True) == {**BARE, "stream": True}
    assert body_of(GROQ, stream=True) == {**BARE, "stream": True}


def test_the_extra_body_is_merged_in_last() -> None:
    body = body_of(temperature=0.1, extra_body={"temperature": 0.9, "own": {"x": None}})
    assert body == {**BARE, "temperature": 0.9, "own": {"x": None}}
    assert body_of(stream=True, extra_body={"stream": False})["stream"] is True


@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
def test_an_extra_header_replaces_ours_in_any_letter_case(name: str) -> None:
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


def test_the_extra_body_is_sent_unchanged() -> None:
    class Renames(OpenaiTemplate):
        name, renamed_parameters, allowed_values = "renames", {"seed": "random_seed"}, {"n": (1,)}

    extra = {"seed": 1, "n": 2, "tools": [], "stream_options": {"x": 1}}
    sent = json.loads(
        Renames().build_request(ChatRequest(messages=MESSAGES, extra_body=extra), key=None, stream=False).body
    )
    assert {name: sent[name] for name in extra} == extra


def test_fields_that_another_service_wants_back_are_not_sent() -> None:
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
    assert said["tool_calls"] == [signed]  # the caller's messages are not changed
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
    assert messages[0]["name"] == "ann"  # the next leg gets the caller's messages too


@pytest.mark.parametrize("text", [None, 5])
def test_a_part_whose_text_is_no_text_is_left_to_the_service(text: object) -> None:
    messages = ({"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": text}]},)
    plain = OpenaiTemplate(name="plain", api_base="https://api.example.com/v1", plain_text_content=True)
    assert body_of(plain, messages=messages)["messages"] == list(messages)


@pytest.mark.parametrize("arguments", ["", " \n", None, ...])
def test_a_call_without_arguments_has_an_empty_object(arguments: object) -> None:
    function = {"name": "f"} if arguments is ... else {"name": "f", "arguments": arguments}
    call = {"id": "1", "type": "function", "function": function}
    messages = (*MESSAGES, {"role": "assistant", "content": None, "tool_calls": [call]})
    (sent,) = body_of(messages=messages)["messages"][-1]["tool_calls"]
    assert sent == {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert call["function"] is function  # the caller's messages are not changed


def test_the_result_of_a_function_keeps_its_name() -> None:
    messages = (*MESSAGES, {"role": "function", "name": "f", "content": "1"})
    assert body_of(GROQ, messages=messages)["messages"][-1] == messages[-1]
