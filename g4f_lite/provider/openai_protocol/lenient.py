"""
Reads responses that nearly have OpenAI's shape, or that are errors. No I/O.

The fast path decodes straight into the public types and fails on any field of another type. Responses
that it fails on come here: texts and arguments are made plain (texts.py), of the other fields those that fit are kept.

msgspec converts what fits as a whole. Python code looks at no more than `_MISFITS` values of an answer, which takes
it about 0.1 s.
"""

from __future__ import annotations

import functools
import re
import types
from collections.abc import Iterator, Mapping
from itertools import count, islice
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from ...errors.error_body import CODE_NAMES, MESSAGE_NAMES, declared, inner_status
from ...errors.exceptions import MalformedResponseError
from ...errors.reply import MAX_ERROR_BODY
from ...types.chat import ChatCompletion
from ...types.chunks import ChatCompletionChunk
from ...types.http import HTTPResponse
from ...types.size_limits import MAX_CHOICES, check_length, decode_or_none
from .completing import complete
from .texts import Texts

S = TypeVar("S", bound=msgspec.Struct)
_LONG_TEXT = 1 << 10
"""Characters of a text that are kept of an error in a large answer."""
_MISFITS = 1 << 12
"""Values of another type than expected in one answer; more is a MalformedResponseError."""

REASONING_PARTS: Mapping[str, str] = {"thinking": "thinking"}
"""Default of `OpenaiTemplate.reasoning_parts`. Source: Mistral's API reference; gateways pass its parts on."""


def loose_completion(
    answer: Any, reasoning_parts: Mapping[str, str] = REASONING_PARTS, body: bytes = b""
) -> ChatCompletion:
    """
    Return the completion in an answer whose fields have slightly other types.

    Args:
        answer: the decoded body; texts in it are made plain strings.

    Raises:
        MalformedResponseError: it is not a JSON object, or a text in it cannot be read.
    """
    Texts(body, reasoning_parts).settle(answer, "message")
    completion = loose_answer(answer, ChatCompletion)
    if completion.choices:
        complete(completion, answer)
    return completion


def loose_chunk(event: Any, reasoning_parts: Mapping[str, str], body: bytes) -> ChatCompletionChunk:
    """As `loose_completion`, for one event of a stream."""
    Texts(body, reasoning_parts).settle(event, "delta")
    return loose_answer(event, ChatCompletionChunk)


def whole_answer(event: bytes) -> bytes | None:
    """
    Return a stream's first event as a chunk if it is a whole answer, as gateways send that pretend to stream.

    A later event with a `message` repeats the text that was streamed (MiniMax), so it is none.
    """
    answer = decode_or_none(event) if b'"message"' in event else None
    choices = answer.get("choices") if isinstance(answer, dict) else None
    found = False
    for choice in choices[:MAX_CHOICES] if isinstance(choices, list) else ():
        if isinstance(choice, dict) and "message" in choice and not choice.get("delta"):
            choice["delta"] = choice.pop("message")
            found = True
    return msgspec.json.encode(answer) if found else None


def loose_answer(answer: Any, kind: type[S]) -> S:
    """
    Return the answer of this kind in an object whose fields have slightly other types.

    Raises:
        MalformedResponseError: it is not a JSON object.
        TypeError: a required field is missing.
    """
    if not isinstance(answer, dict):
        shown = "a list" if isinstance(answer, list) else repr(str(answer)[:40])
        raise MalformedResponseError(f"the answer is JSON, but not an object: {shown}")
    return _fit_struct(answer, kind, count(1))


def _fit_struct(value: dict[str, Any], kind: type[S], misfits: Iterator[int]) -> S:
    fitting = {}
    for name, its_name, hint in _fields(kind):
        given = value.get(its_name)
        if given is not None and (fitted := _fit(given, hint, misfits)) is not None:
            fitting[name] = fitted
    return kind(**fitting)


@functools.cache
def _fields(kind: type[msgspec.Struct]) -> list[tuple[str, str, Any]]:
    """Return the name of each field, its name in JSON, and its type."""
    hints = get_type_hints(kind, include_extras=True)
    names = zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True)
    return [(name, its_name, hints[name]) for name, its_name in names]


def _fit(value: Any, hint: Any, misfits: Iterator[int]) -> Any:
    """
    Return the value as the hinted type; None if it does not fit.

    Args:
        misfits: counts the values that msgspec refuses.
    """
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(option for option in get_args(hint) if option is not type(None))
    if get_origin(hint) is Annotated:
        hint, limits = get_args(hint)
        if isinstance(value, list) and limits.max_length is not None:
            check_length(value, "choices or tool calls", limits.max_length)
    try:
        return msgspec.convert(value, hint)
    except msgspec.ValidationError:
        if next(misfits) > _MISFITS:
            raise MalformedResponseError(f"more than {_MISFITS} values of the answer have another type") from None
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return _fit_struct(value, hint, misfits) if isinstance(value, dict) else None
    if get_origin(hint) is tuple:
        items = value if isinstance(value, list) else ()
        return tuple(fitted for item in items if (fitted := _fit(item, get_args(hint)[0], misfits)) is not None)
    try:
        return msgspec.convert(value, hint, strict=False)
    except msgspec.ValidationError:
        return int(value) if hint is int and isinstance(value, float) and abs(value) < 1e18 else None


