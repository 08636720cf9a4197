"""Answers that real services give in another form than OpenAI's; each is read by both clients, whole and streamed."""

from __future__ import annotations

import asyncio
import json
import math
import pickle
from itertools import permutations
from typing import Any

import pytest
from helpers.driving import MESSAGES, MODES, Outcome, run

import g4f_lite
from g4f_lite import AsyncClient, ChatCompletion, ChatCompletionChunk, Client, OpenaiTemplate, StreamInterruptedError
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Received, Reply

WHOLE = [mode for mode in MODES if "stream" not in mode]
STREAMS = [mode for mode in MODES if "stream" in mode]


class Plain(OpenaiTemplate):
    name = "plain"
    needs_auth = False
    default_model = "first"


class Snowflake(Plain):
    name = "snowflake"
    done_is_enough = True


def settings(server: FaultServer) -> dict[str, Any]:
    return {"plugins": [Plain(), Snowflake()], "base_urls": dict.fromkeys(("plain", "snowflake"), server.base_url)}


def ask(mode: str, server: FaultServer, reply: Reply, **params: Any) -> Outcome:
    server.script(reply)
    return run(mode, {**settings(server), "retries": 0}, {"provider": "plain", **params})


def answered(mode: str, server: FaultServer, reply: Reply, **params: Any) -> ChatCompletion:
    outcome = ask(mode, server, reply, **params)
    assert outcome.completion is not None, outcome.error
    assert outcome.text == outcome.completion.text
    assert len(outcome.trail.attempts) == 1
    return outcome.completion


def said(*deltas: object, finish: str = "stop", **message: Any) -> Reply:
    """Answer with this message, or with a stream of these deltas; bytes are sent as they are."""

    def reply(request: Received) -> Any:
        if not request.stream:
            choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
            return replies.body(json.dumps({"choices": [choice]}).encode())(request)
        events = [delta if isinstance(delta, bytes) else event(delta) for delta in deltas]
        return replies.stream([*events, event({}, finish), "[DONE]"])(request)

    return reply


def event(delta: object, finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}


def data(text: str) -> bytes:
    return replies.http_chunk(f"data: {text}\n\n".encode())


def bare(content: str, field: str = "content") -> bytes:
    """Return an event with a content as it stands here."""
    return data(f'{{"choices": [{{"index": 0, "delta": {{"{field}": {content}}}}}]}}')


# -- texts ---------------------------------------------------------------------------------

TEXTS = [
    ("6", "6"),
    ("0.005", "0.005"),
    ("1.50", "1.50"),
    ("1e3", "1e3"),
    ("-0", "-0"),
    ("123456789012345678901234567890", "123456789012345678901234567890"),
    ("true", "true"),
    ('{"text": "NOT "}', "NOT "),
    ('{"type": "text", "text": {"value": "NOT "}}', "NOT "),
    ('{"content": [{"text": "NOT "}]}', "NOT "),
    ('{"parts": ["N", {"text": "OT "}]}', "NOT "),
    ('[{"type": "output_text", "text": 2.50}]', "2.50"),
    ('["a", 7, null, {"type": "reference", "reference_ids": [3]}]', "a7"),
]


@pytest.mark.no_cover
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("field", ["content", "reasoning", "refusal"])
@pytest.mark.parametrize(("given", "text"), TEXTS, ids=[given for given, _ in TEXTS])
def test_a_text_of_another_type_is_read(mode: str, field: str, given: str, text: str, server: FaultServer) -> None:
    def reply(request: Received) -> Any:
        if request.stream:
            return said(bare('"a "', field), bare(given, field), bare('" z"', field))(request)
        body = f'{{"choices": [{{"message": {{"{field}": {given}}}, "finish_reason": "stop"}}]}}'
        return replies.body(body.encode())(request)

    message = answered(mode, server, reply).choices[0].message
    assert getattr(message, field) == (f"a {text} z" if "stream" in mode else text)


