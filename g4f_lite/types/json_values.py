"""
What JSON can carry: the check of a request's values. No I/O.

msgspec would write bytes as base64, NaN as null, a set as a list, a Decimal as text, without a word. Such values are
refused: the caller decides what they become. Lists may be tuples; texts and integers may be members of an Enum that is
a `str` or an `int`; integers may have any length; `msgspec.Raw` is JSON already.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Set
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec

from ..errors.quoted_values import quoted

_AS_THEY_ARE = frozenset({str, bool, type(None)})
_ADVICE: tuple[tuple[tuple[type, ...], str], ...] = (
    ((bytes, bytearray, memoryview), "decode it to text, or encode it in base64, as image_part() and audio_part() do"),
    ((Enum,), "use its .value"),
    ((Set,), "make it a list"),
    ((date, time), "make it text, as with .isoformat()"),
    ((timedelta,), "make it a number, as with .total_seconds()"),
    ((Decimal,), "make it a float or text"),
    ((UUID,), "make it text, with str()"),
    ((str,), "make it a plain str"),
    ((int,), "make it a plain int"),
    ((float,), "make it a plain float"),
    ((Mapping,), "make it a dict"),
    ((Iterable,), "make it a list"),
)


_LARGE = 1 << 20
"""Bytes of JSON: below it, decoding it again is faster than a look at each value; above, texts are long, and few."""


def check_json(value: dict[str, Any], encoded: bytes) -> str | None:
    """
    As `find_fault`, in less time.

    Args:
        encoded: the value, as msgspec writes it: what was changed is not equal once it is decoded.
    """
    return None if len(encoded) < _LARGE and msgspec.json.decode(encoded) == value else find_fault(value)


def _is_text(value: object) -> bool:
    return type(value) is str or (isinstance(value, str) and isinstance(value, Enum))


def _is_scalar(value: object) -> bool:
    if isinstance(value, float):
        return type(value) is float and math.isfinite(value)
    if isinstance(value, int):
        return type(value) is int or isinstance(value, Enum)
    return _is_text(value) or isinstance(value, msgspec.Raw)


def find_fault(value: Any) -> str | None:
    """
    Return where a value holds what JSON cannot carry, why, and what to do: `messages[0].content[1].text …`.

    None if it holds nothing of the kind.
    """
    try:
        return _fault(value, "")
    except RecursionError:
        return "the request is nested too deeply, or contains itself"


def _fault(value: Any, path: str) -> str | None:
    inner: Iterable[tuple[str, Any]] = ()
    if isinstance(value, dict):
        for key in value:
            if not _is_text(key):
                return f"{path or 'a value'} has the key {quoted(key)}, and JSON has only texts as keys"
            if not is_encodable(key):
                half = f"the key {quoted(key)}, which holds half of a surrogate pair: no character"
                return f"{path or 'a value'} has {half}"
        inner = ((f"{path}.{key:.100}" if path else f"{key:.100}", one) for key, one in value.items())
    elif isinstance(value, (list, tuple)):
        if set(map(type, value)) == {int}:  # tokens may be many
            return None
        inner = ((f"{path}[{index}]", one) for index, one in enumerate(value))
    elif _is_text(value):
        return None if is_encodable(value) else f"{path} holds half of a surrogate pair, which is no character"
    elif type(value) not in _AS_THEY_ARE and not _is_scalar(value):
        return f"{path} {_reason(value)}"
    return next(filter(None, (_fault(one, where) for where, one in inner)), None)


def _reason(value: Any) -> str:
    if type(value) is float:
        return f"must be a finite number, not {quoted(value)}"
    advice = next(
        (one for kinds, one in _ADVICE if isinstance(value, kinds)),
        "make it of dict, list, str, int, float, bool and None",
    )
    return f"is a value of type {type(value).__name__}, which JSON cannot carry: {advice}"


def is_encodable(text: str) -> bool:
    """Return whether a text can be sent: whether it has no half of a surrogate pair."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
