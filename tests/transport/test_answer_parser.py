"""The parser of answers judges bytes, however they are cut into pieces."""

from __future__ import annotations

import random

import pytest
from helpers.odd_messages import ROWS
from helpers.odd_row import CHUNKED, Row, chunked, sized

from g4f_lite.transport.answer_parser import AnswerParser

BODY = b'{"text": "of a body"}\r\n\r\n' * 3


def parse(pieces: list[bytes]) -> tuple[object, ...]:
    parser = AnswerParser()
    body = b"".join([parser.feed(piece) for piece in pieces])
    parser.end()
    return body, parser.complete, parser.complete and parser.surplus, type(parser.failure)


def sent(row: Row) -> bytes:
    return b"".join(action for action in row.actions(BODY) if isinstance(action, bytes))


@pytest.mark.parametrize(
    "row", [row for row in ROWS if "KiB" not in row.name and "bomb" not in row.name], ids=lambda row: row.name
)
def test_the_verdict_does_not_depend_on_the_pieces(row: Row) -> None:
    data = sent(row)[:20_000]
    whole = parse([data])
    single = parse([data[at : at + 1] for at in range(len(data))])
    assert single == whole
    for end in range(1, min(len(data), 200)):
        assert parse([data[:end], data[end:]]) == whole


@pytest.mark.parametrize(
    "good", [sized(BODY), chunked(BODY), CHUNKED + b"0\r\na: b\r\n\r\n"], ids=["length", "chunks", "trailer"]
)
def test_no_bytes_raise_anything_and_none_are_lost(good: bytes) -> None:
    chosen = random.Random(7)
    for _ in range(3000):
        data = bytearray(good)
        for _ in range(chosen.randrange(1, 4)):
            at = chosen.randrange(len(data))
            data[at : at + chosen.randrange(3)] = bytes(
                chosen.choices(b"\r\n\0 :;,0123456789abcdefx\xff", k=chosen.randrange(3))
            )
        whole = parse([bytes(data)])
        cut = chosen.randrange(len(data) + 1)
        assert parse([bytes(data[:cut]), bytes(data[cut:])]) == whole
        assert whole[1] or whole[3] is not type(None)
