"""A server on this machine that has no default model answers with the first one that it lists."""

from __future__ import annotations

import asyncio
import json
import pickle
import socket
from typing import Any

import pytest
from helpers.driving import MESSAGES, MODES, Outcome
from helpers.driving import run as run_quickly

import g4f_lite
from g4f_lite import AsyncClient, Client, OpenaiTemplate
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.replies import answer, error
from g4f_lite.testing.script import Reply


class Nearby(OpenaiTemplate):
    name = "nearby"
    label = "A server on this machine"
    needs_auth = False
    default_model = ""


class Backup(OpenaiTemplate):
    name = "backup"
    needs_auth = False
    default_model = "b"


CALM = g4f_lite.Timeouts(connect=10, first_token=10, stall=10, total=10)
"""Long enough that a slow machine does not look like a silent server."""
SOON = g4f_lite.Timeouts(connect=10, first_token=1, stall=1, total=1)


def run(mode: str, settings: dict[str, Any], params: dict[str, Any]) -> Outcome:
    return run_quickly(mode, {"timeouts": CALM, **settings}, params)


@pytest.fixture
def nearby(server: FaultServer) -> Nearby:
    server.on("/models", replies.models("text-embedding-nomic", "llama", "qwen"))
    return Nearby(api_base=server.base_url)


def asked(server: FaultServer) -> list[str]:
    return [f"{request.method} {request.model}".strip() for request in server.received]


@pytest.mark.parametrize("mode", MODES)
def test_the_first_model_that_chats_is_used(mode: str, server: FaultServer, nearby: Nearby) -> None:
    outcome = run(mode, {}, {"provider": nearby})
    assert outcome.completion is not None
    assert (outcome.completion.provider, outcome.completion.model) == ("nearby", "llama")
    assert asked(server) == ["GET", "POST llama"]
    assert [attempt.route for attempt in outcome.trail.attempts] == ["nearby:llama"]
    assert pickle.loads(pickle.dumps(outcome.completion)) == outcome.completion


@pytest.mark.parametrize("mode", MODES)
def test_a_named_model_needs_no_list(mode: str, server: FaultServer, nearby: Nearby) -> None:
    assert run(mode, {}, {"provider": nearby, "model": "qwen"}).trail.attempts[0].model == "qwen"
    assert asked(server) == ["POST qwen"]


@pytest.mark.parametrize("mode", MODES)
def test_the_request_for_the_list_has_the_key(mode: str, server: FaultServer, nearby: Nearby) -> None:
    run(mode, {"keys": {"nearby": "secret"}}, {"provider": nearby})
    assert [request.headers["authorization"] for request in server.received] == ["Bearer secret"] * 2


def test_the_list_is_cached_for_later_calls(server: FaultServer, nearby: Nearby) -> None:
    with Client() as client:
        for _ in range(3):
            client.chat.completions.create(messages=MESSAGES, provider=nearby)
        assert client.models.list(provider=nearby).ids[1] == "llama"
        assert {model.provider for model in client.models.list(provider=nearby)} == {"nearby"}
    assert asked(server) == ["GET", "POST llama", "POST llama", "POST llama"]
    server.received.clear()

    async def main() -> None:
        async with AsyncClient() as client:
            assert (await client.models.list(provider=nearby)).ids[1] == "llama"
            await client.chat.completions.create(messages=MESSAGES, provider=nearby)

    asyncio.run(main())
    assert asked(server) == ["GET", "POST llama"]


def test_the_list_is_requested_again_when_the_model_is_gone(server: FaultServer, nearby: Nearby) -> None:
    server.on("/models", replies.models("old"), replies.models("new"))
    server.on("old", answer("from old"), error(404, "model 'old' not found", code="model_not_found"))
    with Client() as client:
        assert client.chat.completions.create(messages=MESSAGES, provider=nearby).model == "old"
        with pytest.raises(g4f_lite.ModelUnavailableError, match="nearby:old: 404"):
            client.chat.completions.create(messages=MESSAGES, provider=nearby)
        assert client.chat.completions.create(messages=MESSAGES, provider=nearby).model == "new"


