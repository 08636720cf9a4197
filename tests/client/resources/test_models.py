"""The list of models: live, kept for a while, or the provider's own."""

from __future__ import annotations

import asyncio
import json
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from helpers.endpoints import MODES, SOON, call

import g4f_lite
from g4f_lite import AsyncClient, ChatCompletionChunk, Client, LocalProvider, OpenaiTemplate
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.replies import error
from g4f_lite.testing.script import Reply


@pytest.mark.parametrize("mode", MODES)
def test_models_are_listed_live(mode: str, server: FaultServer, two: dict[str, Any]) -> None:
    server.script(replies.models("m-1", "m-2"))
    alpha = two["routes"][0]
    listed = call(mode, two, "models.list", {"provider": alpha})
    assert (listed.ids, listed.live, listed.provider, len(listed)) == (("m-1", "m-2"), True, "alpha", 2)
    assert [(model.id, model.provider, model.live) for model in listed] == [
        ("m-1", "alpha", True),
        ("m-2", "alpha", True),
    ]
    assert [str(one.route) for one in listed.attempts] == ["alpha"]
    (request,) = server.received
    assert (request.method, request.path, request.body) == ("GET", "/v1/models", b"")
    assert pickle.loads(pickle.dumps(listed)) == listed
    assert listed.to_dict()["data"][0] == {
        "id": "m-1", "object": "model", "created": 1_700_000_000, "owned_by": "test", "provider": "alpha", "live": True,
    }  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "body",
    [
        {"models": [{"name": "m-1", "model": "m-1"}, {"name": "m-2"}]},
        {"data": [{"name": "m-1"}, {"id": None, "name": "m-2"}]},
        ["m-1", {"id": "m-2"}],
    ],
    ids=["Ollama", "names", "a list"],
)
def test_models_in_another_list(mode: str, body: Any, server: FaultServer, two: dict[str, Any]) -> None:
    server.script(replies.body(json.dumps(body).encode()))
    assert call(mode, two, "models.list", {"provider": two["routes"][0]}).ids == ("m-1", "m-2")


@pytest.mark.parametrize("mode", MODES)
def test_without_a_provider_all_are_asked_and_each_model_names_its_provider(
    mode: str, server: FaultServer, two: dict[str, Any]
) -> None:
    server.script(replies.models("a"), error(503, "down"))
    listed = call(mode, {**two, "retries": 0}, "models.list", {})
    assert [(model.provider, model.id, model.live) for model in listed] == [
        ("alpha", "a", True),
        *(("beta", name, False) for name in ("vectors", "other-vectors", "ears", "ears-2", "mouth", "brush")),
    ]
    assert not listed.live
    assert [attempt.outcome for attempt in listed.attempts] == ["ok", "ServerError"]


FAILURES = [error(503, "down"), error(401, "no"), replies.html(), replies.body(b"[5]"), replies.reset(), replies.silence(),
            replies.body(b'{"data": 5}'), error(404, "no such path")]  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("failure", FAILURES, ids=range(len(FAILURES)))
def test_if_the_service_does_not_answer_the_providers_own_list_is_returned(
    mode: str, failure: Reply, groq: FaultServer
) -> None:
    groq.script(failure)
    listed = call(mode, {"retries": 0, **SOON}, "models.list", {"provider": "groq"})
    assert not listed.live
    assert listed.ids[0] == "openai/gpt-oss-120b"
    assert "whisper-large-v3" in listed.ids
    assert listed.attempts[-1].outcome != "ok"
    assert listed.raw is None
    nothing = OpenaiTemplate(name="bare", api_base=groq.base_url, needs_auth=False)
    with pytest.raises(g4f_lite.ProviderError):
        call(mode, {"retries": 0, **SOON}, "models.list", {"provider": nothing})


