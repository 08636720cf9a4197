"""Each attempt has a request of its own: neither a plugin nor the caller changes what another attempt sends."""

from __future__ import annotations

import asyncio
import copy
import inspect
import json
from typing import Any

import pytest
from helpers.driving import MODES, run
from helpers.plain_routes import Plain

from g4f_lite import AsyncClient, ChatCompletionChunk, ChatRequest, ChunkChoice, Client, Delta, LocalProvider
from g4f_lite.testing import FaultServer, replies
from g4f_lite.types.copies import copied

PARAMS: dict[str, Any] = {
    "messages": [{"role": "user", "content": [{"type": "text", "text": "Which day is it?"}]}],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}],
    "metadata": {"who": "caller"},
    "stop": ["\n"],
    "extra_body": {"own": {"list": [1]}},
}


def spoil(request: ChatRequest) -> None:
    request.messages[0]["content"][0]["text"] += " Be brief."
    request.messages[0]["name"] = "spoilt"
    assert request.tools and request.metadata is not None and isinstance(request.stop, list) and request.extra_body
    request.tools[0]["function"]["parameters"]["properties"]["x"] = {}
    request.metadata["spoilt"] = True
    request.stop.append("spoilt")
    request.extra_body["own"]["list"].append("spoilt")


class Spoils(Plain):
    name = "spoils"

    def build_request(self, request: ChatRequest, *, key: str | None, stream: bool) -> Any:
        built = super().build_request(request, key=key, stream=stream)
        spoil(request)
        return built


class Adapts(Plain):
    name = "adapts"

    def adapt_body(self, body: dict[str, Any]) -> None:
        body["messages"][0]["content"][0]["text"] += " Be brief."
        body["tools"][0]["function"]["name"] += "f"


def sent(server: FaultServer) -> list[Any]:
    bodies = [json.loads(request.body) for request in server.received]
    return [{name: body[name] for name in (*PARAMS, "own") if name in body} for body in bodies]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("careless", [Spoils, Adapts])
def test_a_provider_that_changes_a_request_changes_no_other(
    careless: type[Plain], mode: str, server: FaultServer
) -> None:
    server.script(*[replies.error(503, "down")] * 2, replies.answer("good"))
    asked = copy.deepcopy(PARAMS)
    routes = [careless(api_base=server.base_url), Plain(name="second", api_base=server.base_url)]
    outcome = run(mode, {"routes": routes, "retries": 1}, asked)
    assert outcome.text == "good"
    assert asked == PARAMS
    first, retry, other = sent(server)
    assert first == retry
    assert other["messages"] == PARAMS["messages"]
    assert (other["tools"], other["own"], other["stop"]) == (PARAMS["tools"], {"list": [1]}, ["\n"])


@pytest.mark.parametrize("mode", MODES)
def test_what_the_caller_changes_while_a_retry_waits_is_not_sent(mode: str, server: FaultServer) -> None:
    server.script(replies.error(503, "down"), replies.answer("good"))
    asked = copy.deepcopy(PARAMS)

    def wait(state: Any) -> float:
        spoil(ChatRequest(**{**asked, "messages": asked["messages"]}))
        return 0.0

    outcome = run(mode, {"routes": [Plain(api_base=server.base_url)], "retry_wait": wait}, asked)
    assert outcome.text == "good"
    assert asked != PARAMS
    first, retry = sent(server)
    assert first == retry
    assert first["messages"] == PARAMS["messages"]


@pytest.mark.parametrize("mode", MODES)
def test_neither_a_strategy_nor_a_local_provider_changes_what_the_next_leg_gets(mode: str, server: FaultServer) -> None:
    class SpoilsHere(LocalProvider):
        name, default_model = "here", "here"
        capabilities = frozenset({"streaming", "tools"})

        def stream(self, request: ChatRequest, *, cancelled: Any) -> Any:
            spoil(request)
            yield ChatCompletionChunk(choices=(ChunkChoice(delta=Delta()),))

    def strategy(legs: Any, context: Any) -> Any:
        spoil(context.request)
        return legs

    server.script(replies.answer("good"))
    asked = copy.deepcopy(PARAMS)
    params = {**asked, "provider": [SpoilsHere(), Plain(api_base=server.base_url)], "strategy": strategy}
    outcome = run(mode, {"retries": 0}, params)
    assert outcome.text == "good"
    assert asked == PARAMS
    [only] = sent(server)
    assert only["messages"] == PARAMS["messages"]


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_endpoints_have_copies_too(kind: type, server: FaultServer) -> None:
    class Embeds(Plain):
        capabilities = frozenset({"embeddings"})
        default_models = {"embeddings": "m"}

        def build_operation(self, request: Any, *, key: str | None) -> Any:
            built = super().build_operation(request, key=key)
            request.input.append("spoilt")
            return built

    async def ask() -> None:
        server.script(replies.error(503, "down"), replies.answer())
        asked = ["text"]
        client = kind(routes=[Embeds(api_base=server.base_url)], retry_wait=lambda state: 0.0)
        result = client.embeddings.create(input=asked)
        await result if inspect.isawaitable(result) else None
        closing = client.aclose() if kind is AsyncClient else client.close()
        await closing if inspect.isawaitable(closing) else None
        assert asked == ["text"]

    asyncio.run(ask())
    assert [json.loads(request.body)["input"] for request in server.received] == [["text"], ["text"]]


def test_long_texts_are_shared_and_not_copied() -> None:
    text = "x" * 1_000_000
    request = ChatRequest(messages=({"role": "user", "content": [{"type": "text", "text": text}]},))
    twin = copied(request, model="m")
    assert twin.messages[0]["content"] == request.messages[0]["content"]
    assert twin.messages[0]["content"] is not request.messages[0]["content"]
    assert twin.messages[0]["content"][0]["text"] is text