@pytest.mark.parametrize("mode", STREAMS)
def test_a_text_in_place_of_a_stream_is_told(mode: str, server: FaultServer) -> None:
    key = "sk-0123456789abcdef"
    server.script(replies.body(f"Rate limit exceeded for {key}\n".encode(), 200, **{"content-type": "text/plain"}))
    outcome = run(mode, {**settings(server), "retries": 0, "keys": {"plain": key}}, {"provider": "plain"})
    assert isinstance(outcome.error, g4f_lite.MalformedResponseError)
    assert "with a line that is no event: 'Rate limit exceeded for " in str(outcome.error)
    assert key not in str(outcome.error)


REASONING = [
    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},  # Databricks
    {"type": "reasoning", "text": "Hm."},
    {"type": "reasoning_text", "content": "Hm."},
    {"type": "thinking", "thinking": "Hm."},
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("part", REASONING, ids=str)
def test_a_part_that_is_reasoning_is_no_text_of_the_answer(mode: str, part: Any, server: FaultServer) -> None:
    text = {"type": "text", "text": "Monday"}
    answer = answered(mode, server, said({"content": [part]}, {"content": [text]}, content=[part, text]))
    assert (answer.text, answer.reasoning) == ("Monday", "Hm.")


UNREADABLE = [
    {"content": {"foo": "NOT "}},
    {"content": [{"type": "text", "words": "NOT "}]},
    {"tool_calls": "f()"},
    {"tool_calls": ["f()"]},
    {"tool_calls": [{"function": "f()"}]},
    {"tool_calls": [{"function": {"name": ["f"], "arguments": "{}"}}]},
    ["NOT "],
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("odd", UNREADABLE, ids=str)
def test_what_cannot_be_read_is_never_dropped_in_silence(mode: str, odd: Any, server: FaultServer) -> None:
    def reply(request: Received) -> Any:
        if request.stream:
            return said({"content": "Do "}, odd, {"content": "shoot"})(request)
        return replies.body(json.dumps({"choices": [{"message": odd, "finish_reason": "stop"}]}).encode())(request)

    outcome = ask(mode, server, reply)
    if "stream" in mode:
        assert isinstance(outcome.error, StreamInterruptedError)
        assert outcome.error.partial_text == outcome.text == "Do "
    else:
        assert isinstance(outcome.error, g4f_lite.MalformedResponseError)


@pytest.mark.parametrize("mode", STREAMS)
@pytest.mark.parametrize("odd", ["Oops", "[7]", '"NOT "', '{"choices": "NOT "}', '{"choices": ["NOT "]}', '{"cho'])
def test_an_event_that_cannot_be_read_interrupts_the_stream(mode: str, odd: str, server: FaultServer) -> None:
    outcome = ask(mode, server, said({"content": "Do "}, data(odd), {"content": "shoot"}))
    assert isinstance(outcome.error, StreamInterruptedError)
    assert outcome.text == "Do "


@pytest.mark.parametrize("mode", STREAMS)
@pytest.mark.parametrize("beat", ["ping", "null", "{}", "", '{"type": "ping"}'])
def test_a_heartbeat_interrupts_nothing(mode: str, beat: str, server: FaultServer) -> None:
    assert answered(mode, server, said(data(beat), {"content": "a"}, data(beat), {"content": "b"})).text == "ab"


@pytest.mark.parametrize("mode", STREAMS)
def test_a_stream_may_be_a_whole_answer_in_one_event(mode: str, server: FaultServer) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": [{"type": "text", "text": "Sunday"}], "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    reply = answered(mode, server, replies.stream([{"object": "chat.completion", "choices": [choice]}, "[DONE]"]))
    assert (reply.text, [one.id for one in reply.tool_calls]) == ("Sunday", ["call_1"])
    assert reply.choices[0].finish_reason == "tool_calls"


@pytest.mark.parametrize("mode", STREAMS)
def test_a_whole_answer_at_the_end_of_a_stream_repeats_its_text(mode: str, server: FaultServer) -> None:
    last = {"index": 0, "message": {"role": "assistant", "content": "Sunday"}, "finish_reason": "stop"}
    pieces = [event({"content": "Sun"}), event({"content": "day"}), {"choices": [last]}, "[DONE]"]
    assert answered(mode, server, replies.stream(pieces)).text == "Sunday"


@pytest.mark.parametrize("mode", STREAMS)
def test_messages_in_place_of_deltas_are_not_dropped(mode: str, server: FaultServer) -> None:
    def message(text: str, finish: str | None = None) -> dict[str, Any]:
        return {"choices": [{"index": 0, "message": {"content": text}, "finish_reason": finish}]}

    outcome = ask(mode, server, replies.stream([message("Do "), message("not "), message("shoot", "stop"), "[DONE]"]))
    assert isinstance(outcome.error, StreamInterruptedError)
    assert (outcome.text, "message in place of a delta" in str(outcome.error)) == ("Do ", True)
    usage = {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}
    reply = answered(mode, server, replies.stream([message("Sunday"), usage, message("", "stop"), "[DONE]"]))
    assert (reply.text, reply.usage and reply.usage.total_tokens) == ("Sunday", 3)


@pytest.mark.parametrize("mode", STREAMS)
def test_after_a_malformed_event_the_stream_starts_over_if_the_caller_says_so(mode: str, server: FaultServer) -> None:
    server.on("first", said({"content": "Do "}, data("Oops"), {"content": "shoot"}))
    server.on("second", said({"content": "Do not shoot"}))
    params = {"provider": "plain", "fallback_models": ["second"], "on_interrupt": "restart"}
    outcome = run(mode, settings(server), params)
    assert outcome.completion is not None
    assert outcome.completion.text == "Do not shoot"


# -- characters and numbers ----------------------------------------------------------------

HIGH, LOW = "\\ud83d", "\\ude00"
HALVES = [
    ("joined", [f'"a{HIGH}"', f'"{LOW}b"'], "a\N{GRINNING FACE}b"),
    ("joined, alone", [f'"{HIGH.upper().replace("U", "u")}"', f'"{LOW}"'], "\N{GRINNING FACE}"),
    ("a heartbeat between", [f'"a{HIGH}"', "ping", f'"{LOW}b"'], "a\N{GRINNING FACE}b"),
    ("the second is missing", [f'"a{HIGH}"', '"b"'], "a\ufffdb"),
    ("the first is missing", ['"a"', f'"{LOW}b"'], "a\ufffdb"),
    ("two first ones", [f'"a{HIGH}"', f'"{HIGH}"', f'"{LOW}"'], "a\ufffd\N{GRINNING FACE}"),
    ("the last", [f'"a{HIGH}"'], "a\ufffd"),
    ("in the middle", [f'"a{HIGH}b{LOW}c"'], "a\ufffdb\ufffdc"),
    ("written out", [f'"a\\{HIGH}"', f'"\\{LOW}b"'], "a\\ud83d\\ude00b"),
]


@pytest.mark.parametrize("mode", STREAMS)
@pytest.mark.parametrize(("name", "pieces", "text"), HALVES, ids=[name for name, _, _ in HALVES])
def test_a_character_in_two_events_is_joined(
    mode: str, name: str, pieces: list[str], text: str, server: FaultServer
) -> None:
    events = [data(piece) if piece == "ping" else bare(piece) for piece in pieces]
    assert answered(mode, server, said(*events)).text == text
    together = b"".join(f"data: {json.dumps(event({}))}\n\n".encode() for _ in range(3))
    assert answered(mode, server, said(replies.http_chunk(together), *events)).text == text


@pytest.mark.parametrize("mode", STREAMS)
def test_half_a_character_before_a_lost_connection_is_not_lost(mode: str, server: FaultServer) -> None:
    outcome = ask(mode, server, replies.stream([bare(f'"a{HIGH}"'), replies.Close(reset=True)]))
    assert isinstance(outcome.error, StreamInterruptedError)
    assert outcome.text == "a\ufffd"


@pytest.mark.parametrize("mode", MODES)
def test_half_a_character_in_a_whole_answer_is_replaced(mode: str, server: FaultServer) -> None:
    message = f'{{"content": "a{HIGH}b {HIGH}{LOW} \\\\ud83d"}}'
    body = f'{{"choices": [{{"message": {message}, "finish_reason": "stop"}}]}}'
    reply = answered(mode, server, replies.body(body.encode()))
    assert reply.text == "a\ufffdb \N{GRINNING FACE} \\ud83d"
    assert pickle.loads(pickle.dumps(reply)).text == reply.text
    reply.text.encode()


@pytest.mark.parametrize("mode", MODES)
def test_numbers_that_are_not_json_are_read(mode: str, server: FaultServer) -> None:
    logprobs = '{"content": [{"token": "a", "logprob": -Infinity}, {"token": "b", "logprob": NaN}]}'

    def reply(request: Received) -> Any:
        field = "delta" if request.stream else "message"
        choice = f'{{"{field}": {{"content": "ab"}}, "finish_reason": "stop", "logprobs": {logprobs}}}'
        body = f'{{"choices": [{choice}]}}'
        return replies.stream([data(body)])(request) if request.stream else replies.body(body.encode())(request)

    reply_ = answered(mode, server, reply)
    first, second = reply_.choices[0].logprobs.content
    assert first.logprob == -math.inf
    assert math.isnan(second.logprob)
    assert "stream" in mode or reply_.raw["choices"][0]["logprobs"]["content"][0]["logprob"] == -math.inf


# -- what else an answer may consist of ----------------------------------------------------

SOUND = {"id": "audio_1", "data": "AAECAwQF", "transcript": "Hello", "expires_at": 7}
SOUND_PIECES = [
    {"audio": {"id": "audio_1", "transcript": "Hel"}}, {"audio": {"data": "AAE="}}, {"audio": {"data": "AgM="}},
    {"audio": {"data": "BAU="}}, {"audio": {"transcript": "lo", "data": None}}, {"audio": {"expires_at": 7}},
]  # fmt: skip
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAEC"}, "index": 0}


@pytest.mark.parametrize("mode", MODES)
def test_an_answer_may_consist_of_sound(mode: str, server: FaultServer) -> None:
    reply = answered(mode, server, said(*SOUND_PIECES, content=None, audio=SOUND))
    assert reply.choices[0].message.audio == SOUND
    assert reply.to_dict()["choices"][0]["message"] == {"role": "assistant", "content": None, "audio": SOUND}


@pytest.mark.parametrize("mode", MODES)
def test_an_answer_may_consist_of_images(mode: str, server: FaultServer) -> None:
    reply = answered(mode, server, said({"images": [IMAGE]}, content=None, images=[IMAGE]))
    assert reply.choices[0].message.images == [IMAGE]
    assert reply.to_dict()["choices"][0]["message"]["images"] == [IMAGE]
    inside = [{"type": "text", "text": "See:"}, {"type": "image_url", "image_url": "https://example.com/a.png"}]
    reply = answered(mode, server, said({"content": inside}, content=inside))
    assert reply.text == "See:"
    assert reply.choices[0].message.images == [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]


@pytest.mark.parametrize("mode", MODES)
def test_an_answer_may_consist_of_a_function_call(mode: str, server: FaultServer) -> None:
    pieces = [{"function_call": {"name": "f", "arguments": '{"a"'}}, {"function_call": {"arguments": ": 1}"}}]
    call = {"name": "f", "arguments": '{"a": 1}'}
    reply = answered(mode, server, said(*pieces, finish="function_call", content=None, function_call=call))
    assert reply.to_dict()["choices"][0]["message"] == {"role": "assistant", "content": None, "function_call": call}


@pytest.mark.parametrize("speaks", [True, False])
def test_an_answer_with_sound_and_images_can_be_part_of_the_next_request(speaks: bool, server: FaultServer) -> None:
    provider = Plain(capabilities=Plain.capabilities | {"audio"} if speaks else Plain.capabilities)
    server.script(said(content=None, audio=SOUND, images=[IMAGE]), replies.answer("ok"))
    with Client(plugins=[provider], base_urls={"plain": server.base_url}) as client:
        reply = client.chat.completions.create(messages=MESSAGES, provider="plain")
        client.chat.completions.create(messages=[*MESSAGES, reply.choices[0].message, *MESSAGES], provider="plain")
    sent = {"role": "assistant", "content": "Hello", **({"audio": {"id": "audio_1"}} if speaks else {})}
    assert server.received[-1].json["messages"][1] == sent


# -- tool calls ----------------------------------------------------------------------------


def piece(name: str | None, arguments: object, **more: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"tool_calls": [{"index": 0, "function": {k: v for k, v in function.items() if v is not None}, **more}]}


CALLS = [
    ("each whole", [piece("f", '{"a": 1}'), piece("g", '{"b": 2}')], [("f", '{"a": 1}'), ("g", '{"b": 2}')]),
    ("of one function", [piece("f", '{"a": 1}'), piece("f", '{"a": 2}')], [("f", '{"a": 1}'), ("f", '{"a": 2}')]),
    ("without arguments", [piece("f", ""), piece("g", "")], [("f", "{}"), ("g", "{}")]),
    ("empty ids", [piece("f", "{}", id=""), piece("g", "{}", id="")], [("f", "{}"), ("g", "{}")]),
    ("begun, then in pieces", [piece("f", ""), piece(None, '{"a"'), piece(None, ": 1}"), piece("g", ""),
                               piece(None, "{}")], [("f", '{"a": 1}'), ("g", "{}")]),
    ("the name with each piece", [piece("f", '{"a"'), piece("f", ": 1}")], [("f", '{"a": 1}')]),
    ("in one event", [{"tool_calls": [*piece("f", "{}")["tool_calls"], *piece("g", "{}")["tool_calls"]]}],
     [("f", "{}"), ("g", "{}")]),
    ("as objects", [piece("f", {"a": 1}), piece("g", {"b": 2})], [("f", '{"a":1}'), ("g", '{"b":2}')]),
]  # fmt: skip


@pytest.mark.parametrize("mode", STREAMS)
@pytest.mark.parametrize(("name", "pieces", "calls"), CALLS, ids=[name for name, _, _ in CALLS])
def test_parallel_calls_at_one_index_are_kept_apart(
    mode: str, name: str, pieces: list[object], calls: list[tuple[str, str]], server: FaultServer
) -> None:
    reply = answered(mode, server, said(*pieces, finish="tool_calls"))
    assert [(call.function.name, call.function.arguments) for call in reply.tool_calls] == calls


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("finish", "arguments"), [("tool_calls", "{}"), ("stop", "{}"), ("length", "")])
def test_a_call_without_arguments_has_an_empty_object(
    mode: str, finish: str, arguments: str, server: FaultServer
) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}
    reply = answered(mode, server, said(piece("f", ""), finish=finish, content=None, tool_calls=[call]))
    assert reply.tool_calls[0].function.arguments == arguments
    old = {"function_call": {"name": "f", "arguments": ""}}
    function = answered(mode, server, said(old, finish=finish, content=None, **old)).choices[0].message.function_call
    assert function is not None
    assert function.arguments == arguments


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "call", [{"name": "f", "arguments": "{}"}, {"type": "unheard of", "unheard of": {"name": "f"}}], ids=str
)
def test_a_call_in_an_unknown_form_is_never_dropped_in_silence(
    mode: str, call: dict[str, Any], server: FaultServer
) -> None:
    call = {"id": "call_1", **call}
    delta = {"tool_calls": [{"index": 0, **call}]}
    error = ask(mode, server, said(delta, finish="tool_calls", content=None, tool_calls=[call])).error
    assert isinstance(error, StreamInterruptedError if mode in STREAMS else g4f_lite.MalformedResponseError)
    assert "a tool call has no name" in str(error)


