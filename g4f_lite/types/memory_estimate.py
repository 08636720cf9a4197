"""
How much memory the JSON of an answer takes once it is decoded, estimated from its bytes before that.

A few bytes can be a large object: `{},` takes 72 bytes, and a single emoji in an English text makes each of its
characters take four bytes. So an answer is refused if it would take more than `SHARE` times `max_response_bytes`,
whatever its own size is. `python -m stress.memory` measures how near the estimate is.
"""

from __future__ import annotations

import re

from ..errors.exceptions import MalformedResponseError

SHARE = 3
"""How many times `max_response_bytes` the memory of an answer may take, its bytes included."""
OBJECT, LARGE_OBJECT, MODEL = (160, 48), (850, 80), (850, 420)
"""
Bytes of an object and of another value, as they are decoded; in one of our types as well, while both exist; and in a
list of models, where a text may stand for a model.
"""
_LIST, _QUOTE = 72, 30
_WIDE, _WIDEST = 5, 8
"""Bytes for each byte of a text with a character above U+007F, or above U+FFFF, while it is decoded."""
_SHORT = 3
"""The same for short texts, of which only one at a time is being decoded."""
_LONG = re.compile(rb'"[^"]{1024,}')
"""A text that is not short, or what stands between two texts."""
_WIDEST_MARKS = (b"\\ud", b"\\uD", b"\xf0", b"\xf1", b"\xf2", b"\xf3", b"\xf4")


ALWAYS_SMALL = 1 << 14
"""Bytes of JSON that cannot take too much memory, whatever the limit is."""


def small(limit: int) -> int:
    """Return the size up to which JSON cannot take too much memory, so that nobody need estimate it."""
    return min(max(limit >> 6, ALWAYS_SMALL), 1 << 20)


def memory_of(body: bytes, per_object: tuple[int, int] = OBJECT) -> int:
    """Return about how many bytes of memory the JSON takes: its bytes, and what is decoded from it."""
    of_object, of_value = per_object
    values = of_value * body.count(b",") + _QUOTE * body.count(b'"')
    return 2 * len(body) + values + of_object * body.count(b"{") + _LIST * body.count(b"[") + _of_wide_texts(body)


def check_memory(
    what: str, body: bytes, limit: int, *, per_object: tuple[int, int] = OBJECT, share: float = SHARE
) -> None:
    """
    Args:
        what: for the message.
        limit: `max_response_bytes`.
        share: how many times the limit it may take.

    Raises:
        MalformedResponseError: it would take more; or there is nothing but blanks, which take seconds to decode.
    """
    if len(body) <= small(limit):
        return
    if body.isspace():
        raise MalformedResponseError(f"{what} is empty")
    if (needed := memory_of(body, per_object)) > share * limit:
        raise MalformedResponseError(
            f"{what} would take about {needed >> 20} MiB of memory once decoded, which is more than"
            f" {share:g} times the setting max_response_bytes={limit}"
        )


def _of_wide_texts(body: bytes) -> int:
    """Return what the texts take that have characters of more than one byte."""
    if body.isascii() and b"\\u" not in body:
        return 0
    if b'\\"' in body:  # then quotes only begin and end texts
        body = body.replace(b"\\\\", b"--").replace(b'\\"', b"--")
    memory, short = 0, len(body)
    for found in _LONG.finditer(body):
        text = found[0]
        short -= len(text)
        if not text.isascii() or b"\\u" in text:
            memory += len(text) * (_WIDEST if any(mark in text for mark in _WIDEST_MARKS) else _WIDE)
    return memory + short * _SHORT
