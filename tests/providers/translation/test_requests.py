"""Translations of a request for Anthropic, Gemini and Cohere, field by field."""

from __future__ import annotations

import json
from typing import Any

import pytest

from g4f_lite import ChatRequest, HTTPRequest, InvalidRequestError, Provider, UnsupportedParameterError
from g4f_lite_providers.anthropic import Anthropic
from g4f_lite_providers.cohere import Cohere
from g4f_lite_providers.gemini import Gemini

PROVIDERS: dict[str, Provider] = {"anthropic": Anthropic(), "gemini": Gemini(), "cohere": Cohere()}
HI = ({"role": "user", "content": "Hi"},)


def build(who: str, *, key: str | None = "key-1234567890", stream: bool = False, **params: Any) -> HTTPRequest:
    provider = PROVIDERS[who]
    request = ChatRequest(**{"messages": HI, "model": provider.default_model, **params})
    return provider.build_request(request, key=key, stream=stream)


def body_of(who: str, **params: Any) -> dict[str, Any]:
    body = json.loads(build(who, **params).body)
    assert isinstance(body, dict)
    return body


BARE: dict[str, dict[str, Any]] = {
    "anthropic": {
        "model": "claude-haiku-5-5",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        "max_tokens": 32_000,
    },
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]},
    "cohere": {"model": "command-a-03-2025", "messages": [{"role": "user", "content": "Hi"}], "stream": False},
}


@pytest.mark.parametrize("who", PROVIDERS)
def test_a_minimal_request_holds_only_what_its_service_requires(who: str) -> None:
    assert body_of(who) == BARE[who]


WHERE = [
    ("anthropic", False, "https://api.anthropic.com/v1/messages", "x-api-key", "key-1234567890"),
    ("anthropic", True, "https://api.anthropic.com/v1/messages", "x-api-key", "key-1234567890"),
    ("gemini", False, "https://generativelanguage.googleapis.com/v1beta/models/gemini-3.8-flash:generateContent",
     "x-goog-api-key", "key-1234567890"),
    ("gemini", True, "https://generativelanguage.googleapis.com/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse",
     "x-goog-api-key", "key-1234567890"),
    ("cohere", False, "https://api.cohere.com/v2/chat", "authorization", "Bearer key-1234567890"),
    ("cohere", True, "https://api.cohere.com/v2/chat", "authorization", "Bearer key-1234567890"),
]  # fmt: skip


@pytest.mark.parametrize(("who", "stream", "url", "header", "value"), WHERE)
def test_the_address_and_the_headers_are_those_of_the_service(
    who: str, stream: bool, url: str, header: str, value: str
) -> None:
    request = build(who, stream=stream)
    version = {"anthropic-version": "2023-06-01"} if who == "anthropic" else {}
    accept = "text/event-stream" if stream else "application/json"
    assert (request.method, request.url) == ("POST", url)
    assert request.headers == {"content-type": "application/json", "accept": accept, header: value, **version}
    assert header not in build(who, key=None, stream=stream).headers
    assert json.loads(request.body).get("stream", "in the path" if who == "gemini" else False) in (
        stream,
        "in the path",
    )
    assert "key-1234567890" not in f"{request.url} {request.body!r}"


def test_a_gemini_model_may_name_its_collection_and_is_escaped_in_the_path() -> None:
    base = "https://generativelanguage.googleapis.com/v1beta"
    assert build("gemini", model="tunedModels/mine-1").url == f"{base}/tunedModels/mine-1:generateContent"
    assert build("gemini", model="models/gemini-3.8-flash").url == f"{base}/models/gemini-3.8-flash:generateContent"
    assert build("gemini", model="a?key=b#c d").url == f"{base}/models/a%3Fkey%3Db%23c%20d:generateContent"


@pytest.mark.parametrize("who", PROVIDERS)
def test_extra_body_is_merged_in_last_and_extra_headers_replace_ours(who: str) -> None:
    own = {"top_k": 5, ("contents" if who == "gemini" else "messages"): []}
    assert body_of(who, extra_body=own) == {**BARE[who], **own}
    given = {"X-Api-Key": "a", "X-Goog-Api-Key": "b", "Authorization": "c", "X-Title": "d"}
    headers = build(who, extra_headers=given).headers
    assert {name: headers[name.lower()] for name in given} == given
    assert len({name.lower() for name in headers}) == len(headers)


# -- parameters ----------------------------------------------------------------------------

