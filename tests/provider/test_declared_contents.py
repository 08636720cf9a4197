"""What a provider declares is checked when it is made, with its contents: a mistake names the attribute."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any

import pytest
from helpers.driving import MESSAGES

import g4f_lite as g
from g4f_lite.provider.declared_contents import CAPABILITIES, ENDPOINTS, PLACES
from g4f_lite.provider.openai_protocol.endpoints import PATHS
from g4f_lite.testing.conformance.asking import CAPABILITIES as ASKED


class Corp(g.OpenaiTemplate):
    name = "corp"
    needs_auth = False
    api_base = "http://127.0.0.1:9/v1"
    default_model = "m"


CHOICES = [{"message": {"content": "a"}, "finish_reason": "stop"}]
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"default_model": None}, "corp's default_model must be a text; it is None"),
    ({"api_base": None}, "corp's api_base must be a text; it is None"),
    ({"login_url": None}, "login_url must be a text; it is None"),
    ({"label": 3}, "label must be a text; it is an int"),
    ({"url": b"x"}, "url must be a text"),
    ({"notice": ()}, "notice must be a text"),
    ({"needs_auth": "no"}, "needs_auth must be True or False; it is a str"),
    ({"working": 1}, "working must be True or False"),
    ({"automatic": None}, "automatic must be True or False"),
    ({"lists_models": "yes"}, "lists_models must be True or False"),
    ({"api_key": 3}, "corp's api_key must be a text, or a function that returns one; it is an int"),
    ({"reasoning_field": None}, "reasoning_field must be a text"),
    ({"missing_reasoning": 1}, "missing_reasoning must be a text"),
    ({"bridge_after_tool": True}, "bridge_after_tool must be a text"),
    ({"prefill_field": None}, "prefill_field must be a text"),
    ({"system_first": "no"}, "system_first must be True or False"),
    ({"plain_text_content": 1}, "plain_text_content must be True or False"),
    ({"refuses_empty_answers": None}, "refuses_empty_answers must be True or False"),
    ({"done_is_enough": "yes"}, "done_is_enough must be True or False"),
    ({"capabilities": {"streeming"}}, "corp's capabilities has 'streeming'; did you mean 'streaming'?"),
    ({"model_capabilities": {"m": {"visoin"}}}, "model_capabilities has 'visoin'; did you mean 'vision'?"),
    ({"model_capabilities": {"m": "vision"}}, "model_capabilities must map models to sets .*; got 'm': 'vision'"),
    ({"model_aliases": {"a": 1}}, "corp's model_aliases must map texts to texts; got 'a': 1"),
    ({"default_models": {"embeddings": 1}}, "default_models must map .*; got 'embeddings': 1"),
    ({"default_models": {"embedings": "m"}}, "default_models has 'embedings'; did you mean 'embeddings'?"),
    ({"renamed_values": {"tool_choice": "any"}}, "corp's renamed_values must map .*; got 'tool_choice': 'any'"),
    ({"renamed_values": {"tool_choices": {}}}, "renamed_values has 'tool_choices'; did you mean 'tool_choice'?"),
    ({"allowed_values": {"n": 1}}, r"corp's allowed_values must map .*such as \(1, 2\); got 'n': 1"),
    ({"allowed_values": {"tool_choice": "auto"}}, "allowed_values must map .*; got 'tool_choice': 'auto'"),
    ({"allowed_values": {"temprature": (1,)}}, "allowed_values has 'temprature'; did you mean 'temperature'?"),
    ({"renamed_parameters": {"max_tokens": 3}}, "renamed_parameters must map texts to texts; got 'max_tokens': 3"),
    ({"renamed_parameters": {"max_token": "limit"}}, "renamed_parameters has 'max_token'; did you mean 'max_tokens'?"),
    ({"unsupported_parameters": {"logitbias"}}, "unsupported_parameters has 'logitbias'; did you mean 'logit_bias'?"),
    ({"endpoint_paths": {"embedings": "/e"}}, "endpoint_paths has 'embedings'; did you mean 'embeddings'?"),
    (
        {"endpoint_paths": {"chat": "/e"}},
        "endpoint_paths has 'chat'; there are embeddings, .*; chat_path and models_path",
    ),
    ({"endpoint_parameters": {"image": {}}}, "endpoint_parameters has 'image'; did you mean 'images'?"),
    ({"endpoint_parameters": {"images": "size"}}, "endpoint_parameters must map .*; got 'images': 'size'"),
    ({"endpoint_parameters": {"images": {"size": 3}}}, "endpoint_parameters must map .*; got 'images': {'size': 3}"),
    ({"renamed_roles": {"developer": None}}, "renamed_roles must map texts to texts"),
    ({"reasoning_parts": {"thinking": ("a",)}}, "reasoning_parts must map texts to texts"),
    ({"usage_costs": {"cost": "1"}}, "usage_costs must map .* to USD .*; got 'cost': '1'"),
    ({"usage_costs": {"cost": True}}, "usage_costs must map"),
    ({"usage_costs": {"cost": float("nan")}}, "usage_costs must map"),
    (
        {"usage_fields": {"out": "completion_token"}},
        "usage_fields .*no 'completion_token'; did you mean 'completion_tokens'",
    ),
    (
        {"usage_fields": {"a": "prompt_token_details.cached_tokens"}},
        "did you mean 'prompt_tokens_details.cached_tokens'",
    ),
    ({"usage_fields": {"a": "prompt_tokens_details"}}, "corp's usage_fields must map"),
    ({"usage_fields": {"a": "extra"}}, "corp's usage_fields must map"),
    ({"usage_fields": {"prompt_tokens": "tokens_in"}}, "usage_fields must map the service's names to places in Usage"),
    ({"usage_fields": {3: "prompt_tokens"}}, "corp's usage_fields must map"),
    ({"schema_rules": {"keywords": ["anyOf"]}}, "corp's schema_rules: keywords .*set of texts.* not \\['anyOf'\\]"),
    ({"schema_rules": {"closed": "yes"}}, "corp's schema_rules: closed cannot be 'yes'"),
    ({"schema_rules": {"recursion": "never"}}, "corp's schema_rules: recursion cannot be 'never'"),
    ({"schema_rules": {"max_depth": "5"}}, "corp's schema_rules: max_depth cannot be '5'"),
    ({"schema_rules": {"keyword": set()}}, "corp's schema_rules: no key 'keyword'; did you mean 'keywords'?"),
    ({"auth_header": ("x-corp-token",)}, r"not \('x-corp-token',\)"),
]


@pytest.mark.parametrize("in_class", [True, False], ids=["in the class", "as an argument"])
@pytest.mark.parametrize(("attributes", "message"), WRONG, ids=lambda value: str(value)[:60])
def test_a_mistake_is_found_when_the_provider_is_made(
    attributes: dict[str, Any], message: str, *, in_class: bool
) -> None:
    with pytest.raises(g.ConfigurationError, match=message):
        type("Corp", (Corp,), attributes)() if in_class else Corp(**attributes)


GOOD: list[dict[str, Any]] = [
    {"capabilities": {"streaming", "haptics"}},
    {"unsupported_parameters": {"top_a", "max_new_tokens"}, "renamed_parameters": {"user": "user_id"}},
    {"allowed_values": {"n": [1], "top_p": range(2), "seed": {1}}},
    {"renamed_values": MappingProxyType({"reasoning_effort": {"none": None}})},
    {"endpoint_parameters": {"embeddings": {"dimensions": "size", "user": None, "encoding_format": ("float",)}}},
    {"usage_fields": {"a.b": "web_searches", "c": "completion_tokens_details.reasoning_tokens", "d": "cost"}},
    {"default_models": {"embeddings": ("a", "b"), "images": "c"}},
    {"schema_rules": {"keywords": {"anyOf"}, "formats": None, "max_depth": 5, "recursion": "none"}},
    {"api_key": lambda: "k"},
    {"api_base": ""},
]


@pytest.mark.parametrize("attributes", GOOD, ids=" and ".join)
def test_what_can_work_is_accepted(attributes: dict[str, Any]) -> None:
    Corp(**attributes)


def test_a_property_is_read_when_it_is_needed() -> None:
    class Late(Corp):
        @property
        def default_model(self) -> str:  # type: ignore[override]  # as plugins do
            raise AssertionError("read too early")

    Late()


def test_a_call_says_it_before_any_io() -> None:
    wrong = type("Wrong", (Corp,), {"default_model": None})
    with g.Client() as client, pytest.raises(g.G4FLiteError, match="corp's default_model must be a text; it is None"):
        client.chat.completions.create(messages=MESSAGES, provider=wrong)


def test_the_names_are_those_of_the_library() -> None:
    assert {*CAPABILITIES} == {*ASKED, "streaming", "stream_usage", *ENDPOINTS}
    assert {*ENDPOINTS} == PATHS.keys()


@pytest.mark.parametrize("place", sorted(PLACES))
def test_a_number_goes_to_each_place_of_a_usage(place: str) -> None:
    given = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 9, "own": {"count": 3.0}}
    corp = Corp(usage_fields={"own.count": place})
    found: Any = corp.parse_response(
        g.HTTPResponse(status=200, headers={}, body=json.dumps({"choices": CHOICES, "usage": given}).encode())
    ).usage
    for step in place.split("."):
        found = getattr(found, step)
    assert found == 3
    assert isinstance(found, float if place in ("audio_seconds", "cost") else int)
