"""`client.rest(route, seconds)` and `client.wake(route)`: what an operator decides about a route by hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Any

import pytest
from helpers.driving import MESSAGES, MODES
from helpers.limited import settings

from g4f_lite import AsyncClient, Client, G4FLiteError, InvalidRequestError, Trail, UnknownProviderError
from g4f_lite.health.stores.memory import MemoryState
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Action, Received

QUICK: dict[str, Any] = {"deadline": 5, "retries": 0, "patience": 0}


def two(server: FaultServer, **more: Any) -> dict[str, Any]:
    keys, urls = {"groq": "a", "openai": "b"}, {"groq": server.base_url, "openai": server.base_url}
    return {"routes": ["groq:one", "openai:two"], "keys": keys, "base_urls": urls, **QUICK, **more}


class Caller:
    """A client of either kind, and calls in one mode."""

    def __init__(self, mode: str, **settings: Any) -> None:
        self._mode = mode
        self._loop = asyncio.new_event_loop()
        kind: Any = AsyncClient if mode.startswith("async") else Client
        self.client: Any = kind(**settings)

    def routes(self, **params: Any) -> list[str]:
        """Make a call. Return the routes of its attempts, and how each ended."""
        try:
            trail = self._loop.run_until_complete(self._call(params)) if "async" in self._mode else self._whole(params)
        except G4FLiteError as error:
            trail = error.trail
        return [f"{one.route} {one.outcome}" for one in trail.attempts]

    def _whole(self, params: Any) -> Trail:
        answer = self.client.chat.completions.create(messages=MESSAGES, stream="stream" in self._mode, **params)
        if "stream" in self._mode:
            for _ in answer:
                pass
        trail: Trail = answer.trail
        return trail

    async def _call(self, params: Any) -> Trail:
        answer = await self.client.chat.completions.create(messages=MESSAGES, stream="stream" in self._mode, **params)
        if "stream" in self._mode:
            async for _ in answer:
                pass
        trail: Trail = answer.trail
        return trail

    def __enter__(self) -> Caller:
        return self

    def __exit__(self, *exc_info: object) -> None:
        if "async" in self._mode:
            self._loop.run_until_complete(self.client.aclose())
        else:
            self.client.close()
        self._loop.close()


@pytest.mark.parametrize("mode", MODES)
def test_calls_pass_a_route_that_rests_until_it_is_woken(mode: str, server: FaultServer) -> None:
    with Caller(mode, **two(server)) as caller:
        caller.client.rest("groq:one", 600)
        assert caller.routes() == ["openai:two ok"]
        (skipped,) = caller.client.explain(fallback_models=[]).skipped
        assert skipped.route == "groq:one" and "NotReadyError" in skipped.reason
        assert (skipped.message, skipped.ready_at is not None) == ("it was put to rest by hand", True)
        caller.client.rest("groq:one", 1)  # the longer rest stays
        assert caller.routes() == ["openai:two ok"]
        caller.client.wake("groq:one")
        assert caller.routes() == ["groq:one ok"]


KEPT_OFF = {
    "a cooldown of the leg": [replies.error(403, "no")],
    "a cooldown of the key": [replies.error(401, "no")],
    "a rate": [replies.error(429, "slow down", retry_after=600)],
    "an open breaker": [replies.error(500, "broken")] * 3,
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", KEPT_OFF)
def test_whatever_keeps_calls_off_a_route_ends(mode: str, name: str, server: FaultServer) -> None:
    with Caller(mode, **two(server)) as caller:
        for number, reply in enumerate(KEPT_OFF[name]):
            server.script(reply, replies.answer("ok"))
            assert len(caller.routes()) == 2, number
        assert caller.routes() == ["openai:two ok"]
        caller.client.wake("groq:one")
        assert caller.routes() == ["groq:one ok"]
        assert caller.routes() == ["groq:one ok"]


def test_a_woken_breaker_lets_one_probe_pass(server: FaultServer) -> None:
    with Caller("sync", **two(server)) as caller:
        for _ in range(3):
            server.script(replies.error(500, "broken"), replies.answer("ok"))
            caller.routes()
        caller.client.wake("groq:one")
        server.script(replies.error(500, "broken"), replies.answer("ok"))
        assert caller.routes() == ["groq:one ServerError", "openai:two ok"]
        assert caller.routes() == ["openai:two ok"]  # the probe has failed: it is open again


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_each_endpoint_has_its_own_rest(kind: Any, server: FaultServer) -> None:
    client = kind(**two(server))
    client.rest("openai:text-embedding-3-small", 600, operation="embeddings")
    assert client.explain(provider="openai", model="two").tiers
    rested = client.explain(operation="embeddings", provider="openai", model="text-embedding-3-small")
    assert [one.route for one in rested.skipped] == ["openai:text-embedding-3-small"]


def test_what_is_no_route_is_refused(server: FaultServer) -> None:
    with Client(**two(server)) as client:
        with pytest.raises(UnknownProviderError, match="did you mean 'groq'"):
            client.rest("grok:one", 5)
        with pytest.raises(UnknownProviderError):
            client.wake("grok:one")
        for seconds in (0, -1, float("nan"), "5", True):
            with pytest.raises(InvalidRequestError, match="seconds must be"):
                client.rest("groq:one", seconds)
        assert client.explain(fallback_models=[]).skipped == ()


def test_others_with_the_same_state_rest_too(server: FaultServer) -> None:
    state = MemoryState()
    with (
        Client(**settings(server, state=state, **QUICK)) as first,
        Client(**settings(server, state=state, **QUICK)) as second,
    ):
        first.rest("day", 600)
        assert "cooling down until" in str(second.explain(provider="day").skipped[0])
        second.wake("day")
        assert second.explain(provider="day").tiers and first.explain(provider="day").skipped


@pytest.mark.parametrize("mode", MODES)
def test_a_call_that_fails_during_a_rest_does_not_end_it_early(mode: str, server: FaultServer) -> None:
    with Caller(mode, **two(server)) as caller:

        def rested_meanwhile(request: Received) -> Iterable[Action]:
            caller.client.rest("groq:one", 86_400)
            return replies.error(403, "no")(request)  # which keeps calls off for ten minutes

        server.script(rested_meanwhile, replies.answer("ok"))
        assert caller.routes() == ["groq:one PermissionDeniedError", "openai:two ok"]
        (skipped,) = caller.client.explain(fallback_models=[]).skipped
        assert skipped.message == "it was put to rest by hand" and (skipped.ready_at or 0) > time.time() + 7200
