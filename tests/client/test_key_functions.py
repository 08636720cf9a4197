"""Keys that a function returns: tokens that expire. Each scenario runs through both clients, whole and streamed."""

from __future__ import annotations

import asyncio
import itertools
import logging
import pickle
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from helpers.driving import MESSAGES, MODES, run
from helpers.providers import Alpha, Beta

from g4f_lite import (
    AsyncClient,
    AuthenticationError,
    Client,
    ConfigurationError,
    DeadlineExceededError,
    QuotaExceededError,
    RoutesExhaustedError,
    Timeouts,
    find_keys,
)
from g4f_lite.health.stores.memory import MemoryState
from g4f_lite.testing import FaultServer
from g4f_lite.testing.replies import answer, error
from g4f_lite.testing.script import Action, Received
from g4f_lite.types.timeouts import DefaultSeconds


def token(number: int) -> str:
    """A token in the form of Entra's and Google's: long, and with a beginning that all share."""
    return f"eyJ0eXAiOiJKV1Qi.{'claims' * 40}.signature-{number}"


class Tokens:
    """A key function that counts its calls and returns a new token each time, or always the same."""

    def __init__(self, *values: str) -> None:
        self.calls = 0
        self._values = itertools.cycle(values) if values else map(token, itertools.count(1))

    def __call__(self) -> str:
        self.calls += 1
        return next(self._values)


class Vault:
    def token(self) -> str:
        return "key-of-poor"


def coroutine_of(function: Callable[[], str]) -> Callable[[], Any]:
    async def get() -> str:
        await asyncio.sleep(0)
        return function()

    return get


FORMS = [(mode, "plain") for mode in MODES] + [(mode, "async") for mode in MODES if mode.startswith("async")]


def settings(server: FaultServer, key: object, **more: Any) -> dict[str, Any]:
    return {
        "plugins": [Alpha, Beta],
        "keys": {"alpha": key, "beta": "key-of-beta"},
        "base_urls": {"alpha": server.base_url, "beta": server.base_url},
        **more,
    }


def refusing(*refused: str) -> Callable[[Received], Iterable[Action]]:
    """Refuse these tokens, and echo the refused one, as some services do."""

    def reply(request: Received) -> Iterable[Action]:
        sent = request.headers["authorization"].removeprefix("Bearer ")
        if sent in refused or not refused:
            return error(401, f"the token {sent} has expired", code="invalid_api_key")(request)
        return answer("ok")(request)

    return reply


def sent_keys(server: FaultServer) -> list[str]:
    return [request.headers["authorization"].removeprefix("Bearer ") for request in server.received]


@pytest.mark.parametrize(("mode", "form"), FORMS)
def test_each_attempt_asks_the_function(mode: str, form: str, server: FaultServer) -> None:
    tokens = Tokens()
    given = tokens if form == "plain" else coroutine_of(tokens)
    server.script(error(503, "busy"), answer("ok"))
    outcome = run(mode, settings(server, given), {"provider": "alpha"})
    assert outcome.text == "ok"
    assert sent_keys(server) == [token(1), token(2)]
    assert {attempt.key for attempt in outcome.trail.attempts} == {"function"}


@pytest.mark.parametrize(("mode", "form"), FORMS)
def test_a_refused_key_is_replaced_at_once_and_the_leg_does_not_rest(mode: str, form: str, server: FaultServer) -> None:
    tokens = Tokens()
    given = tokens if form == "plain" else coroutine_of(tokens)
    server.script(refusing(token(1)))
    params = {"provider": "alpha", "fallback_models": ["beta:beta/one"]}
    outcome = run(mode, settings(server, given, retry_wait=None), params)
    assert outcome.text == "ok"
    assert [(attempt.provider, attempt.outcome) for attempt in outcome.trail.attempts] == [
        ("alpha", "AuthenticationError"),
        ("alpha", "ok"),
    ]
    assert outcome.trail.attempts[0].wait == 0


