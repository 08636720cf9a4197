"""
Reads answers in which gateways have written nulls, or numbers in another form, where the service writes counts. No I/O.

Source: proxies in other languages, which write `"parts": null`, `"promptTokenCount": 7.0` or `"7"`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import Raw

T = TypeVar("T")
_DEPTH = 8
"""How deep the fields of an answer lie that are read."""
_MOST_COMMAS = 1 << 15
"""Of an answer that is looked at: its values take far more time and memory than its text, at most about 0.1 s."""
_AS_WRITTEN = frozenset({"args", "arguments", "input"})
"""Fields whose nulls and numbers are the caller's."""
_WHOLE, _NULL, _OBJECT, _LIST = map(re.compile, (rb"(-?\d{1,15})\.0+", rb"null", rb"\s*\{", rb"\s*\["))


def decode_loosely(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """
    Decode an answer without the nulls of its objects, and with counts in any form.

    Raises:
        msgspec.ValidationError: it has another shape all the same.
    """
    if body.count(b",") <= _MOST_COMMAS:
        parts: list[Any] = []  # views of the answer, which may be large
        _write(Raw(body), _DEPTH, parts.append)
        body = b"".join(parts)
    answer: T = _loose(decoder).decode(body)
    return answer


@cache
def _loose(decoder: msgspec.json.Decoder[T]) -> msgspec.json.Decoder[T]:
    return msgspec.json.Decoder(decoder.type, strict=False)


def _write(value: Any, depth: int, write: Callable[[Any], None]) -> None:
    """Write JSON with all else as it is; nulls in lists stay, because they are one of several."""
    if (number := _WHOLE.fullmatch(value)) is not None:
        write(number[1])
    elif depth and _OBJECT.match(value):
        before = b"{"
        for name, one in msgspec.json.decode(value, type=dict[str, Raw]).items():
            if _NULL.fullmatch(one) is None:
                write(before + msgspec.json.encode(name) + b":")
                if name in _AS_WRITTEN:
                    write(one)
                else:
                    _write(one, depth - 1, write)
                before = b","
        write(b"}" if before == b"," else b"{}")
    elif depth and _LIST.match(value):
        before = b"["
        for one in msgspec.json.decode(value, type=list[Raw]):
            write(before)
            _write(one, depth - 1, write)
            before = b","
        write(b"]" if before == b"," else b"[]")
    else:
        write(value)
