"""The provider and model that serve an endpoint, and the failover after a failure."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from helpers.driving import kind_of
from helpers.endpoints import ALL, BY_NAME, ENDPOINTS, HEARD, MODES, SOON, WAV, Alpha, ChatOnly, call, seen

import g4f_lite
from g4f_lite import Client, Timeouts
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.replies import answer, error
from g4f_lite.testing.script import Reply


class Scenario(NamedTuple):
    name: str
    replies: tuple[Reply, ...]
    outcomes: tuple[str, ...]
    """The outcomes of the attempts."""
    error: type[Exception] | None = None
    settings: dict[str, Any] = {}
    params: dict[str, Any] = {}
    only: frozenset[str] = ALL


NEXT = (answer("fine"),)
EMPTY = {
    "embeddings": b'{"data": []}',
    "transcription": b'{"language": "de"}',
    "translation": b'{"text": null}',
    "speech": b"",
    "images": b'{"created": 1, "data": [{"revised_prompt": "x"}]}',
    "image_edits": b'{"created": 1, "data": []}',
}


def of_endpoint(bodies: dict[str, bytes], **headers: str) -> Reply:
    return lambda request: replies.body(bodies[_NAMES[request.path]], **headers)(request)


_NAMES = {endpoint.path: endpoint.name for endpoint in ENDPOINTS}
_TWICE = ("MalformedResponseError", "MalformedResponseError", "ok")
SCENARIOS = [
    Scenario("a 429 with a long wait", (error(429, "slow down", retry_after="9"), *NEXT), ("RateLimitError", "ok")),
    Scenario("a 503 that passes", (error(503, "down"), *NEXT), ("ServerError", "ok")),
    Scenario("a refused key", (error(401, "no"), *NEXT), ("AuthenticationError", "ok")),
    Scenario("no such model", (error(404, "gone", code="model_not_found"), *NEXT), ("ModelUnavailableError", "ok")),
    Scenario("too large a file", (error(413, "too large"), *NEXT), ("RequestTooLargeError", "ok")),
    Scenario("a parameter it does not know", (error(400, "`x` is not supported"), *NEXT),
             ("UnsupportedParameterError", "ok")),
    Scenario("broken JSON", (replies.body(b'{"data": ['),) * 2 + NEXT, _TWICE, only=ALL - {"speech"}),
    Scenario("JSON of another shape", (replies.body(b'{"data": 5, "text": 5}'),) * 2 + NEXT, _TWICE),
    Scenario("a list", (replies.body(b"[]"),) * 2 + NEXT, _TWICE),
    Scenario("nothing in it", (of_endpoint(EMPTY, content_type="application/json"),) * 2 + NEXT, _TWICE),
    Scenario("nothing at all", (replies.body(b"", content_type="audio/wav"),) * 2 + NEXT, _TWICE),
    Scenario("a web page", (replies.html(),) * 2 + NEXT, _TWICE),
    Scenario("an error inside a 200", (replies.body(b'{"error": {"message": "no"}}'),) * 3 + NEXT,
             ("ServerError", "ServerError", "ServerError", "ok")),
    Scenario("a cut body", (replies.cut(),) * 2 + NEXT, ("ConnectionFailedError", "ConnectionFailedError", "ok")),
    Scenario("fewer bytes than announced", (replies.wrong_length(),) * 2 + NEXT,
             ("ConnectionFailedError", "ConnectionFailedError", "ok")),
    Scenario("a reset", (replies.reset(),) * 2 + NEXT, ("ConnectionFailedError", "ConnectionFailedError", "ok")),
    Scenario("silence", (replies.silence(), *NEXT), ("ProviderTimeoutError", "ok"), settings=SOON,
             only=frozenset({"embeddings", "transcription"})),
    Scenario("silence inside the body", (replies.silence("body"), *NEXT), ("ProviderTimeoutError", "ok"), settings=SOON,
             only=frozenset({"speech", "translation"})),
    Scenario("a compressed answer", (replies.gzipped("fine"),), ("ok",)),
    Scenario("the deadline", (replies.silence(),), ("DeadlineExceededError",), g4f_lite.DeadlineExceededError,
             {"timeouts": Timeouts()}, {"timeout": 0.3}),
    Scenario("an invalid request", (error(400, "odd"),), ("InvalidRequestError",) * 2, g4f_lite.InvalidRequestError),
    Scenario("all are down", (error(503, "down"),), ("ServerError",) * 6, g4f_lite.RoutesExhaustedError),
]  # fmt: skip


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_both_clients_see_the_same(scenario: Scenario, server: FaultServer, two: dict[str, Any]) -> None:
    for name in sorted(scenario.only):
        endpoint = BY_NAME[name]
        outcomes = []
        for mode in MODES:
            server.script(*scenario.replies)
            params = {**endpoint.params, **scenario.params}
            if name == "transcription":  # its second model is tried before the second provider
                params["fallback_models"] = []
            params["provider"] = two["routes"]
            outcomes.append(seen(mode, {"plugins": two["plugins"], **scenario.settings}, endpoint.method, params))
        for outcome in outcomes:
            assert kind_of(outcome.error) is scenario.error, (name, outcome.error)
            assert tuple(attempt.outcome for attempt in outcome.trail.attempts) == scenario.outcomes, name
            assert "secret" not in str(outcome.trail) + str(outcome.error) + repr(outcome.completion)
            if outcome.completion is not None:
                assert outcome.completion.provider == outcome.trail.attempts[-1].provider
        assert outcomes[0].trace == outcomes[1].trace, name


@pytest.mark.parametrize("mode", MODES)
def test_a_provider_without_the_capability_is_skipped_with_the_reason(
    mode: str, server: FaultServer, two: dict[str, Any]
) -> None:
    routes = [ChatOnly(api_base=server.base_url), *two["routes"]]
    for endpoint in ENDPOINTS:
        result = call(mode, {**two, "routes": routes}, endpoint.method, endpoint.params)
        assert result.provider == "alpha"
        assert [str(entry) for entry in result.trail.skipped[:1]] == [f"chat-only skipped: offers no {endpoint.name}"]
        lone = seen(mode, {"routes": routes[:1]}, endpoint.method, endpoint.params)
        assert type(lone.error) is g4f_lite.NoUsableRouteError
        assert f"offers no {endpoint.name}" in str(lone.error)


@pytest.mark.parametrize("mode", MODES)
def test_the_next_model_of_a_named_provider_comes_before_the_next_provider(
    mode: str, server: FaultServer, two: dict[str, Any]
) -> None:
    server.on("ears", error(429, "slow down", retry_after="9"))
    result = call(mode, two, HEARD.method, {**HEARD.params, "provider": two["routes"][0]})
    assert result.model == "ears-2"
    assert server.received[0].form["file"] == server.received[1].form["file"] == [WAV]


def test_a_failure_of_one_endpoint_does_not_affect_chat(server: FaultServer) -> None:
    both = Alpha(api_base=server.base_url, default_model="vectors")
    server.script(error(404, "no such path"), answer("chat works"))
    with Client() as client:
        with pytest.raises(g4f_lite.ModelUnavailableError):
            client.embeddings.create(input="a", provider=both)
        reply = client.chat.completions.create(messages=[{"role": "user", "content": "hi"}], provider=both)
    assert reply.text == "chat works"


def test_explain_shows_the_plan_of_any_endpoint(two: dict[str, Any]) -> None:
    with Client(**two) as client:
        plan = client.explain(operation="transcription")
        assert [[leg.model for leg in tier] for tier in plan.tiers] == [["ears"], ["ears"], ["ears-2"], ["ears-2"]]
        assert [leg.model for (leg,) in client.explain(operation="embeddings").tiers] == ["vectors", "vectors"]
        with pytest.raises(g4f_lite.ConfigurationError, match="did you mean 'speech'"):
            client.explain(operation="speach")  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="did you mean 'provider'"):
            client.explain(operation="speech", providr="alpha")  # type: ignore[call-arg]


@pytest.mark.parametrize("mode", MODES)
def test_a_model_alone_finds_the_providers_that_serve_it(mode: str, server: FaultServer, two: dict[str, Any]) -> None:
    settings = {**two, "base_urls": {"alpha": server.base_url, "beta": server.base_url}, "routes": None}
    assert call(mode, settings, HEARD.method, {**HEARD.params, "model": "ears-2"}).provider == "alpha"
    with pytest.raises(g4f_lite.UnknownModelError, match="did you mean 'ears"):
        call(mode, settings, HEARD.method, {**HEARD.params, "model": "earz"})
    with pytest.raises(g4f_lite.UnknownModelError, match="no default model for speech"):
        mute = Alpha(api_base=server.base_url, default_models={})
        call(mode, settings, "audio.speech.create", {"input": "a", "voice": "b", "provider": mute})