# -- usage and the end ---------------------------------------------------------------------

COUNTS = {"prompt_tokens": 9, "completion_tokens": 6, "total_tokens": 15}


@pytest.mark.parametrize("mode", MODES)
def test_a_usage_inside_the_choice_is_read(mode: str, server: FaultServer) -> None:
    def reply(request: Received) -> Any:
        choice = {"index": 0, "finish_reason": "stop", "usage": {**COUNTS, "cached_tokens": 3}}
        if request.stream:
            return replies.stream([event({"content": "a"}), {"choices": [{**choice, "delta": {}}]}])(request)
        return replies.body(json.dumps({"choices": [{**choice, "message": {"content": "a"}}]}).encode())(request)

    usage = answered(mode, server, reply).usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (9, 6, 15)


@pytest.mark.parametrize("mode", STREAMS)
@pytest.mark.parametrize("later", [dict.fromkeys(COUNTS, 0), {}, {"prompt_tokens": 0}, {"prompt_tokens_details": {}}])
def test_counts_do_not_shrink(mode: str, later: dict[str, Any], server: FaultServer) -> None:
    usage = {**COUNTS, "prompt_tokens_details": {"cached_tokens": 4}}
    events = [event({"content": "a"}, usage=usage), event({}, "stop", usage=later), {"choices": [], "usage": later}]
    reply = answered(mode, server, replies.stream([*events, "[DONE]"]))
    assert reply.usage is not None
    assert reply.usage.to_dict() == usage
    grown = event({"content": "a"}, "stop", usage={**COUNTS, "completion_tokens": 8, "total_tokens": 17})
    reply = answered(mode, server, replies.stream([event({}, usage=usage), grown]))
    assert reply.usage is not None
    assert (reply.usage.completion_tokens, reply.usage.total_tokens) == (8, 17)