def unused_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"http://127.0.0.1:{taken.getsockname()[1]}/v1"


@pytest.mark.parametrize("mode", MODES)
def test_a_server_that_is_down_fails_over_to_the_next_leg(mode: str, server: FaultServer) -> None:
    down, backup = Nearby(api_base=unused_address()), Backup(api_base=server.base_url)
    outcome = run(mode, {"routes": [down, backup]}, {})
    assert outcome.completion is not None
    assert outcome.completion.provider == "backup"
    assert outcome.trace[0].startswith("nearby ConnectionFailedError (HOST cannot be reached")
    alone = run(mode, {"routes": [down]}, {})
    assert type(alone.error) is g4f_lite.ConnectionFailedError
    assert str(alone.error).endswith("cannot be reached: it refuses the connection")


FAULTS: list[tuple[str, Reply, tuple[str, ...]]] = [
    ("an empty list", replies.models(), ("ModelUnavailableError",)),
    ("no list at all", replies.body(b'{"data": null}'), ("ModelUnavailableError",)),
    ("another shape", replies.body(b'{"models": []}'), ("MalformedResponseError", "MalformedResponseError")),
    ("a web page", replies.html(), ("MalformedResponseError", "MalformedResponseError")),
    ("a cut list", replies.cut(), ("ConnectionFailedError", "ConnectionFailedError")),
    ("a 503", error(503, "loading"), ("ServerError", "ServerError", "ServerError")),
    ("a 401", error(401, "key please"), ("AuthenticationError",)),
    ("an error inside a 200", replies.body(b'{"error": "Unexpected endpoint"}'), ("ServerError",) * 3),
    ("silence", replies.silence(), ("ProviderTimeoutError",)),
]


