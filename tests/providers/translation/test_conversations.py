"""
One conversation, four protocols: the result for the caller does not depend on the protocol.

Each service is a real server that refuses what its protocol does not allow (`helpers/protocol_rules/`).
"""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest
from helpers.driving import MODES, Outcome, run
from helpers.protocol_rules.checking import RULES, checked
from helpers.protocol_rules.common import KEY, SIGNATURE, Asked

from g4f_lite import OpenaiTemplate, Provider, Timeouts
from g4f_lite.testing import FaultServer, Received, replies
from g4f_lite.testing.replies import Action, Reply
from g4f_lite_providers.anthropic import Anthropic
from g4f_lite_providers.cohere import Cohere
from g4f_lite_providers.gemini import Gemini


class Example(OpenaiTemplate):
    name = "openai"
    api_base = "https://api.example.com/v1"
    default_model = "gpt-oss-120b"
    capabilities = OpenaiTemplate.capabilities | {"vision"}


WHO: dict[str, tuple[type[Provider], str]] = {
    "openai": (Example, "gpt-oss-120b"),
    "anthropic": (Anthropic, "claude-haiku-5-5"),
    "anthropic with a budget": (Anthropic, "claude-haiku-4-5"),
    "gemini": (Gemini, "gemini-3.8-flash"),
    "gemini with a budget": (Gemini, "gemini-2.5-flash"),
    "cohere": (Cohere, "command-a-reasoning-08-2025"),
}
PATHS = {"openai": "/v1", "anthropic": "/v1", "gemini": "/v1beta", "cohere": ""}


def ask(mode: str, who: str, server: FaultServer, **params: Any) -> Outcome:
    kind, model = WHO[who]
    provider = kind(api_base=server.origin + PATHS[kind.name], api_key=KEY)
    return run(
        mode,
        {"retries": 0, "timeouts": Timeouts()},
        {"provider": provider, "model": model, "fallback_models": [], **params},
    )


def answered(outcome: Outcome) -> Any:
    assert outcome.error is None, outcome.error
    assert outcome.completion is not None
    return outcome.completion


# -- three turns with tools ----------------------------------------------------------------

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tell the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
PACK = {"type": "function", "function": {"name": "pack"}}
BEGIN = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Paris and Rome: what shall I pack?"},
]
TURNS: list[dict[str, Any]] = [
    {"reasoning": "Two cities, two calls.", "text": "", "calls": [("weather", {"city": "Paris"}), ("weather", {"city": "Rome"})]},
    {"reasoning": "It rains.", "text": "Rain.", "calls": [("pack", {})]},
    {"reasoning": "", "text": "An umbrella, äöü 😀.", "calls": []},
]  # fmt: skip
RESULTS = {"weather": '{"sky": "rain"}', "pack": "packed"}


def turn(number: int) -> Reply:
    """Answer a turn like its service: Google gives tool calls no ids, and signs the first one of a turn."""
    said = TURNS[number]

    def reply(request: Received) -> Any:
        calls: list[dict[str, Any]] = []
        for index, (name, arguments) in enumerate(said["calls"]):
            call: dict[str, Any] = {"type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
            if request.shape != "gemini":
                call["id"] = f"call_{number}{index}"
            elif index == 0:
                call["extra_content"] = {"google": {"thought_signature": SIGNATURE}}
            calls.append(call)
        return replies.answer(said["text"], reasoning=said["reasoning"], tool_calls=calls)(request)

    return reply


def go_on(messages: list[Any], completion: Any) -> list[Any]:
    """Return the conversation with an answer and the results of its tool calls."""
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": RESULTS[call.function.name]}
        for call in completion.tool_calls
    ]
    return [*messages, completion.choices[0].message, *results]


