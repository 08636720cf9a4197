"""When the caller's own code fails, the message or the traceback says in which file and line."""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import pytest
from helpers.driving import MODES, run

from g4f_lite import (
    ChatCompletion,
    ChatCompletionChunk,
    ChatRequest,
    Client,
    LocalProvider,
    OpenaiTemplate,
    RateLimitError,
    RoutesExhaustedError,
    hookimpl,
)
from g4f_lite.testing import FaultServer, replies

HERE = re.compile(re.escape(Path(__file__).name) + r"\D{1,10}[1-9]\d*")


def broken(*_: object, **__: object) -> NoReturn:
    json.loads("no JSON")  # the last frame is Python's
    raise AssertionError


class Day(OpenaiTemplate):
    name = "day"
    needs_auth = False
    default_model = "sunday"


class OddDay(Day):
    def adapt_body(self, body: dict[str, Any]) -> None:
        broken()


class Observer:
    @hookimpl
    def call_finished(self) -> None:
        broken()


class Refiner:
    @hookimpl
    def refine_error(self) -> None:
        broken()


class Diary(msgspec.Struct):
    day: str

    def __post_init__(self) -> None:
        raise LookupError(self.day)


ANSWER = replies.answer('{"day":"Sunday"}')
CODE: dict[str, tuple[dict[str, Any], dict[str, Any], Callable[..., Any]]] = {
    "a provider": ({"plugins": [OddDay]}, {}, ANSWER),
    "an observer": ({"plugins": [Day, Observer()]}, {}, ANSWER),
    "a rule for errors": ({"plugins": [Day, Refiner()]}, {}, replies.error(400)),
    "a function for a key": ({"plugins": [Day], "keys": {"day": broken}}, {}, ANSWER),
    "a strategy": ({"plugins": [Day], "keys": {"day": ["k1", "k2"]}}, {"strategy": broken}, ANSWER),
    "retry_stop": ({"plugins": [Day], "retry_stop": broken}, {}, replies.error(500)),
    "a response model": ({"plugins": [Day]}, {"response_model": Diary}, ANSWER),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", CODE)
def test_the_place_is_told(name: str, mode: str, caplog: pytest.LogCaptureFixture) -> None:
    settings, params, reply = CODE[name]
    with FaultServer() as server:
        server.script(*[reply] * 9)
        base_urls = {"base_urls": {"day": server.base_url}}
        with caplog.at_level(logging.ERROR):
            outcome = run(mode, {**settings, **base_urls}, {"provider": "day", **params})
    shown = "".join(record.getMessage() for record in caplog.records)
    if outcome.error is not None:
        shown += "".join(traceback.format_exception(outcome.error))
    assert HERE.search(shown), shown


def test_the_place_of_a_tool_is_told_to_the_caller_but_not_to_the_model() -> None:
    def day(name: str) -> str:
        return str(broken(name))

    with FaultServer() as server, Client(plugins=[Day], base_urls={"day": server.base_url}) as client:
        call = {"id": "1", "type": "function", "function": {"name": "day", "arguments": '{"name":"x"}'}}
        message = {"role": "assistant", "tool_calls": [call]}
        asks = {"choices": [{"index": 0, "finish_reason": "tool_calls", "message": message}]}
        server.script(replies.body(json.dumps(asks).encode()), ANSWER)
        messages = [{"role": "user", "content": "Which day is it?"}]
        ran = client.chat.run_tools(provider="day", messages=messages, tools=[day])
    [result] = ran.rounds[0].results
    assert HERE.search(str(result.error))
    assert result.content.startswith("Error: JSONDecodeError: ")
    assert not HERE.search(result.content)


# -- a client inside a provider ------------------------------------------------------------


class Relay(LocalProvider):
    """Asks others, which fail."""

    name = "relay"
    default_model = "any"
    errors: Iterable[Any] = ()

    def complete(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> ChatCompletion:
        raise RoutesExhaustedError("no answer from 2 legs", [*self.errors])

    def stream(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
        raise RoutesExhaustedError("no answer from 2 legs", [*self.errors])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kinds", [(RateLimitError, RateLimitError), (RateLimitError, RoutesExhaustedError)])
def test_a_provider_whose_own_calls_are_exhausted_fails_over(kinds: tuple[Any, Any], mode: str) -> None:
    inner = RoutesExhaustedError("inner", [RateLimitError("x", retry_after=1000)])
    relay = Relay(errors=[inner if kind is RoutesExhaustedError else kind("y", retry_after=1000) for kind in kinds])
    with FaultServer() as server:
        server.script(replies.answer("Sunday"))
        settings = {"routes": [relay, Day(api_base=server.base_url)], "retries": 0}
        outcome = run(mode, settings, {})
    assert outcome.text == "Sunday"
    assert [entry.outcome for entry in outcome.trail.attempts] == ["RateLimitError", "ok"]