OLD = {"model": "claude-haiku-4-5"}
NO = UnsupportedParameterError
"""Marks a parameter that is refused."""
MAX_TOKENS = {"anthropic": {"max_tokens": 9}, "gemini": {"maxOutputTokens": 9}, "cohere": {"max_tokens": 9}}
STOP = {"anthropic": {"stop_sequences": ["a"]}, "gemini": {"stopSequences": ["a"]}, "cohere": {"stop_sequences": ["a"]}}
CITY: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}}
NOTHING: dict[str, Any] = {"anthropic": {}, "gemini": {}, "cohere": {}}
NOWHERE: dict[str, Any] = {"anthropic": NO, "gemini": NO, "cohere": NO}

PARAMETERS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"max_tokens": 9}, MAX_TOKENS),
    ({"max_completion_tokens": 9}, MAX_TOKENS),
    ({"max_tokens": 5, "max_completion_tokens": 9}, MAX_TOKENS),
    ({"stop": "a"}, STOP),
    ({"stop": ["a"]}, STOP),
    ({"stop": []}, NOTHING),
    ({"stop": list("abcdef")}, {"anthropic": {"stop_sequences": list("abcdef")}, "gemini": NO, "cohere": NO}),
    ({"temperature": 0.0}, {"anthropic": NO, "gemini": {"temperature": 0.0}, "cohere": {"temperature": 0.0}}),
    ({"temperature": 1.0}, {"anthropic": {}, "gemini": {"temperature": 1.0}, "cohere": {"temperature": 1.0}}),
    ({"temperature": 1.5}, {"anthropic": NO, "gemini": {"temperature": 1.5}, "cohere": NO}),
    ({"top_p": 0.5}, {"anthropic": NO, "gemini": {"topP": 0.5}, "cohere": {"p": 0.5}}),
    ({"seed": 7}, {"anthropic": NO, "gemini": {"seed": 7}, "cohere": {"seed": 7}}),
    ({"seed": 2**31}, {"anthropic": NO, "gemini": NO, "cohere": {"seed": 2**31}}),
    ({"seed": -1}, {"anthropic": NO, "gemini": {"seed": -1}, "cohere": NO}),
    ({"n": 1}, {"anthropic": {}, "gemini": {"candidateCount": 1}, "cohere": {}}),
    ({"n": 2}, {"anthropic": NO, "gemini": {"candidateCount": 2}, "cohere": NO}),
    ({"frequency_penalty": 0.0}, {"anthropic": {}, "gemini": {"frequencyPenalty": 0.0}, "cohere": {"frequency_penalty": 0.0}}),
    ({"frequency_penalty": 0.5}, {"anthropic": NO, "gemini": {"frequencyPenalty": 0.5}, "cohere": {"frequency_penalty": 0.5}}),
    ({"presence_penalty": -0.5}, {"anthropic": NO, "gemini": {"presencePenalty": -0.5}, "cohere": NO}),
    ({"logprobs": True, "top_logprobs": 2}, {"anthropic": NO, "gemini": {"responseLogprobs": True, "logprobs": 2}, "cohere": NO}),
    ({"logprobs": False}, NOTHING),
    ({"logit_bias": {"5": -100.0}}, NOWHERE),
    ({"modalities": ["text"]}, NOTHING),
    ({"modalities": ["text", "audio"]}, NOWHERE),
    ({"modalities": ["text", "image"]}, {"anthropic": NO, "gemini": {"responseModalities": ["TEXT", "IMAGE"]}, "cohere": NO}),
    ({"modalities": ["image", "audio"]}, NOWHERE),
    ({"audio": {"voice": "alloy"}}, NOWHERE),
    ({"functions": [{"name": "f"}]}, NOWHERE),
    ({"verbosity": "low"}, NOWHERE),
    ({"web_search_options": {}}, NOWHERE),
    ({"service_tier": "auto"}, NOTHING),
    ({"service_tier": "flex"}, NOWHERE),
    ({"user": "ann"}, {"anthropic": {"metadata": {"user_id": "ann"}}, "gemini": {}, "cohere": {}}),
    ({"safety_identifier": "bob", "user": "ann"}, {"anthropic": {"metadata": {"user_id": "bob"}}, "gemini": {}, "cohere": {}}),
    ({"metadata": {"a": "b"}, "store": True, "prompt_cache_key": "x", "prediction": {"type": "content"}}, NOTHING),
    ({"stream_options": {"include_usage": True}}, NOTHING),
    ({"parallel_tool_calls": False}, NOTHING),
    ({"response_format": {"type": "text"}}, NOTHING),
    ({"response_format": {"type": "json_object"}},
     {"anthropic": NO, "gemini": {"responseMimeType": "application/json"}, "cohere": {"response_format": {"type": "json_object"}}}),
    ({"response_format": {"type": "grammar"}}, NOWHERE),
    ({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": CITY}}},
     {"anthropic": {"output_config": {"format": {"type": "json_schema", "schema": {**CITY, "additionalProperties": False}}}},
      "gemini": {"responseMimeType": "application/json", "responseJsonSchema": CITY},
      "cohere": {"response_format": {"type": "json_object", "json_schema": {**CITY, "required": ["city"]}}}}),
]  # fmt: skip


