"""A client's own routes: one address, instances that have a name, and models that nobody lists."""

from __future__ import annotations

import asyncio
import warnings
from typing import Any

import pytest

import g4f_lite
from g4f_lite import AsyncClient, Client, OpenaiTemplate
from g4f_lite.testing import FaultServer, replies

MESSAGES: Any = [{"role": "user", "content": "hi"}]


class Mine(OpenaiTemplate):
    name = "mine"
    default_model = "m"
    needs_auth = False


def ask(settings: dict[str, Any], **params: Any) -> g4f_lite.ChatCompletion:
    """Ask both clients; they agree."""

    async def in_async() -> g4f_lite.ChatCompletion:
        async with AsyncClient(**settings) as client:
            return await client.chat.completions.create(messages=MESSAGES, **params)

    with Client(**settings) as client:
        reply = client.chat.completions.create(messages=MESSAGES, **params)
    other = asyncio.run(in_async())
    assert (reply.provider, reply.model) == (other.provider, other.model)
    return reply


def test_an_address_is_the_only_route(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-must-not-go-there")
    monkeypatch.setenv("CUSTOM_API_BASE", "http://127.0.0.1:1/v1")
    with FaultServer() as server:
        assert ask({"base_url": server.base_url, "api_key": "sk-of-this-service"}, model="any/model:7b").text
        assert ask({"base_url": server.base_url, "api_key": lambda: "sk-of-this-service"}, model="any").text
        assert ask({"base_url": server.base_url + "/"}, model="gpt-oss-120b").model == "gpt-oss-120b"
        keys = [request.headers.get("authorization") for request in server.received]
    assert keys == ["Bearer sk-of-this-service"] * 4 + [None] * 2


def test_without_a_key_the_first_listed_model_answers() -> None:
    with FaultServer() as server:
        server.script(*[replies.models("first", "second"), replies.answer()] * 2)
        assert ask({"base_url": server.base_url}).model == "first"
        with pytest.raises(g4f_lite.UnknownModelError, match="model="):
            ask({"base_url": server.base_url, "api_key": "sk-of-this-service"})


@pytest.mark.parametrize("client", [Client, AsyncClient])
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"base_url": "no address"}, "base_url must be an address"),
        ({"base_url": 5}, "base_url must be an address"),
        ({"base_url": "http://127.0.0.1:1/v1", "routes": ["groq"]}, "only route"),
        ({"base_url": "http://127.0.0.1:1/v1", "api_key": 5}, "api_key must be a key"),
        ({"base_url": "http://127.0.0.1:1/v1", "api_key": ""}, "api_key is empty"),
        ({"base_url": "http://127.0.0.1:1/v1", "api_key": " \n"}, "api_key is empty"),
        ({"api_key": "sk-lonely"}, "keys="),
    ],
)
def test_what_cannot_work_is_refused(client: type, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(g4f_lite.ConfigurationError, match=message) as caught:
        client(**settings)
    assert "sk-lonely" not in str(caught.value)


def test_an_instance_in_routes_is_known_by_its_name() -> None:
    with FaultServer() as first, FaultServer() as second, warnings.catch_warnings():
        warnings.simplefilter("error")
        settings = {"routes": [Mine(api_base=first.base_url), Mine(api_base=second.base_url)]}
        assert ask(settings, provider="mine").provider == "mine"
        assert ask(settings, model="mine:x").model == "x"
        assert len(first.received) == 4 and not second.received
        own_groq = OpenaiTemplate(name="groq", api_base=first.base_url, needs_auth=False, default_model="here")
        assert ask({"routes": [own_groq]}, provider="groq").model == "here"  # and no warning of a shadow


def test_a_model_that_nobody_lists_goes_to_the_clients_own_route(groq: FaultServer) -> None:
    assert ask({"routes": ["groq"]}, model="my-finetune").model == "my-finetune"
    assert ask({"routes": ["groq", "groq:other"]}, model="my-finetune").provider == "groq"
    with FaultServer() as server:
        routes = ["groq", Mine(api_base=server.base_url)]
        assert ask({"routes": routes}, model="m").provider == "mine"
        with pytest.raises(g4f_lite.UnknownModelError):
            ask({"routes": ["groq", "cerebras"]}, model="my-finetune")
    with pytest.raises(g4f_lite.UnknownModelError):
        ask({}, model="my-finetune")


def test_the_client_has_no_timeout_but_a_deadline() -> None:
    with pytest.raises(TypeError, match="deadline="):
        Client(timeout=5)  # type: ignore[call-arg]
    with pytest.raises(g4f_lite.ConfigurationError, match="deadline="):
        Client(timeouts=5)  # type: ignore[arg-type]