def said_in(completion: Any) -> dict[str, Any]:
    calls = [(call.function.name, json.loads(call.function.arguments)) for call in completion.tool_calls]
    return {"reasoning": completion.reasoning, "text": completion.text, "calls": calls}


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("mode", MODES)
def test_a_conversation_with_tools_is_the_same_with_every_service(mode: str, who: str, server: FaultServer) -> None:
    seen: list[Asked] = []
    server.script(*checked(turn(0), turn(1), turn(2), seen=seen))
    messages: list[Any] = BEGIN
    ids: list[str] = []
    for number, expected in enumerate(TURNS):
        completion = answered(ask(mode, who, server, messages=messages, tools=[WEATHER, PACK], reasoning_effort="low"))
        assert said_in(completion) == expected
        assert completion.choices[0].finish_reason == ("tool_calls" if expected["calls"] else "stop")
        assert completion.usage.prompt_tokens == 5
        ids += [call.id for call in completion.tool_calls]
        messages = go_on(messages, completion)
        assert seen[number] == Asked(
            "Be brief.", thinks=True, results=("weather", "weather", "pack")[: (0, 2, 3)[number]]
        )
    assert len(ids) == len(set(ids)) == 3


@pytest.mark.parametrize("who", [one for one in WHO if "anthropic" in one or "gemini" in one])
def test_a_signature_is_sent_back_only_to_the_service_that_made_it(who: str, server: FaultServer) -> None:
    server.script(*checked(turn(0), turn(1), seen=[]))
    params = {"tools": [WEATHER, PACK], "reasoning_effort": "low"}
    begun = go_on(BEGIN, answered(ask("sync stream", who, server, messages=BEGIN, **params)))
    kept = json.loads(json.dumps([message if isinstance(message, dict) else message.to_dict() for message in begun]))
    for messages in (begun, kept):  # the message itself, and after it was stored
        answered(ask("sync", who, server, messages=messages, **params))
        assert SIGNATURE.encode() in server.received[-1].body
        answered(ask("sync", "openai", server, messages=messages, **params))
        assert SIGNATURE.encode() not in server.received[-1].body


@pytest.mark.parametrize("order", [*permutations(("openai", "anthropic", "gemini", "cohere"), 3)], ids="-".join)
def test_a_conversation_can_move_from_service_to_service(order: tuple[str, ...], server: FaultServer) -> None:
    server.script(*checked(turn(0), turn(1), turn(2), seen=[]))
    messages: list[Any] = BEGIN
    for who, expected in zip(order, TURNS, strict=True):
        completion = answered(ask("sync", who, server, messages=messages, tools=[WEATHER, PACK]))
        assert said_in(completion) == expected
        messages = go_on(messages, completion)


def test_a_model_with_a_thinking_budget_cannot_continue_from_another_models_tool_calls(server: FaultServer) -> None:
    server.script(*checked(turn(0), turn(1), seen=[]))
    messages = go_on(BEGIN, answered(ask("sync", "openai", server, messages=BEGIN, tools=[WEATHER, PACK])))
    params = {"messages": messages, "tools": [WEATHER, PACK]}
    refused = ask("sync", "anthropic with a budget", server, reasoning_effort="low", **params)
    assert type(refused.error).__name__ == "UnsupportedParameterError"
    assert len(server.received) == 1
    assert said_in(answered(ask("sync", "anthropic with a budget", server, **params))) == TURNS[1]


