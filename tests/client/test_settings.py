"""Settings are checked when a client is made, and the caller's retry objects are obeyed."""

from __future__ import annotations

import re

import pytest
from helpers.driving import MODES, run

import g4f_lite
from g4f_lite import AsyncClient, Client
from g4f_lite.testing import FaultServer, replies


def test_invalid_settings_are_refused_when_the_client_is_made() -> None:
    for client in (Client, AsyncClient):
        with pytest.raises(
            TypeError, match=rf"{client.__name__}\(\) has no parameter 'retrys'; did you mean 'retries'"
        ):
            client(retrys=3)  # type: ignore[call-arg]
        with pytest.raises(
            g4f_lite.ConfigurationError, match=r"ssl_context must be an ssl\.SSLContext or None, not int"
        ):
            client(ssl_context=5)  # type: ignore[arg-type]
        for setting in ("retries", "patience", "deadline"):
            with pytest.raises(g4f_lite.ConfigurationError, match=f"{setting} must be a .*number.*, not False"):
                client(**{setting: False})  # type: ignore[arg-type]
        for setting in ("keys", "base_urls"):
            with pytest.warns(UserWarning, match=f"{setting} names 'grok', .* did you mean 'groq'"):
                client(**{setting: {"grok": "http://127.0.0.1"}})  # type: ignore[arg-type]
            client(**{setting: {"mine-alone": "http://127.0.0.1"}})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "hint"),
    [("GROQ_API_KEY", "; did you mean 'groq'?"), ("OPENAI", "; did you mean 'openai'?"), ("MY_KEY", "")],
)
def test_a_key_named_by_its_variable_is_a_warning(name: str, hint: str) -> None:
    with pytest.warns(UserWarning, match=f"^keys names '{name}', which is no known provider{re.escape(hint)}$"):
        Client(keys={name: "gsk_secret"})


def test_a_wait_that_cannot_be_called_is_refused() -> None:
    async def wait(state: object) -> float:
        return 1.0

    with pytest.raises(g4f_lite.ConfigurationError, match="plain function"):
        Client(retry_wait=wait)  # type: ignore[typeddict-item]
    with pytest.raises(g4f_lite.ConfigurationError, match="tenacity"):
        Client(retry_stop=3)  # type: ignore[typeddict-item]


@pytest.mark.parametrize("mode", MODES)
def test_the_callers_own_tenacity_objects_control_the_retries_of_a_leg(mode: str, groq: FaultServer) -> None:
    from tenacity import stop_after_attempt, wait_fixed

    groq.on("openai/gpt-oss-120b", replies.error(503)).on("openai/gpt-oss-20b", replies.error(503))
    settings = {"retry_wait": wait_fixed(0.02), "retry_stop": stop_after_attempt(2)}
    outcome = run(mode, settings, {"provider": "groq"})
    assert outcome.text == "ok"
    assert [attempt.number for attempt in outcome.trail.attempts] == [1, 2, 1, 2, 1]
    assert [attempt.wait for attempt in outcome.trail.attempts] == [0.02, None, 0.02, None, None]


@pytest.mark.parametrize("mode", MODES)
def test_an_error_in_the_callers_objects_is_a_configuration_error(mode: str, groq: FaultServer) -> None:
    groq.script(replies.error(503))
    outcome = run(mode, {"retry_wait": lambda state: state.nothing}, {"provider": "groq"})
    assert isinstance(outcome.error, g4f_lite.ConfigurationError)
    assert str(outcome.error).startswith("retry_wait failed: AttributeError: ")
    assert [attempt.outcome for attempt in outcome.trail.attempts] == ["ServerError"]
