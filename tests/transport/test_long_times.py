"""Settings of time: any number is taken or refused with a sentence, and `connect` counts nothing but connecting."""

from __future__ import annotations

import math
import sys
import time
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from helpers.driving import MODES, run

import g4f_lite
from g4f_lite import AsyncClient, Client, OpenaiTemplate, Timeouts
from g4f_lite.testing import FaultServer, replies

TOO_LONG = (3e6, 1e10, 1e300, sys.float_info.max, sys.maxsize, 10**400)
"""Longer than systems can wait: than 2**31 ms, than a time_t counts, than a float can hold."""
NO_TIMES = (math.inf, math.nan, Decimal("5"), Decimal("Infinity"), Fraction(1, 2), True, False, 0, -1, -math.inf, "5")
LIMITS = ("connect", "first_token", "stall", "total")
LONG = {"timeouts": Timeouts(**dict.fromkeys(LIMITS, 10**400)), "deadline": 10**400, "patience": 10**400}


@pytest.mark.parametrize("seconds", TOO_LONG, ids=lambda seconds: f"{float(min(seconds, 1e308)):g}")
@pytest.mark.parametrize("mode", MODES)
def test_a_time_that_no_system_can_wait_is_as_good_as_a_long_one(mode: str, seconds: float, groq: FaultServer) -> None:
    groq.script(replies.error(503), replies.answer("ok"))
    settings: dict[str, Any] = {
        "deadline": seconds,
        "patience": seconds,
        "timeouts": Timeouts(**dict.fromkeys(LIMITS, seconds)),
    }
    if mode.startswith("async"):
        settings["hedge_after"] = seconds
    for name in ("timeout", "deadline"):
        assert run(mode, settings, {"provider": "groq", name: seconds}).text == "ok"


@pytest.mark.parametrize("mode", MODES)
def test_a_wait_that_no_system_can_wait_is_beyond_any_deadline(mode: str, groq: FaultServer) -> None:
    groq.script(replies.error(503))
    settings = {**LONG, "retry_wait": lambda state: 1e300}
    assert type(run(mode, settings, {"provider": "groq", "fallback_models": []}).error) is g4f_lite.ServerError


@pytest.mark.parametrize("mode", MODES)
def test_a_stream_may_have_no_limit_at_all(mode: str, groq: FaultServer) -> None:
    groq.script(replies.answer("one two three"))
    timeouts = Timeouts(**dict.fromkeys(LIMITS, None))
    assert run(mode, {"timeouts": timeouts, "deadline": 1e300}, {"provider": "groq"}).text == "one two three"


@pytest.mark.parametrize("value", NO_TIMES, ids=repr)
def test_what_is_no_time_is_refused_with_a_sentence(value: Any, groq: FaultServer) -> None:
    for client in (Client, AsyncClient):
        for name in ("deadline", *(["patience"] if value != 0 else []), *(["hedge_after"] * (client is AsyncClient))):
            with pytest.raises(g4f_lite.ConfigurationError, match=f"{name} must be a number of seconds above 0"):
                client(**{name: value})
    for name in LIMITS:
        with pytest.raises(ValueError, match=rf"Timeouts\.{name} must be a number of seconds above 0, or None"):
            Timeouts(**{name: value})
    for mode in MODES:
        for name in ("timeout", "deadline"):
            error = run(mode, {}, {"provider": "groq", name: value}).error
            assert type(error) is g4f_lite.InvalidRequestError
            assert f"{name} must be a number of seconds above 0" in str(error)
    assert not groq.received


# -- what `connect` counts -----------------------------------------------------------------


class Nearby(OpenaiTemplate):
    name = "nearby"
    needs_auth = False
    default_model = ""


SOON = Timeouts(connect=0.5, first_token=30, stall=30, total=30)


@pytest.mark.parametrize("mode", MODES)
def test_a_slow_list_of_models_is_no_slow_connection(mode: str, server: FaultServer) -> None:
    listed = replies.models("llama")
    server.on("/models", lambda request: [replies.Pause(0.8), *listed(request)])
    outcome = run(mode, {"timeouts": SOON}, {"provider": Nearby(api_base=server.base_url)})
    assert outcome.text == "ok"
    assert [attempt.outcome for attempt in outcome.trail.attempts] == ["ok"]


@pytest.mark.parametrize("mode", MODES)
def test_a_slow_function_of_a_key_is_no_slow_connection(mode: str, groq: FaultServer) -> None:
    def key() -> str:
        time.sleep(0.8)
        return "gsk_of_the_function"

    outcome = run(mode, {"timeouts": SOON, "keys": {"groq": key}}, {"provider": "groq"})
    assert outcome.text == "ok"
    assert [attempt.outcome for attempt in outcome.trail.attempts] == ["ok"]
