"""Where the address of a provider comes from."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.driving import MESSAGES
from helpers.providers import Alpha

import g4f_lite
from g4f_lite import ChatRequest, Client, HTTPRequest, OpenaiTemplate
from g4f_lite.testing import FaultServer


def test_an_address_comes_from_argument_environment_and_class_in_this_order(monkeypatch: pytest.MonkeyPatch) -> None:
    def address(**settings: Any) -> str:
        with Client(plugins=[Alpha], keys={"alpha": "k"}, **settings) as client:
            return client.explain(provider="alpha").tiers[0][0].base_url

    assert address() == "http://127.0.0.1:1/v1"
    monkeypatch.setenv("ALPHA_API_BASE", "http://127.0.0.1:7/v1/")
    assert address() == "http://127.0.0.1:7/v1"
    assert address(base_urls={"alpha": "http://127.0.0.1:8"}) == "http://127.0.0.1:8"
    monkeypatch.setenv("ALPHA_API_BASE", "nonsense")
    with pytest.raises(g4f_lite.ConfigurationError, match="ALPHA_API_BASE"):
        address()


OF_REQUESTS = [
    ("/v1/chat/completions", "/chat/completions"),
    ("/openai/v1/chat/completions/", "/chat/completions"),
    ("/v1/messages", "/messages"),
    ("/v2/chat", "/chat"),
    ("/v1/embeddings", "/embeddings"),
    ("/v1beta/models/gemini-x:generateContent", "/models/gemini-x:generateContent"),
]


@pytest.mark.parametrize(("path", "added"), OF_REQUESTS)
def test_the_address_of_a_request_is_not_that_of_a_service(
    path: str, added: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, said = f"http://127.0.0.1:1{path}", f" must end before '{added}', which is added to it"
    with pytest.raises(g4f_lite.ConfigurationError, match=f"base_url{said}"):
        Client(base_url=address)
    with pytest.raises(g4f_lite.ConfigurationError, match=rf"base_urls\['openai'\]{said}"):
        Client(base_urls={"openai": address}, keys={"openai": "k"}).explain(provider="openai")
    monkeypatch.setenv("OPENAI_API_BASE", address)
    with pytest.raises(g4f_lite.ConfigurationError, match=f"OPENAI_API_BASE{said}"):
        Client(keys={"openai": "k"}).explain(provider="openai")


def test_the_address_of_a_request_is_looked_for_where_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    class Filled(OpenaiTemplate):
        name, default_model, needs_auth, api_base = "filled", "m", False, "{ACME_ENDPOINT}"

    monkeypatch.setenv("ACME_ENDPOINT", "http://127.0.0.1:1/v1/chat/completions")
    with pytest.raises(
        g4f_lite.ConfigurationError, match=r"^filled's address, filled in from the environment, must end"
    ):
        Client(plugins=[Filled]).explain(provider="filled")


def test_a_provider_may_have_the_whole_address_itself(server: FaultServer) -> None:
    class Whole(OpenaiTemplate):
        name, default_model, needs_auth = "whole", "m", False
        api_base = "http://127.0.0.1:1/v1/chat/completions"

        def build_request(self, request: ChatRequest, *, key: str | None, stream: bool) -> HTTPRequest:
            body = super().build_request(request, key=key, stream=stream).body
            return HTTPRequest(
                method="POST", url=self.api_base, headers={"content-type": "application/json"}, body=body
            )

    moved = f"{server.base_url}/chat/completions"
    with Client(plugins=[Whole], base_urls={"whole": moved}) as client:
        assert client.chat.completions.create(messages=MESSAGES, provider="whole").text == "ok"


@pytest.mark.parametrize("path", ["", "/v1", "/models", "/chat", "/api/v1/models/x", "/v1/messages/x"])
def test_paths_of_services_are_taken(path: str) -> None:
    with Client(base_urls={"openai": f"http://127.0.0.1:1{path}"}, keys={"openai": "k"}) as client:
        assert client.explain(provider="openai").tiers[0][0].base_url.endswith(f":1{path}")
