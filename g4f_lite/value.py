"""The base of everything that is only data, and JSON that may be none."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn, TypeAlias

import msgspec
from msgspec import Struct

JSONObject: TypeAlias = dict[str, Any]
NOT_JSON = (msgspec.DecodeError, UnicodeError, RecursionError)  # the last for a body of a million brackets


def decode_json(body: bytes) -> Any:
    """Return the decoded body; None if it is not JSON."""
    try:
        return msgspec.json.decode(body)
    except NOT_JSON:
        return None


SURROGATES = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
"""Escapes in JSON: backslashes, pairs of surrogates, and surrogates without the other half."""


def repair_surrogates(body: bytes) -> bytes:
    """Return JSON in which a surrogate without its other half, which is no character, is U+FFFD."""
    if b"\\ud" not in body and b"\\uD" not in body:
        return body
    return SURROGATES.sub(lambda found: b"\\ufffd" if found["lone"] else found[0], body)


MOST_ODD = 4 << 20
"""Bytes of JSON that is read by Python's `json`, which takes more memory, if a text of it may have wide characters."""


def decode_lenient(body: bytes) -> Any:
    """
    Return the decoded body, as Python's `json` reads it: with NaN and Infinity; half a surrogate pair is U+FFFD.

    Raises:
        msgspec.DecodeError, UnicodeDecodeError, RecursionError: it is not JSON.
    """
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        if len(body) > MOST_ODD and (not body.isascii() or b"\\u" in body):
            raise
        try:
            return json.loads(repair_surrogates(body).decode())
        except UnicodeDecodeError:
            raise
        except ValueError as error:
            raise msgspec.DecodeError(str(error)) from None


class Unpicklable:
    """Base of what holds connections, locks or keys: copies of them would not work."""

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} can be neither copied nor pickled: a client and its streams hold connections and"
            " locks. Threads and forked processes share a client; elsewhere make another. Results can be pickled"
        )


class Value(Struct, frozen=True, kw_only=True, repr_omit_defaults=True):
    """Immutable, picklable, compared by its fields."""
