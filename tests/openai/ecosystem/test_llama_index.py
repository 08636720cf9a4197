"""LlamaIndex, whose models take clients of `openai`, and httpx clients."""

from __future__ import annotations

import asyncio

import openai
import pytest
from helpers.frameworks import (
    FIRST,
    LIMITED,
    REFUSED,
    SECOND,
    VECTORS,
    async_client,
    async_http,
    calls,
    http,
    only_second,
    results,
    sync_client,
)
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import ChatMessage
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel

from g4f_lite.testing import FaultServer, replies

ASKED = [ChatMessage(role="user", content="Which day is it?")]


class Day(BaseModel):
    name: str
    number: int


def weather(city: str) -> str:
    """Tell the weather."""
    return f"sunny in {city}"


def chat(server: FaultServer, **more: bool) -> OpenAILike:
    return OpenAILike(
        model="",
        is_chat_model=True,
        is_function_calling_model=True,
        max_retries=0,
        openai_client=sync_client(server),
        async_openai_client=async_client(server),
        **more,
    )


def test_whole_streamed_and_async(server: FaultServer) -> None:
    server.script(replies.answer("Sunday it is"))
    model = chat(server)
    assert model.complete("x").text == model.chat(ASKED).message.content == "Sunday it is"
    assert [one.delta for one in model.stream_chat(ASKED) if one.delta] == ["Sunday ", "it ", "is"]

    async def main() -> None:
        assert (await model.achat(ASKED)).message.content == "Sunday it is"
        stream = await model.astream_chat(ASKED)
        assert [one.delta async for one in stream if one.delta] == ["Sunday ", "it ", "is"]

    asyncio.run(main())


@pytest.mark.parametrize("streaming", [False, True])
def test_an_agent_goes_on_at_another_route(streaming: bool, server: FaultServer) -> None:
    only_second(server, calls("weather", city="Rome"), replies.answer("It is sunny."))

    async def main() -> str:
        agent = FunctionAgent(tools=[weather], llm=chat(server), streaming=streaming)
        return str(await agent.run("How is the weather?"))

    assert asyncio.run(main()) == "It is sunny."
    assert results(server) == ["sunny in Rome"]
    assert server.models[0] == FIRST and server.models.count(SECOND) == 2


@pytest.mark.parametrize("as_schema", [False, True])
def test_structured_output(as_schema: bool, server: FaultServer) -> None:
    as_tool, as_text = calls("Day", name="Sunday", number=7), replies.answer('{"name": "Sunday", "number": 7}')
    server.script(as_text if as_schema else as_tool)
    structured = chat(server, should_use_structured_outputs=as_schema).as_structured_llm(Day)
    assert structured.chat(ASKED).raw == Day(name="Sunday", number=7)


def test_errors_are_those_of_openai(server: FaultServer) -> None:
    server.script(LIMITED)
    with pytest.raises(openai.RateLimitError) as limited:
        chat(server).chat(ASKED)
    assert SECOND in limited.value.response.headers["x-g4f-trail"]
    server.script(REFUSED)
    with pytest.raises(openai.BadRequestError, match="no such thing"):
        list(chat(server).stream_chat(ASKED))


def test_an_index_of_vectors_answers(server: FaultServer) -> None:
    embedding = OpenAIEmbedding(
        model_name="", api_key="not-used", max_retries=0, http_client=http(server), async_http_client=async_http(server)
    )
    one, other = embedding.get_text_embedding_batch(["a", "b"])
    assert len(one) == len(other) > 1
    index = VectorStoreIndex.from_documents([Document(text="Sunday follows Saturday.")], embed_model=embedding)
    server.on(FIRST, replies.answer("Sunday"))

    async def main() -> str:
        return str(await index.as_query_engine(llm=chat(server)).aquery("What follows Saturday?"))

    assert asyncio.run(main()) == "Sunday"
    assert "Sunday follows Saturday." in str(server.received[-1].json["messages"])
    assert server.models[-2:] == [VECTORS, FIRST]
