"""Blocks that Anthropic alone understands, and bodies with a wrong value in any place, over a socket."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from helpers.gateways import KEY, Running, key_table, running, tables

from g4f_lite.gateway.anthropic.requests import chat_fields
from g4f_lite.health.estimates import MEDIUM_TOKENS, estimate
from g4f_lite.testing import FaultServer, replies
from g4f_lite.types.chat_request import ChatRequest

FOUND: Any = {
    "type": "search_result",
    "source": "https://h/a",
    "title": "A",
    "content": [{"type": "text", "text": "a"}],
}
USE: Any = {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "Read", "input": {"path": "a"}}]}
TURN: Any = {"role": "user", "content": "Which day is it?"}


def turn(*blocks: Any) -> list[Any]:
    return [{"role": "user", "content": list(blocks)}]


def result(*blocks: Any) -> list[Any]:
    return [TURN, USE, *turn({"type": "tool_result", "tool_use_id": "t1", "content": list(blocks)})]


OWN = [
    turn(FOUND),
    turn({"type": "container_upload", "file_id": "f1"}),
    turn({"type": "of_tomorrow", "what": ["ever"]}),
    turn({"type": "document", "source": {"type": "file", "file_id": "f1"}}),
    turn({"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "a"}]}}),
    turn({"type": "image", "source": {"type": "file", "file_id": "f1"}}),
    result(FOUND),
    result({"type": "tool_reference", "tool_name": "Read"}),
]
WHOLE: Any = {
    "model": "open",
    "max_tokens": 50,
    "system": [{"type": "text", "text": "Be brief."}],
    "messages": [
        *turn(
            {"type": "text", "text": "What is it?"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aWs="}},
            {"type": "document", "title": "a", "source": {"type": "url", "url": "https://h/a"}},
        ),
        USE,
        *turn(
            {"type": "tool_result", "tool_use_id": "t1", "is_error": True, "content": [{"type": "text", "text": "a"}]}
        ),
    ],
    "tools": [{"name": "Read", "input_schema": {"type": "object"}}],
    "tool_choice": {"type": "tool", "name": "Read"},
    "thinking": {"type": "enabled", "budget_tokens": 2000},
    "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {"type": "object"}}},
    "metadata": {"user_id": "u"},
    "stop_sequences": ["END"],
}
WRONG: list[Any] = [None, 5, True, "x", [], [1], {}, {"type": ["x"]}]


@pytest.fixture(scope="module")
def upstream() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


@pytest.fixture(scope="module")
def gateway(upstream: FaultServer) -> Iterator[Running]:
    routes = {"own": "anthropic:claude-sonnet-5", "open": "openai:gpt-9"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GROQ_API_KEY", "k" * 20)
        models = {name: {"routes": [route]} for name, route in routes.items()}
        configuration = tables(upstream, models=models, keys=key_table(tpm=10**9))
        configuration["client"]["base_urls"]["anthropic"] = upstream.base_url
        configuration["client"]["keys"]["anthropic"] = {"env": "GROQ_API_KEY"}
        with running(configuration) as one:
            yield one


def post(gateway: Running, body: Any) -> requests.Response:
    return requests.post(f"{gateway.base_url}/messages", json=body, headers={"x-api-key": KEY}, timeout=30)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("messages", OWN, ids=lambda messages: messages[-1]["content"][0]["type"])
def test_a_block_of_anthropics_goes_to_it_as_it_is(
    messages: Any, stream: bool, gateway: Running, upstream: FaultServer
) -> None:
    upstream.script(replies.answer("Sunday."))
    answer = post(gateway, {"model": "own", "max_tokens": 50, "messages": messages, "stream": stream})
    assert (answer.status_code, "Sunday." in answer.text) == (200, True), answer.text
    assert upstream.received[-1].json["messages"] == messages


@pytest.mark.parametrize("messages", OWN, ids=lambda messages: messages[-1]["content"][0]["type"])
def test_a_block_of_anthropics_is_sent_to_nobody_else(messages: Any, gateway: Running, upstream: FaultServer) -> None:
    asked = len(upstream.received)
    answer = post(gateway, {"model": "open", "max_tokens": 50, "messages": messages})
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert "Anthropic's alone" in answer.text
    assert len(upstream.received) == asked


def test_long_texts_in_blocks_of_anthropics_are_reserved() -> None:
    long = "a" * 10 * MEDIUM_TOKENS
    for block in (
        {**FOUND, "content": [{"type": "text", "text": long}]},
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": long}]}},
    ):
        fields = chat_fields({"messages": turn(block)})
        assert estimate(ChatRequest(messages=tuple(fields["messages"]))).prompt > len(long)


def test_a_result_that_is_an_error_says_so_to_any_service() -> None:
    blocks: Any = [{"type": "text", "text": "no such file"}]
    messages = [TURN, USE, *turn({"type": "tool_result", "tool_use_id": "t1", "is_error": True, "content": blocks})]
    assert chat_fields({"messages": messages})["messages"][-1]["content"] == [
        {"type": "text", "text": "Error:"},
        *blocks,
    ]


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        yield from _places(one, (*path, name))


@pytest.mark.no_cover
def test_a_wrong_value_in_any_place_is_the_fault_of_the_caller(
    gateway: Running, upstream: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.script()
    statuses: set[int] = set()
    with requests.Session() as session:
        for path in _places(WHOLE):
            for wrong in WRONG:
                body = {"": copy.deepcopy(WHOLE)}
                *way, last = ("", *path)
                place: Any = body
                for name in way:
                    place = place[name]
                place[last] = wrong
                url, headers = f"{gateway.base_url}/messages", {"x-api-key": KEY}
                answer = session.post(url, data=json.dumps(body[""]), headers=headers, timeout=30)
                statuses.add(answer.status_code)
                assert answer.status_code < 500, (path, wrong, answer.text)
    assert statuses == {200, 400, 404}
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]
