"""
Fits the messages of a conversation to what a service accepts, by the attributes of `OpenaiTemplate`. No I/O.

A conversation may come from other services, so its ids, fields and order may be theirs. Messages of the caller are
never changed, only replaced.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ...errors.exceptions import ConfigurationError
from ...errors.quoted_values import quoted
from ...types.call_ids import distinct_id, made_id
from ...value import JSONObject

_REASONING = ("reasoning_content", "reasoning")


def without_fields(message: JSONObject, dropped: frozenset[str]) -> JSONObject:
    """Return a message without these fields and without nulls; a refusal that is dropped becomes the content."""
    kept = {
        name: value
        for name, value in message.items()
        if name not in dropped and (value is not None or name == "content")
    }
    if "refusal" in dropped and message.get("refusal") and not message.get("content"):
        kept["content"] = message["refusal"]
    return kept


def fit_parts(parts: list[Any], foreign: frozenset[str], *, as_text: bool) -> list[Any] | str:
    """
    Return the parts of a content.

    Args:
        foreign: fields to leave out.
        as_text: return parts that are all text as one string.
    """
    if as_text:
        texts = [part["text"] for part in parts if part.get("type") == "text" and isinstance(part.get("text"), str)]
        if len(texts) == len(parts):  # other parts, such as an image or a mistake, are left to the service
            return "\n".join(texts)
    if not foreign:
        return parts
    return [_without(part, foreign) for part in parts]


def fit_calls(calls: Sequence[Any], foreign: frozenset[str]) -> list[Any]:
    """Return tool calls without foreign fields and without nulls; a call without arguments has an empty object."""
    return [_fit_call(call, foreign) if isinstance(call, dict) else call for call in calls]


def _fit_call(call: JSONObject, foreign: frozenset[str]) -> JSONObject:
    fitted = {name: value for name, value in call.items() if name not in foreign and value is not None}
    function = fitted.get("function")
    if isinstance(function, dict):
        arguments = function.get("arguments")
        if not arguments or (isinstance(arguments, str) and arguments.isspace()):
            fitted["function"] = {**function, "arguments": "{}"}
    return fitted


def fit_tools(tools: Sequence[Any], foreign: frozenset[str]) -> list[Any]:
    """Return tools without foreign fields, which may stand beside the function or in it."""
    fitted = []
    for tool in tools:
        own = _without(tool, foreign)
        if isinstance(own, dict) and "function" in own:
            own["function"] = _without(own["function"], foreign)
        fitted.append(own)
    return fitted


def _without(owner: Any, fields: frozenset[str]) -> Any:
    """Return a copy without these fields; what is no object unchanged."""
    return {k: v for k, v in owner.items() if k not in fields} if isinstance(owner, dict) else owner


def with_reasoning(message: JSONObject, field: str, missing: str) -> JSONObject:
    """Return an assistant's message with its reasoning, whatever its name was, in this field."""
    reasoning = next((message[name] for name in (field, *_REASONING) if message.get(name)), missing)
    kept = {name: value for name, value in message.items() if name not in _REASONING}
    return {**kept, field: reasoning} if reasoning else kept


def check_id_form(name: str, form: str) -> None:
    """
    Raises:
        ConfigurationError: no id that is made has the form.
    """
    try:
        fits = form is None or (isinstance(form, str) and not form) or re.fullmatch(form, made_id()) is not None
    except (re.error, TypeError):
        fits = False
    if not fits:
        raise ConfigurationError(
            f"{name}'s tool_call_id_form must be a regular expression for nine letters and digits; got {quoted(form)}"
        )


def with_paired_ids(messages: Sequence[JSONObject], form: str) -> list[JSONObject]:
    """
    Return the messages with distinct ids of tool calls in the service's form; results follow their calls.

    Args:
        form: as `OpenaiTemplate.tool_call_id_form`. With a form, ids are distinct in the whole conversation, else among
            the calls of one message.
    """
    fits = re.compile(form or r"(?s).+").fullmatch
    taken: set[str] = set()
    waiting: dict[str, list[str]] = {}
    """By the id that the caller wrote: the new ids of the calls, until they have a result; the last one stays."""
    paired: list[JSONObject] = []
    for message in messages:
        calls = message.get("tool_calls")
        if isinstance(calls, (list, tuple)) and calls:
            taken = taken if form else set()
            own: dict[str, list[str]] = {}
            renamed = []
            for call in calls:
                if not isinstance(call, dict):
                    renamed.append(call)
                    continue
                written = call.get("id") or ""
                id = written if fits(written) and written not in taken else distinct_id(taken, written)
                taken.add(id)
                own.setdefault(written, []).append(id)
                renamed.append(call if id == call.get("id") else {**call, "id": id})
            waiting |= own
            paired.append({**message, "tool_calls": renamed})
        elif message.get("role") == "tool":
            written = message.get("tool_call_id") or ""
            ids = waiting.get(written) or [written if fits(written) else distinct_id((), written)]
            id = ids.pop(0) if len(ids) > 1 else ids[0]
            paired.append(message if id == written else {**message, "tool_call_id": id})
        else:
            paired.append(message)
    return paired


def is_empty_answer(message: JSONObject) -> bool:
    """Tell whether the assistant says nothing in a message, and calls nothing."""
    said = any(message.get(name) for name in ("content", "tool_calls", "function_call", "audio", "refusal"))
    return message.get("role") == "assistant" and not said


def is_not_system(message: JSONObject) -> bool:
    return message.get("role") != "system"


def in_order(messages: list[JSONObject], bridge: str, prefill_field: str) -> list[JSONObject]:
    """Return the messages with what the service demands between a result and a user, and of a last message."""
    if bridge:
        ordered: list[JSONObject] = []
        for message in messages:
            if ordered and ordered[-1].get("role") == "tool" and message.get("role") == "user":
                ordered.append({"role": "assistant", "content": bridge})
            ordered.append(message)
        messages = ordered
    last = messages[-1] if len(messages) > 1 else {}
    if prefill_field and last.get("role") == "assistant" and not last.get("tool_calls"):
        messages[-1] = {prefill_field: True, **last}
    return messages
