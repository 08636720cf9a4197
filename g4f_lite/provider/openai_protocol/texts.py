"""
Texts and arguments that came in another type than OpenAI's. No I/O.

Rule: what may carry text or arguments is read if its meaning is plain, else the answer is malformed. Nothing of it is
dropped in silence. Source of the shapes: docs/providers.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from ...errors.exceptions import MalformedResponseError
from ...types.chat import Message
from ...types.chunks import Delta
from ...types.size_limits import MAX_CHOICES, check_length
from ...value import MOST_ODD, JSONObject

_TEXTS = ("content", "refusal", "reasoning", "reasoning_content")
_INSIDE = ("text", "content", "value", "output_text", "input_text", "parts")
"""Where an object in place of a text may have it."""
_OF_REASONING = (*_INSIDE, "summary")
"""The same for a part of a type such as `reasoning`. Source: Databricks' API reference."""
_IMAGES = ("image_url", "image", "output_image")
_DEPTH = 8
_NUMBER = (int, float)


class Texts:
    """
    Makes plain strings of the texts and arguments of an answer, in place.

    Args:
        body: the JSON, which is read again if a number stands for a text: `1.50` is not `1.5`.
        reasoning_parts: as in `OpenaiTemplate.reasoning_parts`.
    """

    def __init__(self, body: bytes, reasoning_parts: Mapping[str, str]) -> None:
        self._body = body
        self._reasoning_parts = reasoning_parts
        self._exact: Any = None

    def settle(self, answer: Any, field: str) -> None:
        """
        Args:
            field: of a choice: `message` or `delta`.

        Raises:
            MalformedResponseError: a text cannot be read.
        """
        if not isinstance(answer, dict):
            return
        choices = _as_list(answer)
        for index, choice in enumerate(choices[:MAX_CHOICES]):
            if not isinstance(choice, dict):
                raise MalformedResponseError(f"the answer has no choices that can be read, but {_shown(choice)}")
            message = choice.get(field)
            if isinstance(message, str):
                choice[field] = {"content": message}
            elif isinstance(message, dict):
                if not _fits(message, field):
                    self._settle_message(message, ("choices", index, field))
            elif message:
                raise MalformedResponseError(f"a {field} cannot be read: {_shown(message)}")

    def _settle_message(self, message: JSONObject, path: tuple[str | int, ...]) -> None:
        content = _Parts()
        for name in _TEXTS:
            value = message.get(name)
            if value is None or isinstance(value, str):
                continue
            parts = content if name == "content" else _Parts()
            self._read(value, (*path, name), parts, _DEPTH)
            message[name] = "".join(parts.text) if parts.text or not parts.reasoning else None
        if content.reasoning:
            message["reasoning"] = "".join([*content.reasoning, message.get("reasoning") or ""])
        if content.refusal:
            message["refusal"] = "".join([message.get("refusal") or "", *content.refusal])
        if images := [*_images(message.get("images")), *content.images]:
            message["images"] = images
        if isinstance(sound := message.get("audio"), str):
            message["audio"] = {"data": sound} if sound else None
        self._settle_calls(message, path)
        if isinstance(call := message.get("function_call"), dict):
            self._settle_function(call, (*path, "function_call"))

    # -- texts -----------------------------------------------------------------------------

    def _read(self, value: Any, path: tuple[str | int, ...], into: _Parts, depth: int) -> None:
        if value is None:
            return
        if isinstance(value, str):
            into.text.append(value)
        elif isinstance(value, (bool, *_NUMBER)):  # a token of digits that the service took for a number
            into.text.append(self._literal(value, path))
        elif not depth:
            raise MalformedResponseError("a text is nested too deeply")
        elif isinstance(value, list):
            check_length(value, "parts of a content")
            for index, one in enumerate(value):
                self._read(one, (*path, index), into, depth - 1)
        else:
            self._read_part(value, path, into, depth)

    def _read_part(self, part: JSONObject, path: tuple[str | int, ...], into: _Parts, depth: int) -> None:
        kind = part.get("type")
        kind = kind if isinstance(kind, str) else ""
        thought_in = self._reasoning_parts.get(kind)
        if thought_in is None and "reasoning" in kind:
            thought_in = next((name for name in _OF_REASONING if part.get(name)), None)
        if thought_in is not None:
            thought = _Parts()
            self._read(part.get(thought_in), (*path, thought_in), thought, depth - 1)
            into.reasoning += [*thought.reasoning, *thought.text]
        elif kind in _IMAGES and (images := _images(part)):
            into.images += images
        elif isinstance(refusal := part.get("refusal"), str):
            into.refusal.append(refusal)
        elif (name := next((name for name in _INSIDE if part.get(name) is not None), None)) is not None:
            self._read(part[name], (*path, name), into, depth - 1)
        elif (not kind or kind.endswith("text")) and any(
            value is not None for key, value in part.items() if key != "type"
        ):
            raise MalformedResponseError(f"a text cannot be read: {_shown(part)}")

    def _literal(self, value: object, path: tuple[str | int, ...]) -> str:
        """Return a number as the service wrote it."""
        if isinstance(value, bool):
            return "true" if value else "false"
        if self._exact is None:
            self._exact = _with_literals(self._body)
            _as_list(self._exact)
        found = self._exact
        for step in path:
            found = found if step == 0 and isinstance(found, dict) else found[step]  # see `_settle_calls`
        return str(found)

    # -- calls -----------------------------------------------------------------------------

    def _settle_calls(self, message: JSONObject, path: tuple[str | int, ...]) -> None:
        calls = message.get("tool_calls")
        if isinstance(calls, dict):
            calls = message["tool_calls"] = [calls]
        if isinstance(calls, str) and calls:
            raise MalformedResponseError(f"tool calls cannot be read: {_shown(calls)}")
        if not isinstance(calls, list):
            return
        check_length(calls, "choices or tool calls")
        for index, call in enumerate(calls):
            if isinstance(call, (str, list)) and call:
                raise MalformedResponseError(f"a tool call cannot be read: {_shown(call)}")
            if not isinstance(call, dict):
                continue
            here = (*path, "tool_calls", index)
            if isinstance(id := call.get("id"), _NUMBER):
                call["id"] = self._literal(id, (*here, "id"))
            function = call.get("function")
            if isinstance(function, dict):
                self._settle_function(function, (*here, "function"))
            elif function:
                raise MalformedResponseError(f"a tool call cannot be read: {_shown(function)}")

    def _settle_function(self, function: JSONObject, path: tuple[str | int, ...]) -> None:
        arguments = function.get("arguments")
        if isinstance(arguments, (dict, list)):
            encoded = msgspec.json.encode(arguments)
            function["arguments"] = arguments = None  # in memory it is twice, not three times
            function["arguments"] = encoded.decode()
        elif isinstance(arguments, (bool, *_NUMBER)):
            function["arguments"] = self._literal(arguments, (*path, "arguments"))
        if isinstance(name := function.get("name"), _NUMBER):
            function["name"] = self._literal(name, (*path, "name"))
        elif name and not isinstance(name, str):
            raise MalformedResponseError(f"the name of a function cannot be read: {_shown(name)}")