@pytest.mark.parametrize("mode", STREAMS)
def test_done_is_enough_where_the_provider_says_so(mode: str, server: FaultServer) -> None:
    text, calls = [event({"content": "a"}), event({"content": "b"})], [event(piece("f", "{}"))]
    for events, finish in ((text, "stop"), (calls, "tool_calls")):
        together: list[object] = [replies.http_chunk(b"".join(map(replies.sse, events)))]
        for packets in (events, together):
            reply = answered(mode, server, replies.stream([*packets, "[DONE]"]), provider="snowflake")
            assert reply.choices[0].finish_reason == finish
        assert isinstance(ask(mode, server, replies.stream(events), provider="snowflake").error, StreamInterruptedError)
        assert isinstance(ask(mode, server, replies.stream([*events, "[DONE]"])).error, StreamInterruptedError)
    assert isinstance(ask(mode, server, replies.stream(["[DONE]"]), provider="snowflake").error, g4f_lite.ProviderError)
    cut = [event({"content": "a"}), event({}, "length"), "[DONE]"]
    assert answered(mode, server, replies.stream(cut), provider="snowflake").choices[0].finish_reason == "length"


# -- chunks and extra fields ---------------------------------------------------------------


def chunks_of(mode: str, server: FaultServer, **params: Any) -> tuple[list[ChatCompletionChunk], ChatCompletion]:
    async def read() -> tuple[list[ChatCompletionChunk], ChatCompletion]:
        async with AsyncClient(**settings(server)) as client:
            stream = await client.chat.completions.create(messages=MESSAGES, stream=True, provider="plain", **params)
            return [chunk async for chunk in stream], stream.completion

    if mode.startswith("async"):
        return asyncio.run(read())
    with Client(**settings(server)) as client:
        stream = client.chat.completions.create(messages=MESSAGES, stream=True, provider="plain", **params)
        return list(stream), stream.completion


