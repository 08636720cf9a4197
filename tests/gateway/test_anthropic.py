"""Anthropic's own package as the caller, over a socket; services with OpenAI's and with Anthropic's protocol behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
import requests
from helpers.gateways import KEY, Running, key_table, running, tables

from g4f_lite.testing import FaultServer, replies

TURN: Any = [{"role": "user", "content": "Which day is it?"}]
TOOLS: Any = [{"name": "weather", "description": "The weather", "input_schema": {"type": "object"}}]
ROUTES = {
    "claude-open": {"routes": ["openai:gpt-9"]},
    "claude-two": {"routes": ["openai:gpt-9", "groq:gpt-9"]},
    "claude-own": {"routes": ["anthropic:claude-sonnet-5"]},
}
BOTH = pytest.mark.parametrize("model", ["claude-open", "claude-own"])


@pytest.fixture
def gateway(groq: FaultServer) -> Iterator[Running]:
    configuration = tables(groq, models=ROUTES, keys=key_table())
    configuration["client"]["base_urls"]["anthropic"] = groq.base_url
    configuration["client"]["keys"]["anthropic"] = {"env": "GROQ_API_KEY"}
    with running(configuration) as one:
        yield one


@pytest.fixture
def client(gateway: Running) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=gateway.url, api_key=KEY, max_retries=0) as one:
        yield one


@BOTH
def test_a_message(model: str, client: anthropic.Anthropic, groq: FaultServer) -> None:
    groq.script(replies.answer("It is Sunday."))
    message = client.messages.create(model=model, max_tokens=99, messages=TURN, system="Be brief.")
    assert [block.to_dict() for block in message.content] == [{"type": "text", "text": "It is Sunday."}]
    assert (message.role, message.type, message.stop_reason) == ("assistant", "message", "end_turn")
    assert message.usage.input_tokens + (message.usage.cache_read_input_tokens or 0) == 5
    assert message.usage.output_tokens == 3
    sent = groq.received[0].json
    assert "Be brief." in json.dumps(sent) and 99 in sent.values()
    assert KEY not in str(groq.received[0].headers)


@BOTH
def test_a_stream(model: str, client: anthropic.Anthropic, groq: FaultServer) -> None:
    groq.script(replies.answer("one two three"))
    with client.messages.stream(model=model, max_tokens=99, messages=TURN) as stream:
        assert "".join(stream.text_stream) == "one two three"
        message = stream.get_final_message()
    assert (message.stop_reason, message.usage.output_tokens) == ("end_turn", 3)
    assert message.usage.input_tokens + (message.usage.cache_read_input_tokens or 0) == 5


@pytest.mark.parametrize("streamed", [False, True])
@BOTH
def test_tools_there_and_back(model: str, streamed: bool, client: anthropic.Anthropic, groq: FaultServer) -> None:
    call = {"id": "toolu_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Rome"}'}}
    groq.script(replies.answer("", tool_calls=[call]), replies.answer("Sunny."))
    asked: Any = {"model": model, "max_tokens": 99, "tools": TOOLS, "tool_choice": {"type": "any"}}
    if streamed:
        with client.messages.stream(messages=TURN, **asked) as stream:
            message = stream.get_final_message()
    else:
        message = client.messages.create(messages=TURN, **asked)
    assert message.stop_reason == "tool_use"
    (block,) = [one for one in message.content if one.type == "tool_use"]
    assert (block.name, block.input) == ("weather", {"city": "Rome"})
    result = {"type": "tool_result", "tool_use_id": block.id, "content": [{"type": "text", "text": "25 degrees"}]}
    turns = [*TURN, {"role": "assistant", "content": message.content}, {"role": "user", "content": [result]}]
    assert client.messages.create(messages=turns, **asked).content[0].to_dict()["text"] == "Sunny."
    sent = json.dumps(groq.received[1].json)
    assert "25 degrees" in sent and sent.count(block.id) == 2


@pytest.mark.parametrize("streamed", [False, True])
def test_thinking_comes_back_with_its_signature(streamed: bool, client: anthropic.Anthropic, groq: FaultServer) -> None:
    groq.script(replies.answer("Sunday.", reasoning="Let me see."), replies.answer("Yes."))
    asked: Any = {"model": "claude-own", "max_tokens": 9999, "thinking": {"type": "adaptive"}}
    if streamed:
        with client.messages.stream(messages=TURN, **asked) as stream:
            message = stream.get_final_message()
    else:
        message = client.messages.create(messages=TURN, **asked)
    thinking = message.content[0].to_dict()
    assert (thinking["type"], thinking["thinking"]) == ("thinking", "Let me see.") and thinking["signature"]
    assert [block.type for block in message.content] == ["thinking", "text"]
    turns = [*TURN, {"role": "assistant", "content": message.content}, {"role": "user", "content": "Sure?"}]
    client.messages.create(messages=turns, **asked)
    assert thinking["signature"] in json.dumps(groq.received[1].json)


def test_images_and_marks_for_the_cache(client: anthropic.Anthropic, groq: FaultServer) -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aWs="}}
    text = {"type": "text", "text": "What is it?", "cache_control": {"type": "ephemeral"}}
    turns: Any = [{"role": "user", "content": [image, text]}]
    client.messages.create(model="claude-own", max_tokens=99, messages=turns)
    assert groq.received[0].json["messages"][0]["content"] == [image, text]
    client.messages.create(model="claude-open", max_tokens=99, messages=turns)
    url = groq.received[1].json["messages"][0]["content"][0]["image_url"]["url"]
    assert url == "data:image/png;base64,aWs="


@pytest.mark.parametrize(
    ("reply", "kind", "type_"),
    [
        (replies.error(400, "bad field"), anthropic.BadRequestError, "invalid_request_error"),
        (replies.error(429, "slow down", retry_after="400"), anthropic.RateLimitError, "rate_limit_error"),
        (replies.error(401, "bad key"), anthropic.InternalServerError, "api_error"),
        (replies.error(500, "broken"), anthropic.InternalServerError, "api_error"),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_failures_are_the_packages_own(
    reply: Any, kind: type[anthropic.APIStatusError], type_: str, streamed: bool, client: anthropic.Anthropic,
    groq: FaultServer
) -> None:  # fmt: skip
    groq.script(*[reply] * 3)
    with pytest.raises(kind) as raised:
        client.messages.create(model="claude-open", max_tokens=9, messages=TURN, stream=streamed)
    body: Any = raised.value.body
    assert (body["type"], body["error"]["type"]) == ("error", type_)
    assert "gsk_secret" not in str(body)


def test_a_stream_that_breaks_ends_with_an_error(client: anthropic.Anthropic, groq: FaultServer) -> None:
    groq.script(replies.cut(2))
    with pytest.raises(anthropic.APIStatusError, match="interrupted"):
        with client.messages.stream(model="claude-open", max_tokens=9, messages=TURN) as stream:
            list(stream)


def test_an_answer_is_never_started_over(gateway: Running, groq: FaultServer) -> None:
    groq.script(replies.cut(2), replies.answer("anew"))
    body = {"model": "claude-two", "max_tokens": 9, "messages": TURN, "stream": True}
    body["g4f_lite"] = {"on_interrupt": "restart"}
    answer = requests.post(f"{gateway.base_url}/messages", json=body, headers={"x-api-key": KEY}, timeout=20)
    assert "event: error" in answer.text and "anew" not in answer.text and "message_stop" not in answer.text


def test_a_wrong_key_and_a_wrong_model(gateway: Running, client: anthropic.Anthropic) -> None:
    with anthropic.Anthropic(base_url=gateway.url, api_key="wrong", max_retries=0) as stranger:
        with pytest.raises(anthropic.AuthenticationError):
            stranger.messages.create(model="claude-own", max_tokens=9, messages=TURN)
    with pytest.raises(anthropic.NotFoundError):
        client.messages.create(model="claude-x", max_tokens=9, messages=TURN)


@pytest.mark.parametrize(
    "body",
    [
        {"model": "claude-open"},
        {"model": "claude-open", "messages": [{"role": "system", "content": "x"}]},
        {"model": "claude-open", "messages": [{"role": "user", "content": 5}]},
        {"model": "claude-open", "messages": [{"role": "user", "content": [{"type": "video"}]}]},
        {"model": "claude-open", "messages": [{"role": "user", "content": [{"type": "image", "source": "x"}]}]},
        {"model": "claude-open", "messages": TURN, "tools": [{"type": "web_search_20250305", "name": "s"}]},
        {"model": "claude-open", "messages": TURN, "tool_choice": "auto"},
    ],
)
def test_a_mistake_is_told(body: Any, gateway: Running, groq: FaultServer) -> None:
    answer = requests.post(f"{gateway.base_url}/messages", json=body, headers={"x-api-key": KEY}, timeout=20)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert groq.received == []


def test_tokens_are_estimated_and_nobody_is_asked(client: anthropic.Anthropic, groq: FaultServer) -> None:
    raw = client.messages.with_raw_response.count_tokens(model="claude-own", messages=TURN, tools=TOOLS)
    assert 4 < raw.parse().input_tokens < 60
    assert raw.headers["x-g4f-estimate"] == "true"
    assert groq.received == []
