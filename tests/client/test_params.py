"""Bad input is refused before anything is sent, by a message that names the field."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import g4f_lite
from g4f_lite.client.chat_request import check_request
from g4f_lite.client.messages import check_messages
from g4f_lite.client.params import CreateParams
from g4f_lite.testing import FaultServer
from g4f_lite.types.chat_request import ChatRequest

USER = {"role": "user", "content": "hi"}

MESSAGES: list[tuple[object, str]] = [
    ([], "messages is empty"),
    ("hi", "not a string; write"),
    ({"role": "user"}, "messages must be a list"),
    (None, "messages must be a list"),
    (5, "messages must be a list"),
    ([USER, "hi"], r"messages\[1\]: expected `object`, got `str`"),
    ([USER, ("human", "hi")], r"messages\[1\]: expected `object`, got `array`; write \{'role': 'user', 'content': …\}"),
    ([{"role": "human", "content": "hi"}], r"'human' is not a role.*did you mean 'user'"),
    ([{"role": "ai", "content": "hi"}], r"'ai' is not a role.*did you mean 'assistant'"),
    ([{"role": "model", "content": "hi"}], r"'model' is not a role.*did you mean 'assistant'"),
    ([{"role": "user", "content": ["hi"]}], r"content\[0\]: expected `object`, got `str`; write \{'type': 'text', 'text': …\}"),
    ([{"content": "hi"}], r"messages\[0\]: the field 'role' is missing"),
    ([{"role": "usr", "content": "hi"}], r"messages\[0\]\.role: 'usr' is not a role.*did you mean 'user'"),
    ([USER, {"role": 5, "content": "hi"}], r"messages\[1\]\.role: 5 is not a role"),
    ([{"role": "user"}], r"messages\[0\]: object missing required field `content`"),
    ([{"role": "user", "content": 5}], r"messages\[0\]\.content"),
    ([{"role": "user", "content": [{"text": "hi"}]}], r"messages\[0\]\.content\[0\]: object missing required field `type`"),
    ([{"role": "tool", "content": "x"}], "missing required field `tool_call_id`"),
    ([{"role": "assistant", "tool_calls": [{"id": "1"}]}], r"tool_calls\[0\]: object missing required field `function`"),
]  # fmt: skip


@pytest.mark.parametrize(("messages", "message"), MESSAGES, ids=[str(row[0])[:60] for row in MESSAGES])
def test_invalid_messages_are_refused(messages: Any, message: str, groq: FaultServer) -> None:
    with pytest.raises(g4f_lite.InvalidRequestError, match=message), g4f_lite.Client() as client:
        client.chat.completions.create(messages=messages, provider="groq")
    assert groq.received == []


PARAMETERS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"max_tokens": -1}, g4f_lite.InvalidRequestError, "max_tokens must be .*got -1"),
    ({"max_tokens": 0}, g4f_lite.InvalidRequestError, "max_tokens"),
    ({"max_tokens": "5"}, g4f_lite.InvalidRequestError, "max_tokens"),
    ({"max_completion_tokens": -5}, g4f_lite.InvalidRequestError, "max_completion_tokens"),
    ({"temperature": -0.5}, g4f_lite.InvalidRequestError, "temperature"),
    ({"temperature": float("nan")}, g4f_lite.InvalidRequestError, "temperature must be a finite number"),
    ({"top_p": 1.5}, g4f_lite.InvalidRequestError, "top_p"),
    ({"n": 0}, g4f_lite.InvalidRequestError, "n must be"),
    ({"stop": 5}, g4f_lite.InvalidRequestError, "stop"),
    ({"stop": ["a", 5]}, g4f_lite.InvalidRequestError, r"stop\[1\]"),
    ({"tools": [5]}, g4f_lite.InvalidRequestError, r"tools\[0\]"),
    ({"tools": [{"type": "function", "name": "f"}]}, g4f_lite.InvalidRequestError, r"tools\[0\]: write \{'type'"),
    ({"tools": [{"name": "f", "input_schema": {}}]}, g4f_lite.InvalidRequestError, r"tools\[0\]: write \{'type'"),
    ({"tools": [USER["role"], {"name": "f", "inputSchema": {}}]}, g4f_lite.InvalidRequestError, r"tools\[1\]: write"),
    ({"tools": print}, g4f_lite.InvalidRequestError, r"tools must be a list, such as \[the_function\]"),
    ({"response_format": "json"}, g4f_lite.InvalidRequestError, r"got `str`; write \{'type': 'json_object'\}"),
    ({"response_format": dict}, g4f_lite.InvalidRequestError, "response_format is a class; give it as response_model="),
    ({"seed": 1.5}, g4f_lite.InvalidRequestError, "seed"),
    ({"user": b"\xff"}, g4f_lite.InvalidRequestError, "user"),
    (
        {"extra_body": {"x": {1, object}}},
        g4f_lite.InvalidRequestError,
        "x is a value of type set, which JSON cannot carry",
    ),
    ({"extra_headers": {"x": "a\r\nb: c"}}, g4f_lite.InvalidRequestError, r"extra_headers\['x'\]"),
    ({"extra_headers": {"a b": "c"}}, g4f_lite.InvalidRequestError, "extra_headers"),
    ({"extra_headers": {"x": "\u20ac"}}, g4f_lite.InvalidRequestError, "extra_headers"),
    ({"extra_headers": {"": "x"}}, g4f_lite.InvalidRequestError, "extra_headers"),
    ({"extra_headers": [1]}, g4f_lite.InvalidRequestError, "mapping"),
    ({"stream": 1}, g4f_lite.ConfigurationError, "stream must be"),
    ({"temprature": 1}, TypeError, "did you mean 'temperature'"),
    ({"zzzzzz": 1}, TypeError, "go into extra_body"),
]


@pytest.mark.parametrize(
    ("params", "error", "message"),
    PARAMETERS,
    ids=[f"{number} {next(iter(row[0]))}" for number, row in enumerate(PARAMETERS)],
)
def test_invalid_parameters_are_refused(
    params: dict[str, Any], error: type[Exception], message: str, groq: FaultServer
) -> None:
    with pytest.raises(error, match=message), g4f_lite.Client() as client:
        client.chat.completions.create(messages=[USER], provider="groq", **params)

    async def main() -> None:
        async with g4f_lite.AsyncClient() as client:
            await client.chat.completions.create(messages=[USER], provider="groq", **params)

    with pytest.raises(error, match=message):
        asyncio.run(main())
    assert groq.received == []


def test_messages_are_required() -> None:
    with pytest.raises(TypeError, match="needs messages"), g4f_lite.Client() as client:
        client.chat.completions.create(provider="groq")  # type: ignore[call-overload]


def test_only_set_parameters_are_sent_and_extra_ones_are_passed_on(groq: FaultServer) -> None:
    with g4f_lite.Client() as client:
        client.chat.completions.create(
            messages=(USER,), provider="groq", temperature=0, stop=("a", "b"), seed=None,
            extra_body={"reasoning_format": "hidden"}, extra_headers={"X-Title": "t"},
        )  # fmt: skip
    (request,) = groq.received
    assert request.json == {
        "messages": [USER],
        "model": "openai/gpt-oss-120b",
        "temperature": 0,
        "stop": ["a", "b"],
        "reasoning_format": "hidden",
    }
    assert request.headers["x-title"] == "t"
    assert request.headers["user-agent"] == f"g4f_lite/{g4f_lite.__version__}"


def test_both_clients_send_the_same(groq: FaultServer) -> None:
    params: dict[str, Any] = {"messages": [USER], "provider": "groq", "max_tokens": 5, "stream": True}
    with g4f_lite.Client() as client:
        list(client.chat.completions.create(**params))

    async def main() -> None:
        async with g4f_lite.AsyncClient() as client:
            async for _ in await client.chat.completions.create(**params):
                pass

    asyncio.run(main())
    first, second = groq.received
    assert first.body == second.body
    assert {**first.headers, "connection": ""} == {**second.headers, "connection": ""}


def test_the_request_is_a_copy_of_what_the_caller_holds() -> None:
    message = {"role": "user", "content": "before"}
    request = check_request({"messages": [message], "stop": ["a"]})
    message["content"] = "after"
    assert request.messages[0]["content"] == "before"


def test_the_typed_keywords_are_those_of_the_request() -> None:
    routing = {
        "model",
        "provider",
        "fallback_models",
        "timeout",
        "deadline",
        "retries",
        "timeouts",
        "strategy",
        "on_interrupt",
        "response_model",
        "max_price",
        "max_response_bytes",
    }
    assert set(CreateParams.__annotations__) == (set(ChatRequest.__struct_fields__) - {"messages"}) | routing


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["role", "content", "tool_calls", "x"]), inner),
    max_leaves=10,
)  # fmt: skip


@pytest.mark.no_cover
@given(messages=st.lists(JSON, max_size=4) | JSON)
@settings(max_examples=300, deadline=None)
def test_any_messages_are_accepted_or_refused_with_our_error(messages: Any) -> None:
    try:
        assert check_messages(messages)
    except g4f_lite.InvalidRequestError as error:
        assert str(error)


@pytest.mark.no_cover
@given(params=st.dictionaries(st.sampled_from(sorted(set(ChatRequest.__struct_fields__) - {"messages"})), JSON))
@settings(max_examples=300, deadline=None)
def test_any_parameters_are_accepted_or_refused_with_our_error(params: dict[str, Any]) -> None:
    try:
        check_request({"messages": [USER], **params})
    except g4f_lite.InvalidRequestError as error:
        assert str(error)


def test_of_two_mistakes_explain_reports_the_one_that_the_call_reports(groq: FaultServer) -> None:
    params: dict[str, Any] = {"provider": "nobody", "timeout": -1}
    with g4f_lite.Client() as client:
        with pytest.raises(g4f_lite.UnknownProviderError):
            client.chat.completions.create(messages=[USER], **params)
        with pytest.raises(g4f_lite.UnknownProviderError):
            client.explain(**params)
        with pytest.raises(g4f_lite.InvalidRequestError, match="timeout"):
            client.explain(provider="groq", timeout=-1)
