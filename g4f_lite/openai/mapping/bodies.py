"""From the body of a request, JSON or a form, to what is asked for. Forms need python-multipart."""

from __future__ import annotations

from typing import Any

import msgspec

from ...errors.exceptions import InvalidRequestError
from ...value import NOT_JSON, JSONObject, decode_lenient, repair_surrogates
from .answers import JSON
from .forms import read_form
from .requests import Asked, Place


def read_request(place: Place, content_type: str, body: bytes) -> Asked:
    """
    Return what a request to this place asks for.

    Raises:
        InvalidRequestError: the body is neither a JSON object nor a form that can be read.
    """
    if place.operation in ("models", "model"):
        return Asked(place, {})
    if content_type != JSON and content_type.partition(";")[0].strip().lower() == "multipart/form-data":
        return Asked(place, *read_form(content_type, body))
    return Asked(place, json_object(body))


def json_object(body: bytes) -> JSONObject:
    """
    Return the fields of a body.

    Raises:
        InvalidRequestError: it is no JSON object, or holds what is no character.
    """
    try:
        fields: Any = msgspec.json.decode(body)
    except NOT_JSON:
        fields = _odd(body)
    if not isinstance(fields, dict):
        raise InvalidRequestError("the body is not a JSON object")
    return fields


def _odd(body: bytes) -> Any:
    """Return what only Python's `json` reads: with NaN, which is refused with its place later."""
    if repair_surrogates(body) != body:
        raise InvalidRequestError("the body holds half of a surrogate pair, which is no character")
    try:
        return decode_lenient(body)
    except NOT_JSON:
        raise InvalidRequestError("the body is not JSON") from None