@pytest.mark.parametrize("who", PROVIDERS)
@pytest.mark.parametrize(("params", "expected"), PARAMETERS, ids=lambda one: str(one)[:50])
def test_a_parameter_is_translated_or_refused_but_never_dropped(
    who: str, params: dict[str, Any], expected: dict[str, Any]
) -> None:
    if expected[who] is NO:
        with pytest.raises(UnsupportedParameterError) as caught:
            build(who, **params)
        assert len(caught.value.message) < 120
        return
    more = expected[who]
    if who == "gemini" and more:
        more = {"generationConfig": more}
    assert body_of(who, **params) == {**BARE[who], **more}


EFFORTS: list[tuple[str, str, str, dict[str, Any] | None]] = [
    ("anthropic", "claude-haiku-5-5", "none", {"thinking": {"type": "disabled"}}),
    ("anthropic", "claude-haiku-5-5", "minimal", {"effort": "low"}),
    ("anthropic", "claude-opus-4-6", "medium", {"effort": "medium"}),
    ("anthropic", "claude-opus-4-6", "xhigh", {"effort": "max"}),
    ("anthropic", "claude-opus-4-7", "xhigh", {"effort": "xhigh"}),
    ("anthropic", "claude-sonnet-5", "high", {"effort": "high"}),
    ("anthropic", "claude-fable-5-1", "max", {"effort": "max"}),
    ("anthropic", "some-gateways-name", "low", {"effort": "low"}),
    ("anthropic", "claude-haiku-5-5", "enormous", None),
    ("anthropic", "claude-haiku-4-5", "low", {"thinking": {"type": "enabled", "budget_tokens": 2048}}),
    ("anthropic", "claude-sonnet-4-20250514", "high", {"thinking": {"type": "enabled", "budget_tokens": 16_384}}),
    ("anthropic", "claude-3-7-sonnet-20250219", "low", {"thinking": {"type": "enabled", "budget_tokens": 2048}}),
    ("anthropic", "claude-3-5-haiku-20241022", "low", None),
    ("anthropic", "claude-3-5-haiku-20241022", "none", {}),
    ("gemini", "gemini-3.8-flash", "minimal", {"thinkingLevel": "minimal", "includeThoughts": True}),
    ("gemini", "gemini-flash-latest", "high", {"thinkingLevel": "high", "includeThoughts": True}),
    ("gemini", "gemini-3.8-flash", "none", None),
    ("gemini", "gemini-3.8-flash", "xhigh", None),
    ("gemini", "gemini-2.5-flash", "none", {"thinkingBudget": 0, "includeThoughts": False}),
    ("gemini", "gemini-2.5-flash", "medium", {"thinkingBudget": 8192, "includeThoughts": True}),
    ("gemini", "gemini-2.5-pro", "none", None),
    ("gemini", "gemini-2.5-pro", "low", {"thinkingBudget": 1024, "includeThoughts": True}),
    ("gemini", "gemini-2.0-flash", "none", {}),
    ("gemini", "gemini-2.0-flash", "low", None),
    ("cohere", "command-a-reasoning-08-2025", "none", {"thinking": {"type": "disabled"}}),
    ("cohere", "command-a-reasoning-08-2025", "low", {"thinking": {"type": "enabled", "token_budget": 1024}}),
    ("cohere", "command-a-reasoning-08-2025", "high", {"thinking": {"type": "enabled"}}),
    ("cohere", "command-a-reasoning-08-2025", "xhigh", None),
]


