"""The check of messages, before any I/O."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

import msgspec
from msgspec import Struct

from ..errors.exceptions import InvalidRequestError
from ..errors.places import describe, place_of
from ..errors.quoted_values import quoted, shortened
from ..errors.signal_handlers import raise_interruption
from ..errors.suggestions import did_you_mean
from ..types.chat import Message
from ..types.json_values import find_fault
from ..types.results import without_none
from ..value import JSONObject


class _Part(Struct):
    type: str


class _Function(Struct):
    name: str
    arguments: str


class _ToolCall(Struct):
    id: str
    function: _Function


class _System(Struct, tag="system", tag_field="role"):
    content: str | list[_Part]


class _Developer(Struct, tag="developer", tag_field="role"):
    content: str | list[_Part]


class _User(Struct, tag="user", tag_field="role"):
    content: str | list[_Part]


class _Assistant(Struct, tag="assistant", tag_field="role"):
    content: str | list[_Part] | None = None
    tool_calls: list[_ToolCall] | None = None
    refusal: str | None = None
    images: list[dict[str, Any]] | None = None


class _Tool(Struct, tag="tool", tag_field="role"):
    content: str | list[_Part]
    tool_call_id: str


class _FunctionResult(Struct, tag="function", tag_field="role"):
    name: str
    content: str | None


class _Messages(Struct):
    """A struct, because msgspec keeps its description; it makes that of a bare union anew in each call."""

    messages: list[_System | _Developer | _User | _Assistant | _Tool | _FunctionResult]


# msgspec gathers what it knows of a type when it is first used, and crashes the process if two threads do that at once.
# A decoder makes it do so here, under the lock of the import. `tests/client/test_first_calls.py` shows it.
msgspec.json.Decoder(_Messages)

_RIGHT = {"messages": "{'role': 'user', 'content': …}", "content": "{'type': 'text', 'text': …}"}
"""By the list: an entry of it."""
ROLES = ("system", "developer", "user", "assistant", "tool", "function")


def check_messages(messages: object) -> list[JSONObject]:
    """
    Return the messages as plain dictionaries.

    Raises:
        InvalidRequestError: a message is wrong; the text names the message and the field.
    """
    plain = [message if type(message) is dict else _as_dict(message) for message in as_list(messages)]
    if not plain:
        raise InvalidRequestError("messages is empty; put at least one message into it")
    try:
        msgspec.convert({"messages": plain}, _Messages)
    except (UnicodeEncodeError, LookupError, TypeError):  # half a surrogate; a range or an array in place of a dict
        raise InvalidRequestError(find_fault({"messages": plain}) or "messages cannot be written as JSON") from None
    except msgspec.ValidationError as error:
        if (functions := _with_functions(plain)) is not plain:
            check_messages(functions)
            return plain
        simpler = [_simplified(message) for message in plain]
        if any(one is not message for one, message in zip(simpler, plain, strict=True)):
            return check_messages(simpler)
        raise InvalidRequestError(find_fault({"messages": plain}) or _explain(error, plain)) from None
    return plain


def as_list(messages: object) -> list[Any]:
    """
    Return the messages as a list.

    Raises:
        InvalidRequestError: they are none.
    """
    if type(messages) is list:
        return messages
    if isinstance(messages, str):
        raise InvalidRequestError(
            "messages must be a list of messages, not a string; "
            f"write [{{'role': 'user', 'content': {quoted(messages[:20])}}}]"
        )
    if isinstance(messages, (Mapping, bytes)) or not isinstance(messages, Iterable):
        raise InvalidRequestError(f"messages must be a list of messages, not {type(messages).__name__}")
    return list(messages)


def _as_dict(message: Any) -> Any:
    """Return a message as a dictionary, or unchanged if it is no message: the check says where it is."""
    if isinstance(message, Message):
        return _from_answer(message.to_dict())
    if isinstance(message, Mapping):
        return dict(message)
    return message if (fields := _dumped(message)) is None else _from_answer(fields)


def _dumped(given: Any) -> JSONObject | None:
    """
    Return an object of another library as a dictionary, by its `model_dump`, `to_dict` or `dict` (pydantic 1); None if
    it has none of them.

    Raises:
        InvalidRequestError: the method fails.
    """
    for name in ("model_dump", "to_dict", "dict"):
        if callable(method := getattr(given, name, None)) and not isinstance(given, type):
            try:
                fields = method()
                return dict(fields) if isinstance(fields, Mapping) else None
            except Exception as error:  # of another library
                raise_interruption(error)
                what = f"{shortened(describe(error))} (at {place_of(error)})"
                raise InvalidRequestError(f"messages hold {quoted(given)}, whose {name}() failed: {what}") from error
    return None


def _with_functions(messages: list[Any]) -> list[Any]:
    """Return messages with calls of custom tools as those of functions, which they are checked like; else the same."""
    changed = list(messages)
    for index, message in enumerate(messages):
        calls = message.get("tool_calls") if isinstance(message, dict) else None
        if isinstance(calls, list) and any(map(_is_custom, calls)):
            changed[index] = {**message, "tool_calls": [_as_function(one) if _is_custom(one) else one for one in calls]}
    return messages if all(map(operator.is_, changed, messages)) else changed


def _is_custom(call: Any) -> bool:
    return isinstance(call, dict) and call.get("type") == "custom" and isinstance(call.get("custom"), dict)


def _as_function(call: JSONObject) -> JSONObject:
    custom = call["custom"]
    return {**call, "type": "function", "function": {"name": custom.get("name"), "arguments": custom.get("input")}}


def _simplified(message: Any) -> Any:
    """
    Return a message with its role as a plain text, if it is a member of an Enum, and its parts and calls as
    dictionaries, which a caller may have taken from an answer as they are.
    """
    if not isinstance(message, dict):
        return message
    if isinstance(role := message.get("role"), str) and isinstance(role, Enum):
        message = {**message, "role": str(role.value)}
    for name in ("content", "tool_calls"):
        if isinstance(parts := message.get(name), (list, tuple)):
            plain = [_as_part(part) for part in parts]
            if any(one is not part for one, part in zip(plain, parts, strict=True)):
                message = {**message, name: plain}
    return message


def _as_part(part: Any) -> Any:
    """Return a part of a message, or a tool call, as a dictionary; unchanged if it is one already, or cannot be one."""
    fields = part
    if not isinstance(part, dict):
        fields = dict(part) if isinstance(part, Mapping) else _dumped(part)
    if not isinstance(fields, dict):
        return part
    function = fields.get("function")
    if function is None or (isinstance(function, dict) and fields is part):
        return fields if fields is part else without_none(fields)
    function = function if isinstance(function, dict) else _dumped(function)
    if function is None:
        return part
    return without_none({**fields, "function": {k: v for k, v in function.items() if k != "parsed_arguments"}})


_OF_ANSWERS = ("annotations", "id", "model", "parsed", "stop_reason", "stop_sequence", "type", "usage")
"""Fields of answers that no service takes in a message. Source: the objects of OpenAI's and Anthropic's libraries."""


def _from_answer(message: JSONObject) -> JSONObject:
    """Return an answer as services take it in the next request: without nulls, with sound by its id, or as text."""
    fields = {name: value for name, value in without_none(message).items() if name not in _OF_ANSWERS}
    if fields.get("role") == "assistant":
        fields.setdefault("content", None)
    if isinstance(calls := fields.get("tool_calls"), list):
        fields["tool_calls"] = [_as_part(call) for call in calls]
        for call in fields["tool_calls"]:
            if isinstance(call, dict) and isinstance(function := call.get("function"), dict):
                function.pop("parsed_arguments", None)
    if isinstance(audio := fields.pop("audio", None), dict):
        if fields.get("content") is None:
            fields["content"] = audio.get("transcript") or ""
        if "id" in audio:
            fields["audio"] = {"id": audio["id"]}
    return fields


def _explain(error: Exception, messages: list[Any]) -> str:
    text, _, path = str(error).partition(" - at `$.")
    text, path = shortened(text), path.rstrip("`")
    if not path:  # of a name: "… - at `key` in `$.messages[0]`"
        return text.replace("Expected", "the names of a message's fields must be plain texts: expected")
    if path.endswith(".role"):
        index = int(path[9 : path.index("]")])
        role = messages[index].get("role")
        return f"{path}: {quoted(role)} is not a role; use one of {', '.join(ROLES)}{did_you_mean(role, ROLES)}"
    if "missing required field `role`" in text:
        return f"{path}: the field 'role' is missing; use one of {', '.join(ROLES)}"
    place = path.rstrip("0123456789[]").rpartition(".")[2]
    right = f"; write {_RIGHT[place]}" if place in _RIGHT and text.startswith("Expected `object`") else ""
    return f"{path}: {text[0].lower()}{text[1:]}{right}"
