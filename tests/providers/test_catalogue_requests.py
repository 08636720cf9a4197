"""A request takes the form that each bundled service documents, and parameters that a service refuses are not sent to it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.catalogue import HI, PROVIDERS, SERVICES, each_service
from helpers.driving import MODES, run

from g4f_lite import ChatRequest, OpenaiTemplate, UnsupportedParameterError
from g4f_lite.testing import FaultServer

PARAMETERS = set(ChatRequest.__struct_fields__) - {"messages", "model", "extra_body", "extra_headers"}
EVERYTHING: dict[str, Any] = {
    "audio": {"voice": "alloy"}, "frequency_penalty": 0.5, "function_call": "auto", "functions": [{"name": "f"}],
    "logit_bias": {"1": 1.0}, "logprobs": True, "max_completion_tokens": 9, "metadata": {"a": "b"},
    "modalities": ["text"], "n": 2, "parallel_tool_calls": False, "prediction": {"type": "content"},
    "presence_penalty": 0.5, "prompt_cache_key": "k", "reasoning_effort": "none", "response_format": {"type": "json_object"},
    "safety_identifier": "s", "seed": 7, "service_tier": "flex", "stop": ["x"], "store": True, "temperature": 0.5,
    "tool_choice": "required", "tools": [{"type": "function", "function": {"name": "f", "strict": True}}],
    "top_logprobs": 2, "top_p": 0.5, "user": "u", "verbosity": "low", "web_search_options": {},
}  # fmt: skip


ALWAYS_SENT: dict[str, dict[str, Any]] = {"minimax": {"reasoning_split": True}}


def sent(name: str, *, stream: bool = False, **params: Any) -> dict[str, Any]:
    request = ChatRequest(**{"messages": HI, "model": "m", **params})
    body: dict[str, Any] = json.loads(SERVICES[name].build_request(request, key="k", stream=stream).body)
    return body


def test_the_request_of_these_tests_sets_every_parameter() -> None:
    assert set(EVERYTHING) == PARAMETERS - {"max_tokens", "stream_options"}


@each_service
@pytest.mark.parametrize("stream", [False, True], ids=["complete", "stream"])
def test_a_request_goes_to_its_address_with_its_key(name: str, stream: bool) -> None:
    one = SERVICES[name]
    model = one.default_model or "m"
    request = one.build_request(ChatRequest(messages=HI, model=model), key="s3cret", stream=stream)
    assert (request.method, request.url) == ("POST", f"{one.api_base}/chat/completions")
    assert isinstance(one, OpenaiTemplate)
    header, before = one.auth_header
    assert request.headers[header] == f"{before}s3cret"
    assert request.headers["content-type"] == "application/json"
    body = {"model": model, "messages": list(HI), **ALWAYS_SENT.get(name, {})}
    if stream:
        body["stream"] = True
        if "stream_usage" in one.capabilities:
            body["stream_options"] = {"include_usage": True}
    assert json.loads(request.body) == body


@each_service
def test_only_the_parameters_that_it_refuses_are_not_sent(name: str) -> None:
    one = SERVICES[name]
    assert isinstance(one, OpenaiTemplate)
    refused = {*one.unsupported_parameters, *one.allowed_values}
    for parameter in refused:
        if not ChatRequest(messages=(), **{parameter: EVERYTHING[parameter]}).asks_for(parameter):
            assert parameter not in sent(name, **{parameter: EVERYTHING[parameter]})
            continue
        with pytest.raises(UnsupportedParameterError, match=rf"{name} .*{parameter}"):
            sent(name, **{parameter: EVERYTHING[parameter]})
    for parameter in one.allowed_values:
        for value in one.allowed_values[parameter]:
            assert sent(name, **{parameter: value})[parameter] == value
    taken = {parameter: value for parameter, value in EVERYTHING.items() if parameter not in refused}
    body = sent(name, **taken)
    assert set(body) == {
        "messages",
        "model",
        *ALWAYS_SENT.get(name, {}),
        *(one.renamed_parameters.get(parameter, parameter) for parameter in taken),
    }
    assert not set(one.renamed_parameters) & set(body)


MAX = {"max_completion_tokens": 9}
NO_TOOLS: dict[str, Any] = {"tools": []}
PARTS = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}
STRICT_TOOL = {"type": "function", "function": {"name": "f", "strict": True, "parameters": {}}}
PLAIN_TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}
REASONED = {
    "role": "assistant",
    "name": "a",
    "content": "x",
    "reasoning": "r",
    "reasoning_content": "c",
    "refusal": None,
}


def answered(**kept: str) -> dict[str, Any]:
    return {"messages": [{"role": "assistant", "content": "x", **kept}]}


SENT: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("openai", {"max_tokens": 9}, {"max_completion_tokens": 9}),
    ("openai", {"max_tokens": 9, "max_completion_tokens": 5}, {"max_completion_tokens": 5}),
    ("openai", {"model": "gpt-4o", "temperature": 0.5}, {"temperature": 0.5}),
    ("openai", {"model": "gpt-5-chat-latest", "temperature": 0.5}, {"temperature": 0.5}),
    ("openai", {"model": "gpt-6-luna", "temperature": 1}, {"temperature": 1}),
    ("openai", {"model": "gpt-6-luna", "temperature": 0.5, "reasoning_effort": "none"}, {"temperature": 0.5}),
    ("openai", {"messages": ({"role": "developer", "content": "x"},)}, {"messages": [{"role": "developer", "content": "x"}]}),
    ("openai", {"messages": (REASONED,)}, answered(name="a")),
    ("mistral", {"seed": 7}, {"random_seed": 7}),
    ("mistral", MAX, {"max_tokens": 9}),
    ("mistral", {"tool_choice": "required"}, {"tool_choice": "any"}),
    ("mistral", {"tool_choice": "auto"}, {"tool_choice": "auto"}),
    ("mistral", NO_TOOLS, {}),
    ("mistral", {"stream": True, "stream_options": {"include_usage": True}}, {"stream": True}),
    ("mistral", {"stream_options": {"include_usage": True}}, {}),
    ("mistral", {"messages": (REASONED,)}, answered()),
    ("mistral", {"messages": ({"role": "assistant", "content": "x", "tool_calls": None},)}, answered()),
    ("mistral", {"messages": ({"role": "developer", "content": "x"},)}, {"messages": [{"role": "system", "content": "x"}]}),
    ("mistral", {"messages": ({"role": "assistant", "content": None, "refusal": "No."},)},
     {"messages": [{"role": "assistant", "content": "No."}]}),
    ("deepseek", {"messages": (REASONED,)}, answered(name="a", reasoning_content="c")),
    ("deepseek", {"messages": ({"role": "developer", "content": "x"},)}, {"messages": [{"role": "system", "content": "x"}]}),
    ("cerebras", {"messages": (REASONED,)}, answered(name="a", reasoning="r")),
    ("groq", {"messages": (REASONED,)}, answered()),
    ("groq", {"n": 1}, {"n": 1}),
    ("xai", {"tools": [STRICT_TOOL]}, {"tools": [PLAIN_TOOL]}),
    ("xai", {"tools": [PLAIN_TOOL, {"type": "live_search"}]}, {"tools": [PLAIN_TOOL, {"type": "live_search"}]}),
    ("xai", {"messages": ({"role": "user", "name": "ann", "content": "x"},)}, {"messages": [{"role": "user", "content": "x"}]}),
    ("fireworks", {"tool_choice": "required"}, {"tool_choice": "any"}),
    ("sambanova", {"messages": ({"role": "user", "content": PARTS},)}, {"messages": [{"role": "user", "content": "one\ntwo"}]}),
    ("sambanova", {"messages": ({"role": "user", "content": [*PARTS, IMAGE]},)},
     {"messages": [{"role": "user", "content": [*PARTS, IMAGE]}]}),
    ("sambanova", MAX, {"max_tokens": 9}),
    *((name, MAX, {"max_tokens": 9}) for name in (
        "deepseek", "moonshot", "zai", "together", "fireworks", "deepinfra", "nvidia", "huggingface", "nebius", "novita",
        "cloudflare", "hyperbolic", "ovhcloud", "ollama", "lmstudio", "llamacpp",
    )),
    *((name, MAX, MAX) for name in ("groq", "cerebras", "openai", "xai", "openrouter", "azure", "vllm", "pollinations")),
    *((name, {"stream": True, "stream_options": {"include_usage": True}}, {"stream": True})
      for name in ("deepseek", "zai", "together", "pollinations")),
    *((name, {"messages": ({"role": "developer", "content": "x"},)}, {"messages": [{"role": "system", "content": "x"}]})
      for name in ("groq", "cerebras", "xai", "moonshot", "zai", "openrouter", "azure", "cloudflare", "vllm", "pollinations")),
    ("nvidia", {"messages": ({"role": "user", "content": PARTS},)}, {"messages": [{"role": "user", "content": "one\ntwo"}]}),
    ("azure", {"messages": (REASONED,)}, answered(name="a")),
    ("moonshot", {"temperature": 1.0, "top_p": 0.95, "n": 1}, {"temperature": 1.0, "top_p": 0.95, "n": 1}),
    ("moonshot", {"tool_choice": "none"}, {"tool_choice": "none"}),
    ("zai", {"tool_choice": "auto"}, {"tool_choice": "auto"}),
    ("deepinfra", {"tool_choice": "none"}, {"tool_choice": "none"}),
    ("nebius", MAX, {"max_tokens": 9}),
    ("minimax", {"max_tokens": 9}, {"max_completion_tokens": 9, "reasoning_split": True}),
    ("minimax", {"n": 1}, {"n": 1, "reasoning_split": True}),
    ("dashscope", MAX, {"max_tokens": 9}),
    ("siliconflow", {**MAX, "stream": True}, {"max_tokens": 9, "stream": True}),
    ("scaleway", {**MAX, "n": 1}, {"max_tokens": 9}),
    ("baseten", {"reasoning_effort": "high", "seed": 7}, {"seed": 7}),
    ("friendli", MAX, {"max_tokens": 9}),
    *((name, MAX, MAX) for name in ("vertex-openai", "bedrock", "vercel", "cloudflare-gateway")),
    ("openrouter", {"stream": True, "stream_options": {"include_usage": False}},
     {"stream": True, "stream_options": {"include_usage": False}}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "params", "expected"), SENT, ids=[f"{n}-{i}" for i, (n, _, _) in enumerate(SENT)])
def test_a_request_takes_the_form_that_the_service_documents(
    name: str, params: dict[str, Any], expected: dict[str, Any]
) -> None:
    given = {"model": "m", "messages": HI, **params}
    body = sent(name, **given)
    rest = {field: given[field] for field in ("model", "reasoning_effort") if field in given}
    assert body == {"messages": [dict(one) for one in HI], **rest, **expected}


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("openai", {"model": "gpt-6-luna", "temperature": 0.5}, "takes no temperature while it reasons"),
    ("openai", {"model": "gpt-5-mini", "top_p": 0.5}, "takes no top_p"),
    ("openai", {"model": "o3", "logprobs": True}, "takes no logprobs"),
    ("openai", {"model": "ft:gpt-5:org::x", "temperature": 0, "reasoning_effort": "low"}, "takes no temperature"),
    ("groq", {"n": 2}, "groq takes n=1 only"),
    ("groq", {"logprobs": True}, "groq does not support the parameter 'logprobs'"),
    ("cerebras", {"frequency_penalty": 0.5}, "frequency_penalty"),
    ("cerebras", {"service_tier": "flex"}, "service_tier"),
    ("mistral", {"metadata": {"a": "b"}}, "metadata"),
    ("mistral", {"user": "u"}, "user"),
    ("xai", {"stop": "x"}, "stop"),
    ("xai", {"presence_penalty": 0.5}, "presence_penalty"),
    ("zai", {"tool_choice": "required"}, "zai takes tool_choice='auto' only"),
    ("moonshot", {"temperature": 0.5}, "moonshot takes temperature=1 or 0.6 only"),
    ("moonshot", {"top_p": 1}, "top_p=0.95"),
    ("moonshot", {"n": 2}, "n=1"),
    ("moonshot", {"presence_penalty": 0.1}, "presence_penalty=0"),
    ("moonshot", {"tool_choice": "required"}, "tool_choice='auto' or 'none'"),
    *(
        ("mistral", {name: value}, name)
        for name, value in {
            "logit_bias": {"1": 1.0},
            "logprobs": True,
            "store": True,
            "verbosity": "low",
            "service_tier": "flex",
            "prompt_cache_key": "k",
            "safety_identifier": "s",
            "web_search_options": {},
            "functions": [{"name": "f"}],
        }.items()
    ),
    *(
        ("cerebras", {name: value}, name)
        for name, value in {
            "presence_penalty": 0.5,
            "logit_bias": {"1": 1.0},
            "parallel_tool_calls": False,
        }.items()
    ),
    ("groq", {"logit_bias": {"1": 1.0}}, "logit_bias"),
    ("groq", {"logprobs": True, "top_logprobs": 2}, "logprobs"),
    ("deepinfra", {"tool_choice": "required"}, "takes tool_choice='auto' or 'none' only"),
    ("deepinfra", {"tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice"),
    ("moonshot", {"functions": [{"name": "f"}]}, "functions"),
    ("minimax", {"n": 2}, "minimax takes n=1 only"),
    ("minimax", {"presence_penalty": 0.5}, "presence_penalty"),
    ("scaleway", {"n": 2}, "'n'"),
    ("scaleway", {"user": "u"}, "user"),
    ("baseten", {"logprobs": True}, "logprobs"),
]


def test_every_service_is_in_the_table_of_requests() -> None:
    assert {name for name, _, _ in SENT} == SERVICES.keys()


@pytest.mark.parametrize(
    ("name", "params", "message"), REFUSED, ids=[f"{n}-{i}" for i, (n, _, _) in enumerate(REFUSED)]
)
def test_a_request_that_the_service_would_refuse_is_not_sent(name: str, params: dict[str, Any], message: str) -> None:
    with pytest.raises(UnsupportedParameterError, match=message):
        sent(name, **params)


@pytest.mark.parametrize("mode", MODES)
def test_a_call_that_one_provider_would_refuse_fails_over(mode: str, server: FaultServer) -> None:
    names = ["mistral", "openai", "groq"]
    settings = {"keys": dict.fromkeys(names, "k"), "base_urls": dict.fromkeys(names, server.base_url)}
    seen = run(mode, settings, {"provider": names, "temperature": 0.5, "user": "u"})
    assert (seen.text, server.models) == ("ok", [PROVIDERS["groq"].default_model])
    assert [attempt.outcome for attempt in seen.trail.attempts] == ["UnsupportedParameterError"] * 2 + ["ok"]


def test_the_callers_messages_reach_the_next_leg_unchanged() -> None:
    message = {"role": "developer", "name": "a", "content": PARTS, "tool_calls": None}
    before = json.dumps(message)
    for name in SERVICES:
        sent(name, messages=(message,))
    assert json.dumps(message) == before