def error_in(answer: Any, text: bytes, fields: Mapping[str, str], *, in_stream: bool = False) -> bytes | None:
    """
    Return the JSON of the error inside an answer of status 200, None if there is none.

    Shapes: `{"error": …}` (also in a list, or beside choices), `{"object": "error", …}` (vLLM, Mistral); without
    choices `{"type": "error", …}`, also as `status` or `event`, `{"detail": …}`, `{"errors": …}`,
    `{"success": false, …}` (Z.AI), `{"base_resp": {"status_code": 1008}}` (MiniMax); nothing but a message and a code,
    `{"code": "Throttling", "message": …}` (DashScope), `{"error_code": 18, "error_msg": …}` (Qianfan), `{"status": 429,
    "title": …}` (NVIDIA); and a choice with `error` or the finish reason `error` (of a gateway that lost it).

    Args:
        text: what the answer was decoded from. Of a large one, long values are shortened.
        fields: the provider's `error_fields`.
        in_stream: a message without a code is none; events may tell what the service is doing.
    """
    answer = answer[0] if isinstance(answer, list) and answer else answer
    error = _error_in(answer, in_stream=in_stream)
    if error is None and fields and isinstance(answer, dict) and _has_declared_error(answer, fields):
        error = answer
    if error is None:
        return None
    return msgspec.json.encode(error if len(text) <= MAX_ERROR_BODY else _shortened(error))


def error_signs(fields: Mapping[str, str]) -> tuple[bytes, ...]:
    """
    Return the bytes of which one is in every answer that holds an error at the provider's `error_fields`.

    A name that is not ASCII may be escaped in any way: every answer is looked at.
    """
    names = {path.partition(".")[0] for path in fields.values()}
    return tuple(msgspec.json.encode(name) if name.isascii() else b'"' for name in names)


_CONTENT = ("choices", "usage", "data", "text")
"""Fields that only answers have. Beside them, an error is an object of its own."""
_NO_ERROR = frozenset({"0", "200", "ok", "success"})
"""Codes that say that there is no error."""


def _has_declared_error(answer: dict[str, Any], fields: Mapping[str, str]) -> bool:
    found = declared(answer, fields)
    if str(found.get("code")).lower() in _NO_ERROR:
        return False
    if any(found.get(name) for name, path in fields.items() if "." in path and name != "param"):
        return True
    return bool(found.get("message" if "message" in fields else "code")) and not any(map(answer.get, _CONTENT))


def _shortened(value: Any, depth: int = 4, most: int = 32) -> Any:
    """Return the beginning of a value: all of it would take as much memory once more."""
    if isinstance(value, str):
        return value[:_LONG_TEXT]
    if isinstance(value, dict) and depth:
        return {name[:_LONG_TEXT]: _shortened(one, depth - 1, most // 2) for name, one in islice(value.items(), most)}
    if isinstance(value, list) and depth:
        return [_shortened(one, depth - 1, most // 2) for one in value[:most]]
    return None if isinstance(value, (dict, list)) else value


def _is_message(answer: dict[str, Any], *, in_stream: bool) -> bool:
    """Return whether an answer without content says something, and a code that is not that of success."""
    if any(map(answer.get, _CONTENT)):
        return False
    codes = [str(answer[name]) for name in CODE_NAMES if isinstance(answer.get(name), (str, int))]
    if any(code.lower() in _NO_ERROR for code in codes):
        return False
    names = [name for name in MESSAGE_NAMES if isinstance(answer.get(name), str) and answer[name]]
    if inner_status(answer.get("status")) is not None or answer.get("status") in ("fail", "failed", "failure"):
        return bool(names or answer.get("title") or answer.get("detail"))
    return bool(names) and (bool(codes) or not in_stream or any("err" in name for name in names))


def _error_in(answer: Any, *, in_stream: bool) -> dict[str, Any] | None:
    if not isinstance(answer, dict):
        return None
    choices = answer.get("choices")
    if answer.get("error") or answer.get("object") in ("error", "Error"):
        return answer
    if not choices and any(answer.get(name) in ("error", "Error") for name in ("type", "status", "event")):
        return answer
    if not choices and (answer.get("detail") or answer.get("errors") or answer.get("success") is False):
        return answer
    if not choices and _is_message(answer, in_stream=in_stream):
        return answer
    if not choices and isinstance(base := answer.get("base_resp"), dict) and base.get("status_code"):
        return answer
    for choice in choices[:MAX_CHOICES] if isinstance(choices, list) else ():
        if isinstance(choice, dict) and (choice.get("error") or choice.get("finish_reason") == "error"):
            return {"error": choice.get("error") or "the answer ended with an error"}
    return None


_LOOKED_AT = 1 << 16
_JSON_LINES = re.compile(rb"\s*\{[^\n]*\}\s*\n\{")


def describe_body(response: HTTPResponse) -> str:
    """Return what a body that is not the expected JSON is instead, for an error's message."""
    start = response.body[:200].strip()
    if not start:
        return "the answer is empty"
    if start.startswith(b"<"):
        return "the answer is a web page, not JSON; is the base URL right?"
    if _JSON_LINES.match(response.body[:_LOOKED_AT]):
        return "the answer is JSON lines; is the provider's stream_framing right?"
    return f"the answer is not JSON: {start[:60].decode('utf-8', 'replace')!r}"