USAGE_EVENT = {"choices": [], "usage": COUNTS}
EVENTS = [
    {"choices": [], "prompt_filter_results": []}, event({"content": "a"}), event({"content": "b"}),
    event({}, "stop"), USAGE_EVENT,
]  # fmt: skip


@pytest.mark.parametrize("mode", STREAMS)
@pytest.mark.parametrize("at_once", [False, True])
def test_a_chunk_without_choices_is_only_for_who_asked(mode: str, at_once: bool, server: FaultServer) -> None:
    packets = [replies.http_chunk(b"".join(map(replies.sse, EVENTS)))] if at_once else EVENTS
    server.script(*[replies.stream([*packets, "[DONE]"])] * 3)
    for params in ({}, {"stream_options": {"include_usage": False}}):
        chunks, completion = chunks_of(mode, server, **params)
        assert [chunk.raw for chunk in chunks] == EVENTS[1:4]
        assert completion.usage == g4f_lite.Usage(**COUNTS)
    chunks, completion = chunks_of(mode, server, stream_options={"include_usage": True})
    assert [chunk.raw for chunk in chunks] == EVENTS
    assert chunks[-1].usage == completion.usage == g4f_lite.Usage(**COUNTS)


EXTRA = {"x_groq": {"id": "req_1"}, "citations": ["https://example.com"], "usage_breakdown": {"models": []}}
NOTES = [{"type": "url_citation"}]


