"""Events and blocks without a type or an index, and of the wrong one: nothing of an answer is dropped in silence."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.protocol_bodies import chat
from helpers.protocol_reading import parse, seen, streamed

from g4f_lite import MalformedResponseError, StreamInterruptedError

CALL = {"type": "tool_use", "id": "t_1", "name": "f", "input": {}}
MORE = {"type": "tool_use", "id": "t_2", "name": "g", "input": {}}
TEXT = {"type": "text", "text": ""}
THINKING = {"type": "thinking", "thinking": ""}
STOPPED = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
OVER = {"type": "message_stop"}
NAMED = [("f", '{"a": 1}'), ("g", '{"b": 2}')]


def begun(block: dict[str, Any], **place: int) -> dict[str, Any]:
    return {"type": "content_block_start", **place, "content_block": block}


def piece(**delta: Any) -> dict[str, Any]:
    place = {name: delta.pop(name) for name in ("index",) if name in delta}
    return {"type": "content_block_delta", **place, "delta": delta}


def claude(*events: dict[str, Any]) -> Any:
    return streamed("anthropic", {"type": "message_start", "message": {"id": "m"}}, *events, STOPPED, OVER)


def named(answer: Any) -> list[tuple[str, str]]:
    return [(call.function.name, call.function.arguments) for call in answer.choices[0].message.tool_calls]


@pytest.mark.parametrize("place", [{}, {"index": 0}], ids=["no index", "always 0"])
def test_blocks_of_claude_without_an_index_of_their_own_are_told_apart(place: dict[str, int]) -> None:
    end = {"type": "content_block_stop", **place}
    said = (begun(THINKING, **place), piece(thinking="Hm.", **place), end)
    calls = (begun(CALL, **place), piece(partial_json='{"a": 1}', **place), end)
    more = (begun(MORE, **place), piece(partial_json='{"b": 2}', **place), end)
    answer = claude(*said, begun(TEXT, **place), piece(text="Yes.", **place), end, *calls, *more)
    message = answer.choices[0].message
    assert (message.reasoning, message.content, named(answer)) == ("Hm.", "Yes.", NAMED)
    kept = message.extra_content["anthropic"]["content"]
    assert [block["type"] for block in kept] == ["thinking", "text", "tool_use", "tool_use"]
    assert [block["input"] for block in kept[2:]] == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize(
    ("events", "what"),
    [
        ([begun(THINKING, index=0), piece(text="lost", index=0)], "another type"),
        ([begun(TEXT, index=0), piece(partial_json="{}", index=0)], "another type"),
        ([begun(CALL, index=0), piece(text="lost", index=0)], "another type"),
        ([begun({"name": "f", "input": {}}, index=0)], "no type"),
        ([begun(TEXT, index=0), {"index": 0, "delta": {"text": "lost"}}], "no type"),
        ([piece(text="lost")], "has not begun"),
    ],
)
def test_a_piece_of_claudes_that_has_no_place_is_malformed(events: list[Any], what: str) -> None:
    with pytest.raises((MalformedResponseError, StreamInterruptedError), match=what):
        claude(*events)


def test_blocks_of_claudes_that_begin_twice_or_go_on_after_their_end_are_read() -> None:
    """As gateways send them."""
    stop = {"type": "content_block_stop", "index": 0}
    events = [begun(THINKING, index=0), piece(thinking="Hm.", index=0), stop, piece(signature="s", index=0)]
    events += [begun(TEXT, index=0), begun(TEXT, index=0), piece(text="Ye", index=0), stop, piece(text="s.", index=0)]
    events += [begun(CALL, index=1), begun(CALL, index=1), piece(partial_json='{"a": 1}', index=1)]
    answer = claude(*events, begun(MORE, index=1), piece(partial_json='{"b": 2}', index=1))
    message = answer.choices[0].message
    assert (message.reasoning, message.content, named(answer)) == ("Hm.", "Yes.", NAMED)
    assert message.extra_content["anthropic"]["content"][0]["signature"] == "s"


def test_a_whole_block_of_claudes_without_a_type_is_malformed() -> None:
    body = {
        "id": "m",
        "content": [{"id": "t_1", "name": "f", "input": {}}, TEXT | {"text": "a"}],
        "stop_reason": "end_turn",
    }
    with pytest.raises(MalformedResponseError, match="no type"):
        parse("anthropic", body)
    assert parse("anthropic", body | {"content": [{"text": "a"}, {}]}).text == "a"


def cohere(kind: str, **message: Any) -> dict[str, Any]:
    place = {name: message.pop(name) for name in ("index",) if name in message}
    return {"type": kind, **place, "delta": {"message": message}}


def spoken(*events: dict[str, Any]) -> Any:
    end = {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}}
    return streamed("cohere", {"type": "message-start", "id": "c-1"}, *events, end)


def test_lists_in_events_of_coheres_are_read() -> None:
    parts = [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Yes."}]
    answer = spoken(
        cohere("content-delta", content=parts),
        cohere("tool-call-start", tool_calls=[{"id": "1", "function": {"name": "f"}}]),
        cohere("tool-call-delta", tool_calls=[{"function": {"arguments": '{"a": 1}'}}]),
        cohere("tool-call-start", tool_calls={"id": "2", "function": {"name": "g", "arguments": '{"b"'}}),
        cohere("tool-call-delta", tool_calls={"function": {"arguments": ": 2}"}}),
    )
    assert (answer.reasoning, answer.text, named(answer)) == ("Hm.", "Yes.", NAMED)


@pytest.mark.parametrize(
    ("event", "what"),
    [
        ({"delta": {"message": {"content": {"text": "lost"}}}}, "no type"),
        (cohere("tool-call-start", tool_calls=[{"id": "1"}, {"id": "2"}]), "several"),
        (cohere("tool-call-delta", tool_calls={"function": {"arguments": "{"}}), "has not begun"),
    ],
)
def test_an_event_of_coheres_that_has_no_place_is_malformed(event: Any, what: str) -> None:
    with pytest.raises(MalformedResponseError, match=what):
        spoken(event)


def test_parts_and_calls_of_coheres_are_not_left_out() -> None:
    assert parse("cohere", chat({"content": [{"text": "Mon"}, {"type": "text", "text": "day"}]})).text == "Monday"
    calls = [{"id": "f_1"}, {"id": "g_1", "function": {"name": "g"}}]
    assert seen(parse("cohere", chat({"tool_calls": calls}, "TOOL_CALL")))[2] == [("f_1", "", "{}"), ("g_1", "g", "{}")]