# -- other questions -----------------------------------------------------------------------

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}  # fmt: skip
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
LOOK = [
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "Which is the sharper one?"},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
            {"type": "image_url", "image_url": {"url": "https://images.example/cat.jpg", "detail": "low"}},
        ],
    }
]


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("mode", MODES)
def test_an_answer_with_a_json_schema_is_the_same_with_every_service(mode: str, who: str, server: FaultServer) -> None:
    seen: list[Asked] = []
    server.script(*checked(replies.answer('{"city": "Paris"}'), seen=seen))
    form = {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA, "strict": True}}
    completion = answered(ask(mode, who, server, response_format=form))
    assert json.loads(completion.text) == {"city": "Paris"}
    refused = {"cohere": {"additionalProperties"}}.get(who, set())
    assert seen == [Asked(schema={name: one for name, one in SCHEMA.items() if name not in refused})]


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("mode", MODES)
def test_images_are_sent_the_same_to_every_service(mode: str, who: str, server: FaultServer) -> None:
    seen: list[Asked] = []
    server.script(*checked(replies.answer("The cat."), seen=seen))
    assert answered(ask(mode, who, server, messages=LOOK)).text == "The cat."
    assert seen == [Asked(images=(PNG, "https://images.example/cat.jpg"))]


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("mode", MODES)
def test_reasoning_is_the_same_with_every_service(mode: str, who: str, server: FaultServer) -> None:
    seen: list[Asked] = []
    server.script(*checked(replies.answer("It is 4.", reasoning="2 and 2, hm."), seen=seen))
    completion = answered(ask(mode, who, server, reasoning_effort="high"))
    assert (completion.text, completion.reasoning) == ("It is 4.", "2 and 2, hm.")
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (5, 7)
    assert completion.usage.total_tokens == 12
    assert seen == [Asked(thinks=True)]


ERRORS = [
    (401, "AuthenticationError"), (402, "QuotaExceededError"), (403, "PermissionDeniedError"),
    (404, "ModelUnavailableError"), (413, "RequestTooLargeError"), (400, "InvalidRequestError"),
    (429, "RateLimitError"), (500, "ServerError"), (503, "ServerError"), (529, "ServerError"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "kind"), ERRORS)
@pytest.mark.parametrize("who", [who for who in WHO if "budget" not in who])
def test_an_error_means_the_same_with_every_service(who: str, status: int, kind: str, server: FaultServer) -> None:
    longer_than_the_deadline = {"retry_after": "999"} if status == 429 else {}
    server.script(replies.error(status, "no", **longer_than_the_deadline))
    for mode in ("sync", "async stream"):
        error = ask(mode, who, server).error
        assert (type(error).__name__, getattr(error, "status", None)) == (kind, status)
        assert KEY not in repr(error)


@pytest.mark.parametrize("who", [who for who in WHO if "budget" not in who])
@pytest.mark.parametrize("mode", [mode for mode in MODES if "stream" in mode])
def test_an_interrupted_stream_is_never_a_success(mode: str, who: str, server: FaultServer) -> None:
    broken = [replies.cut(2, how=how) for how in ("end", "close", "reset")]
    for reply in (*broken, replies.error(529, "overloaded", after=2)):
        server.script(reply)
        outcome = ask(mode, who, server)
        assert type(outcome.error).__name__ == "StreamInterruptedError"
        assert outcome.text == "word0 word1 "
    server.script(replies.error(529, "overloaded", after=0))
    assert type(ask(mode, who, server).error).__name__ in ("ServerError", "MalformedResponseError")


# -- the rules themselves ------------------------------------------------------------------


def test_a_request_that_breaks_a_rule_is_refused(server: FaultServer) -> None:
    asked = [
        Received("POST", "/v1/messages", {"x-api-key": KEY, "anthropic-version": "2023-06-01"}, b'{"model": "m"}'),
        Received("POST", "/v1beta/models/m:generateContent", {"x-goog-api-key": KEY}, b'{"contents": [], "x": 1}'),
        Received("POST", "/v1/chat/completions", {"authorization": f"Bearer {KEY}"}, b'{"model": 7, "messages": []}'),
        Received(
            "POST", "/v2/chat", {"authorization": "Bearer other"}, b'{"model": "m", "messages": [], "stream": true}'
        ),
    ]
    assert {one.shape for one in asked} == set(RULES)
    for request in asked:
        seen: list[Asked] = []
        (reply,) = checked(replies.answer("ok"), seen=seen)
        actions: list[Action] = list(reply(request))
        assert b"broken rule" in b"".join(action for action in actions if isinstance(action, bytes))
        assert seen == []
