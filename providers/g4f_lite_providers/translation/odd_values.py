"""
Reads answers in which gateways have written nulls, or numbers in another form, where the service writes counts. No I/O.

Source: proxies in other languages, which write `"parts": null`, `"promptTokenCount": 7.0` or `"7"`.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import count
from typing import Any, TypeVar

import msgspec
from msgspec import Raw

T = TypeVar("T")
_DEPTH = 12
_VALUES = 1 << 15
"""Values of an answer that Python code looks at, which takes it about 0.1 s; the rest stays as it is."""
_AS_WRITTEN = frozenset({"args", "arguments", "input"})
"""Fields whose nulls and numbers are the caller's."""
_WHOLE = re.compile(rb"(-?\d{1,15})\.0+")


def decode_loosely(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """
    Decode an answer without the nulls of its objects, and with counts in any form.

    Raises:
        msgspec.ValidationError: it has another shape all the same.
    """
    answer: T = _loose(decoder).decode(_plain(Raw(body), _DEPTH, count(1)))
    return answer


@cache
def _loose(decoder: msgspec.json.Decoder[T]) -> msgspec.json.Decoder[T]:
    return msgspec.json.Decoder(decoder.type, strict=False)


def _plain(value: Raw, depth: int, looked_at: count[int]) -> Raw:
    """Return the JSON with all else as it was written; nulls in lists stay, because they are one of several."""
    if next(looked_at) > _VALUES:
        return value
    written = bytes(value)
    if (number := _WHOLE.fullmatch(written)) is not None:
        return Raw(number[1])
    if not depth or not (b"null" in written or b".0" in written):
        return value
    plain: Any
    if written[:1] == b"{":
        members = msgspec.json.decode(written, type=dict[str, Raw])
        plain = {
            name: one if name in _AS_WRITTEN else _plain(one, depth - 1, looked_at)
            for name, one in members.items()
            if bytes(one) != b"null"
        }
    elif written[:1] == b"[":
        plain = [_plain(one, depth - 1, looked_at) for one in msgspec.json.decode(written, type=list[Raw])]
    else:
        return value
    return Raw(msgspec.json.encode(plain))
