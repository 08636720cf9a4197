"""From what is asked for to the method of a client and its keywords."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...call.endpoints import ENDPOINTS
from ...client.params import ROUTING
from ...errors.exceptions import InvalidRequestError
from ...errors.quoted_values import quoted
from ...types.chat_request import ChatRequest
from ...value import JSONObject
from .requests import Asked

OURS = "g4f_lite"
"""The field of a request that holds keywords of a call about routing, such as `fallback_models`."""
METHODS = {
    "chat": "chat.completions.create",
    "models": "models.list",
    "model": "models.list",
    **{name: row.method for name, row in ENDPOINTS.items()},
}
"""The method of a client for each operation."""
_NOT_FIELDS = frozenset({"model", "extra_body", "extra_headers", "progress"})
_KNOWN = {
    "chat": frozenset(ChatRequest.__struct_fields__) - _NOT_FIELDS | {"stream"},
    **{name: frozenset(row.request.__struct_fields__) - _NOT_FIELDS for name, row in ENDPOINTS.items()},
}
_ROUTING = frozenset(ROUTING) - {"model"} | {"on_interrupt", "max_price"}
_LISTS = frozenset({"timestamp_granularities", "known_speaker_names", "known_speaker_references"})


def arguments(asked: Asked) -> JSONObject:
    """
    Return the keywords of the call: known fields under their names, others in `extra_body`.

    A model "" is left out: then the routes of the client decide. Fields that are null are not set.

    Raises:
        InvalidRequestError: a field that the endpoint demands is missing; `g4f_lite` is no object, or has a keyword
            that is not about routing.
    """
    if asked.operation in ("models", "model"):
        return {}
    _required(asked)
    known, others = _KNOWN[asked.operation], {}
    keywords: JSONObject = {}
    if (own := asked.fields.get(OURS)) is not None:
        keywords = _own_keywords(own)
    for name, value in asked.fields.items():
        if value is None or name == OURS:
            continue
        if name in known:
            keywords[name] = value
        elif name != "model":
            others[name] = value
        elif value:
            keywords["model"] = value
    if keywords.get("encoding_format") == "base64" and asked.operation == "embeddings":
        del keywords["encoding_format"]  # OpenAI's library sets it unasked; `answers` encodes what comes
    if asked.file is not None:
        keywords = {name: _of_form(name, value) for name, value in keywords.items()} | {"file": asked.file}
        others = {name: _of_form(name, value) for name, value in others.items()}
    if others:
        keywords["extra_body"] = others
    return keywords


def _own_keywords(given: Any) -> JSONObject:
    if not isinstance(given, Mapping):
        raise InvalidRequestError(f"{OURS} must be an object with keywords of a call, not {type(given).__name__}")
    for name in given:
        if name not in _ROUTING:
            raise InvalidRequestError(f"{OURS} has no keyword {quoted(name)}; it has {', '.join(sorted(_ROUTING))}")
    return dict(given)


def _of_form(name: str, value: Any) -> Any:
    """Return the value of a form's field, which is a text, as the client takes it."""
    if name == "temperature" and isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            raise InvalidRequestError(f"temperature must be a number, not {quoted(value)}") from None
    return [value] if name in _LISTS and isinstance(value, str) else value


def essential_arguments(asked: Asked) -> JSONObject:
    """
    Return the keywords without which a client cannot read the answer to a request that is sent as it is.

    What only the service needs to know has a placeholder, which no check refuses.

    Raises:
        InvalidRequestError: there is no file in the form of an upload, or no input for vectors.
    """
    if asked.operation in ("models", "model"):
        return {"max_age": 0}
    fields = asked.fields
    model = fields.get("model")
    keywords: JSONObject = {"model": f":{model}" if model and isinstance(model, str) else _ANY}  # no name before it
    if asked.operation == "chat":
        keywords |= {"messages": [{"role": "user", "content": _ANY}], "stream": asked.streams}
        keywords["stream_options"] = {"include_usage": True}  # hand out events without choices, if there are any
        if isinstance(n := fields.get("n"), int) and n > 0 and not isinstance(n, bool):
            keywords["n"] = n
    elif asked.operation in ("embeddings", "transcription", "translation"):
        for name in _required(asked):
            keywords[name] = asked.file if name == "file" else fields[name]
        if fields.get("response_format") in _TEXTS:
            keywords["response_format"] = fields["response_format"]
    else:
        keywords |= dict.fromkeys(ENDPOINTS[asked.operation].required, _ANY)
    return keywords


_ANY = "any"


def _required(asked: Asked) -> tuple[str, ...]:
    required = ("messages",) if asked.operation == "chat" else ENDPOINTS[asked.operation].required
    for name in required:
        if (asked.file if name == "file" else asked.fields.get(name)) is None:
            raise InvalidRequestError(f"the field {quoted(name)} is missing")
    return required


_TEXTS = ("text", "srt", "vtt")
"""Formats of a transcription that are not JSON."""