@pytest.mark.parametrize(("who", "model", "effort", "expected"), EFFORTS)
def test_a_reasoning_effort_is_sent_in_the_form_that_the_model_wants(
    who: str, model: str, effort: str, expected: dict[str, Any] | None
) -> None:
    if expected is None:
        with pytest.raises(UnsupportedParameterError, match="reasoning_effort"):
            build(who, model=model, reasoning_effort=effort)
        return
    body = body_of(who, model=model, reasoning_effort=effort)
    if "effort" in expected:
        thinking = {"type": "adaptive"} | ({} if model == "claude-opus-4-6" else {"display": "summarized"})
        assert (body.pop("thinking"), body.pop("output_config")) == (thinking, {"effort": expected["effort"]})
        expected = {}
    if who == "gemini":
        body = body.get("generationConfig", {}).get("thinkingConfig", {})
        assert body == expected
    else:
        assert {name: body[name] for name in ("thinking", "output_config") if name in body} == expected


def test_claudes_token_limit_leaves_room_for_the_answer_beside_a_thinking_budget() -> None:
    def budget(limit: int) -> object:
        return body_of("anthropic", **OLD, reasoning_effort="high", max_tokens=limit)["thinking"]["budget_tokens"]

    assert [budget(limit) for limit in (100_000, 8000, 1300)] == [16_384, 6000, 1024]
    with pytest.raises(UnsupportedParameterError, match="more than 1024 max_tokens"):
        budget(1024)


SAMPLING: list[tuple[str, dict[str, Any], dict[str, Any] | None]] = [
    ("claude-haiku-4-5", {"temperature": 0.2}, {"temperature": 0.2}),
    ("claude-haiku-4-5", {"top_p": 0.2}, {"top_p": 0.2}),
    ("claude-haiku-4-5", {"temperature": 0.2, "top_p": 1.0}, {"temperature": 0.2}),
    ("claude-haiku-4-5", {"temperature": 0.2, "top_p": 0.9}, None),
    ("claude-haiku-4-5", {"temperature": 0.2, "reasoning_effort": "low"}, None),
    ("claude-opus-4-6", {"temperature": 0.2}, {"temperature": 0.2}),
    ("claude-opus-4-6", {"temperature": 0.2, "reasoning_effort": "low"}, None),
    ("claude-opus-4-7", {"temperature": 0.2}, None),
    ("claude-sonnet-4-6", {"temperature": 0.2}, {"temperature": 0.2}),
    ("claude-sonnet-5", {"temperature": 0.2}, None),
    ("claude-haiku-5-5", {"top_p": 0.9}, None),
    ("claude-mythos-preview", {"temperature": 0.2}, None),
    ("claude-3-haiku-20240307", {"temperature": 0.2}, {"temperature": 0.2}),
]


@pytest.mark.parametrize(("model", "params", "expected"), SAMPLING)
def test_newer_claude_models_take_no_sampling_parameters(
    model: str, params: dict[str, Any], expected: dict[str, Any] | None
) -> None:
    if expected is None:
        with pytest.raises(UnsupportedParameterError):
            build("anthropic", model=model, **params)
    else:
        body = body_of("anthropic", model=model, **params)
        assert {name: body[name] for name in ("temperature", "top_p") if name in body} == expected


@pytest.mark.parametrize(
    ("model", "limit"),
    [("claude-3-haiku-20240307", 4096), ("claude-3-5-haiku-20241022", 8192), ("claude-opus-4-1", 32_000)],
)
def test_claude_gets_the_token_limit_that_it_requires(model: str, limit: int) -> None:
    assert body_of("anthropic", model=model)["max_tokens"] == limit


def test_a_stop_sequence_of_white_space_is_refused_for_claude() -> None:
    with pytest.raises(UnsupportedParameterError, match="white space"):
        build("anthropic", stop=["a", "\n\n"])


# -- tools ---------------------------------------------------------------------------------

TOOLS = [
    {"type": "function", "function": {"name": "f", "description": "F.", "parameters": CITY, "strict": True}},
    {"type": "function", "function": {"name": "g"}},
]
EMPTY: dict[str, Any] = {"type": "object", "properties": {}}
DECLARED: dict[str, dict[str, Any]] = {
    "anthropic": {
        "tools": [
            {"name": "f", "input_schema": {**CITY, "additionalProperties": False}, "description": "F.", "strict": True},
            {"name": "g", "input_schema": EMPTY},
        ]
    },
    "gemini": {
        "tools": [
            {
                "functionDeclarations": [
                    {"name": "f", "description": "F.", "parametersJsonSchema": CITY},
                    {"name": "g", "description": "", "parametersJsonSchema": EMPTY},
                ]
            }
        ]
    },
    "cohere": {
        "tools": [
            {
                "type": "function",
                "function": {"name": "f", "description": "F.", "parameters": {**CITY, "required": ["city"]}},
            },
            {"type": "function", "function": {"name": "g", "description": "", "parameters": EMPTY}},
        ],
        "strict_tools": True,
    },
}
NAMED = {"type": "function", "function": {"name": "f"}}


