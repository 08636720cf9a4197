"""The header of the key and the paths of the endpoints are attributes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from g4f_lite import AsyncClient, Client, ConfigurationError, OpenaiTemplate
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.shapes import openai_endpoints

SETTINGS: dict[str, Any] = {
    "name": "moved",
    "default_model": "m",
    "lists_models": True,
    "capabilities": frozenset({"streaming", "embeddings"}),
    "default_models": {"embeddings": "e"},
    "auth_header": ("x-acme-key", "Acme "),
    "chat_path": "/talk",
    "models_path": "/v2/catalogue",
    "endpoint_paths": {"embeddings": "/embed"},
}
MESSAGES = [{"role": "user", "content": "hi"}]


@pytest.mark.parametrize("kind", ["Client", "AsyncClient"])
def test_key_and_paths_are_where_the_attributes_say(kind: str) -> None:
    vector = {"data": [{"embedding": [1.0], "index": 0}], "model": "e"}
    with FaultServer() as server:
        listed = replies.models("m")
        server.script(replies.answer("ok"), replies.answer("ok"), replies.body(_json(vector)), listed)
        one = OpenaiTemplate(api_base=server.base_url, api_key="secret", **SETTINGS)

        async def concurrent() -> None:
            async with AsyncClient(routes=[one]) as api:
                await api.chat.completions.create(messages=MESSAGES)
                async for _ in await api.chat.completions.create(messages=MESSAGES, stream=True):
                    pass
                await api.embeddings.create(input="hi", model="e")
                await api.models.list(provider=one)

        if kind == "AsyncClient":
            asyncio.run(concurrent())
        else:
            with Client(routes=[one]) as api:
                api.chat.completions.create(messages=MESSAGES)
                list(api.chat.completions.create(messages=MESSAGES, stream=True))
                api.embeddings.create(input="hi", model="e")
                api.models.list(provider=one)
        assert [one.path for one in server.received] == ["/v1/talk", "/v1/talk", "/v1/embed", "/v1/v2/catalogue"]
        assert {one.headers.get("x-acme-key") for one in server.received} == {"Acme secret"}
        assert not any("authorization" in one.headers for one in server.received)


def _json(content: object) -> bytes:
    return openai_endpoints._dump(content)[0]


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("auth_header", "x-key", "auth_header must be like"),
        ("auth_header", ("x-key",), "auth_header must be like"),
        ("auth_header", ("X-Key", ""), "in lower case, not 'X-Key'"),
        ("auth_header", ("x key", ""), "in lower case"),
        ("auth_header", ("", "Bearer "), "in lower case"),
        ("auth_header", ("x-key", None), "auth_header must be like"),
        ("chat_path", "talk", "path of chat must begin with a slash"),
        ("chat_path", None, "path of chat must begin with a slash"),
        ("models_path", "", "path of models must begin with a slash"),
        ("models_path", "/a\r\nb", "path of models"),
        ("endpoint_paths", {"embeddings": "embed"}, "path of embeddings must begin with a slash"),
        ("endpoint_paths", "/embed", "endpoint_paths must be a mapping"),
        ("key_header", ("x-key", ""), "no attribute 'key_header'"),
    ],
)
def test_a_mistake_is_found_when_the_provider_is_made(attribute: str, value: object, message: str) -> None:
    with pytest.raises((ConfigurationError, TypeError), match=message):
        OpenaiTemplate(name="acme", **{attribute: value})
