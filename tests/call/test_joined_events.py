"""Events that came together and differ in text alone are read as one, and nothing that they say is lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from g4f_lite import AsyncClient, ChatCompletionChunk, Client, OpenaiTemplate
from g4f_lite.call.joined_events import JoinedEvents, Joiner
from g4f_lite.testing import FaultServer, replies

TOP: dict[str, Any] = {"id": "1", "object": "chat.completion.chunk", "created": 7, "model": "m"}
MESSAGES: Any = [{"role": "user", "content": "Which day is it?"}]
CALL = [{"index": 0, "function": {"arguments": "{"}}]


def event(text: Any = "word ", *, more: Mapping[str, Any] = {}, choice: Mapping[str, Any] = {}, **top: Any) -> bytes:
    one = {"index": 0, "delta": {"content": text, **more}, "finish_reason": None, **choice}
    return json.dumps({**TOP, "choices": [one], **top}).encode()


def parts(events: Any) -> list[bytes]:
    """Return the events that these stand for."""
    return [part for one in events for part in (one.parts if isinstance(one, JoinedEvents) else [one])]


def text_of(data: bytes) -> str:
    said: str = json.loads(data)["choices"][0]["delta"]["content"]
    return said


JOINED = {
    "texts": [event("a"), event("b"), event("")],
    "a role in each": [event(text, more={"role": "assistant"}) for text in "ab"],
    "fields that say nothing": [
        event(text, more={"refusal": None, "tool_calls": [], "reasoning": ""}, choice={"logprobs": None}, usage=None)
        for text in "ab"
    ],
    "escapes": [event('"\\\n'), event("é"), event("\U0001f600"), event('"content": "x"')],
    "characters as they are": [event("a"), event("a").replace(b'"a"', '"é "'.encode())],
    "fields of the service": [event(text, provider="x", x_groq={"id": "1"}) for text in "ab"],
}
APART = {
    "one event": [event("a")],
    "calls": [event("", more={"tool_calls": CALL}) for _ in "ab"],
    "reasoning": [event("", more={"reasoning": "so"}) for _ in "ab"],
    "an unknown field of the message": [event("", more={"thoughts": "so"}) for _ in "ab"],
    "texts of logprobs": [event(text, choice={"logprobs": {"content": []}}) for text in "ab"],
    "finish reasons": [event(text, choice={"finish_reason": "stop"}) for text in "ab"],
    "filters": [event(text, choice={"content_filter_results": {"hate": {}}}) for text in "ab"],
    "usages": [event(text, usage={"total_tokens": 1}) for text in "ab"],
    "two choices": [json.dumps({**TOP, "choices": [json.loads(event(text))["choices"][0]] * 2}).encode() for text in "ab"],
    "other choices": [event("a"), event("b", choice={"index": 1})],
    "something new in each": [event("a", nonce=str(number)) for number in range(9)],
    "no texts": [event(None), event(None)],
    "half characters": [event("\ud83d"), event("\ude00")],
    "no UTF-8": [event("a").replace(b'"a"', b'"\xff"')] * 2,
    "two texts in one": [event("a"), event("a").replace(b'"a"', b'"a", "b"')],
    "a text under another name": [event("a").replace(b'"content": "a"', b'"c\\u006fntent": "a"')] * 2,
    "a text in another place": [event("a").replace(b'"content": "a"', b'"c\\u006fntent": "a"')[:-1] + b', "content": "a"}'] * 2,
    "no JSON": [b'{"content": "a"', b'{"content": "b"'],
    "a text that ends in the next event": [
        event("pay "),
        *(event("a").replace(b'"a"', text) for text in (b'"$1', b'000"', b'" to ","x"')),
        event("Bob"),
    ],
    "no room for a text": [event("a"), event("a").replace(b'"a"', b""), event("a")],
    "ends": [b"[DONE]", b"[DONE]"],
}  # fmt: skip


@pytest.mark.parametrize("name", JOINED)
def test_events_that_differ_in_text_alone_become_one_that_says_the_same(name: str) -> None:
    given = JOINED[name]
    (one,) = Joiner().joined(given)
    assert parts([one]) == given
    assert text_of(one) == "".join(map(text_of, given))
    first = json.loads(given[0])
    first["choices"][0]["delta"]["content"] = text_of(one)
    assert json.loads(one) == first


@pytest.mark.parametrize("name", APART)
def test_events_that_differ_or_say_more_stay_apart(name: str) -> None:
    assert Joiner().joined(APART[name]) == APART[name]


ANY = st.lists(st.sampled_from([*map(event, "ab"), *chain(*JOINED.values(), *APART.values())]), max_size=12)


@given(st.lists(ANY, max_size=3))
def test_no_event_is_lost_and_their_order_stays(pieces: list[list[bytes]]) -> None:
    joiner = Joiner()
    for events in pieces:
        found = joiner.joined(events)
        assert parts(found) == events
        for one in found:
            if isinstance(one, JoinedEvents):
                assert text_of(one) == "".join(map(text_of, one.parts))


# -- through both clients ------------------------------------------------------------------

BURST = [
    event("", more={"role": "assistant"}), *[event(f"word{number} ") for number in range(300)],
    event("", choice={"finish_reason": "stop"}),
]  # fmt: skip
TEXT = "".join(map(text_of, BURST))


class Enough(OpenaiTemplate):
    """A service that sends no finish reason."""

    name = "enough"
    api_base = "http://127.0.0.1:1/v1"
    needs_auth = False
    default_model = "m"
    done_is_enough = True


def chunks_of(mode: str, server: FaultServer) -> tuple[list[ChatCompletionChunk], str]:
    """Return the chunks of a stream whose events are joined, and the text of its completion."""
    settings: Any = {"routes": ["enough:m"], "plugins": [Enough], "base_urls": {"enough": server.base_url}}
    settings["join_events"] = True
    params: Any = {"messages": MESSAGES, "stream": True}
    if mode == "sync":
        with Client(**settings) as client:
            stream = client.chat.completions.create(**params)
            return list(stream), stream.completion.text

    async def read() -> tuple[list[ChatCompletionChunk], str]:
        async with AsyncClient(**settings) as client:
            stream = await client.chat.completions.create(**params)
            return [chunk async for chunk in stream], stream.completion.text

    return asyncio.run(read())


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("ends", [True, False])
def test_a_burst_is_few_chunks_whose_parts_are_the_services_events(mode: str, ends: bool) -> None:
    sent = BURST if ends else BURST[:-1]
    body = b"".join(b"data: %b\n\n" % one for one in [*sent, b"[DONE]"])
    with FaultServer() as server:
        server.script(replies.body(body, **{"content-type": "text/event-stream"}))
        chunks, text = chunks_of(mode, server)
    assert text == TEXT == "".join(chunk.text for chunk in chunks)
    assert parts(chunk.raw_json for chunk in chunks if chunk.raw_json) == sent
    assert len(chunks) < len(BURST) / 4
    assert chunks[-1].choices[0].finish_reason == "stop"
