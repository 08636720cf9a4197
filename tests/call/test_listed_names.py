"""A service names its models; no such name writes lines of its own into trails, logs and errors."""

from __future__ import annotations

import logging

import pytest
from helpers.driving import MODES, run

from g4f_lite import ChatCompletion, OpenaiTemplate
from g4f_lite.testing import FaultServer, replies

ODD = ["m\r\nERROR: all is lost", "\x1b[31mred", "m\u202eevil", "m\x00", "m\u2028"]


class Nearby(OpenaiTemplate):
    name = "nearby"
    needs_auth = False
    default_model = ""


@pytest.mark.parametrize("mode", MODES)
def test_a_listed_name_with_control_characters_is_passed_over(
    mode: str, server: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.on("/models", replies.models(*ODD, "good")).on("good", replies.answer("hello"))
    outcome = run(mode, {}, {"provider": Nearby(api_base=server.base_url)})
    assert outcome.text == "hello"
    assert [attempt.route for attempt in outcome.trail.attempts] == ["nearby:good"]
    assert not any(name in caplog.text for name in ODD)


@pytest.mark.parametrize("mode", MODES)
def test_an_error_does_not_show_such_names(mode: str, server: FaultServer) -> None:
    server.on("/models", replies.models(*ODD))
    outcome = run(mode, {}, {"provider": Nearby(api_base=server.base_url)})
    assert "it lists no model" in str(outcome.error)
    assert str(outcome.error).isprintable()


@pytest.mark.parametrize("mode", MODES)
def test_a_name_that_is_the_key_is_not_shown(mode: str, server: FaultServer, caplog: pytest.LogCaptureFixture) -> None:
    key = "key-0123456789abcdef"
    caplog.set_level(logging.DEBUG)
    server.on("/models", replies.models(key)).script(replies.error(500, "down"))
    outcome = run(mode, {"retries": 0}, {"provider": Nearby(api_base=server.base_url, api_key=key)})
    assert server.received[-1].model == key
    assert "down" in str(outcome.error)
    assert key not in f"{outcome.error} {outcome.trail!r} {vars(outcome.error)} {caplog.text}"


@pytest.mark.parametrize("model", ODD)
def test_a_repr_is_one_line(model: str) -> None:
    assert repr(ChatCompletion(provider="nearby", model=model)).isprintable()