@pytest.mark.parametrize("mode", MODES)
def test_extra_fields_of_a_service_are_reachable(mode: str, server: FaultServer) -> None:
    usage = {**COUNTS, "queue_time": 0.5, "completion_tokens_details": {"reasoning_tokens": 1, "sketch_tokens": 2}}

    def reply(request: Received) -> Any:
        choice = {"index": 0, "finish_reason": "stop", "seed": 7}
        last = {"service_tier": "flex", "usage": usage, **EXTRA, "x_groq": {"usage": {}}}
        if request.stream:
            more = {"channel": "final", "annotations": NOTES, "thoughts": "b"}
            first = event(
                {"content": "a", "channel": "final", "annotations": NOTES, "thoughts": "a"}, x_groq={"id": "req_1"}
            )
            return replies.stream([first, {**last, "choices": [{**choice, "delta": more}]}])(request)
        message = {"content": "a", "channel": "final", "annotations": NOTES * 2, "thoughts": "ab"}
        return replies.body(json.dumps({**last, "choices": [{**choice, "message": message}]}).encode())(request)

    completion = answered(mode, server, reply)
    x_groq = {"id": "req_1", "usage": {}} if "stream" in mode else {"usage": {}}
    assert completion.extra == {**EXTRA, "x_groq": x_groq}
    choice = completion.choices[0]
    assert (choice.extra, completion.service_tier) == ({"seed": 7}, "flex")
    assert choice.message.extra == {"channel": "final", "annotations": NOTES * 2, "thoughts": "ab"}
    assert completion.usage is not None
    assert completion.usage.extra == {"queue_time": 0.5, "completion_tokens_details": {"sketch_tokens": 2}}
    shown = completion.to_dict()
    assert (shown["citations"], shown["choices"][0]["seed"], shown["service_tier"]) == (EXTRA["citations"], 7, "flex")
    assert shown["choices"][0]["message"]["annotations"] == NOTES * 2
    assert shown["usage"] == usage
    assert pickle.loads(pickle.dumps(completion)).to_dict() == shown
    assert choice.message.to_dict() == {"role": "assistant", "content": "a"}


