"""LangChain through the gateway, over a socket: it is given an address and a key, as for OpenAI."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from helpers.frameworks import check_chats
from helpers.gateways import KEY, key_table, running, tables
from langchain.agents import create_agent
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel, SecretStr

from g4f_lite.testing import FaultServer, replies


class Day(BaseModel):
    name: str
    number: int


def weather(city: str) -> str:
    """Tell the weather."""
    return f"sunny in {city}"


@pytest.fixture(scope="module")
def service() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


@pytest.fixture(scope="module")
def base_url(service: FaultServer) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GROQ_API_KEY", "k" * 20)
        models = {"fast": {"routes": ["groq:one", "openai:gpt-4.1"]}, "vectors": {"routes": ["openai:two"]}}
        with running(tables(service, models=models, keys=key_table(rpm=100_000))) as gateway:
            yield gateway.base_url


def chat(base_url: str, **more: Any) -> ChatOpenAI:
    return ChatOpenAI(model="fast", base_url=base_url, api_key=SecretStr(KEY), max_retries=0, **more)


def test_whole_streamed_and_async(base_url: str, service: FaultServer) -> None:
    service.script(*[replies.answer("Sunday it is")] * 6)
    check_chats(chat(base_url))


def test_an_agent_and_its_tool_after_failover(base_url: str, service: FaultServer) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}}
    service.script(replies.error(500, "no"), replies.answer("", tool_calls=[call]), replies.answer("Sunny."))
    agent = create_agent(chat(base_url), [weather])
    messages = agent.invoke({"messages": [{"role": "user", "content": "The weather in Rome?"}]})["messages"]
    assert [one.type for one in messages] == ["human", "ai", "tool", "ai"]
    assert (messages[2].content, messages[3].content) == ("sunny in Rome", "Sunny.")


def test_structured_output_and_vectors(base_url: str, service: FaultServer) -> None:
    service.script(replies.answer('{"name": "Sunday", "number": 7}'))
    asked = chat(base_url).with_structured_output(Day, method="json_schema")
    assert asked.invoke("Which day is it?") == Day(name="Sunday", number=7)
    vectors = OpenAIEmbeddings(
        model="vectors", base_url=base_url, api_key=SecretStr(KEY), check_embedding_ctx_length=False
    )
    assert len(vectors.embed_documents(["a", "b"])) == 2
