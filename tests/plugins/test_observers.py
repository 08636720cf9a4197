"""Observers see each attempt and each call, and cannot change either."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

import pytest
from helpers.driving import MESSAGES, MODES, run
from helpers.plugins import ask, make
from helpers.sites import Site

from g4f_lite import Attempt, Client, Trail, hookimpl, register
from g4f_lite.testing import FaultServer, replies

A, B = "openai/gpt-oss-120b", "openai/gpt-oss-20b"
TWO = {"provider": "groq", "fallback_models": [B]}


class Witness:
    """Records what it observes."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str | None]] = []
        self.attempts: list[Attempt] = []
        self.trails: list[Trail] = []

    @hookimpl
    def attempt_started(self, attempt: Attempt) -> None:
        self.events.append(("started", attempt.model))
        assert (attempt.outcome, attempt.duration) == (None, None)

    @hookimpl
    def attempt_finished(self, attempt: Attempt) -> None:
        self.events.append(("finished", attempt.outcome))
        self.attempts.append(attempt)

    @hookimpl
    def call_finished(self, trail: Trail) -> None:
        self.events.append(("call", None))
        self.trails.append(trail)


@pytest.mark.parametrize("mode", MODES)
def test_observers_see_each_attempt_and_the_call_however_it_ends(mode: str, groq: FaultServer) -> None:
    gone, down = replies.error(404, "gone", code="model_not_found"), replies.error(503, "down")
    stories: list[tuple[Any, list[tuple[str, str | None]]]] = [
        ((replies.answer(), replies.answer()), [("started", A), ("finished", "ok"), ("call", None)]),
        (
            (gone, replies.answer()),
            [("started", A), ("finished", "ModelUnavailableError"), ("started", B), ("finished", "ok"), ("call", None)],
        ),
        (
            (gone, down),
            [
                *[("started", A), ("finished", "ModelUnavailableError")],
                *[("started", B), ("finished", "ServerError")] * 2,
                ("call", None),
            ],
        ),
    ]
    if "stream" in mode:
        cut = [("started", A), ("finished", "StreamInterruptedError"), ("call", None)]
        stories.append(((replies.cut(2), replies.answer()), cut))
    for (of_a, of_b), expected in stories:
        witness = Witness()
        groq.on(A, of_a).on(B, of_b)
        outcome = run(mode, {"plugins": [witness], "retries": 1}, TWO)
        assert witness.events == expected
        assert witness.trails == [outcome.trail]
        assert tuple(witness.attempts) == outcome.trail.attempts


def test_observers_see_a_stream_that_its_caller_closes_early(groq: FaultServer) -> None:
    witness = Witness()
    groq.script(replies.silence("stream", 2))
    with Client(plugins=[witness]) as client:
        with client.chat.completions.create(messages=MESSAGES, provider="groq", stream=True) as stream:
            next(iter(stream))
            assert witness.events == [("started", A)]
    assert witness.events == [("started", A), ("finished", "ok"), ("call", None)]
    assert "closed by the caller" in str(witness.attempts[0])


@pytest.mark.parametrize("mode", MODES)
def test_an_observer_that_fails_is_logged_and_changes_nothing(
    mode: str, groq: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    class Clumsy:
        @hookimpl
        def attempt_started(self, attempt: Attempt) -> None:
            raise SystemExit("at the start")

        @hookimpl
        def attempt_finished(self, attempt: Attempt) -> None:
            raise ValueError("at the end")

        @hookimpl
        def call_finished(self) -> None:
            raise asyncio.CancelledError

    first, last, everywhere = Witness(), Witness(), Witness()
    register(everywhere)
    outcome = run(mode, {"plugins": [first, Clumsy(), last]}, TWO)
    assert (outcome.text, outcome.error) == ("ok", None)
    assert first.events == last.events == everywhere.events == [("started", A), ("finished", "ok"), ("call", None)]
    messages = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    for hook, what in (
        ("attempt_started", "SystemExit: at the start"),
        ("attempt_finished", "ValueError: at the end"),
        ("call_finished", "CancelledError"),
    ):
        told = f"the observer {hook} of the plugin 'Clumsy' (client) failed: {what} (at test_observers.py:"
        assert messages.pop(0).startswith(told)
    assert not messages


def test_an_installed_observer_sees_every_client(site: Site, groq: FaultServer) -> None:
    code = "from g4f_lite import hookimpl\nseen = []\n@hookimpl\ndef call_finished(trail):\n    seen.append(trail)"
    module = site.add("meter", code, hooks=["meter"])
    for client_plugins in (None, [make("mine")]):
        with Client(plugins=client_plugins) as client:
            ask(client, provider="groq")
    assert len(sys.modules[module].seen) == 2


@pytest.mark.parametrize("mode", MODES)
def test_an_observer_that_is_given_twice_sees_each_call_once(mode: str, groq: FaultServer) -> None:
    witness = Witness()
    register(witness)
    run(mode, {"plugins": [witness]}, TWO)
    assert [name for name, _ in witness.events] == ["started", "finished", "call"]
