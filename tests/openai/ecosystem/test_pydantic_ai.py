"""pydantic-ai, whose models take an async client of `openai`."""

from __future__ import annotations

import asyncio

import openai
import pytest
from helpers.frameworks import FIRST, LIMITED, SECOND, VECTORS, async_client, calls, only_second, results
from pydantic import BaseModel
from pydantic_ai import Agent, Embedder, ModelHTTPError, NativeOutput
from pydantic_ai.embeddings.openai import OpenAIEmbeddingModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

from g4f_lite.testing import FaultServer, replies


class Day(BaseModel):
    name: str
    number: int


def provider(server: FaultServer) -> OpenAIProvider:
    return OpenAIProvider(openai_client=async_client(server))


def chat(server: FaultServer) -> OpenAIChatModel:
    return OpenAIChatModel("", provider=provider(server))


def test_whole_and_streamed(server: FaultServer) -> None:
    server.script(replies.answer("Sunday it is"))
    agent = Agent(chat(server))
    answers = [agent.run_sync("Which day is it?"), agent.run_sync("And now?")]
    assert [(one.output, one.usage.output_tokens) for one in answers] == [("Sunday it is", 3)] * 2
    assert answers[0].response.model_name == FIRST

    async def main() -> None:
        async with agent.run_stream("x") as stream:
            assert "".join([one async for one in stream.stream_text(delta=True)]) == "Sunday it is"
            assert stream.usage.output_tokens == 3

    asyncio.run(main())


def test_an_agent_goes_on_at_another_route(server: FaultServer) -> None:
    only_second(server, calls("weather", city="Rome"), replies.answer("It is sunny."))
    agent = Agent(chat(server))

    @agent.tool_plain
    def weather(city: str) -> str:
        """Tell the weather."""
        return f"sunny in {city}"

    assert agent.run_sync("How is the weather?").output == "It is sunny."
    assert results(server) == ["sunny in Rome"]
    assert server.models[0] == FIRST and server.models.count(SECOND) == 2


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("native", [False, True])
def test_structured_output(native: bool, stream: bool, server: FaultServer) -> None:
    as_tool, as_text = calls("final_result", name="Sunday", number=7), '{"name": "Sunday", "number": 7}'
    server.script(replies.answer(as_text) if native else as_tool)
    agent = Agent(chat(server), output_type=NativeOutput(Day) if native else Day)

    async def main() -> Day:
        if not stream:
            return (await agent.run("x")).output
        async with agent.run_stream("x") as streamed:
            return await streamed.get_output()

    assert asyncio.run(main()) == Day(name="Sunday", number=7)


def test_errors_have_status_body_and_cause(server: FaultServer) -> None:
    server.script(LIMITED)
    with pytest.raises(ModelHTTPError) as limited:
        Agent(chat(server)).run_sync("x")
    assert limited.value.status_code == 429
    assert "slow down" in str(limited.value.body)
    cause = limited.value.__cause__
    assert isinstance(cause, openai.RateLimitError) and SECOND in cause.response.headers["x-g4f-trail"]


def test_the_responses_api_is_refused_at_once(server: FaultServer) -> None:
    agent = Agent(OpenAIResponsesModel("", provider=provider(server)))
    with pytest.raises(ModelHTTPError, match="/responses is not answered here"):
        agent.run_sync("x")
    assert server.received == []


def test_embeddings(server: FaultServer) -> None:
    found = Embedder(OpenAIEmbeddingModel("", provider=provider(server))).embed_documents_sync(["a", "b"])
    assert len(found.embeddings) == 2 and server.models == [VECTORS]
