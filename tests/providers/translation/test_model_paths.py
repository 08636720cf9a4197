"""No model id leads to another place than the models of its service."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from helpers.driving import MESSAGES, MODES, run
from helpers.plain_routes import Plain

from g4f_lite import ChatRequest, Client, EmbeddingRequest, HTTPRequest, ModelUnavailableError, Provider
from g4f_lite.testing import FaultServer, replies
from g4f_lite_providers.gemini import Gemini
from g4f_lite_providers.vertex import Vertex

OUTSIDE = ["..", ".", "../../x", "models/../../x", "models/..", "a//b", "/x", "x/", "models/", "tunedModels/./x"]
ODD = {
    "m?key=1": "models/m%3Fkey%3D1",
    "m#x": "models/m%23x",
    "m:countTokens": "models/m%3AcountTokens",
    "..%2fx": "models/..%252fx",
    "..\\x": "models/..%5Cx",
    "tunedModels/m": "tunedModels/m",
    "gemini-2.5-flash": "models/gemini-2.5-flash",
    "...": "models/...",
}


def urls(provider: Provider, model: str) -> list[str]:
    chat = ChatRequest(messages=tuple(MESSAGES), model=model)
    built = [provider.build_request(chat, key="k", stream=stream).url for stream in (False, True)]
    if "embeddings" in provider.capabilities:
        built.append(provider.build_operation(EmbeddingRequest(input="a", model=model), key="k").url)
    return built


@pytest.mark.parametrize("provider", [Gemini(), Vertex(api_base="https://one.example/v1/models/google")], ids=str)
@pytest.mark.parametrize("model", OUTSIDE)
def test_an_id_that_leads_elsewhere_is_refused(model: str, provider: Provider) -> None:
    for build in (
        lambda: urls(provider, model),
        lambda: Gemini().build_operation(EmbeddingRequest(input="a", model=model), key="k"),
    ):
        with pytest.raises(ModelUnavailableError, match="has no model"):
            build()


@pytest.mark.parametrize("provider", [Gemini(), Vertex(api_base="https://one.example/v1/models/google")], ids=str)
@pytest.mark.parametrize("model", ODD)
def test_an_odd_id_is_quoted(model: str, provider: Provider) -> None:
    base = urlsplit(provider.api_base).path
    for url in urls(provider, model):
        assert urlsplit(url).path.rpartition(":")[0] == f"{base}/{ODD[model]}"


@pytest.mark.parametrize("mode", MODES)
def test_it_fails_over_without_a_request(mode: str, server: FaultServer) -> None:
    server.script(replies.answer("good"))
    settings = {"keys": {"gemini": "key_123456789"}, "base_urls": {"gemini": server.origin}}
    params = {"provider": "gemini", "model": "../../x", "fallback_models": ["gemini-x"]}
    outcome = run(mode, settings, params)
    assert (outcome.text, server.models) == ("good", ["gemini-x"])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("path", ["/../x", "/.", "/a/./b", "/a/..?alt=sse"])
def test_no_plugin_sends_a_request_past_its_base(path: str, mode: str, server: FaultServer) -> None:
    class Careless(Plain):
        def build_request(self, request: Any, *, key: Any, stream: bool) -> HTTPRequest:
            return HTTPRequest(url=f"{server.base_url}{path}", body=b"{}")

    outcome = run(mode, {"routes": [Careless(api_base=server.base_url)]}, {})
    assert "leads elsewhere" in str(outcome.error)
    assert not server.received


def test_dots_in_names_and_queries_are_fine(server: FaultServer) -> None:
    class Dotted(Plain):
        def build_request(self, request: Any, *, key: Any, stream: bool) -> HTTPRequest:
            built = super().build_request(request, key=key, stream=stream)
            return HTTPRequest(url=f"{built.url}?next=/../x", headers=built.headers, body=built.body)

    server.script(replies.answer("good"))
    with Client(routes=[Dotted(api_base=server.base_url)]) as client:
        assert client.chat.completions.create(messages=MESSAGES).text == "good"