@pytest.mark.parametrize("mode", MODES)
def test_without_a_key_nothing_is_sent(mode: str, monkeypatch: pytest.MonkeyPatch, groq: FaultServer) -> None:
    monkeypatch.delenv("GROQ_API_KEY")
    listed = call(mode, {}, "models.list", {"provider": "groq"})
    assert not listed.live
    assert "no key" in str(listed.trail)
    assert not groq.connections


def test_a_list_is_cached_for_a_while(server: FaultServer, two: dict[str, Any]) -> None:
    server.script(replies.models("first"), replies.models("second"))
    alpha = two["routes"][0]
    with Client(**two) as client:
        assert [client.models.list(provider=alpha).ids for _ in range(3)] == [("first",)] * 3
        assert client.models.list(provider=alpha, max_age=0).ids == ("second",)
        assert client.models.list(provider=alpha).ids == ("second",)
    assert len(server.received) == 2

    async def main() -> None:
        async with AsyncClient(**two) as client:
            assert [(await client.models.list(provider=alpha)).ids for _ in range(2)] == [("second",)] * 2

    asyncio.run(main())
    assert len(server.received) == 3


def test_the_list_of_one_key_is_not_taken_for_that_of_another(server: FaultServer) -> None:
    """A leg that names no model takes the first one of its own key's list."""

    class Nearby(OpenaiTemplate):
        name, default_model, needs_auth, lists_models = "nearby", "", False, True

    server.on("/models", error(429, "slow down", retry_after=0.2), replies.models("of-two"), replies.models("of-one"))
    settings: dict[str, Any] = {"routes": [Nearby(api_base=server.base_url)], "patience": 0, "retries": 0}
    with Client(**settings, keys={"nearby": ["key-number-one", "key-number-two"]}) as client:
        assert client.models.list(provider="nearby").ids == ("of-two",)
        assert client.models.list(provider="nearby").ids == ("of-two",)  # it is kept, though for the second key
        assert len(server.received) == 2
        create = client.chat.completions.create
        assert create(messages=[{"role": "user", "content": "Hi"}]).text == "ok"
    sent = [(one.headers["authorization"][-3:], one.model) for one in server.received[2:]]
    assert sent == [("one", ""), ("one", "of-one")]


def test_a_failure_is_not_cached(server: FaultServer, two: dict[str, Any]) -> None:
    server.script(replies.body(b"[5]"), replies.models("there"))
    with Client(**two, retries=0) as client:
        assert not client.models.list(provider=two["routes"][0]).live
        assert client.models.list(provider=two["routes"][0]).ids == ("there",)


@pytest.mark.parametrize("mode", MODES)
def test_an_odd_entry_of_a_list_is_left_out(mode: str, server: FaultServer, two: dict[str, Any]) -> None:
    entries = '[{"id": "m-1"}, null, 7, {"name": "x"}, {"id": null}, {"id": 5}, {"id": ""}, "m-2", [], {"id": "m-3",'
    server.script(replies.body((f'{{"data": {entries} "created": NaN, "owned_by": 7}}]}}').encode()))
    listed = call(mode, two, "models.list", {"provider": two["routes"][0]})
    assert (listed.ids, listed.live) == (("m-1", "m-2", "m-3"), True)


class InProcess(LocalProvider):
    name, default_model = "here", "small"

    def stream(self, request: Any, *, cancelled: Any) -> Iterator[ChatCompletionChunk]:
        raise AssertionError("nobody chats")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("params", [{}, {"provider": "here"}])
def test_a_provider_in_this_process_has_its_own_list(mode: str, params: dict[str, Any]) -> None:
    here = InProcess()
    listed = call(mode, {"routes": [here, "here:large"], "plugins": [here]}, "models.list", params)
    assert (listed.ids, listed.live) == (("small",), False)


@pytest.mark.parametrize("mode", MODES)
def test_what_cannot_be_asked_and_needs_a_key_has_no_list(mode: str) -> None:
    with pytest.raises(g4f_lite.NoUsableRouteError, match="cannot be asked for its models"):
        call(mode, {"routes": [InProcess(needs_auth=True)]}, "models.list", {})
