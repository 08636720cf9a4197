"""The OpenAI agents package, whose models take an async client of `openai`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import agents
import openai
import pytest
from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, function_tool
from helpers.frameworks import FIRST, LIMITED, REFUSED, SECOND, async_client, calls, only_second, results
from pydantic import BaseModel

from g4f_lite.openai import AsyncOpenAI
from g4f_lite.testing import FaultServer, replies


class Day(BaseModel):
    name: str
    number: int


@function_tool
def weather(city: str) -> str:
    """Tell the weather."""
    return f"sunny in {city}"


@pytest.fixture(autouse=True)
def no_traces() -> Iterator[None]:
    agents.set_tracing_disabled(True)
    yield
    agents.set_default_openai_api("responses")


def agent(server: FaultServer, **more: Any) -> Agent[Any]:
    model = OpenAIChatCompletionsModel(model="", openai_client=async_client(server))
    return Agent(name="Weather", model=model, **more)


@pytest.mark.parametrize("stream", [False, True])
def test_an_agent_goes_on_at_another_route(stream: bool, server: FaultServer) -> None:
    only_second(server, calls("weather", city="Rome"), replies.answer("It is sunny."))

    async def main() -> tuple[str, str]:
        asked = (agent(server, tools=[weather]), "How is the weather?")
        if not stream:
            return (await Runner.run(*asked)).final_output, "It is sunny."
        run = Runner.run_streamed(*asked)
        events = [one.data async for one in run.stream_events() if one.type == "raw_response_event"]
        return run.final_output, "".join(one.delta for one in events if one.type == "response.output_text.delta")

    assert asyncio.run(main()) == ("It is sunny.", "It is sunny.")
    assert results(server) == ["sunny in Rome"]
    assert server.models[0] == FIRST and server.models.count(SECOND) == 2


def test_structured_output_and_usage(server: FaultServer) -> None:
    server.script(replies.answer('{"name": "Sunday", "number": 7}'))
    run = Runner.run_sync(agent(server, output_type=Day), "x")
    assert run.final_output == Day(name="Sunday", number=7)
    assert run.raw_responses[0].usage.input_tokens == 5


def test_a_run_is_handed_to_another_agent(server: FaultServer) -> None:
    server.script(calls("transfer_to_weather"), replies.answer("It is sunny."))
    run = Runner.run_sync(Agent(name="First", model=agent(server).model, handoffs=[agent(server)]), "x")
    assert (run.final_output, run.last_agent.name) == ("It is sunny.", "Weather")


def test_errors_are_those_of_openai(server: FaultServer) -> None:
    server.script(LIMITED)
    with pytest.raises(openai.RateLimitError) as limited:
        Runner.run_sync(agent(server), "x")
    assert SECOND in limited.value.response.headers["x-g4f-trail"]
    server.script(REFUSED)
    with pytest.raises(openai.BadRequestError, match="no such thing"):
        Runner.run_sync(agent(server), "x")


def test_as_the_default_client(server: FaultServer) -> None:
    agents.set_default_openai_client(async_client(server), use_for_tracing=False)
    agents.set_default_openai_api("chat_completions")
    assert Runner.run_sync(Agent(name="One", model=f"second:{SECOND}"), "x").final_output == "ok"
    assert server.models == [SECOND]


def test_the_responses_api_is_refused_by_routes_and_passed_on_to_one_service(server: FaultServer) -> None:
    model = OpenAIResponsesModel(model="m", openai_client=async_client(server))
    with pytest.raises(openai.NotFoundError, match="/responses is not answered here"):
        Runner.run_sync(Agent(name="One", model=model), "x")
    assert server.received == []

    said = {"type": "output_text", "text": "Sunday", "annotations": []}
    message = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [said]}
    answer = {
        "id": "r", "object": "response", "created_at": 1, "model": "m", "status": "completed", "output": [message],
        "parallel_tool_calls": False, "tool_choice": "auto", "tools": [],
        "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2,
                  "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}},
    }  # fmt: skip
    server.script(replies.body(json.dumps(answer).encode()))
    model = OpenAIResponsesModel(model="m", openai_client=AsyncOpenAI(api_key="k", base_url=server.base_url))
    assert Runner.run_sync(Agent(name="One", model=model), "x").final_output == "Sunday"
    assert server.received[-1].path == "/v1/responses"
