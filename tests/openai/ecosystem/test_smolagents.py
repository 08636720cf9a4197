"""smolagents, whose models take a client of `openai`."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from helpers.frameworks import FIRST, LIMITED, REFUSED, SECOND, calls, only_second, sync_client
from smolagents import CodeAgent, OpenAIModel, ToolCallingAgent, tool
from smolagents.models import ChatMessage, MessageRole
from smolagents.monitoring import LogLevel
from smolagents.utils import AgentGenerationError

from g4f_lite.testing import FaultServer, replies

ASKED = [ChatMessage(role=MessageRole.USER, content="Which day is it?")]
QUIET: Any = {"verbosity_level": LogLevel.OFF}


@tool
def weather(city: str) -> str:
    """Tell the weather.

    Args:
        city: where
    """
    return f"sunny in {city}"


def chat(server: FaultServer) -> OpenAIModel:
    return OpenAIModel(model_id="", client=sync_client(server), retry=False)


def test_whole_and_streamed(server: FaultServer) -> None:
    server.script(replies.answer("Sunday it is"))
    answer = chat(server).generate(ASKED)
    assert answer.token_usage is not None
    assert (answer.content, answer.token_usage.output_tokens) == ("Sunday it is", 3)
    assert [one.content for one in chat(server).generate_stream(ASKED) if one.content] == ["Sunday ", "it ", "is"]


@pytest.mark.parametrize("stream", [False, True])
def test_an_agent_goes_on_at_another_route(stream: bool, server: FaultServer) -> None:
    only_second(server, calls("weather", city="Rome"), calls("final_answer", answer="It is sunny."))
    agent = ToolCallingAgent(tools=[weather], model=chat(server), stream_outputs=stream, **QUIET)
    assert agent.run("How is the weather?") == "It is sunny."
    assert "sunny in Rome" in str(server.received[-1].json["messages"])
    assert server.models[0] == FIRST and server.models.count(SECOND) == 2


@pytest.mark.parametrize("structured", [False, True])
def test_an_agent_that_writes_code(structured: bool, server: FaultServer) -> None:
    code = "final_answer(weather(city='Rome'))"
    as_json = json.dumps({"thought": "Ask.", "code": code})
    server.script(replies.answer(as_json if structured else f"Thought: ask.\n<code>\n{code}\n</code>"))
    agent = CodeAgent(tools=[weather], model=chat(server), use_structured_outputs_internally=structured, **QUIET)
    assert agent.run("How is the weather?") == "sunny in Rome"


def test_errors_are_those_of_openai(server: FaultServer) -> None:
    server.script(LIMITED)
    with pytest.raises(openai.RateLimitError) as limited:
        chat(server).generate(ASKED)
    assert SECOND in limited.value.response.headers["x-g4f-trail"]
    server.script(REFUSED)
    with pytest.raises(AgentGenerationError, match="no such thing") as raised:
        ToolCallingAgent(tools=[weather], model=chat(server), **QUIET).run("x")
    assert isinstance(raised.value.__cause__, openai.BadRequestError)
