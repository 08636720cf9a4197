"""A provider of embeddings alone passes the suite: its checks of chats are skipped, those of embeddings are not."""

from __future__ import annotations

import json

import pytest
from helpers.suites import checks, run_check

import g4f_lite as g
from g4f_lite.testing import ProviderConformance


class Dots(g.Provider):
    name = "dots"
    login_url = "https://dots.example/keys"
    api_base = "https://api.dots.example"
    api_key_env = ("DOTS_API_KEY",)
    capabilities = frozenset({"embeddings"})
    default_models = {"embeddings": "dots-1"}

    def build_operation(self, request: g.EndpointRequest, *, key: str | None) -> g.HTTPRequest:
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        headers |= {name.lower(): value for name, value in (request.extra_headers or {}).items()}
        sent = request.to_body()
        if refused := sent.keys() - {"input", "model"} - (request.extra_body or {}).keys():
            raise g.UnsupportedParameterError(f"dots does not support {', '.join(refused)}")
        return g.HTTPRequest(url=f"{self.api_base}/embeddings", headers=headers, body=json.dumps(sent).encode())

    def parse_operation(self, request: g.EndpointRequest, response: g.HTTPResponse) -> g.Answer:
        try:
            said = json.loads(response.body)
            vectors = [g.Embedding(index=one["index"], embedding=tuple(one["embedding"])) for one in said["data"]]
            usage = g.Usage(prompt_tokens=said["usage"]["prompt_tokens"])
        except (ValueError, LookupError, TypeError):
            raise g.MalformedResponseError("the answer cannot be read") from None
        vectors.sort(key=lambda one: one.index)
        return g.CreateEmbeddingResponse(data=tuple(vectors), model=request.model, usage=usage)

    def build_request(self, request: g.ChatRequest, *, key: str | None, stream: bool) -> g.HTTPRequest:
        raise g.UnsupportedParameterError("dots does not chat")

    def parse_response(self, response: g.HTTPResponse) -> g.ChatCompletion:
        raise NotImplementedError

    def new_stream(self, request: g.ChatRequest) -> g.StreamParser:
        raise NotImplementedError


class OfDots(ProviderConformance):
    provider = Dots


class Chatty(Dots):
    """It refuses each chat, though it has a model for them."""

    default_model = "dots-chat"


class Mute(Dots):
    """Nothing is left that it could answer."""

    capabilities = frozenset()


def test_checks_of_chats_are_skipped(request: pytest.FixtureRequest) -> None:
    skipped = set()
    for check in checks(OfDots) - {"test_import_and_registration_do_no_io"}:
        try:
            run_check(OfDots, check, request)
        except pytest.skip.Exception as skip:
            assert "'dots' does not chat" in str(skip)
            skipped.add(check)
    assert {"test_both_clients", "test_whole_answers_are_read"} < skipped
    assert not [check for check in skipped if "other_endpoints" in check or "error_table" in check]


@pytest.mark.parametrize("provider", [Chatty, Mute])
def test_who_should_chat_is_checked(provider: type[Dots], request: pytest.FixtureRequest) -> None:
    suite = type("TestBug", (ProviderConformance,), {"provider": provider})
    with pytest.raises(pytest.fail.Exception):
        run_check(suite, "test_both_clients", request)
