"""The bytes of a stream become chunks, and an interrupted answer never counts as complete."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.clocks import FakeClock
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_lite.call.chunk_reader import ChunkReader
from g4f_lite.errors import exceptions as e
from g4f_lite.errors.reply import MAX_ERROR_BODY
from g4f_lite.provider.keys import Key
from g4f_lite.provider.leg import Leg
from g4f_lite.types.chat import ChatCompletion
from g4f_lite.types.chat_request import ChatRequest
from g4f_lite.types.time_limit import TimeLimit
from g4f_lite.types.timeouts import Timeouts
from g4f_lite.types.usage import Usage
from g4f_lite_providers.groq import Groq

KEY = "a1b2-of-no-known-form"
LEG = Leg(Groq(), "openai/gpt-oss-120b", Key(KEY, "argument"))
REQUEST = ChatRequest(messages=({"role": "user", "content": "Which day is it?"},), model=LEG.model)
SSE = {"content-type": "text/event-stream"}


def open_reader(
    status: int = 200, headers: dict[str, str] | None = None, clock: FakeClock | None = None
) -> tuple[ChunkReader, TimeLimit]:
    limit = TimeLimit(clock or FakeClock(0.0), Timeouts(first_token=10.0, stall=15.0), 300.0, stream=True)
    reader = ChunkReader(
        LEG, REQUEST, limit, LEG.provider.classify_error, status=status, headers=SSE if headers is None else headers
    )
    return reader, limit


def read(*pieces: bytes | e.ProviderError, status: int = 200, headers: dict[str, str] | None = None) -> ChunkReader:
    """Feed these until the reader is closed. Check that its text is that of its chunks."""
    reader, _ = open_reader(status, headers)
    said = ""
    for piece in pieces:
        if not reader.closed:
            said += "".join(chunk.text for chunk in reader.feed(piece))
    assert said == reader.completion().text
    return reader


def answer(*pieces: bytes | e.ProviderError, **given: Any) -> ChatCompletion:
    """Return the answer of a body that ends after these pieces."""
    reader = read(*pieces, b"", **given)
    assert reader.closed
    reader.check()
    return reader.completion()


def failure(*pieces: bytes | e.ProviderError, **given: Any) -> e.ProviderError:
    """Return the error of a body that ends after these pieces."""
    with pytest.raises(e.ProviderError) as caught:
        answer(*pieces, **given)
    assert KEY not in str(caught.value)
    return caught.value


def split(body: bytes) -> list[bytes]:
    return [bytes([byte]) for byte in body]


# -- a stream in the shape that Groq sends -------------------------------------------------

HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_771_438_841, "model": LEG.model}
COUNTS = {"queue_time": 0.02, "prompt_tokens": 9, "completion_tokens": 6, "total_tokens": 15}


def event(delta: object, finish: object = None, *, index: int = 0, **more: Any) -> bytes:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
    return b"data: " + json.dumps({**HEAD, "choices": [choice], **more}, ensure_ascii=False).encode() + b"\n\n"


def call(index: int, name: str, arguments: str) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"tool_calls": [{"index": index, "id": f"call_{index}", "type": "function", "function": function}]}


ROLE = event({"role": "assistant", "content": ""}, x_groq={"id": "req_1", "seed": 5})
HM = event({"reasoning": "Hm.", "channel": "analysis"})
MON = event({"content": "Mon"})
DAY = event({"content": "day\u2028😀"})
STOP = event({}, "stop", x_groq={"id": "req_1", "usage": COUNTS})
DONE = b"data: [DONE]\n\n"
TEXT = "Monday\u2028😀"
BEFORE = ROLE + HM + b": keep-alive\n\n" + MON + DAY
WHOLE = BEFORE + STOP + DONE
BROKEN = b'data: {"choices": [{"ind\n\n'
FAILED = b'event: error\ndata: {"error": {"message": "no", "code": "tool_use_failed", "status_code": 400}}\n\n'
LOST = e.ConnectionFailedError("the connection was reset")


def is_whole(completion: ChatCompletion) -> bool:
    usage = Usage(prompt_tokens=9, completion_tokens=6, total_tokens=15)
    (choice,) = completion.choices
    seen = (completion.id, completion.text, completion.reasoning, choice.finish_reason, completion.usage)
    return seen == ("chatcmpl-1", TEXT, "Hm.", "stop", usage)


@pytest.mark.no_cover
@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"], ids=repr)
def test_an_answer_is_the_same_however_it_is_split(newline: bytes) -> None:
    body = WHOLE.replace(b"\n", newline)
    assert is_whole(answer(body))
    assert is_whole(answer(*split(body)))
    for at in range(1, len(body)):
        assert is_whole(answer(body[:at], body[at:]))


@pytest.mark.no_cover
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"], ids=repr)
def test_a_body_that_ends_early_is_complete_only_after_its_finish_reason(newline: bytes) -> None:
    body = WHOLE.replace(b"\n", newline)
    complete = len((BEFORE + STOP.rstrip()).replace(b"\n", newline))
    for at in range(len(body)):
        if at >= complete:
            assert is_whole(answer(body[:at]))
        else:
            error = failure(body[:at])
            assert isinstance(error, (e.StreamInterruptedError, e.MalformedResponseError))
            assert "finish reason" in str(error) or "empty" in str(error)


def test_a_lost_connection_leaves_an_answer_only_after_its_finish_reason() -> None:
    complete = len(BEFORE + STOP)
    spoken = len(ROLE + HM)
    for at in range(1, len(WHOLE)):
        if at >= complete:
            assert is_whole(answer(WHOLE[:at], LOST))
        elif at >= spoken:
            error = failure(WHOLE[:at], LOST)
            assert isinstance(error, e.StreamInterruptedError)
            assert error.__cause__ is LOST
        else:
            assert failure(WHOLE[:at], LOST) is LOST


@pytest.mark.no_cover
@settings(deadline=None, max_examples=150)
@given(st.data())
def test_a_truncated_stream_never_counts_as_complete(draw: st.DataObject) -> None:
    two = event({"content": "a"}) + event({"content": "b"}, index=1) + event({}, "stop")
    tools = event(call(0, "f", '{"a":1}')) + event(call(1, "g", "{}"))
    begun = draw.draw(st.sampled_from([BEFORE, ROLE, ROLE + HM, MON, two, two + MON, tools, event({"refusal": "No"})]))
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(begun)), max_size=6)))
    pieces = [begun[start:end] for start, end in zip([0, *cuts], [*cuts, len(begun)], strict=True)]
    endings: list[tuple[bytes | e.ProviderError, ...]] = [(), (LOST,), (DONE,), (b": keep-alive\n\n", LOST)]
    ending = draw.draw(st.sampled_from(endings))
    assert isinstance(failure(*filter(None, pieces), *ending), e.ProviderError)


@pytest.mark.parametrize(
    "last",
    [
        event({"content": ""}, usage=COUNTS),  # OpenRouter: a chunk with null after the finish reason
        b'data: {"choices": [], "usage": {"prompt_tokens": 1}}\n\n',  # OpenAI
        b'data: {"choices": [{"index": 0, "content_filter_results": {}}]}\n\n',  # Azure
        b": keep-alive\n\n",
        b"",
        b"data: [DO",
        b'data: {"choices": [{"index": 0, "delta": {"con',
    ],
)
@pytest.mark.parametrize("ending", [b"", LOST], ids=["end", "lost"])
def test_data_after_the_finish_reason_does_not_change_the_answer(last: bytes, ending: bytes | e.ProviderError) -> None:
    done = answer(*filter(None, (MON + event({}, "stop") + last, ending)))
    assert (done.text, done.choices[0].finish_reason) == ("Mon", "stop")


def test_a_malformed_event_after_the_finish_reason_changes_nothing() -> None:
    assert answer(MON + event({}, "stop") + BROKEN + b"data: [DO").text == "Mon"


@pytest.mark.parametrize("reason", ["", None])
def test_an_empty_finish_reason_does_not_count(
    reason: object,
) -> None:  # Ollama and SGLang have sent it with each chunk
    part = event({"content": "Mon"}, reason)
    assert isinstance(failure(part), e.StreamInterruptedError)
    assert answer(part + event({"content": "day"}, reason) + event({}, "stop")).text == "Monday"


def test_each_choice_needs_its_own_finish_reason() -> None:
    two = MON + event({"content": "Tue"}, index=1) + event({}, "stop")
    assert isinstance(failure(two + DONE), e.StreamInterruptedError)
    assert [choice.message.content for choice in answer(two + event({}, "stop", index=1)).choices] == ["Mon", "Tue"]


def test_reading_stops_at_done() -> None:
    reader = read(MON + event({}, "stop") + DONE)
    assert reader.closed
    reader.check()


# -- events that cannot be understood ------------------------------------------------------


@pytest.mark.parametrize("event", [BROKEN, b"data: [7]\n\n", b"data: Oops\n\n", b'data: "text"\n\n'], ids=str)
def test_a_malformed_event_fails_or_interrupts_the_stream(event: bytes) -> None:
    for pieces in (split, lambda body: [body]):
        assert type(failure(*pieces(ROLE + event + MON + STOP))) is e.MalformedResponseError
        late = failure(*pieces(ROLE + MON + event + DAY + STOP))
        assert isinstance(late, e.StreamInterruptedError)
        assert late.partial_text == "Mon"
        assert isinstance(late.__cause__, e.MalformedResponseError)


HEARTBEATS = [
    b"data: ping", b"data: null", b"data: {}", b"data: ", b"data:", b'data: ""',
    b"data:  PING ", b"data: \"ping\"", b"event: ping\ndata: 2026-11-29 12:00:00", b"event: keep-alive\ndata: 7", b": ping",
]  # fmt: skip


@pytest.mark.parametrize("beat", HEARTBEATS, ids=str)
def test_a_heartbeat_is_no_malformed_event(beat: bytes) -> None:
    beat += b"\n\n"
    for body in (beat + WHOLE, ROLE + beat + HM + MON + beat + beat + DAY + beat + STOP + beat + DONE):
        for pieces in ([body], split(body)):
            reader = read(*pieces, b"")
            reader.check()
            assert is_whole(reader.completion())
            assert reader.notes == []


# -- errors --------------------------------------------------------------------------------


def test_an_error_before_any_content_is_raised_unchanged() -> None:
    for pieces in ([ROLE + FAILED], split(ROLE + FAILED)):
        error = failure(*pieces)
        assert (type(error), error.code, error.status) == (e.ToolCallError, "tool_use_failed", 400)


def test_an_error_after_content_is_an_interruption_with_the_partial_text() -> None:
    for begun, text in ((MON + DAY, TEXT), (HM, ""), (event(call(0, "f", "")), "")):
        for pieces in ([begun + FAILED], [begun, FAILED], split(begun + FAILED)):
            error = failure(*pieces)
            assert isinstance(error, e.StreamInterruptedError)
            assert (error.partial_text, type(error.__cause__)) == (text, e.ToolCallError)
            assert "no" in error.message


ERROR = b'{"error": {"message": "slow down", "code": "rate_limit_exceeded"}}'


@pytest.mark.parametrize("headers", [{}, SSE, {"content-type": "application/json"}], ids=["none", "sse", "json"])
def test_the_body_of_an_error_status_is_read_and_classified(headers: dict[str, str]) -> None:
    for pieces in ([ERROR], split(ERROR)):
        error = failure(*pieces, status=429, headers={**headers, "retry-after": "9"})
        assert (type(error), error.status, error.message) == (e.RateLimitError, 429, "slow down")
        assert error.retry_after == 9.0


def test_an_endless_error_body_is_not_awaited() -> None:
    reader, _ = open_reader(503, {})
    for _ in range(MAX_ERROR_BODY // 65536 + 1):
        reader.feed(b"x" * 65536)
    assert reader.closed
    with pytest.raises(e.ServerError):
        reader.check()


def test_a_key_that_the_service_quotes_is_in_no_error_and_no_note() -> None:
    quoted = f"data: {KEY} is wrong\n\n".encode()
    reader = read(ROLE + MON + STOP + quoted.rstrip(), b"")
    assert "[key] is wrong" in failure(ROLE + quoted).message
    assert KEY not in str(reader.notes)


# -- other bodies than streams ---------------------------------------------------------------------

JSON = {"content-type": "application/json"}
BODY = json.dumps(
    {
        **HEAD,
        "object": "chat.completion",
        "usage": {"prompt_tokens": 9},
        "choices": [
            {
                "index": 0,
                "finish_reason": "tool_calls",
                "message": {"content": "Mon", "reasoning": "Hm.", "refusal": "No", **call(0, "f", "{}")},
            }
        ],
    }
).encode()


@pytest.mark.parametrize("before", [b"", b"\n\n \r\n"], ids=["at once", "after blank lines"])
def test_a_complete_answer_to_a_streaming_request_is_accepted(before: bytes) -> None:
    for pieces in ([before + BODY], split(before + BODY)):
        done = answer(*pieces, headers=JSON)
        assert (done.text, done.reasoning, done.choices[0].message.refusal) == ("Mon", "Hm.", "No")
        assert (done.choices[0].finish_reason, done.usage) == ("tool_calls", Usage(prompt_tokens=9))
        assert [(one.id, one.function.name, one.function.arguments) for one in done.tool_calls] == [
            ("call_0", "f", "{}")
        ]


def test_reasoning_keeps_its_field_in_a_complete_answer_to_a_streaming_request() -> None:
    message = answer(BODY.replace(b'"reasoning"', b'"reasoning_content"'), headers=JSON).choices[0].message
    assert (message.reasoning, message.reasoning_content) == (None, "Hm.")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (BODY[:-9], e.MalformedResponseError),
        (ERROR, e.RateLimitError),
        (b"[" + ERROR + b"]", e.RateLimitError),
        (b'{"error": "Unexpected endpoint or method."}', e.ServerError),
        (b'{"choices": []}', e.MalformedResponseError),
        (b"<html><title>Just a moment...</title></html>", e.MalformedResponseError),
        (b"upstream connect error", e.MalformedResponseError),
        (b"\n\n", e.MalformedResponseError),
        (b"", e.MalformedResponseError),
    ],
)
def test_a_body_that_is_not_a_stream_is_read_like_an_answer(body: bytes, kind: type[e.ProviderError]) -> None:
    assert type(failure(*filter(None, [body]), headers=JSON)) is kind
    assert type(failure(*split(body), headers={})) is kind


# -- empty answers --------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("stop", e.MalformedResponseError),
        ("tool_calls", e.MalformedResponseError),
        ("content_filter", e.ContentFilterError),
    ],
)
def test_the_finish_reason_of_an_empty_answer_decides_its_error(reason: str, kind: type[e.ProviderError]) -> None:
    assert type(failure(ROLE + event({}, reason) + DONE)) is kind
    assert type(failure(ROLE + event({"content": ""}, reason))) is kind
    assert type(failure(ROLE + event({}, reason), LOST)) is kind


def test_reasoning_a_refusal_or_tool_calls_alone_are_an_answer() -> None:
    assert answer(ROLE + event({}, "length") + DONE).text == ""
    assert answer(ROLE + HM + event({}, "length")).reasoning == "Hm."
    assert answer(event({"refusal": "No"}) + event({}, "stop")).choices[0].message.refusal == "No"
    assert len(answer(event(call(0, "f", "{}")) + event({}, "tool_calls")).tool_calls) == 1


def test_an_answer_stopped_by_the_content_filter_keeps_its_text() -> None:
    done = answer(MON + event({}, "content_filter"))
    assert (done.text, done.choices[0].finish_reason) == ("Mon", "content_filter")


# -- time ----------------------------------------------------------------------------------


def test_only_content_moves_the_time_limit() -> None:
    clock = FakeClock(0.0)
    reader, limit = open_reader(clock=clock)
    for piece in (b": keep-alive\n\n", ROLE, b"event: ping\ndata: {}\n\n"):
        clock.now += 1.0
        reader.feed(piece)
        assert (limit.expires_at, reader.has_content) == (10.0, False)
    for piece in (HM, MON):
        clock.now += 1.0
        reader.feed(piece)
        assert (limit.expires_at, reader.has_content) == (clock.now + 15.0, True)
    clock.now += 1.0
    reader.feed(b": keep-alive\n\n")
    assert limit.expires_at == clock.now + 14.0
