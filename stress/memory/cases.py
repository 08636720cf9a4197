"""Whole answers to a chat, each as large as the limit allows, or larger."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from typing import NamedTuple

from g4f_lite.types.memory_estimate import LARGE_OBJECT, MODEL, OBJECT, SHARE, memory_of

PIECE = 1 << 16
HEADERS = 64 << 20
"""Bytes that the largest headers take."""


class Case(NamedTuple):
    """What a server sends, and which call gets it."""

    send: Callable[[int], Iterator[bytes]]
    """The bytes of a whole HTTP answer; takes the limit."""
    ask: str = "chat"
    """The method that is called."""
    provider: str = "plain"
    streams: bool = False
    """Whether the call streams, as well."""
    more: int = 0
    """Bytes that it may take besides, because they do not depend on the limit."""


def in_pieces(body: bytes) -> Iterator[bytes]:
    for at in range(0, len(body), PIECE):
        yield body[at : at + PIECE]


def head(status: int = 200, kind: str = "application/json", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"content-type: {kind}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def answer(body: bytes, status: int = 200, kind: str = "application/json", **headers: str) -> Iterator[bytes]:
    yield head(status, kind, content_length=str(len(body)), **headers)
    yield from in_pieces(body)


def filled(start: bytes, item: bytes, end: bytes, size: int, between: bytes = b"") -> bytes:
    """Return at most `size` bytes: the start, as many items as fit, and the end."""
    number = (size - len(start) - len(end)) // (len(item) + len(between)) - 1
    return start + (item + between) * number + item + end


TEXT = (b'{"choices":[{"finish_reason":"stop","message":{"content":"', b'"}}]}')
ODD = (b'{"created":"x","choices":[{"finish_reason":"stop","message":{"content":"', b'"}}]}')
UNKNOWN = (b'{"choices":[{"finish_reason":"stop","message":{"content":"x"}}],"more":', b"}")
LOGPROBS = (b'{"choices":[{"finish_reason":"stop","message":{"content":"x"},"logprobs":{"content":[', b"]}}]}")
MESSAGE = (b'{"choices":[{"finish_reason":"stop","message":{"content":"x",', b"}}]}")
EMOJI, ESCAPED = "\U0001f600".encode(), b"\\ud83d\\ude00"
TOKEN = b'{"token":" word","logprob":-0.123456,"bytes":[32,119],"top_logprobs":[]}'


def text(item: bytes, start: bytes = b"", end: bytes = b"", around: tuple[bytes, bytes] = TEXT) -> Case:
    return Case(lambda limit: answer(filled(around[0] + start, item, end + around[1], limit)), streams=True)


def values(item: bytes, around: tuple[bytes, bytes] = UNKNOWN, brackets: bytes = b"[]") -> Case:
    opening, closing = (brackets[:1], brackets[1:]) if around is UNKNOWN else (b"", b"")
    return Case(lambda limit: answer(filled(around[0] + opening, item, closing + around[1], limit, b",")), streams=True)


def numbered(template: str, around: tuple[bytes, bytes], between: str = ",") -> Case:
    """As `values`, with items that differ."""

    def send(limit: int) -> Iterator[bytes]:
        number = (limit - 200) // (len(template % 10_000_000) + 1)
        body = between.join([template % (10_000_000 + one) for one in range(number)])
        return answer(around[0] + body.encode() + around[1])

    return Case(send, streams=True)


def zipped(times: int, rounds: int = 1, status: int = 200, encoding: str = "gzip") -> Case:
    def send(limit: int) -> Iterator[bytes]:
        body = filled(TEXT[0], b"x", TEXT[1], limit * times)
        for _ in range(rounds):
            body = gzip.compress(body, 6)
        return answer(body, status, content_encoding=", ".join([encoding] * rounds))

    return Case(send, streams=True)


def tiny_chunks(limit: int) -> Iterator[bytes]:
    yield head(transfer_encoding="chunked")
    yield b"".join(b"1\r\n%c\r\n" % byte for byte in TEXT[0])
    many = b"1\r\nx\r\n" * (PIECE // 6)
    for _ in range(limit // 8 // (PIECE // 6)):
        yield many
    yield b"".join(b"1\r\n%c\r\n" % byte for byte in TEXT[1]) + b"0\r\n\r\n"


def until_close(limit: int) -> Iterator[bytes]:
    yield head(connection="close") + TEXT[0]
    while True:
        yield b"x" * PIECE


def long_headers(limit: int) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 X\r\n"
    for number in range(90):
        yield b"x-%d: %b\r\n" % (number, b"y" * 60_000)
    yield b"content-length: 2\r\n\r\n{}"


def endless_headers(limit: int) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 X\r\n"
    number = 0
    while True:
        yield b"".join(b"x-%d: y\r\n" % one for one in range(number, number + 1000))
        number += 1000


def provisional(limit: int) -> Iterator[bytes]:
    for _ in range(50):
        yield b"HTTP/1.1 103 X\r\n"
        for number in range(80):
            yield b"x-%d: %b\r\n" % (number, b"y" * 60_000)
        yield b"\r\n"
    yield from answer(TEXT[0] + b"x" + TEXT[1])


def failing(item: bytes, around: tuple[bytes, bytes], status: int = 500) -> Case:
    return Case(lambda limit: answer(filled(around[0], item, around[1], 1 << 20), status), streams=True)


CASES: dict[str, Case] = {
    "text": text(b"x"),
    "text, beside a field of another type": text(b"x", around=ODD),
    "text with an emoji at its beginning": text(b"x", EMOJI),
    "text with an emoji at its end": text(b"x", end=EMOJI),
    "text with an escaped emoji": text(b"x", ESCAPED),
    "text with an escaped emoji at its end": text(b"x", end=ESCAPED),
    "text of emoji": text(EMOJI),
    "text of escaped emoji": text(ESCAPED),
    "text with a Chinese character": text(b"x", end="\u4e2d".encode()),
    "text with an umlaut": text(b"x", end="\u00e4".encode()),
    "text with an emoji, beside a field of another type": text(b"x", EMOJI, around=ODD),
    "text of escaped zeros": text(b"\\u0000"),
    "text of escaped umlauts": text(b"\\u00e4"),
    "text of escaped quotes": text(b'\\"'),
    "text with half a surrogate": text(b"x", b"\\ud83d"),
    "text of half surrogates": text(b"\\ud83d"),
    "text with an emoji and half a surrogate": text(b"x", EMOJI + b"\\ud83d"),
    "text beside NaN": text(b"x", around=(TEXT[0].replace(b'{"choices"', b'{"a":NaN,"choices"'), TEXT[1])),
    "text beside a number for a text": text(
        b"x", around=(TEXT[0].replace(b'{"content"', b'{"content":1.50,"reasoning"'), TEXT[1])
    ),
    "reasoning": text(b"x", around=(MESSAGE[0] + b'"reasoning":"', b'"' + MESSAGE[1])),
    "arguments of a tool call": text(
        b"x",
        around=(MESSAGE[0] + b'"tool_calls":[{"id":"1","function":{"name":"f","arguments":"', b'"}}]' + MESSAGE[1]),
    ),
    "arguments as an object": text(
        b"x",
        around=(
            MESSAGE[0] + b'"tool_calls":[{"id":"1","function":{"name":"f","arguments":{"a":"',
            b'"}}}]' + MESSAGE[1],
        ),
    ),
    "an unknown text": text(b"x", around=(UNKNOWN[0] + b'"', b'"' + UNKNOWN[1])),
    "empty objects": values(b"{}"),
    "objects with a field": values(b'{"a":0}'),
    "objects with six fields": values(b'{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0}'),
    "lists": values(b"[]"),
    "lists with an item": values(b"[7]"),
    "numbers": values(b"0.5"),
    "whole numbers": values(b"777"),
    "large numbers": values(b"123456789012345678901234567890"),
    "nulls": values(b"0"),
    "short texts": values(b'"ab"'),
    "single emoji": values(b'"' + EMOJI + b'"'),
    "fields with other names": numbered('"%d":0', (UNKNOWN[0] + b"{", b"}" + UNKNOWN[1])),
    "objects with other names": numbered('{"%d":0}', (UNKNOWN[0] + b"[", b"]" + UNKNOWN[1])),
    "choices": values(b"{}", (b'{"choices":[', b"]}")),
    "choices of another type": values(b'{"index":"x"}', (b'{"choices":[', b"]}")),
    "tool calls": values(b"{}", (MESSAGE[0] + b'"tool_calls":[', b"]" + MESSAGE[1])),
    "parts of a content": values(
        b'{"type":"text","text":"a"}', (b'{"choices":[{"finish_reason":"stop","message":{"content":[', b"]}}]}")
    ),
    "reasoning details": values(b"{}", (MESSAGE[0] + b'"reasoning_details":[', b"]" + MESSAGE[1])),
    "images in a message": values(b"{}", (MESSAGE[0] + b'"images":[', b"]" + MESSAGE[1])),
    "log probabilities": values(TOKEN, LOGPROBS),
    "empty log probabilities": values(b"{}", LOGPROBS),
    "deep lists": Case(lambda limit: answer(UNKNOWN[0] + b"[" * (limit - 200)), streams=True),
    "deep objects": Case(lambda limit: answer(filled(UNKNOWN[0], b'{"a":', b"", limit)), streams=True),
    "many nested lists": values(b"[[[[[[[[0]]]]]]]]"),
    "an error inside an answer": text(b"x", around=(b'{"error":{"message":"', b'"}}')),
    "an error with an emoji inside an answer": text(b"x", EMOJI, around=(b'{"error":{"message":"', b'"}}')),
    "an error with many parts inside an answer": values(b"{}", (b'{"error":[', b"]}")),
    "an error in a choice": text(b"x", around=(b'{"choices":[{"error":{"message":"', b'"}}]}')),
    "five legs, text that is to be corrected": Case(
        lambda limit: answer(filled(TEXT[0], b"x", TEXT[1], limit)), ask="correct"
    ),
    "five legs, a broken answer": Case(lambda limit: answer(b'{"' + b"x" * (limit - 2)), ask="correct"),
    "not JSON": Case(lambda limit: answer(b"x" * limit), streams=True),
    "a web page": Case(lambda limit: answer(b"<html>" + b"x" * (limit - 6), kind="text/html"), streams=True),
    "zipped text": zipped(1),
    "a gzip bomb": zipped(8),
    "a gzip bomb in a gzip": zipped(8, 2),
    "a gzip bomb as an error": zipped(8, status=500),
    "chunks of one byte": Case(tiny_chunks, streams=True),
    "endless, until the connection closes": Case(until_close, streams=True),
    "90 long headers": Case(long_headers, more=HEADERS),
    "endless headers": Case(endless_headers, more=HEADERS),
    "provisional answers with long headers": Case(provisional, more=HEADERS),
    "an error of text": failing(b"x", (b'{"error":{"message":"', b'"}}')),
    "an error with an emoji": failing(b"x", (b'{"error":{"message":"' + EMOJI, b'"}}')),
    "an error of objects": failing(b"{},", (b'{"error":{"message":"x","more":[', b"{}]}}")),
    "an error of nested objects": failing(b'{"a":[0]},', (b'{"error":{"message":"x","more":[', b"{}]}}")),
    "an error of short texts": failing(b'"ab",', (b'{"detail":[', b'""]}'), 422),
    "an error without end": Case(lambda limit: answer(b"x" * limit, 500, "text/plain"), streams=True),
}


def taken(case: Case) -> Case:
    """Return a case with answers that are just small enough to be decoded."""

    def send(limit: int) -> Iterator[bytes]:
        body = b"".join(case.send(limit)).split(b"\r\n\r\n", 1)[1]
        per_object = {"chat": OBJECT, "models": MODEL, "lookup": MODEL}.get(case.ask, LARGE_OBJECT)
        needed = memory_of(body, per_object)
        return case.send(min(limit, int(0.98 * SHARE * limit * limit / needed)))

    return case._replace(send=send)


_REFUSED = (
    "text with an emoji at its beginning",
    "text with an emoji at its end",
    "text with an escaped emoji at its end",
    "text of emoji",
    "text of escaped emoji",
    "text with an umlaut",
    "text with a Chinese character",
    "text with half a surrogate",
    "text of half surrogates",
    "text with an emoji and half a surrogate",
    "text of escaped zeros",
    "empty objects",
    "objects with a field",
    "objects with six fields",
    "lists with an item",
    "numbers",
    "nulls",
    "short texts",
    "single emoji",
    "fields with other names",
    "objects with other names",
    "log probabilities",
    "many nested lists",
)
CASES |= {f"{name}, as much as is taken": taken(CASES[name]) for name in _REFUSED}
