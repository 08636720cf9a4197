"""A provider whose code fails while legs are selected is left out, with the reason; the others answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from helpers.driving import MESSAGES, MODES, run
from helpers.endpoints import seen
from helpers.plain_routes import Plain

import g4f_lite
from g4f_lite.testing import FaultServer, replies


class Untold(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


ERRORS: dict[str, Callable[[], BaseException]] = {
    "bug": lambda: KeyError("x"),
    "without a text": Untold,
    "SystemExit": lambda: SystemExit(3),
    "CancelledError": asyncio.CancelledError,
    "of a provider": lambda: g4f_lite.ServerError("down", status="503"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("method", ["get_model_name", "unavailable_reason", "key_function"])
@pytest.mark.parametrize("name", ERRORS)
def test_it_is_skipped_and_the_next_route_answers(name: str, method: str, mode: str, server: FaultServer) -> None:
    def fail(*given: Any) -> Any:
        raise ERRORS[name]()

    careless = type("Careless", (Plain,), {method: fail, "needs_auth": True})
    routes = [careless(name="careless", login_url="https://careless.invalid"), Plain(api_base=server.base_url)]
    server.script(replies.answer("good"))
    outcome = run(mode, {"routes": routes}, {})
    assert (outcome.text, len(outcome.trail.attempts)) == ("good", 1)
    [skipped] = outcome.trail.skipped
    assert skipped.provider == "careless"
    assert "failed while its legs were chosen" in skipped.reason or "down" in skipped.reason


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("junk", [5, b"m", ["m"], None], ids=repr)
def test_a_model_name_that_is_no_text_is_skipped_too(junk: Any, mode: str, server: FaultServer) -> None:
    careless = type("Careless", (Plain,), {"get_model_name": lambda self, model=None: junk})
    server.script(replies.answer("good"))
    outcome = run(mode, {"routes": [careless(name="careless"), Plain(api_base=server.base_url)]}, {})
    assert outcome.text == "good"
    assert "get_model_name returns" in outcome.trail.skipped[0].reason


JUNK: dict[str, Callable[[], Any]] = {
    "bug": lambda: 1 // 0,
    "none": lambda: None,
    "number": lambda: 5,
    "numbers": lambda: [5],
    "generator": lambda: iter("m"),
}
ASKED = [
    ("models", "chat.completions.create", {"messages": MESSAGES}),
    ("models", "chat.completions.create", {"messages": MESSAGES, "model": "careless:other"}),
    ("models", "models.list", {"provider": "careless"}),
    ("models_for", "embeddings.create", {"input": ["a"]}),
    ("models_for", "audio.transcriptions.create", {"file": ("a.wav", b"RIFF")}),
    ("models_for", "models.list", {"provider": "careless"}),
]


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize(("method", "asked", "params"), ASKED)
@pytest.mark.parametrize("name", JUNK)
def test_models_that_cannot_be_told_fail_no_call(
    name: str, method: str, asked: str, params: Any, mode: str, server: FaultServer
) -> None:
    class Other(Plain):
        default_models = {"embeddings": "e", "transcription": "t"}
        capabilities = frozenset({"streaming", "embeddings", "transcription"})

    careless = type("Careless", (Other,), {method: lambda *given: JUNK[name]()})
    here = {"api_base": server.base_url}
    outcome = seen(mode, {"routes": [careless(name="careless", **here), Other(**here)]}, asked, params)
    assert outcome.error is None, outcome.error


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("reason", [5, {}, ["x"]], ids=repr)
def test_a_reason_that_is_no_text_is_named(reason: Any, mode: str, server: FaultServer) -> None:
    careless = type("Careless", (Plain,), {"unavailable_reason": lambda self: reason})
    server.script(replies.answer("good"))
    outcome = run(mode, {"routes": [careless(name="careless"), Plain(api_base=server.base_url)]}, {})
    assert outcome.text == "good"
    assert "not a text (in unavailable_reason)" in outcome.trail.skipped[0].reason


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("method", ["get_model_name", "unavailable_reason", "models"])
@pytest.mark.parametrize("raises", [True, False])
def test_what_it_says_shows_no_key(
    raises: bool, method: str, mode: str, server: FaultServer, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    keys = ["given_key_0123456789", "variable_key_0123456789"]
    monkeypatch.setenv("CARELESS_KEY", keys[1])

    def tell(self: Any, *given: Any) -> Any:
        if raises or method != "unavailable_reason":
            raise ValueError(f"no {keys}")
        return f"no {keys}"

    careless = type("Careless", (Plain,), {method: tell, "api_key_env": ("CARELESS_KEY",)})
    server.script(replies.answer("good"))
    routes = [careless(name="careless", api_key=keys[0], api_base=server.base_url), Plain(api_base=server.base_url)]
    outcome = run(mode, {"routes": routes}, {"model": "some-model"} if method == "models" else {})
    shown = f"{outcome.trail}{outcome.error}{caplog.text}"
    assert "[key]" in shown
    assert not [key for key in keys if key in shown]


def test_a_failure_that_has_passed_is_forgotten(server: FaultServer) -> None:
    failures = [KeyError("x")]

    class Careless(Plain):
        def unavailable_reason(self) -> str | None:
            if failures:
                raise failures.pop()
            return None

    server.script(replies.answer("good"), replies.answer("good"))
    with g4f_lite.Client(plugins=[Careless], base_urls={"plain": server.base_url}) as client:
        with pytest.raises(g4f_lite.NoUsableRouteError, match="failed while its legs were chosen"):
            client.chat.completions.create(messages=[{"role": "user", "content": "?"}], provider="plain")
        again = client.chat.completions.create(messages=[{"role": "user", "content": "?"}], provider="plain")
    assert again.text == "good"


def failing_later(name: str, raises: bool) -> tuple[property, Callable[[], None]]:
    """Return a declaration that is sound at first, and what makes it raise, or be of a wrong type."""
    sound = [True]

    def read(self: Any) -> Any:
        if not sound and raises:
            raise KeyError("ACME_CONFIG")
        return getattr(Plain, name) if sound else 5

    return property(read), sound.clear


READ = {"automatic": {}, "model_aliases": {"model": "some-model"}, "fallback_models": {}}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("raises", [True, False])
@pytest.mark.parametrize("name", READ)
def test_a_property_that_fails_later_takes_no_other_provider_along(
    name: str, raises: bool, mode: str, server: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    declaration, spoil = failing_later(name, raises)
    careless = type("Careless", (Plain,), {"automatic": True, name: declaration})
    good = type("Good", (Plain,), {"name": "good", "automatic": True, "fallback_models": ("some-model",)})
    plugins = [kind(name=name, api_base=server.base_url) for name, kind in (("careless", careless), ("good", good))]
    server.script(replies.error(503, "down")).on("some-model", replies.answer("good"))
    spoil()
    outcome = run(mode, {"plugins": plugins, "retries": 0}, READ[name])
    assert outcome.text == "good", outcome.error
    assert f"careless's {name} cannot be read: " in caplog.text


AT_A_CALL = (
    "api_key_env", "capabilities", "default_models", "limit_headers", "needs_auth", "stream_framing", "thinking_models",
    "working_comments",
)  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("raises", [True, False])
@pytest.mark.parametrize("name", AT_A_CALL)
def test_a_property_that_fails_in_a_call_is_no_foreign_exception(
    name: str, raises: bool, mode: str, server: FaultServer
) -> None:
    """The next route may have to answer, or the provider counts as one that does not declare it."""
    declaration, spoil = failing_later(name, raises)
    careless = type("Careless", (Plain,), {name: declaration, "lists_models": True})
    routes = [careless(name="careless", api_base=server.base_url), Plain(api_base=server.base_url)]
    server.script(replies.answer("good")).on("/models", replies.garbage())
    spoil()
    assert run(mode, {"routes": routes, "retries": 0}, {}).text == "good"
    if mode == "sync":
        with g4f_lite.Client(routes=routes, retries=0) as client, suppress(g4f_lite.G4FLiteError):
            client.models.list(provider=routes[0])


def fails(self: object) -> bool:
    raise RuntimeError("neither true nor false")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("methods", [{"__len__": lambda self: 0}, {"__bool__": fails}], ids=["empty", "neither"])
@pytest.mark.parametrize("several", [False, True])
def test_a_provider_that_counts_as_false_is_there(
    several: bool, methods: dict[str, Any], mode: str, server: FaultServer
) -> None:
    holder = type("Holder", (Plain,), methods)(name="holder", api_base=server.base_url)
    server.script(replies.answer("good"))
    outcome = run(mode, {"plugins": [holder]}, {"provider": ["holder"] * (several + 1)})
    assert (outcome.text, outcome.trail.attempts[0].provider) == ("good", "holder")
