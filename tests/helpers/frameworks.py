"""Two routes on one server for the tests of frameworks, what a model says to them, and what is tested twice."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx

from g4f_lite import AsyncClient, Client, OpenaiTemplate
from g4f_lite.openai import AsyncOpenAI, AsyncTransport, OpenAI, Transport
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Reply

FIRST, SECOND = "first-model", "second-model"
GONE = replies.error(404, "gone", code="model_not_found")
"""Another route is asked at once."""
REFUSED = replies.error(400, "no such thing")
LIMITED = replies.error(429, "slow down", retry_after=9999)
"""Longer than any deadline: nobody waits for it."""
VECTORS = "vectors"


def routes(server: FaultServer) -> list[OpenaiTemplate]:
    return [
        OpenaiTemplate(
            name=model.partition("-")[0],
            api_base=server.base_url,
            needs_auth=False,
            default_model=model,
            default_models={"embeddings": VECTORS},
            capabilities=frozenset({"streaming", "tools", "json_schema", "stream_usage", "vision", "embeddings"}),
        )
        for model in (FIRST, SECOND)
    ]


def sync_client(server: FaultServer) -> OpenAI:
    return OpenAI(routes=routes(server))


def async_client(server: FaultServer) -> AsyncOpenAI:
    return AsyncOpenAI(routes=routes(server))


def http(server: FaultServer) -> httpx.Client:
    return httpx.Client(transport=Transport(Client(routes=routes(server))))


def async_http(server: FaultServer) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=AsyncTransport(AsyncClient(routes=routes(server))))


def calls(name: str, /, **arguments: Any) -> Reply:
    """Return an answer that is one call of a tool."""
    function = {"name": name, "arguments": json.dumps(arguments)}
    return replies.answer("", tool_calls=[{"id": "call_1", "type": "function", "function": function}])


def only_second(server: FaultServer, *answers: Reply) -> None:
    """Let the first route fail each time, so that another one answers."""
    server.on(FIRST, GONE)
    server.on(SECOND, *answers)


def results(server: FaultServer) -> list[Any]:
    """Return the results of tools that the last request has told the model."""
    return [one["content"] for one in server.received[-1].json["messages"] if one["role"] == "tool"]


def check_chats(model: Any) -> None:
    """Check that a model of LangChain's hands out "Sunday it is", whole, streamed, in a batch and async."""
    answer = model.invoke("Which day is it?")
    assert answer.content == "Sunday it is"
    assert answer.usage_metadata is not None and answer.usage_metadata["output_tokens"] == 3
    assert [one.content for one in model.stream("x") if one.content] == ["Sunday ", "it ", "is"]
    assert len(model.batch(["x", "y"])) == 2

    async def main() -> None:
        assert (await model.ainvoke("x")).content == "Sunday it is"
        assert [one.content async for one in model.astream("x") if one.content] == ["Sunday ", "it ", "is"]

    asyncio.run(main())
