"""Streams and answers that lie about their end: what is not whole is never passed off as whole, and what is, is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.driving import MODES, Outcome, run

from g4f_lite import StreamInterruptedError
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Close, Pause
from g4f_lite.testing.shapes import SHAPES
from g4f_lite.testing.shapes.contract import Failure, Said
from g4f_lite.testing.wire import END, head, http_chunk

STREAMS = [mode for mode in MODES if "stream" in mode]
OWNERS = ["groq", "anthropic", "gemini", "cohere"]
OVERLOADED = {"type": "error", "message": "overloaded"}


def shape_of(who: str) -> Any:
    return SHAPES.get(who, SHAPES["openai"])  # type: ignore[call-overload]


def events(who: str, *, finish: str | None = "stop") -> list[Any]:
    shape = shape_of(who)
    said = Said(["one ", "two"], finish=finish)
    return list(shape.chunks("m", said))


def reply(who: str, parts: list[Any], *, ends: str = "whole") -> Any:
    """Send these events; the body then ends in order, or is cut."""
    sse = shape_of(who).sse
    actions = [head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"})]
    actions += [http_chunk(sse(part)) for part in parts]
    return replies.raw(*actions, *([END] if ends == "whole" else [Pause(0.02), Close(reset=ends == "reset")]))


def ask(mode: str, who: str, server: FaultServer, *scripted: Any, **params: Any) -> Outcome:
    server.script(*scripted)
    settings = {"keys": {who: "key_123456789"}, "retries": 0}
    settings["base_urls"] = {who: server.base_url if who == "groq" else server.origin}
    return run(mode, settings, {"provider": who, "model": "m-1", "fallback_models": ["m-2"], **params})


@pytest.mark.parametrize("mode", STREAMS)
@pytest.mark.parametrize("who", OWNERS)
@pytest.mark.parametrize(
    "error", [OVERLOADED, {"type": "error"}, {"type": "error", "error": {"message": "overloaded"}}]
)
def test_an_error_event_is_an_error_whatever_its_fields_are(
    error: Any, who: str, mode: str, server: FaultServer
) -> None:
    early = ask(mode, who, server, reply(who, [error, *events(who)]), replies.answer("good"))
    assert (early.text, len(early.trail.attempts)) == ("good", 2)
    cut = events(who, finish=None)
    end = events(who)[len(cut) :]
    late = ask(mode, who, server, reply(who, [*cut, error, *end]), replies.answer("good"))
    assert isinstance(late.error, StreamInterruptedError)
    assert late.text == late.error.partial_text == "one two"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("who", OWNERS)
def test_an_error_in_place_of_an_answer_is_an_error(who: str, mode: str, server: FaultServer) -> None:
    outcome = ask(
        mode, who, server, replies.body(b'{"type": "error", "message": "overloaded"}'), replies.answer("good")
    )
    assert (outcome.text, outcome.trail.attempts[0].message) == ("good", "overloaded")


@pytest.mark.parametrize("mode", STREAMS)
@pytest.mark.parametrize("who", OWNERS)
@pytest.mark.parametrize("after", [OVERLOADED, {"error": {"message": "overloaded", "code": 503}}, "no JSON"], ids=str)
@pytest.mark.parametrize("ends", ["whole", "close", "reset"])
def test_nothing_that_follows_the_finish_reason_spoils_an_answer(
    ends: str, after: Any, who: str, mode: str, server: FaultServer
) -> None:
    sent = events(who)
    if who == "anthropic":
        del sent[-1]  # message_stop, after which nothing is read
    outcome = ask(mode, who, server, reply(who, [*sent, after], ends=ends))
    assert outcome.error is None
    assert outcome.text == "one two"
    [attempt] = outcome.trail.attempts
    assert attempt.outcome == "ok"
    assert bool(attempt.notes) == (who != "cohere")  # its last event closes the stream


@pytest.mark.parametrize("mode", STREAMS)
@pytest.mark.parametrize("who", ["groq", "gemini"])
@pytest.mark.parametrize("ends", ["whole", "close", "reset"])
def test_a_finish_reason_before_the_last_text_is_no_end(ends: str, who: str, mode: str, server: FaultServer) -> None:
    sent = events(who)
    text = events(who, finish=None)[-1:]
    outcome = ask(mode, who, server, reply(who, [*sent, *text], ends=ends), replies.answer("good"))
    assert isinstance(outcome.error, StreamInterruptedError)
    again = ask(mode, who, server, reply(who, [*sent, *text, sent[-1]], ends=ends))
    assert again.error is None
    assert again.text == "one twotwo"


@pytest.mark.parametrize("mode", STREAMS)
def test_done_ends_an_answer_that_went_on_after_its_finish_reason(mode: str, server: FaultServer) -> None:
    sent = [*events("groq"), *events("groq", finish=None)[-1:], "[DONE]"]
    outcome = ask(mode, "groq", server, reply("groq", sent))
    assert (outcome.error, outcome.text) == (None, "one twotwo")


def only_first(who: str, mode: str) -> Any:
    if "stream" in mode:
        return reply(who, [*events(who), *shape_of(who).DONE])
    return replies.answer("one two")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("who", "asked"),
    [("openai", {"n": 2}), ("openai", {"extra_body": {"n": 2}}), ("gemini", {"n": 2})],
)
def test_choices_that_never_came_are_missed(who: str, asked: dict[str, Any], mode: str, server: FaultServer) -> None:
    outcome = ask(mode, who, server, only_first(who, mode), only_first(who, mode), **asked)
    if "stream" in mode:
        assert isinstance(outcome.error, StreamInterruptedError)
        assert "1 of 2 choices came" in str(outcome.error)
    else:
        assert [attempt.outcome for attempt in outcome.trail.attempts] == ["MalformedResponseError"] * 2


@pytest.mark.parametrize("mode", STREAMS)
def test_an_error_while_a_choice_is_missing_interrupts(mode: str, server: FaultServer) -> None:
    outcome = ask(mode, "openai", server, reply("openai", [*events("openai"), OVERLOADED]), n=2)
    assert isinstance(outcome.error, StreamInterruptedError)
    assert "overloaded" in str(outcome.error)


@pytest.mark.parametrize("mode", STREAMS)
@pytest.mark.parametrize(
    "before", [b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n ", b"\n\n"], ids=["mark", "mark and blanks", "blanks"]
)
@pytest.mark.parametrize("who", OWNERS)
def test_a_body_in_place_of_a_stream_is_read_whatever_stands_before_it(
    who: str, before: bytes, mode: str, server: FaultServer
) -> None:
    whole = json.dumps(shape_of(who).whole("m", Said(["one ", "two"]))).encode()
    refused = json.dumps(
        shape_of(who).error(Failure(429, "Please try again in 30s", code="rate_limit_exceeded"))
    ).encode()
    for body in (whole, b"[]", refused):
        pieces = [one for at in range(4) for one in (before[at : at + 1], Pause(0.002)) if one]
        sent = replies.raw(head(200, {"connection": "close"}), *pieces, before[4:] + body, Close())
        outcome = ask(mode, who, server, sent, replies.answer("good"))
        [first, *more] = outcome.trail.attempts
        if body is whole:
            assert (outcome.error, outcome.text, more) == (None, "one two", [])
        elif body is refused:
            assert "Please try again in 30s" in first.message
        else:
            assert "a line that is no event" not in first.message


@pytest.mark.parametrize("mode", STREAMS)
@pytest.mark.parametrize("word", ["null", "None", "none", "undefined"])
def test_a_finish_reason_that_names_none_is_no_end(word: str, mode: str, server: FaultServer) -> None:
    goes_on = [
        {**one, "choices": [{**one["choices"][0], "finish_reason": word}]} for one in events("groq", finish=None)
    ]
    cut = ask(mode, "groq", server, reply("groq", [*goes_on, "[DONE]"]))
    assert isinstance(cut.error, StreamInterruptedError)
    usage = {"choices": [{"index": 0, "delta": {}, "finish_reason": word}]}
    whole = ask(mode, "groq", server, reply("groq", [*goes_on, events("groq")[-1], usage, "[DONE]"]))
    assert whole.error is None
    assert (whole.text, whole.completion.choices[0].finish_reason) == ("one two", "stop")