def _with_literals(body: bytes) -> Any:
    """Return the decoded JSON, with texts in place of numbers; in a long one only in place of fractions."""
    if len(body) <= MOST_ODD:
        return json.loads(body, parse_int=str, parse_float=str, parse_constant=str)
    try:
        return msgspec.json.Decoder(float_hook=str).decode(body)
    except msgspec.DecodeError:
        raise MalformedResponseError("a number stands for a text, and the answer is no valid JSON") from None


def _fits(message: JSONObject, field: str) -> bool:
    try:
        msgspec.convert(message, Message if field == "message" else Delta)
    except msgspec.ValidationError:
        return False
    return True


def _as_list(answer: JSONObject) -> list[Any]:
    """Return the choices without nulls, and put them into the answer; a single one may come without a list."""
    choices = answer.get("choices")
    if isinstance(choices, dict) and (isinstance(_said(choices), str) or choices.get("finish_reason")):
        choices = [choices]
    elif not isinstance(choices, list):
        if choices:
            raise MalformedResponseError(f"the answer has no choices, but {_shown(choices)}")
        return []
    answer["choices"] = choices = [choice for choice in choices if choice is not None]
    return choices


def _said(choice: JSONObject) -> Any:
    """Return the content of a choice, or its role, if it has a message."""
    message = choice.get("message") or choice.get("delta")
    return (message.get("content") or message.get("role")) if isinstance(message, dict) else message


class _Parts:
    """What a content of several parts says."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.reasoning: list[str] = []
        self.refusal: list[str] = []
        self.images: list[JSONObject] = []


def _images(given: Any) -> list[JSONObject]:
    """Return images as parts with `image_url`; a string is the address of one."""
    images = []
    given = given if isinstance(given, list) else [given]
    check_length(given, "images")
    for one in given:
        if isinstance(one, str) and one:
            images.append({"type": "image_url", "image_url": {"url": one}})
        elif isinstance(one, dict) and one:
            address = one.get("image_url")
            images.append({**one, "image_url": {"url": address}} if isinstance(address, str) else one)
        elif one:
            raise MalformedResponseError(f"an image cannot be read: {_shown(one)}")
    return images


def _shown(value: object) -> str:
    if isinstance(value, (dict, list)):  # which may be nested more deeply than `str` can show
        return "a list" if isinstance(value, list) else f"an object with {', '.join(value)[:40] or 'nothing'}"
    return repr(str(value)[:40])
