"""Keywords in the wrong place, or under the name that another library has for them: the error says where they go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from g4f_lite import AsyncClient, Client

MESSAGES = [{"role": "user", "content": "hi"}]


@pytest.mark.parametrize("client", [Client, AsyncClient])
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("timeout", "to bound each call as a whole, use deadline="),
        ("provider", "use routes="),
        ("model", "use routes="),
        ("temperature", "it belongs to each call"),
        ("fallback_models", "it belongs to each call"),
        ("stream", "it belongs to each call"),
        ("api_base", "did you mean 'base_url'?"),
        ("default_headers", "use extra_headers= of each call"),
        ("http_client", "g4f_lite.openai.OpenAI has it"),
        ("verify", "use ssl_context="),
        ("max_retries", "did you mean 'retries'?"),
        ("fallbacks", "use routes="),
        ("model_list", "use routes="),
        ("callbacks", "use plugins="),
        ("organization", "use extra_headers= of each call"),
    ],
)
def test_a_client_says_where_a_keyword_goes(client: Callable[..., Any], name: str, told: str) -> None:
    with pytest.raises(TypeError, match=f"has no parameter {name!r}; {told}"):
        client(**{name: "x"})


@pytest.mark.parametrize("name", ["api_key", "base_url", "keys", "plugins", "patience", "routes", "proxy"])
@pytest.mark.parametrize("method", ["chat.completions.create", "embeddings.create", "models.list"])
def test_a_call_says_that_a_keyword_belongs_to_the_client(name: str, method: str) -> None:
    with Client() as api:
        call: Any = api
        for step in method.split("."):
            call = getattr(call, step)
        needed = {"chat.completions.create": {"messages": MESSAGES}, "embeddings.create": {"input": "x"}}
        with pytest.raises(TypeError, match=rf"has no parameter '{name}'; it belongs to Client\(…\)$"):
            call(**needed.get(method, {}), **{name: "x"})


@pytest.mark.parametrize(("name", "meant"), [("operaton", "operation"), ("temprature", "temperature")])
def test_explain_names_itself_and_its_own_keyword(name: str, meant: str) -> None:
    with Client() as api, pytest.raises(TypeError, match=rf"explain\(\) has no parameter '{name}'.*'{meant}'"):
        api.explain(**{name: "x"})  # type: ignore[arg-type]


def test_a_key_given_to_a_call_is_never_said_to_belong_into_the_body() -> None:
    with Client() as api, pytest.raises(TypeError) as caught:
        api.chat.completions.create(messages=MESSAGES, api_key="x")  # type: ignore[call-overload]
    assert "extra_body" not in str(caught.value)


def test_hedging_is_for_the_asynchronous_client() -> None:
    with pytest.raises(TypeError, match="has no parameter 'hedge_after'; AsyncClient has it"):
        Client(hedge_after=1)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("prompt", "use messages="),
        ("input", "use messages="),
        ("engine", "use model="),
        ("custom_llm_provider", "use provider="),
        ("format", "use response_format="),
        ("schema", "use response_model="),
        ("stop_sequences", "use stop="),
        ("max_new_tokens", "use max_tokens="),
        ("num_predict", "use max_tokens="),
        ("thinking", "use reasoning_effort="),
        ("think", "use reasoning_effort="),
        ("callbacks", "use Client\\(plugins="),
    ],
)
def test_a_chat_says_what_another_librarys_keyword_is_here(name: str, told: str) -> None:
    with Client() as api:
        create: Any = api.chat.completions.create
        with pytest.raises(TypeError, match=f"create\\(\\) has no parameter '{name}'; {told}"):
            create(messages=MESSAGES, **{name: "hi"})
        with pytest.raises(TypeError) as caught:
            api.embeddings.create(input="x", **{name if name != "input" else "prompt": "hi"})  # type: ignore[arg-type]
        assert told not in str(caught.value)


@pytest.mark.parametrize("name", ["top_k", "min_p", "options", "repetition_penalty", "extra_query"])
def test_a_parameter_that_only_services_have_is_not_taken_for_another(name: str) -> None:
    with Client() as api, pytest.raises(TypeError) as caught:
        api.chat.completions.create(messages=MESSAGES, **{name: 1})  # type: ignore[call-overload]
    assert str(caught.value).startswith(f"create() has no parameter {name!r}. A provider's own parameters go into")


def test_system_is_a_message() -> None:
    with Client() as api, pytest.raises(TypeError, match="use a message with the role 'system'"):
        api.chat.completions.create(messages=MESSAGES, system="Be short.")  # type: ignore[call-overload]