def mode(name: str, **more: Any) -> dict[str, Any]:
    return {"toolConfig": {"functionCallingConfig": {"mode": name, **more}}}


CHOICES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, NOTHING),
    ({"tool_choice": "auto"}, {"anthropic": {"tool_choice": {"type": "auto"}}, "gemini": mode("AUTO"), "cohere": {}}),
    ({"tool_choice": "none"},
     {"anthropic": {"tool_choice": {"type": "none"}}, "gemini": mode("NONE"), "cohere": {"tool_choice": "NONE"}}),
    ({"tool_choice": "required"},
     {"anthropic": {"tool_choice": {"type": "any"}}, "gemini": mode("ANY"), "cohere": {"tool_choice": "REQUIRED"}}),
    ({"tool_choice": NAMED},
     {"anthropic": {"tool_choice": {"type": "tool", "name": "f"}}, "gemini": mode("ANY", allowedFunctionNames=["f"]), "cohere": NO}),
    ({"tool_choice": {"type": "allowed_tools"}}, NOWHERE),
    ({"parallel_tool_calls": True}, NOTHING),
    ({"parallel_tool_calls": False},
     {"anthropic": {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}, "gemini": NO, "cohere": NO}),
    ({"parallel_tool_calls": False, "tool_choice": "required"},
     {"anthropic": {"tool_choice": {"type": "any", "disable_parallel_tool_use": True}}, "gemini": NO, "cohere": NO}),
]  # fmt: skip


@pytest.mark.parametrize("who", PROVIDERS)
@pytest.mark.parametrize(("params", "expected"), CHOICES, ids=lambda one: str(one)[:50])
def test_tools_and_tool_choice_are_translated(who: str, params: dict[str, Any], expected: dict[str, Any]) -> None:
    if expected[who] is NO:
        with pytest.raises(UnsupportedParameterError):
            build(who, tools=TOOLS, **params)
    else:
        assert body_of(who, tools=TOOLS, **params) == {**BARE[who], **DECLARED[who], **expected[who]}


@pytest.mark.parametrize("who", PROVIDERS)
def test_an_invalid_tool_is_refused(who: str) -> None:
    with pytest.raises(UnsupportedParameterError, match=r"tools\[1\] of type 'custom'"):
        build(who, tools=[TOOLS[0], {"type": "custom", "custom": {"name": "x"}}])
    with pytest.raises(InvalidRequestError, match=r"tools\[0\]"):
        build(who, tools=[{"type": "function", "function": {}}])
    with pytest.raises(UnsupportedParameterError, match="without tools"):
        build(who, tool_choice="required")
    assert body_of(who, tool_choice="none") == body_of(who, tool_choice="auto", tools=[]) == BARE[who]
    with pytest.raises(InvalidRequestError, match="json_schema"):
        build(who, response_format={"type": "json_schema", "json_schema": {"name": "x"}})


FORCED = ["claude-sonnet-5-5", "claude-opus-5-5", "claude-fable-5", "claude-mythos-5"]


@pytest.mark.parametrize("model", FORCED)
def test_claude_models_without_forced_tool_calls_are_not_forced(model: str) -> None:
    with pytest.raises(UnsupportedParameterError, match="cannot be made to call a tool"):
        build("anthropic", model=model, tools=TOOLS, tool_choice=NAMED)
    assert "tool_choice" in body_of("anthropic", model=model, tools=TOOLS, tool_choice="auto")


def test_claude_with_a_thinking_budget_cannot_be_forced_to_call_a_tool() -> None:
    forced = {"tools": TOOLS, "tool_choice": "required", "reasoning_effort": "low"}
    with pytest.raises(UnsupportedParameterError, match="cannot be made to call a tool"):
        build("anthropic", **OLD, **forced)
    assert body_of("anthropic", model="claude-opus-4-6", **forced)["tool_choice"] == {"type": "any"}
