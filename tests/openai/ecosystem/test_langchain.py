"""LangChain, whose models take httpx clients."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest
from helpers.frameworks import (
    FIRST,
    LIMITED,
    REFUSED,
    SECOND,
    VECTORS,
    async_http,
    calls,
    check_chats,
    http,
    only_second,
    results,
)
from langchain.agents import create_agent
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel, SecretStr

from g4f_lite.testing import FaultServer, replies

KEY = SecretStr("not-used")


class Day(BaseModel):
    name: str
    number: int


def weather(city: str) -> str:
    """Tell the weather."""
    return f"sunny in {city}"


def chat(server: FaultServer) -> ChatOpenAI:
    clients: Any = {"http_client": http(server), "http_async_client": async_http(server)}
    return ChatOpenAI(model="", api_key=KEY, max_retries=0, **clients)


def test_whole_streamed_and_async(server: FaultServer) -> None:
    server.script(replies.answer("Sunday it is"))
    model = chat(server)
    assert model.invoke("Which day is it?").response_metadata["model_name"] == FIRST
    check_chats(model)


def test_an_agent_goes_on_at_another_route(server: FaultServer) -> None:
    only_second(server, calls("weather", city="Rome"), replies.answer("It is sunny."))
    agent: Any = create_agent(chat(server), [weather])
    question: Any = {"messages": [{"role": "user", "content": "How is the weather?"}]}
    assert agent.invoke(question)["messages"][-1].content == "It is sunny."
    assert results(server) == ["sunny in Rome"]
    assert server.models[0] == FIRST and server.models.count(SECOND) == 2


def test_an_agent_streams(server: FaultServer) -> None:
    only_second(server, calls("weather", city="Rome"), replies.answer("It is sunny."))
    agent: Any = create_agent(chat(server), [weather])

    async def main() -> str:
        question: Any = {"messages": [{"role": "user", "content": "How is the weather?"}]}
        said = [one async for one, _ in agent.astream(question, stream_mode="messages")]
        return "".join(one.content for one in said if one.type == "AIMessageChunk")

    assert asyncio.run(main()) == "It is sunny."
    assert results(server) == ["sunny in Rome"]


@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
def test_structured_output(method: Any, server: FaultServer) -> None:
    as_tool, as_text = calls("Day", name="Sunday", number=7), replies.answer('{"name": "Sunday", "number": 7}')
    server.script(as_tool if method == "function_calling" else as_text)
    structured = chat(server).with_structured_output(Day, method=method)
    assert structured.invoke("as JSON") == Day(name="Sunday", number=7)

    async def last() -> Any:
        return [one async for one in structured.astream("as JSON")][-1]

    assert asyncio.run(last()) == Day(name="Sunday", number=7)


def test_errors_are_those_of_openai(server: FaultServer) -> None:
    server.script(LIMITED)
    with pytest.raises(openai.RateLimitError) as limited:
        chat(server).invoke("x")
    assert SECOND in limited.value.response.headers["x-g4f-trail"]
    server.script(REFUSED)
    with pytest.raises(openai.BadRequestError, match="no such thing"):
        list(chat(server).stream("x"))
    server.script(replies.error(500, "broke", after=2))
    with pytest.raises(openai.APIError) as interrupted:
        list(chat(server).stream("x"))
    assert interrupted.value.code == "stream_interrupted"


def test_the_responses_api_is_refused_at_once(server: FaultServer) -> None:
    model = ChatOpenAI(model="", api_key=KEY, max_retries=0, use_responses_api=True, http_client=http(server))
    with pytest.raises(openai.NotFoundError, match="/responses is not answered here"):
        model.invoke("x")
    assert server.received == []


def test_embeddings(server: FaultServer) -> None:
    embeddings = OpenAIEmbeddings(
        model="", api_key=KEY, max_retries=0, check_embedding_ctx_length=False,
        http_client=http(server), http_async_client=async_http(server),
    )  # fmt: skip
    one, other = embeddings.embed_documents(["a", "b"])
    assert len(one) == len(other) > 1 and embeddings.embed_query("a") == one
    assert asyncio.run(embeddings.aembed_query("b")) == other
    assert set(server.models) == {VECTORS}