OF_EACH_KIND = ["text", ["list"], {"a": 1}, 7]


@pytest.mark.parametrize("mode", STREAMS)
def test_of_an_extra_field_whose_pieces_are_of_two_kinds_the_last_is_kept(mode: str, server: FaultServer) -> None:
    pairs = list(permutations(OF_EACH_KIND, 2))
    first, last = ({f"odd_{number}": pair[at] for number, pair in enumerate(pairs)} for at in (0, 1))
    completion = answered(mode, server, replies.stream([event({"content": "a", **first}), event(last, "stop")]))
    assert completion.choices[0].message.extra == last


@pytest.mark.parametrize("mode", STREAMS)
def test_a_chunk_has_the_event_of_its_service(mode: str, server: FaultServer) -> None:
    sent = event({"content": "a", "channel": "final"}, "stop", x_groq={"id": "req_1"}, usage={**COUNTS, "cost": 0.1})
    server.script(replies.stream([sent, "[DONE]"]), replies.answer("a"))
    (chunk,), _ = chunks_of(mode, server)
    assert chunk.raw == sent
    assert chunk.raw is not chunk.raw
    assert chunk.extra == {"x_groq": {"id": "req_1"}}
    assert chunk.usage is not None
    assert chunk.usage.extra == {"cost": 0.1}
    shown = chunk.to_dict()
    assert (shown["x_groq"], shown["choices"][0]["delta"], shown["usage"]) == (
        {"id": "req_1"}, {"content": "a", "channel": "final"}, sent["usage"],
    )  # fmt: skip
    assert "raw_json" not in repr(chunk)
    assert pickle.loads(pickle.dumps(chunk)) == chunk


