"""Streams, each as long as the client reads it."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from itertools import count

from .cases import EMOJI, PIECE, TOKEN, Case, head

KIND = "text/event-stream"
Events = Callable[[int], Iterator[bytes]]


def sse(data: bytes) -> bytes:
    return b"data: " + data + b"\n\n"


def delta(field: bytes) -> bytes:
    return sse(b'{"choices":[{"index":0,"delta":{' + field + b"}}]}")


CONTENT = delta(b'"content":"x"')
LAST = sse(b'{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}') + sse(b"[DONE]")


def in_chunks(body: Iterator[bytes]) -> Iterator[bytes]:
    yield head(200, KIND, transfer_encoding="chunked")
    for piece in filter(None, body):  # an empty one would be the end
        yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


def together(events: Iterator[bytes]) -> Iterator[bytes]:
    """Join small events into pieces."""
    piece = bytearray()
    for event in events:
        piece += event
        if len(piece) >= PIECE:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


def endless(event: bytes, first: bytes = b"", provider: str = "plain") -> Case:
    """The same event for ever."""
    many = event * (PIECE // len(event) + 1)

    def send(limit: int) -> Iterator[bytes]:
        yield first
        while True:
            yield many

    return Case(lambda limit: in_chunks(send(limit)), "stream", provider)


def up_to(event: bytes, share: float, first: bytes = b"", last: bytes = LAST, provider: str = "plain") -> Case:
    """The same event until the stream has this share of the limit, then an orderly end."""
    many = event * (PIECE // len(event) + 1)

    def send(limit: int) -> Iterator[bytes]:
        yield first
        for _ in range(int((limit * share - len(first) - len(last)) / len(many)) - 1):
            yield many
        yield last

    return Case(lambda limit: in_chunks(send(limit)), "stream", provider)


def numbered(template: bytes, first: bytes = b"", provider: str = "plain") -> Case:
    """Events that differ, for ever."""

    def send(limit: int) -> Iterator[bytes]:
        yield first
        for number in count():
            yield template % number

    return Case(lambda limit: in_chunks(together(send(limit))), "stream", provider)


def one_event(start: bytes, item: bytes, end: bytes, *, share: float = 0.25, again: bool = True) -> Case:
    """Events as large as an event may be."""

    def send(limit: int) -> Iterator[bytes]:
        number = int(limit * share - len(start) - len(end) - 16) // len(item)
        event = sse(start + item * number + end)
        while True:
            for at in range(0, len(event), PIECE):
                yield event[at : at + PIECE]
            if not again:
                yield LAST
                return

    return Case(lambda limit: in_chunks(send(limit)), "stream")


def bomb(limit: int) -> Iterator[bytes]:
    yield head(200, KIND, content_encoding="gzip", connection="close")
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    many = CONTENT * (PIECE // len(CONTENT))
    while True:
        yield packer.compress(many)


def tiny_chunks(limit: int) -> Iterator[bytes]:
    yield head(200, KIND, transfer_encoding="chunked")
    many = b"".join(b"1\r\n%c\r\n" % byte for byte in CONTENT) * 200
    for _ in range(limit // 8 // (len(CONTENT) * 200)):
        yield many
    yield b"".join(b"1\r\n%c\r\n" % byte for byte in LAST) + b"0\r\n\r\n"


LONG = b"x" * 60_000
CHOICE = b'{"choices":[{"index":0,"delta":'

STREAMS: dict[str, Case] = {
    "content in small pieces": endless(CONTENT),
    "content in small pieces, complete": up_to(CONTENT, 1.9),
    "content in shortest pieces": endless(sse(b'{"choices":[{"delta":{"content":"x"}}]}')),
    "content in large pieces": endless(delta(b'"content":"' + LONG + b'"')),
    "content in large pieces, complete": up_to(delta(b'"content":"' + LONG + b'"'), 1.9),
    "content in large pieces with emoji": endless(delta(b'"content":"' + EMOJI + LONG + b'"')),
    "content in large pieces with emoji, complete": up_to(delta(b'"content":"' + EMOJI + LONG + b'"'), 0.7),
    "content in large pieces and one emoji, complete": up_to(
        delta(b'"content":"' + LONG + b'"'), 0.9, first=delta(b'"content":"' + EMOJI + b'"')
    ),
    "content of emoji": endless(delta(b'"content":"' + EMOJI + b'"')),
    "reasoning in small pieces": endless(delta(b'"reasoning":"x"')),
    "reasoning in large pieces": endless(delta(b'"reasoning_content":"' + LONG + b'"')),
    "a refusal": endless(delta(b'"refusal":"' + LONG + b'"')),
    "all texts at once": endless(
        delta(b",".join(b'"%b":"%b"' % (name, LONG) for name in (b"content", b"reasoning", b"refusal")))
    ),
    "empty deltas": endless(delta(b"")),
    "empty deltas after content": endless(delta(b""), first=CONTENT),
    "large events without content": endless(sse(b'{"pad":"' + LONG + b'",' + CHOICE[1:] + b"{}}]}")),
    "events without choices": endless(sse(b'{"choices":[]}')),
    "large events without choices": endless(sse(b'{"pad":"' + LONG + b'","choices":[]}')),
    "arguments in small pieces": endless(
        delta(b'"tool_calls":[{"index":0,"function":{"arguments":"x"}}]'),
        delta(b'"tool_calls":[{"index":0,"id":"1","function":{"name":"f","arguments":""}}]'),
    ),
    "arguments in large pieces": endless(
        delta(b'"tool_calls":[{"index":0,"function":{"arguments":"' + LONG + b'"}}]'),
        delta(b'"tool_calls":[{"index":0,"id":"1","function":{"name":"f","arguments":""}}]'),
    ),
    "tool calls": numbered(delta(b'"tool_calls":[{"index":%d,"function":{"name":"f"}}]')),
    "tool calls, a thousand in an event": endless(
        delta(b'"tool_calls":[' + b",".join([b'{"function":{"name":"f"}}'] * 1000) + b"]")
    ),
    "pieces of tool calls, a thousand in an event": endless(
        delta(b'"tool_calls":[' + b",".join([b"{}"] * 1000) + b"]")
    ),
    "the older calls in pieces": endless(delta(b'"function_call":{"name":"f","arguments":"x"}')),
    "log probabilities": endless(
        sse(CHOICE + b'{"content":"x"},"logprobs":{"content":[' + b",".join([TOKEN] * 20) + b"]}}]}")
    ),
    "log probabilities before content": endless(
        sse(CHOICE + b'{},"logprobs":{"content":[' + b",".join([TOKEN] * 20) + b"]}}]}")
    ),
    "empty log probabilities": endless(
        sse(CHOICE + b'{"content":"x"},"logprobs":{"content":[' + b",".join([b"{}"] * 1000) + b"]}}]}")
    ),
    "numbers as log probabilities": endless(
        sse(CHOICE + b'{"content":"x"},"logprobs":{"content":[' + b",".join([b"0.5"] * 9000) + b"]}}]}")
    ),
    "reasoning details": endless(delta(b'"content":"x","reasoning_details":[' + b",".join([b"{}"] * 1000) + b"]")),
    "reasoning details of text": endless(delta(b'"reasoning_details":[{"type":"a","text":"x"}]')),
    "reasoning details of data": endless(delta(b'"content":"x","reasoning_details":[{"data":"x"}]')),
    "images": endless(delta(b'"images":[' + b",".join([b"{}"] * 1000) + b"]")),
    "large images": endless(delta(b'"images":[{"image_url":{"url":"' + LONG + b'"}}]')),
    "sound": endless(delta(b'"audio":{"data":"' + b"A" * 60_000 + b'"}')),
    "sound in small pieces": endless(delta(b'"audio":{"data":"AAAA"}')),
    "padded sound": endless(delta(b'"audio":{"data":"' + b"A" * 59_998 + b'=="}')),
    "fields of sound": numbered(delta(b'"audio":{"f%d":[[0]]}')),
    "unknown fields": numbered(sse(b'{"f%d":[0,0],' + CHOICE[1:] + b'{"content":"x"}}]}')),
    "an unknown list": endless(sse(b'{"f":[' + b",".join([b"{}"] * 1000) + b"]," + CHOICE[1:] + b'{"content":"x"}}]}')),
    "an unknown list in a message": endless(delta(b'"content":"x","f":[' + b",".join([b"{}"] * 1000) + b"]")),
    "an unknown text in a message": endless(delta(b'"content":"x","f":"' + LONG + b'"')),
    "extra content": numbered(delta(b'"content":"x","extra_content":{"f%d":[0,0]}')),
    "choices": numbered(sse(b'{"choices":[{"index":%d,"delta":{"content":"x"}}]}')),
    "a thousand choices in an event": endless(sse(b'{"choices":[' + b",".join([b"{}"] * 1000) + b"]}")),
    "a thousand choices of text in an event": endless(
        sse(b'{"choices":[' + b",".join([b'{"delta":{"content":"x"}}'] * 1000) + b"]}")
    ),
    "usage": numbered(sse(b'{"usage":{"f%d":[0]},' + CHOICE[1:] + b'{"content":"x"}}]}')),
    "ids": numbered(sse(b'{"id":"%d",' + CHOICE[1:] + b'{"content":"x"}}]}')),
    "comments": endless(b": keep-alive\n\n"),
    "long comments": endless(b":" + LONG + b"\n"),
    "a comment without end": Case(lambda limit: in_chunks(iter(lambda: b"x" * PIECE, b"")), "stream"),
    "blank lines": endless(b"\n"),
    "lines of one event": endless(b"data: x\n"),
    "short lines of one event": endless(b"data\n"),
    "names of events": endless(b"event: x\n"),
    "unknown events": endless(b"event: x\ndata: {}\n\n", first=CONTENT),
    "an event without end": endless(b"x", first=b"data: "),
    "large events of text": one_event(CHOICE + b'{"content":"', b"x", b'"}}]}'),
    "one large event of text": one_event(CHOICE + b'{"content":"', b"x", b'"}}]}', again=False),
    "large events of text with an emoji": one_event(CHOICE + b'{"content":"' + EMOJI, b"x", b'"}}]}'),
    "large events of objects": one_event(b'{"more":[', b"{},", b"{}]," + CHOICE[1:] + b'{"content":"x"}}]}'),
    "large events of numbers": one_event(b'{"more":[', b"0.5,", b"0]," + CHOICE[1:] + b'{"content":"x"}}]}'),
    "large events of short texts": one_event(b'{"more":[', b'"ab",', b"0]," + CHOICE[1:] + b'{"content":"x"}}]}'),
    "large events of another type": one_event(
        b'{"created":"x","more":[', b"{},", b"{}]," + CHOICE[1:] + b'{"content":"x"}}]}'
    ),
    "large events of log probabilities": one_event(
        CHOICE + b'{"content":"x"},"logprobs":{"content":[', b"{},", b"{}]}}]}"
    ),
    "large events of empty log probabilities before content": one_event(
        CHOICE + b'{},"logprobs":{"content":[', b"{},", b"{}]}}]}"
    ),
    "large events of reasoning details": one_event(
        CHOICE + b'{"content":"x","reasoning_details":[', b"{},", b"{}]}}]}"
    ),
    "a large whole answer as an event": one_event(
        b'{"choices":[{"message":{"content":"', b"x", b'"},"finish_reason":"stop"}]}'
    ),
    "a large error as an event": one_event(b'{"error":{"message":"', b"x", b'"}}'),
    "a large error of objects as an event": one_event(b'{"error":{"message":"x","more":[', b"{},", b"{}]}}"),
    "an event larger than the limit": one_event(CHOICE + b'{"content":"', b"x", b'"}}]}', share=4),
    "a gzip bomb": Case(bomb, "stream"),
    "chunks of one byte": Case(tiny_chunks, "stream"),
    "five legs that start over, content in large pieces": endless(delta(b'"content":"' + LONG + b'"'))._replace(
        ask="start over"
    ),
    "five legs that continue, content in large pieces": endless(delta(b'"content":"' + LONG + b'"'))._replace(
        ask="continue"
    ),
    "five legs that continue, short content and reasoning in large pieces": endless(
        delta(b'"reasoning":"' + LONG + b'"'), first=CONTENT
    )._replace(ask="continue"),
    "five legs, large events without content, then an error": up_to(
        sse(b'{"pad":"' + LONG + b'",' + CHOICE[1:] + b"{}}]}"), 1.9, last=sse(b'{"error":{"message":"x","code":503}}')
    )._replace(ask="start over"),
}
