"""Streams of events, as they arrive in any pieces."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from g4f_lite.call.sse_events import SSEDecoder
from g4f_lite.errors.exceptions import MalformedResponseError

from . import seeds
from .mutation import CUTS, cut, mutants, plain_text, scratched
from .promises import require
from .reading import read_stream

ENDS = (b"finish", b"stop_reason", b"message-end", b"DONE", b"block", b"Block")
"""One of these is in every stream that says how it ended."""


def check(name: str, body: bytes, cuts: Sequence[int] | None = None) -> None:
    """Check a stream: also in pieces, and cut at some places. Without places: a sound stream, cut at each."""
    if cuts is None:
        _check_all_cuts(name, body)
        return
    one = seeds.provider(name)
    _check_decoder(body, cuts)
    seen = read_stream(one, [body])
    said = said_in(seeds.protocol(name), body)
    if seen.result is not None and said is not None:
        require(said == seen.text, "a success has the text of the events", (said, seen.text))
    in_pieces = read_stream(one, cut(body, cuts))
    require(in_pieces.verdict == seen.verdict, "pieces do not matter", (seen.verdict, in_pieces.verdict))
    for length in {one % (len(body) + 1) for one in cuts[:2]}:
        part = read_stream(one, [body[:length]])
        alike = part.text == seen.text[: len(part.text)] or _cut_character(part.text)
        goes_on = body[length : length + 1] not in (b"", b"\r", b"\n")  # what follows may spoil a line that was sound
        spoilt = goes_on and isinstance(seen.error, MalformedResponseError)
        require(alike or spoilt, "a cut stream begins alike", (part.text, seen.text))
        if part.result is not None:
            require(any(sign in body[:length] for sign in ENDS), "a cut stream is no success", body[:length])


def _cut_character(text: str) -> bool:
    return text.endswith("\ufffd")


def _check_all_cuts(name: str, body: bytes) -> None:
    """Check a sound stream cut at every byte: a success has all that was said."""
    one = seeds.provider(name)
    whole = read_stream(one, [body])
    require(whole.result is not None, "a sound stream is a success", whole.error)
    for length in range(len(body)):
        part = read_stream(one, [body[:length]])
        if part.result is not None:
            same = _said(part.result) == _said(whole.result)
            require(same, "a cut stream is no success", (body[:length], part.result))


def _said(result: Any) -> Any:
    return [
        (one.message.content, one.message.reasoning, one.message.tool_calls, one.finish_reason)
        for one in result.choices
    ]


def _check_decoder(body: bytes, cuts: Sequence[int]) -> None:
    """Compare the decoder with a plain reading of the standard."""
    found = []
    decoder = SSEDecoder()
    try:
        for piece in cut(body, cuts):
            found += decoder.feed(piece)
        found += decoder.close()
    except MalformedResponseError:
        return
    require([(one.event, one.data) for one in found] == plain_events(body), "events are those of the standard", body)


def plain_events(body: bytes) -> list[tuple[str, bytes]]:
    """
    Decode a whole body by the HTML standard, with a field `error`. The last event may lack its blank line; so may an
    event without a name that is a JSON object in one line, before another one or `[DONE]`.
    """
    body = body.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    events: list[tuple[str, bytes]] = []
    data: list[bytes] = []
    name = ""
    for line in [*body.split(b"\n"), b""]:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            name = value.decode("utf-8", "replace")
        elif field in (b"data", b"error"):
            name = "error" if field == b"error" else name
            if not name and len(data) == 1 and _is_object(data[0]) and (value[:2] == b'{"' or value == b"[DONE]"):
                events.append((name, data.pop()))
            data.append(value)
        elif not line:
            if (joined := b"\n".join(data)) and not joined.isspace():
                events.append((name, joined))
            data, name = [], ""
    return events


def _is_object(line: bytes) -> bool:
    return line[:2] == b'{"' and line[-1:] == b"}"


_ENDS = re.compile(rb'"(?:finish_reason|finishReason|stop_reason)": "')


def said_in(protocol: str, body: bytes) -> str | None:
    """Return the text of a stream whose events have their plainest form; None if one has another."""
    said = ""
    ended = False
    texts: set[int] = set()
    """Anthropic's blocks of text: what blocks of other types say is no text."""
    try:
        for name, data in plain_events(body):
            if data == b"[DONE]":
                return said
            event, before = json.loads(data), said
            if name == "error" or "error" in event:
                return None
            if event.get("type") in ("message-end", "message_stop"):
                return said
            match protocol:
                case "openai":
                    for choice in event["choices"]:
                        if (
                            choice.keys() - {"index", "delta", "finish_reason", "logprobs"}
                            or type(choice["index"]) is not int
                        ):
                            return None
                        content = choice["delta"].get("content")
                        said += plain_text(content) if choice["index"] == 0 and content is not None else ""
                case "anthropic" if "block" in event["type"] and type(event["index"]) is not int:
                    return None  # of the block that began last, which is not told here
                case "anthropic" if event["type"] == "content_block_start":
                    texts.discard(event["index"])
                    if event["content_block"].get("type", "") in ("text", ""):
                        texts.add(event["index"])
                        said += plain_text(event["content_block"].get("text", ""))
                case "anthropic" if event["type"] == "content_block_delta" and event["index"] in texts:
                    said += plain_text(event["delta"].get("text", ""))
                case "gemini":
                    [candidate] = event["candidates"]
                    if type(candidate["index"]) is not int:
                        return None
                    for part in candidate["content"]["parts"]:
                        said += "" if part.get("thought") else plain_text(part["text"])
                case "cohere" if event["type"] in ("content-start", "content-delta"):
                    said += plain_text(event["delta"]["message"]["content"].get("text", ""))
            if ended and said != before:  # it goes on after its end
                return None
            ended = ended or _ENDS.search(data) is not None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return said


def written(name: str, events: Any) -> bytes:
    """Return events as bytes; a value that is no list is one event."""
    of = seeds.protocol(name)
    return b"".join(_event(of, one) for one in (events if isinstance(events, list) else [events]))


def _event(protocol: str, value: Any) -> bytes:
    kind = value.get("type") if isinstance(value, dict) and protocol in ("anthropic", "cohere") else None
    lines = [f"event: {kind}"] if isinstance(kind, str) else []
    lines += [f"data: {value if isinstance(value, str) else json.dumps(value)}", "", ""]
    return ("\r\n" if protocol == "gemini" else "\n").join(lines).encode("utf-8", "replace")


@st.composite
def _cases(draw: st.DrawFn) -> tuple[Any, ...]:
    name = draw(st.sampled_from(seeds.FEW))
    events = draw(mutants(seeds.STREAMS[seeds.protocol(name)], 4))
    if isinstance(events, list) and draw(st.booleans()):
        events = draw(st.permutations(events)) if draw(st.booleans()) else events[: draw(st.integers(0, len(events)))]
    body = written(name, events)
    body = body.replace(b"\n", draw(st.sampled_from((b"\n", b"\n", b"\r\n", b"\r"))))
    return name, draw(scratched(st.just(body))), draw(CUTS)


CASES = _cases()
SEEDS: list[tuple[Any, ...]] = [
    *(
        (name, written(name, stream), [7, 40, 90])
        for name in seeds.FEW
        for stream in seeds.STREAMS[seeds.protocol(name)]
    ),
    *((name, written(name, seeds.STREAMS[seeds.protocol(name)][3]), [7, 90]) for name in seeds.PROVIDERS),
    *((name, written(name, streams[1])) for name, streams in seeds.STREAMS.items()),
]