@pytest.mark.parametrize("mode", MODES)
def test_a_key_that_is_refused_after_another_failure_is_replaced_too(mode: str, server: FaultServer) -> None:
    server.script(error(500), error(401), answer("ok"))
    outcome = run(mode, settings(server, Tokens(), retry_wait=lambda state: 0.0), {"provider": "alpha"})
    assert outcome.text == "ok"
    assert sent_keys(server) == [token(1), token(2), token(3)]


@pytest.mark.parametrize("mode", MODES)
def test_a_function_that_returns_the_refused_key_again_costs_one_request(mode: str, server: FaultServer) -> None:
    tokens = Tokens(token(1))
    server.script(refusing())
    server.on("beta/one", answer("from beta"))
    params = {"provider": "alpha", "fallback_models": ["middle", "beta:beta/one"]}
    outcome = run(mode, settings(server, tokens), params)
    assert outcome.text == "from beta"
    assert server.models == ["big", "beta/one"]  # `middle` has the same key
    assert "still returns the key that was refused" in str(outcome.trail)
    assert tokens.calls == 2


def test_a_leg_whose_new_key_is_refused_too_rests_for_seconds(server: FaultServer) -> None:
    server.script(refusing())
    with Client(**settings(server, Tokens())) as client:
        with pytest.raises(AuthenticationError) as caught:
            client.chat.completions.create(messages=MESSAGES, provider="alpha", fallback_models=[])
        assert len(server.received) == 2
        assert caught.value.retry_at is not None
        assert 0 < caught.value.retry_at - time.time() < 11
        with pytest.raises(AuthenticationError, match="cooling down"):
            client.chat.completions.create(messages=MESSAGES, provider="alpha", fallback_models=[], deadline=0.2)
    assert len(server.received) == 2


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "failure", [ConnectionError("the token endpoint is down"), StopIteration(), TimeoutError("slow")]
)
def test_a_function_that_fails_is_an_error_of_its_leg(mode: str, failure: Exception, server: FaultServer) -> None:
    def fail() -> str:
        raise failure

    outcome = run(mode, settings(server, fail), {"provider": "alpha", "fallback_models": ["middle"]})
    assert isinstance(outcome.error, RoutesExhaustedError)
    assert f"the function of keys['alpha'] failed: {type(failure).__name__}: {failure}".strip() in str(outcome.error)
    assert [type(entry).__name__ for entry in outcome.trail.entries] == ["Attempt", "Skipped"]  # one key, one try
    assert server.received == []
    params = {"provider": "alpha", "fallback_models": ["beta:beta/one"]}
    assert run(mode, settings(server, fail), params).text == "ok"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("", AuthenticationError),
        (None, AuthenticationError),
        (7, ConfigurationError),
        ("two words", ConfigurationError),
    ],
)
def test_what_is_no_key_is_refused(mode: str, value: Any, kind: type[Exception], server: FaultServer) -> None:
    outcome = run(mode, settings(server, lambda: value), {"provider": "alpha", "fallback_models": []})
    assert type(outcome.error) is kind
    assert "the function of keys['alpha']" in str(outcome.error)
    assert "two words" not in str(outcome.error)
    assert server.received == []


@pytest.mark.parametrize("mode", ["sync", "sync stream"])
def test_the_sync_client_says_that_it_cannot_await(mode: str, server: FaultServer) -> None:
    outcome = run(mode, settings(server, coroutine_of(Tokens())), {"provider": "alpha"})
    assert isinstance(outcome.error, ConfigurationError)
    assert "only AsyncClient can await it" in str(outcome.error)


def test_the_async_client_awaits_what_a_plain_function_or_an_object_returns(server: FaultServer) -> None:
    class Credential:
        async def __call__(self) -> str:
            return "from-the-object"

    def hand_on() -> Any:
        return coroutine_of(Tokens("from-the-coroutine"))()

    for given in (Credential(), hand_on):
        assert run("async", settings(server, given), {"provider": "alpha"}).text == "ok"
    assert sent_keys(server) == ["from-the-object", "from-the-coroutine"]