@pytest.mark.parametrize("mode", STREAMS)
@pytest.mark.parametrize("name", ["anthropic", "gemini", "cohere"])
def test_chunks_of_other_protocols_have_their_events_too(mode: str, name: str, server: FaultServer) -> None:
    server.script(replies.answer("one two"))
    params = {"provider": name, "model": "m-1"}
    config: dict[str, Any] = {"base_urls": {name: server.origin}, "keys": {name: "key_123456789"}}

    async def read() -> list[ChatCompletionChunk]:
        async with AsyncClient(**config) as client:
            stream = await client.chat.completions.create(messages=MESSAGES, stream=True, **params)
            return [chunk async for chunk in stream]

    if mode.startswith("async"):
        chunks = asyncio.run(read())
    else:
        with Client(**config) as client:
            chunks = list(client.chat.completions.create(messages=MESSAGES, stream=True, **params))
    assert "".join(chunk.text for chunk in chunks) == "one two"
    assert all(isinstance(chunk.raw, dict) and chunk.extra == {} for chunk in chunks)


# -- errors --------------------------------------------------------------------------------

FAILED = {
    "error": {"message": "no call", "code": "tool_use_failed", "failed_generation": "<function=f>gsk_0123456789abcdef"}
}


@pytest.mark.parametrize("mode", MODES)
def test_an_error_keeps_its_request_id_and_its_body(mode: str, server: FaultServer) -> None:
    reply = replies.body(json.dumps(FAILED).encode(), 400, x_request_id="req_7")
    error = ask(mode, server, reply).error
    assert isinstance(error, g4f_lite.ToolCallError)
    for one in (error, pickle.loads(pickle.dumps(error))):
        assert one.request_id == "req_7"
        assert one.body["error"]["failed_generation"] == "<function=f>[key]"


@pytest.mark.parametrize("mode", MODES)
def test_a_body_is_bounded_and_holds_no_key(mode: str, server: FaultServer) -> None:
    key = "of-no-known-form-1"
    bodies = {
        "text": f"no {key} " + "x" * 100_000,
        "deep": "[" * 500 + f'"{key}"' + "]" * 500,
        "names": json.dumps({"error": {key: [f"it is {key}"]}}),
        "page": f"<html>{key}</html>",
    }
    for body in bodies.values():
        server.script(replies.body(body.encode(), 403))
        outcome = run(mode, {**settings(server), "keys": {"plain": key}}, {"provider": "plain"})
        assert isinstance(outcome.error, g4f_lite.ProviderError)
        shown = str(pickle.loads(pickle.dumps(outcome.error)).body)
        assert key not in shown
        assert 0 < len(shown) <= 1 << 15


@pytest.mark.parametrize("mode", STREAMS)
def test_an_interrupted_stream_has_the_request_id_and_the_error(mode: str, server: FaultServer) -> None:
    reply = replies.stream([event({"content": "a"}), FAILED], headers={"x-request-id": "req_8"})
    error = ask(mode, server, reply).error
    assert isinstance(error, StreamInterruptedError)
    assert error.request_id == "req_8"
    assert error.body["error"]["code"] == "tool_use_failed"


@pytest.mark.parametrize("mode", WHOLE)
def test_a_malformed_answer_has_the_request_id(mode: str, server: FaultServer) -> None:
    error = ask(mode, server, replies.body(b"", request_id="req_9")).error
    assert isinstance(error, g4f_lite.MalformedResponseError)
    assert (error.request_id, error.body) == ("req_9", None)