@pytest.mark.parametrize(("fault", "outcomes"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
def test_a_failed_request_for_the_list_is_a_failure_like_any_other(
    fault: Reply, outcomes: tuple[str, ...], server: FaultServer, nearby: Nearby
) -> None:
    backup = Backup(api_base=server.base_url)
    traces: list[Any] = []
    for mode in MODES:
        server.on("/models", fault)
        server.received.clear()
        timeouts = SOON if "ProviderTimeoutError" in outcomes else CALM
        outcome = run(mode, {"routes": [nearby, backup], "timeouts": timeouts}, {})
        assert outcome.completion is not None, outcome.error
        assert [attempt.outcome for attempt in outcome.trail.attempts] == [*outcomes, "ok"]
        assert asked(server) == ["GET"] * len(outcomes) + ["POST b"]
        traces.append(outcome.trace)
    assert traces[0] == traces[2]
    assert traces[1] == traces[3]


@pytest.mark.parametrize("mode", MODES)
def test_the_deadline_covers_the_request_for_the_list(mode: str, server: FaultServer, nearby: Nearby) -> None:
    server.on("/models", replies.silence("body"))
    outcome = run(mode, {"timeouts": g4f_lite.Timeouts()}, {"provider": nearby, "timeout": 0.3})
    assert type(outcome.error) is g4f_lite.DeadlineExceededError
    assert outcome.trail.attempts[0].duration < 1.5


@pytest.mark.parametrize("mode", MODES)
def test_a_failure_after_the_list_is_retried_without_another_request_for_it(
    mode: str, server: FaultServer, nearby: Nearby
) -> None:
    server.on("llama", error(503, "busy"), answer("there"))
    outcome = run(mode, {}, {"provider": nearby})
    assert outcome.text == "there"
    assert asked(server) == ["GET", "POST llama", "POST llama"]
    assert [attempt.number for attempt in outcome.trail.attempts] == [1, 2]


def test_explain_sends_nothing(server: FaultServer, nearby: Nearby) -> None:
    with Client() as client:
        plan = client.explain(provider=nearby)
    assert str(plan) == f"1. nearby:(first listed) at {server.base_url}"
    assert plan.tiers[0][0].model == ""
    assert not server.connections


def test_a_provider_that_bills_needs_a_named_model(server: FaultServer) -> None:
    paid = Nearby(api_base=server.base_url, needs_auth=True, api_key="k")
    silent = Nearby(api_base=server.base_url, lists_models=False)
    with Client() as client:
        for provider in (paid, silent):
            with pytest.raises(g4f_lite.UnknownModelError, match="no default model; name one"):
                client.chat.completions.create(messages=MESSAGES, provider=provider)
    assert not server.connections


# -- models that cannot chat ---------------------------------------------------------------


def listed(*items: dict[str, Any], **beside: Any) -> Reply:
    return replies.body(json.dumps({"object": "list", "data": list(items), **beside}).encode())


NO_CHAT = error(400, '"it" does not support chat', type="invalid_request_error")
LISTS: list[tuple[str, Reply]] = [
    ("Ollama: names", replies.models("bge-m3", "all-minilm:latest", "mxbai-embed-large", "whisper-1", "qwen3:8b")),
    ("names of rerankers, voices and painters", replies.models(
        "jina-reranker-v2", "kokoro-82m", "tts-1", "stable-diffusion-3", "llama-guard3:8b", "multilingual-e5-large",
        "qwen3:8b")),
    ("Ollama: painters and judges", replies.models(
        "x/z-image-turbo", "x/flux2-klein", "paraphrase-multilingual", "shieldgemma:2b", "xtts-v2", "qwen3:8b")),
    ("LM Studio: type", listed({"id": "a", "type": "embeddings"}, {"id": "qwen3:8b", "type": "vlm"})),
    ("Ollama: capabilities", listed({"id": "a", "capabilities": ["embedding"]},
                                    {"id": "qwen3:8b", "capabilities": ["completion", "tools", "vision"]})),
    ("Mistral: a table of capabilities", listed({"id": "a", "capabilities": {"completion_chat": False, "vision": True}},
                                                {"id": "qwen3:8b", "capabilities": {"completion_chat": True}})),
    ("llama.cpp: capabilities beside the list", listed(
        {"id": "a", "object": "model"}, {"id": "qwen3:8b", "object": "model"},
        models=[{"name": "a", "type": "model", "capabilities": ["embedding"]},
                {"name": "qwen3:8b", "type": "model", "capabilities": ["completion"]}])),
    ("Xinference: model_type", listed({"id": "a", "model_type": "rerank"}, {"id": "qwen3:8b", "model_type": "LLM"})),
    ("Hugging Face: a task", listed({"id": "a", "pipeline_tag": "automatic-speech-recognition"},
                                    {"id": "b", "task": "sentence-similarity"}, {"id": "qwen3:8b"})),
    ("OpenRouter: modalities", listed({"id": "a", "architecture": {"output_modalities": ["embeddings"]}},
                                      {"id": "qwen3:8b", "architecture": {"output_modalities": ["text"]}})),
    ("Lemonade: labels", listed({"id": "a", "labels": ["embeddings"]}, {"id": "qwen3:8b", "labels": ["vision"]})),
    ("a name that misleads", listed({"id": "a", "type": "embedding"}, {"id": "qwen3:8b-embed-chat", "type": "llm"})),
    ("unknown names, which refuse", replies.models("a", "b", "c", "qwen3:8b")),
]  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("models", [row[1] for row in LISTS], ids=[row[0] for row in LISTS])
def test_models_that_cannot_chat_are_passed_over(models: Reply, mode: str, server: FaultServer) -> None:
    server.on("/models", models)
    server.script(replies.by_model(lambda model: answer("hi") if model.startswith("qwen3") else NO_CHAT))
    outcome = run(mode, {}, {"provider": Nearby(api_base=server.base_url)})
    assert outcome.completion is not None, outcome.error
    assert outcome.text == "hi"
    said = [request.model for request in server.received[1:]]
    assert said[:-1] == (["a", "b", "c"] if len(said) > 1 else [])


REFUSALS: list[tuple[str, Reply]] = [
    ("Ollama", NO_CHAT),
    ("Ollama, long ago", error(400, "embedding models do not support chat")),
    ("vLLM", error(400, "The model does not support Chat Completions API", type="BadRequestError")),
    ("vLLM, later", error(501, "The model does not support Chat Completions API", type="NotImplementedError")),
    ("llama.cpp", error(501, "This server does not support completions.", type="not_supported_error")),
    ("LM Studio", error(404, 'Failed to load model "x". Error: Model is not llm.', code="model_not_found")),
    ("OpenRouter", error(400, "x is an embedding model and cannot be used with the chat/completions endpoint.")),
    ("Azure", error(400, "The chatCompletion operation does not work with the specified model, x.",
                    code="OperationNotSupported")),
    ("OpenAI", error(404, "This is not a chat model and thus not supported in the v1/chat/completions endpoint.")),
    ("Groq", error(400, "The model `x` does not support chat completions")),
    ("no tools", error(400, "registry.ollama.ai/library/x does not support tools")),
    ("a short memory", error(400, "too many tokens", code="context_length_exceeded")),
]  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("refusal", [row[1] for row in REFUSALS], ids=[row[0] for row in REFUSALS])
def test_a_refusal_that_is_the_models_leads_to_the_next_listed_one(
    refusal: Reply, mode: str, server: FaultServer
) -> None:
    server.on("/models", replies.models("first", "second", "third"))
    server.on("first", refusal)
    server.on("second", error(503, "busy"), refusal)
    outcome = run(mode, {}, {"provider": Nearby(api_base=server.base_url)})
    assert outcome.completion is not None, outcome.error
    assert asked(server) == ["GET", "POST first", "POST second", "POST second", "POST third"]
    assert [(attempt.model, attempt.number) for attempt in outcome.trail.attempts] == [
        ("first", 1), ("second", 1), ("second", 2), ("third", 2),
    ]  # fmt: skip


def test_a_model_that_cannot_chat_is_remembered_one_that_lacks_a_feature_is_not(
    server: FaultServer, nearby: Nearby
) -> None:
    server.on("/models", replies.models("a", "b", "c"))
    server.on("a", NO_CHAT)
    server.on("b", error(400, "b does not support tools"))
    with Client() as client:
        for _ in range(2):
            assert client.chat.completions.create(messages=MESSAGES, provider=nearby).model == "c"
        assert client.models.list(provider=nearby).ids == ("a", "b", "c")
    assert asked(server) == ["GET", "POST a", "POST b", "POST c", "POST b", "POST c"]


@pytest.mark.parametrize("mode", MODES)
def test_a_server_without_a_model_that_chats_leaves_the_call_to_the_next_leg(mode: str, server: FaultServer) -> None:
    nearby, backup = Nearby(api_base=server.base_url), Backup(api_base=server.base_url)
    for models, refused in ((listed({"id": "a", "type": "embedding"}), []), (replies.models("a", "c"), ["a", "c"])):
        server.received.clear()
        server.on("/models", models)
        server.script(replies.by_model(lambda model: answer("hi") if model == "b" else NO_CHAT))
        outcome = run(mode, {"routes": [nearby, backup]}, {})
        assert outcome.completion is not None, outcome.error
        assert asked(server) == ["GET", *(f"POST {one}" for one in refused), "POST b"]
        alone = run(mode, {"routes": [nearby]}, {})
        assert type(alone.error) is g4f_lite.ModelUnavailableError
    assert "does not support chat" in str(alone.error)


def test_a_server_with_embedders_alone_says_so(server: FaultServer) -> None:
    server.on("/models", listed({"id": "bge-m3", "type": "embedding"}))
    outcome = run("sync", {}, {"provider": Nearby(api_base=server.base_url)})
    assert "none of its models can chat (bge-m3): load one into it, or name one with model=" in str(outcome.error)


@pytest.mark.parametrize("mode", MODES)
def test_a_server_that_still_loads_its_model_is_waited_for_from_the_list_on(
    mode: str, server: FaultServer, nearby: Nearby
) -> None:
    loading = error(503, "Loading model", type="unavailable_error")
    server.on("/models", loading, replies.models("llama"))
    server.on("llama", loading, answer("hi"))
    outcome = run(mode, {}, {"provider": nearby, "retries": 0})
    assert outcome.text == "hi"
    assert asked(server) == ["GET", "GET", "POST llama", "POST llama"]
    assert [attempt.outcome for attempt in outcome.trail.attempts] == ["NotReadyError", "NotReadyError", "ok"]
