"""
Answers that nearly have OpenAI's shape, or are none.

The fast path decodes straight into the public types and refuses any field of another type. What it
refuses comes here: fields that fit are kept, fields that do not are left out, and a `content`
that is a list of parts becomes text and reasoning. Source of the shapes: docs/providers.md.

What fits is converted by msgspec, whole. Python code looks at no more than `_MISFITS` values of an
answer, which takes it some 0.1 s.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Iterator
from itertools import count
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from ...errors.exceptions import MalformedResponseError
from ...types.chat import ChatCompletion, ChatCompletionChunk, Delta, FunctionCall, FunctionCallDelta, Message
from ...types.http import HTTPResponse
from ...types.size_limits import MAX_CHOICES, check_length, decode_bounded

S = TypeVar("S", bound=msgspec.Struct)
_hints = functools.cache(functools.partial(get_type_hints, include_extras=True))
_MISFITS = 1 << 12
"""Values of another type than expected in one answer; more is a MalformedResponseError."""


def loose_completion(answer: Any) -> ChatCompletion:
    """
    Return the completion in an answer of slightly other types.

    Raises:
        MalformedResponseError: it is no JSON object.
    """
    return _fit_answer(answer, ChatCompletion)


def loose_chunk(event: Any) -> ChatCompletionChunk:
    """As `loose_completion`, for one event of a stream."""
    return _fit_answer(event, ChatCompletionChunk)


def loose_answer(answer: Any, kind: type[S]) -> S:
    """
    As `loose_completion`, for another kind of answer.

    Raises:
        TypeError: a field is missing without which it is none.
    """
    return _fit_answer(answer, kind)


def _fit_answer(answer: Any, kind: type[S]) -> S:
    if not isinstance(answer, dict):
        shown = "a list" if isinstance(answer, list) else repr(str(answer)[:40])
        raise MalformedResponseError(f"the answer is JSON, but not an object: {shown}")
    return _fit_struct(answer, kind, count(1))


def _fit_struct(value: dict[str, Any], kind: type[S], misfits: Iterator[int]) -> S:
    if kind in (Message, Delta) and isinstance(value.get("content"), list):
        value = _flatten_content(value)
    if kind in (FunctionCall, FunctionCallDelta) and isinstance(arguments := value.get("arguments"), dict):
        value = {**value, "arguments": msgspec.json.encode(arguments).decode()}
    hints = _hints(kind)
    fitting = {}
    for field in msgspec.structs.fields(kind):
        given = value.get(field.encode_name)
        if given is not None and (fitted := _fit(given, hints[field.name], misfits)) is not None:
            fitting[field.name] = fitted
    return kind(**fitting)


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


def _flatten_content(value: dict[str, Any]) -> dict[str, Any]:
    """Source: Mistral's `[{"type": "thinking", "thinking": [{"type": "text", …}]}, {"type": "text", …}]`."""
    said: list[str] = []
    reasoning: list[str] = []
    check_length(value["content"], "parts of a content")
    for part in value["content"]:
        if isinstance(part, str):
            said.append(part)
        elif isinstance(part, dict) and part.get("type") == "thinking":
            inner = part.get("thinking")
            pieces = inner if isinstance(inner, list) else [inner]
            check_length(pieces, "pieces of thinking")
            texts = [piece.get("text") if isinstance(piece, dict) else piece for piece in pieces]
            reasoning += [text for text in texts if isinstance(text, str)]
        elif isinstance(part, dict) and isinstance(part.get("text"), str):
            said.append(part["text"])
    flat = {**value, "content": "".join(said) if said or not reasoning else None}
    return {**flat, "reasoning": "".join(reasoning)} if reasoning else flat


def error_in(answer: Any) -> bytes | None:
    """
    Return the JSON of the error that an answer of status 200 is after all, None if it is none.

    Shapes: `{"error": …}` (also in a list, or beside choices), `{"object": "error", …}` (vLLM, Mistral),
    `{"detail": …}` or `{"errors": …}` without choices, and a choice with `error` or the finish
    reason `error` (a gateway that lost the service behind it).
    """
    if isinstance(answer, list) and answer:
        answer = answer[0]
    if not isinstance(answer, dict):
        return None
    choices = answer.get("choices")
    if answer.get("error") or answer.get("object") in ("error", "Error"):
        return msgspec.json.encode(answer)
    if not choices and (answer.get("detail") or answer.get("errors")):
        return msgspec.json.encode(answer)
    for choice in choices[:MAX_CHOICES] if isinstance(choices, list) else ():
        if isinstance(choice, dict) and (choice.get("error") or choice.get("finish_reason") == "error"):
            return msgspec.json.encode({"error": choice.get("error") or "the answer ended with an error"})
    return None


def describe_body(response: HTTPResponse) -> str:
    start = response.body[:200].strip()
    if not start:
        return "the answer is empty"
    if start.startswith(b"<"):
        return "the answer is a web page, not JSON; is the base URL right?"
    return f"the answer is not JSON: {start[:60].decode('utf-8', 'replace')!r}"


_NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # the last for a body of a million brackets


def _decode(body: bytes) -> Any:
    try:
        return decode_bounded(body)
    except (*_NOT_JSON, MalformedResponseError):
        return None