def test_a_function_that_blocks_does_not_block_the_event_loop(server: FaultServer) -> None:
    async def main() -> None:
        asked, go = threading.Event(), threading.Event()

        def block() -> str:
            asked.set()
            assert go.wait(30)
            return "late"

        async with AsyncClient(**settings(server, block)) as client:
            call = asyncio.create_task(client.chat.completions.create(messages=MESSAGES, provider="alpha"))
            while not asked.is_set():
                await asyncio.sleep(0.001)
            go.set()  # by the loop itself: a blocked one would never come here
            assert (await call).text == "ok"

    asyncio.run(main())


def test_the_deadline_ends_the_wait_for_a_function(server: FaultServer) -> None:
    never = threading.Event()

    async def sleep() -> str:
        await asyncio.sleep(30)
        return "late"

    for given in (lambda: str(never.wait(30)), sleep):
        outcome = run("async", settings(server, given), {"provider": "alpha", "deadline": 0.1})
        assert isinstance(outcome.error, DeadlineExceededError)
    never.set()
    outcome = run("sync", settings(server, lambda: time.sleep(0.15) or "late"), {"provider": "alpha", "deadline": 0.1})
    assert isinstance(outcome.error, DeadlineExceededError)
    assert server.received == []


@pytest.mark.parametrize("mode", MODES)
def test_a_token_shows_nowhere(mode: str, server: FaultServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server.script(refusing())
    outcome = run(mode, settings(server, Tokens()), {"provider": "alpha", "fallback_models": []})
    assert len(server.received) == 2
    assert outcome.error is not None
    seen = [str(outcome.error), repr(outcome.error), str(outcome.trail), caplog.text]
    seen += [pickle.dumps(outcome.error).decode("latin-1"), repr(vars(outcome.error))]
    for text in seen:
        assert "claims" not in text
        assert "eyJ0eXAi" not in text

    def leak() -> str:
        raise RuntimeError(f"cannot refresh {token(1)}, try again")

    outcome = run(mode, settings(server, leak), {"provider": "alpha", "fallback_models": []})
    assert "RuntimeError: cannot refresh […], try again" in str(outcome.error)


def test_state_does_not_grow_with_each_token(server: FaultServer) -> None:
    with Client(**settings(server, Tokens())) as client:
        for _ in range(5):
            client.chat.completions.create(messages=MESSAGES, provider="alpha")
        health = client._calls.health
        assert len(health._legs) == 1
        assert not health._cooldowns
    assert len(set(sent_keys(server))) == 5


def without_credit(request: Received) -> Iterable[Action]:
    has_credit = request.headers["authorization"].endswith("rich")
    return (answer("ok") if has_credit else error(402, "no credit"))(request)


@pytest.mark.parametrize("mode", MODES)
def test_functions_of_two_accounts_share_no_fate(mode: str, server: FaultServer) -> None:
    server.script(without_credit)
    keys = ("key-of-poor", "key-of-rich")
    poor, rich = (Alpha(api_base=server.base_url, api_key=Tokens(key)) for key in keys)
    outcome = run(mode, {}, {"provider": [poor, rich], "fallback_models": []})
    assert outcome.text == "ok", outcome.error
    assert [attempt.key for attempt in outcome.trail.attempts] == ["function", "function"]


@pytest.mark.parametrize("mode", MODES)
def test_nor_do_they_in_clients_that_share_a_state(mode: str, server: FaultServer) -> None:
    server.script(without_credit)
    state = MemoryState()
    params = {"provider": "alpha", "fallback_models": []}
    poor = settings(server, Tokens("key-of-poor"), state=state, deadline=2)
    assert isinstance(run(mode, poor, params).error, QuotaExceededError)
    assert run(mode, settings(server, Tokens("key-of-rich"), state=state, deadline=2), params).text == "ok"


def test_what_is_known_of_a_method_stays_known_however_often_it_is_looked_up(server: FaultServer) -> None:
    server.script(without_credit)
    vault = Vault()
    with Client() as client:
        for _ in range(2):
            provider = Alpha(api_base=server.base_url, api_key=vault.token)
            with pytest.raises(QuotaExceededError):
                client.chat.completions.create(messages=MESSAGES, provider=provider, fallback_models=[], deadline=1)
    assert len(server.received) == 1


def test_a_pool_may_mix_keys_and_functions(server: FaultServer) -> None:
    server.script(refusing("first", "second"))
    keys = ["first", Tokens("second"), Tokens("third")]
    outcome = run("sync", settings(server, keys), {"provider": "alpha", "fallback_models": []})
    assert outcome.text == "ok"
    assert sent_keys(server) == ["first", "second", "third"]
    assert [attempt.key for attempt in outcome.trail.attempts][1:] == ["function 2", "function 2", "function 3"]


def test_a_provider_and_its_lists_of_models_take_functions_too(server: FaultServer) -> None:
    provider = Alpha(api_base=server.base_url, api_key=Tokens())
    with Client() as client:
        client.chat.completions.create(messages=MESSAGES, provider=provider, fallback_models=[])
        client.models.list(provider=provider)
    assert sent_keys(server) == [token(1), token(2)]
    assert "api_key" not in provider.__getstate__()


def test_retries_of_none_are_kept(server: FaultServer) -> None:
    server.script(refusing(token(1)))
    with Client(**settings(server, Tokens())) as client:
        with pytest.raises(AuthenticationError):
            client.chat.completions.create(messages=MESSAGES, provider="alpha", fallback_models=[], retries=0)
        assert client.chat.completions.create(messages=MESSAGES, provider="alpha").text == "ok"


def test_all_routes_without_a_key_are_named(server: FaultServer) -> None:
    def fail() -> str:
        raise LookupError("no credentials")

    with Client(**settings(server, fail, routes=["alpha", "alpha:middle"])) as client:
        with pytest.raises(RoutesExhaustedError, match="LookupError: no credentials"):
            client.chat.completions.create(messages=MESSAGES)


def test_what_is_neither_key_nor_function_is_refused_early() -> None:
    with pytest.raises(ConfigurationError, match=r"keys\['alpha'\] must be a key, a function that returns one, or a"):
        Client(plugins=[Alpha], keys={"alpha": 7})  # type: ignore[dict-item]


def test_a_key_with_a_function_can_be_found_and_asked() -> None:
    (found,) = find_keys(Alpha(), Tokens("now"))
    assert (found.value, found.get()) == ("", "now")
    assert repr(found) == "Key(function, from keys['alpha'])"


@pytest.mark.parametrize("mode", MODES)
def test_a_function_that_takes_longer_than_an_attempt_may_blames_no_service(mode: str, server: FaultServer) -> None:
    limit = DefaultSeconds(0.2)  # a default does not bound the last leg, however busy the machine is
    slow = settings(
        server, lambda: time.sleep(0.3) or "late", timeouts=Timeouts(first_token=limit, total=limit), retry_wait=None
    )
    outcome = run(mode, slow, {"provider": "alpha", "fallback_models": ["beta:beta/one"]})
    assert outcome.text == "ok"
    assert [(attempt.provider, attempt.outcome) for attempt in outcome.trail.attempts] == [
        ("alpha", "ProviderTimeoutError"),
        ("beta", "ok"),
    ]
    assert server.models == ["beta/one"]


class Untold(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


class Touchy:
    def __getattr__(self, name: str) -> object:
        raise KeyError(name)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("what", ["error", "value"])
def test_an_error_without_a_text_and_a_value_without_attributes_are_no_key(
    mode: str, what: str, server: FaultServer
) -> None:
    def key() -> Any:
        if what == "error":
            raise Untold
        return Touchy()

    error = run(mode, {"routes": [Alpha(api_base=server.base_url, api_key=key)]}, {}).error
    kind = AuthenticationError if what == "error" else ConfigurationError
    assert isinstance(error, kind), error
