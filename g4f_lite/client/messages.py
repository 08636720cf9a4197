"""The check of messages, before any I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

import msgspec
from msgspec import Struct

from ..errors.exceptions import InvalidRequestError
from ..suggestions import did_you_mean
from ..types.chat import Message, ToolCall
from ..types.json_values import find_fault
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
    except UnicodeEncodeError:
        raise InvalidRequestError(find_fault({"messages": plain}) or "messages cannot be written as JSON") from None
    except msgspec.ValidationError as error:
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
            f"write [{{'role': 'user', 'content': {messages[:20]!r}}}]"
        )
    if isinstance(messages, (Mapping, bytes)) or not isinstance(messages, Iterable):
        raise InvalidRequestError(f"messages must be a list of messages, not {type(messages).__name__}")
    return list(messages)


def _as_dict(message: Any) -> Any:
    """Return a message as a dictionary, or unchanged if it is no message: the check says where it is."""
    if isinstance(message, Message):
        return _from_answer(message)
    return dict(message) if isinstance(message, Mapping) else message


def _simplified(message: Any) -> Any:
    """
    Return a message with its role as a plain text, if it is a member of an Enum, and its calls as dictionaries, which a
    caller may have taken from an answer as they are.
    """
    if not isinstance(message, dict):
        return message
    if isinstance(role := message.get("role"), str) and isinstance(role, Enum):
        message = {**message, "role": str(role.value)}
    calls = message.get("tool_calls")
    if not isinstance(calls, (list, tuple)) or not any(isinstance(call, ToolCall) for call in calls):
        return message
    return {**message, "tool_calls": Message(tool_calls=tuple(calls)).to_dict()["tool_calls"]}


def _from_answer(message: Message) -> JSONObject:
    """Return an answer as services take it in the next request: sound by its id, or as text."""
    fields = message.to_dict()
    if (audio := fields.pop("audio", None)) is not None:
        if fields["content"] is None:
            fields["content"] = audio.get("transcript") or ""
        if "id" in audio:
            fields["audio"] = {"id": audio["id"]}
    return fields


def _explain(error: Exception, messages: list[Any]) -> str:
    text, _, path = str(error).partition(" - at `$.")
    path = path.rstrip("`")
    if not path:  # of a name: "… - at `key` in `$.messages[0]`"
        return text.replace("Expected", "the names of a message's fields must be plain texts: expected")
    if path.endswith(".role"):
        index = int(path[9 : path.index("]")])
        role = messages[index].get("role")
        return f"{path}: {role!r} is not a role; use one of {', '.join(ROLES)}{did_you_mean(str(role), ROLES)}"
    if "missing required field `role`" in text:
        return f"{path}: the field 'role' is missing; use one of {', '.join(ROLES)}"
    return f"{path}: {text[0].lower()}{text[1:]}"
