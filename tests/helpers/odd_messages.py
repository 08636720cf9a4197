"""
Odd HTTP messages, each with the verdict of both clients: what they take, what they refuse, and what they reuse.

A row describes what is sent in place of a good answer. It gets the body of a good answer, of a stream if the request
asks for one.
"""

from __future__ import annotations

import gzip

from g4f_lite.testing.replies import http_chunk
from g4f_lite.testing.script import Close, Pause

from .odd_bodies import CHUNKS, CODINGS, LENGTHS, TRANSFERS, first_half
from .odd_heads import HEADERS, STATUSES, VERSIONS
from .odd_row import (
    ANSWER,
    CHUNKED,
    CUT,
    DEADLINE,
    GONE,
    REFUSED,
    RESET,
    SILENT,
    Row,
    h,
    in_chunks,
    refuses,
    sized,
    takes,
)

CLOSES = [
    refuses("nothing, then the end", lambda b: [GONE], RESET),
    refuses("nothing, then a reset", lambda b: [Close(reset=True)], RESET),
    refuses("half a status line", lambda b: [b"HTTP/1.1 20", GONE], RESET),
    refuses("a status line alone", lambda b: [b"HTTP/1.1 200 OK\r\n", GONE], RESET),
    refuses("half a head", lambda b: [h(b"content-length: 10")[:-9], GONE], RESET),
    refuses("a head without its last line break", lambda b: [h(b"content-length: 10")[:-1], GONE], RESET),
    refuses("a head alone", lambda b: [h(b"content-length: 10"), GONE], RESET),
    refuses("a chunked head alone", lambda b: [CHUNKED, GONE], RESET),
    refuses("half a body", lambda b: [sized(b)[: -len(b) // 2], GONE], RESET, streamed=CUT),
    refuses(
        "half a body, then a reset",
        lambda b: [sized(b)[: -len(b) // 2], Pause(0.02), Close(reset=True)],
        RESET,
        streamed=CUT,
    ),
    refuses(
        "half a body to the end of the connection", lambda b: [h() + b[: len(b) // 2], GONE], REFUSED, streamed=CUT
    ),
    refuses("half a size", lambda b: [first_half(b) + b"1", GONE], RESET, streamed=CUT),
    takes("a body, then the end", lambda b: [sized(b), GONE], kept=False),
]

SILENCES = [
    Row("silence", lambda b: [SILENT], DEADLINE, DEADLINE, False),
    Row("silence in the status line", lambda b: [b"HTTP/1.1 20", SILENT], DEADLINE, DEADLINE, False),
    Row("silence in a header", lambda b: [b"HTTP/1.1 200 OK\r\nx: ", SILENT], DEADLINE, DEADLINE, False),
    Row("silence after the head", lambda b: [CHUNKED, SILENT], DEADLINE, DEADLINE, False),
    Row("silence in a size", lambda b: [CHUNKED + b"1", SILENT], DEADLINE, DEADLINE, False),
    Row("silence in an extension", lambda b: [CHUNKED + b"1;", SILENT], DEADLINE, DEADLINE, False),
    Row(
        "silence after a provisional answer",
        lambda b: [h(status=b"HTTP/1.1 100 Continue"), SILENT],
        DEADLINE,
        DEADLINE,
        False,
    ),
    Row(
        "silence in gzip",
        lambda b: [sized(gzip.compress(b), b"content-encoding: gzip")[:-60], SILENT],
        DEADLINE,
        CUT,
        False,
    ),
    Row("silence before the end of chunks", lambda b: [CHUNKED + in_chunks(b, b""), SILENT], DEADLINE, ANSWER, False),
    Row("silence in a trailer", lambda b: [CHUNKED + in_chunks(b, b"0\r\nx"), SILENT], DEADLINE, ANSWER, False),
    Row(
        "endless comments",
        lambda b: [CHUNKED, *[http_chunk(b": x\n\n"), Pause(0.02)] * 1500],
        DEADLINE,
        DEADLINE,
        False,
    ),
]

ROWS = [*LENGTHS, *CODINGS, *CHUNKS, *TRANSFERS, *STATUSES, *VERSIONS, *HEADERS, *CLOSES, *SILENCES]
