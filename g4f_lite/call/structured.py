"""`response_model`: the JSON Schema of a caller's type, and texts parsed into it. No I/O."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from ..errors.exceptions import ConfigurationError, ToolCallError
from ..errors.places import describe, place_of
from ..errors.quoted_values import quoted, shortened
from ..errors.signal_handlers import raise_interruption
from ..provider.schema_fitting import Fitting, subschemas
from ..provider.schema_rules import AS_IT_IS
from ..provider.schema_sending import is_strict
from ..types.finish_reasons import is_cut
from ..value import NOT_JSON, JSONObject
from .json_in_text import json_texts
from .response_types import joined, members_of, name_of, reader_of

_KINDS = "a msgspec Struct, dataclass, TypedDict or pydantic model, or a list or union of them"


class MisfitError(Exception):
    """A text violates the schema; the message says where and why."""


def misfit_error(misfit: MisfitError, finish_reason: str | None, request: Any, status: int | None) -> ToolCallError:
    """Return the error for a text that violates the schema, with the code `length` if it was cut at a token limit."""
    if not is_cut(finish_reason):
        return ToolCallError(str(misfit), status=status)
    limit = request.max_completion_tokens or request.max_tokens
    which = f"max_tokens={limit}" if limit else "set a higher max_tokens"
    message = f"the answer was cut at the token limit ({which}) before its JSON was complete"
    return ToolCallError(message, status=status, code="length")


class ResponseModel:
    """
    The type of a completion's text: a msgspec Struct, dataclass, TypedDict or pydantic model; a list or union of them.

    Services want an object at the root, so a list or a union is sent as the only property of one.

    Raises:
        ConfigurationError: another kind of type, or one that has no JSON Schema.
    """

    def __init__(self, model: Any) -> None:
        self.name = name_of(model)
        members = members_of(model)
        for member in members:
            response_model(member)
        try:
            self._reader = reader_of(model)
        except Exception as error:  # of the caller's type; pydantic has its own kinds
            raise_interruption(error)
            reason = str(error)
            if reason.startswith("Generating JSON schema for custom types"):  # msgspec's own hooks are not for callers
                reason = f"{reason.splitlines()[-1].strip()}; it may be {_KINDS}"
            raise ConfigurationError(f"response_model {self.name} has no JSON Schema: {shortened(reason)}") from None
        schema = _rooted(self._reader.schema)
        self._property = ""
        if schema.get("type") != "object":
            if not members and not hasattr(model, "model_json_schema"):
                raise ConfigurationError(f"response_model must be {_KINDS}, not {self.name}")
            self._property = "items" if schema.get("type") == "array" else "answer"
            schema = _wrapped(schema, self._property)
        _close(schema)
        self.schema: JSONObject = schema
        self.strict = is_strict(schema)

    @property
    def response_format(self) -> JSONObject:
        """OpenAI's parameter for this type; `strict: None` lets each provider decide."""
        name = re.sub(r"[^a-zA-Z0-9_-]+", "_", self.name).strip("_")[:64]
        return {"type": "json_schema", "json_schema": {"name": name, "schema": self.schema, "strict": None}}

    def parse(self, text: str) -> Any:
        """
        Return a text parsed into the type.

        Raises:
            MisfitError: the text violates the schema.
        """
        complaints: list[str] = []
        for part in json_texts(text):
            own = self._unwrapped(part)
            try:
                return self._reader.parse(own)
            except Exception as error:  # msgspec's, pydantic's, or of a __post_init__
                raise_interruption(error)
                if not isinstance(error, (ValueError, msgspec.MsgspecError)):  # a bug of a validator
                    complaints = [f"{describe(error)} (at {place_of(error)})"]
                elif not complaints or _is_json(part):
                    with _lock:
                        complaints = self._reader.complaints(error, own)
        raise MisfitError(f"the answer does not match {self.name}: {joined(complaints)}") from None

    def _unwrapped(self, text: str) -> str:
        """Return the JSON of the only property, or the text if the model answered without the object around it."""
        if not self._property:
            return text
        try:
            fields = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        except (msgspec.ValidationError, *NOT_JSON):
            return text
        return bytes(fields[self._property]).decode() if fields.keys() == {self._property} else text


_lock = threading.RLock()
"""msgspec crashes the process if two threads use a type for the first time at once."""


@lru_cache(maxsize=256)
def response_model(model: Any) -> ResponseModel:
    """Return the `ResponseModel` of a caller's type; it is kept for each type."""
    with _lock:
        return ResponseModel(model)


def _after_fork() -> None:
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def with_response_format(params: Mapping[str, Any]) -> tuple[ResponseModel, Mapping[str, Any]]:
    """
    Return the call's `ResponseModel`, and the keywords with its `response_format`.

    Raises:
        ConfigurationError: the type cannot be used, or another keyword contradicts it.
    """
    model = params["response_model"]
    if params.get("response_format") is not None:
        raise ConfigurationError("give response_model or response_format, not both")
    if params.get("n") not in (None, 1):
        raise ConfigurationError("with response_model there is one choice only: n must be 1")
    try:
        known = response_model(model)
    except TypeError:  # it cannot be hashed
        raise ConfigurationError(f"response_model must be a type, not {quoted(model)}") from None
    return known, {**params, "response_format": known.response_format}


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except NOT_JSON:
        return False
    return True


def _rooted(schema: JSONObject) -> JSONObject:
    """Return a schema whose root is not a reference: OpenAI refuses such schemas."""
    if "$ref" not in schema:
        return schema
    pointer = schema["$ref"]
    root = Fitting(schema, AS_IT_IS).without_ref(schema)
    if f'"{pointer}"' in msgspec.json.encode(schema["$defs"]).decode():  # it refers to itself
        return root
    others = {name: one for name, one in schema["$defs"].items() if pointer != f"#/$defs/{name}"}
    return {**root, "$defs": others} if others else {name: one for name, one in root.items() if name != "$defs"}


def _wrapped(schema: JSONObject, name: str) -> JSONObject:
    """Return an object with the schema as its only property."""
    defined = {"$defs": schema["$defs"]} if "$defs" in schema else {}
    only = {key: one for key, one in schema.items() if key != "$defs"}
    return {"type": "object", "properties": {name: only}, "required": [name], **defined}


def _close(node: JSONObject) -> None:
    """Forbid further properties in all objects that name theirs."""
    if "properties" in node:
        node.setdefault("additionalProperties", False)
    for _, part in subschemas(node):
        _close(part)
