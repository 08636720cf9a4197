"""A server on this machine that has no default model answers with the first one that it lists."""

from __future__ import annotations

import asyncio
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
