"""The content of a completion, and its use in the next request."""

from __future__ import annotations

import asyncio
import pickle

import pytest
from helpers.asking import ask
from helpers.driving import MESSAGES, MODES, run

import g4f_lite
from g4f_lite import Client
from g4f_lite.testing import FaultServer, replies


@pytest.mark.parametrize("mode", MODES)
def test_a_completion_names_its_provider_model_and_attempts(mode: str, groq: FaultServer) -> None:
    groq.on("openai/gpt-oss-120b", replies.error(404, "gone", code="model_not_found"))
    reply = run(mode, {}, {"provider": "groq"}).completion
    assert reply is not None
    assert (reply.provider, reply.model, reply.text) == ("groq", "openai/gpt-oss-20b", "ok")
    assert [attempt.status for attempt in reply.attempts] == [404, 200]
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage is not None
    assert reply.usage.total_tokens == 6
    assert (reply.raw is None) is ("stream" in mode)
    assert reply.to_dict()["choices"][0]["message"] == {"role": "assistant", "content": "ok"}
    with pytest.raises(AttributeError):
        reply.model = "other"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(reply)).trail == reply.trail


def test_the_raw_json_is_the_providers_own(groq: FaultServer) -> None:
    groq.script(replies.body(b'{"x_groq": {"id": "req_1"}, "choices": [{"message": {"content": "a"}}]}'))
    with Client() as client:
        reply = ask(client)
    assert reply.raw["x_groq"] == {"id": "req_1"}
    assert reply.raw is not reply.raw
    assert reply.model == "openai/gpt-oss-120b"


def test_the_message_of_an_answer_can_be_part_of_the_next_request(groq: FaultServer) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "today", "arguments": "{}"}}
    groq.script(replies.answer("", tool_calls=[call]), replies.answer("Sunday"))
    tools = [{"type": "function", "function": {"name": "today", "parameters": {"type": "object"}}}]
    with Client() as client:
        reply = ask(client, tools=tools)
        assert (reply.tool_calls[0].function.name, reply.choices[0].finish_reason) == ("today", "tool_calls")
        messages = [
            *MESSAGES,
            reply.choices[0].message,
            {"role": "tool", "tool_call_id": reply.tool_calls[0].id, "content": "Sunday"},
        ]
        assert client.chat.completions.create(messages=messages, provider="groq", tools=tools).text == "Sunday"
    assert groq.received[-1].json["messages"][1]["tool_calls"] == [call]


def test_the_one_line_calls_work(groq: FaultServer) -> None:
    groq.script(replies.answer("two words"))
    assert g4f_lite.chat("hi", provider="groq").text == "two words"
    stream = g4f_lite.stream(MESSAGES, provider="groq")
    assert "".join(chunk.text for chunk in stream) == "two words"
    assert stream.completion.provider == stream.provider == "groq"

    async def main() -> list[str]:
        assert (await g4f_lite.achat("hi", provider="groq")).text == "two words"
        return [chunk.text async for chunk in g4f_lite.astream("hi", provider="groq") if chunk.text]

    assert asyncio.run(main()) == ["two ", "words"]
