"""One record of `logging` for each call, without what was said."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
from helpers.driving import MODES, run

from g4f_lite import Client, OpenaiTemplate
from g4f_lite.observability import CallLogger, JSONLines
from g4f_lite.testing import FaultServer, replies

LARGE, SMALL = "acme/large-2", "acme/small-2"


@pytest.fixture
def lines() -> Any:
    """The lines of JSON that the logger `g4f_lite.calls` writes."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JSONLines())
    logger = logging.getLogger("g4f_lite.calls")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logger.removeHandler(handler)
    logger.setLevel(before)


@pytest.mark.parametrize("mode", MODES)
def test_a_call_is_one_line(mode: str, server: FaultServer, acme: type[OpenaiTemplate], lines: Any) -> None:
    server.on(LARGE, replies.error(404, "SECRET of the service", code="model_not_found"))
    server.on(SMALL, replies.answer("SECRET answer"))
    asked = [{"role": "user", "content": "SECRET question"}]
    params = {"messages": asked, "provider": "acme", "metadata": {"team": "search"}}
    run(mode, {"plugins": [acme, CallLogger()]}, params)
    (line,) = lines()
    call = line["call"]
    assert (line["level"], line["logger"]) == ("INFO", "g4f_lite.calls")
    assert line["message"].startswith(f"chat acme:{SMALL} ok in ") and line["message"].endswith(" tokens, 2 attempts")
    assert (call["outcome"], call["provider"], call["model"]) == ("ok", "acme", SMALL)
    assert [one["outcome"] for one in call["attempts"]] == ["ModelUnavailableError", "ok"]
    assert (call["metadata"], call["asked"]["provider"]) == ({"team": "search"}, "acme")
    assert (call["first_token"] is not None) == ("stream" in mode)
    assert "SECRET" not in json.dumps(line)


@pytest.mark.parametrize("mode", MODES)
def test_content_is_logged_if_asked(mode: str, server: FaultServer, acme: type[OpenaiTemplate], lines: Any) -> None:
    server.on(LARGE, replies.answer("the SECRET answer"))
    logger = CallLogger(content=True, redact=lambda text: text.replace("SECRET", "[secret]"))
    run(
        mode,
        {"plugins": [acme, logger]},
        {"messages": [{"role": "user", "content": "a SECRET"}], "provider": "acme"},
    )
    (line,) = lines()
    assert line["call"]["messages"][0]["parts"] == [{"type": "text", "content": "a [secret]"}]
    assert line["call"]["answer"][0]["parts"] == [{"type": "text", "content": "the [secret] answer"}]


def test_a_failure_is_a_warning(server: FaultServer, acme: type[OpenaiTemplate], lines: Any) -> None:
    server.on(LARGE, replies.error(400, "no"))
    run("sync", {"plugins": [acme, CallLogger()]}, {"provider": "acme", "fallback_models": []})
    run("sync", {"plugins": [CallLogger()]}, {"provider": "nobody-has-this"})
    first, second = lines()
    assert (first["level"], first["call"]["outcome"]) == ("WARNING", "InvalidRequestError")
    assert (second["level"], second["call"]["provider"]) == ("WARNING", None)


def test_a_logger_that_is_off_builds_nothing(server: FaultServer, acme: type[OpenaiTemplate]) -> None:
    logger = logging.getLogger("g4f_lite.calls.of.the.tests")
    logger.setLevel(logging.ERROR)
    plugin = CallLogger(logger=logger, content=True, redact=lambda text: pytest.fail("it was asked"))
    with Client(plugins=[acme, plugin]) as client:
        client.chat.completions.create(messages=[{"role": "user", "content": "hi"}], provider="acme")
    assert not plugin._open and not plugin._answers
