"""`response_model`: the JSON Schema of a caller's type, and texts parsed into it. No I/O."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from ..errors.exceptions import ConfigurationError
from ..value import JSONObject

_FENCE = re.compile(r"\s*```\w*\s*\n(.*?)\n?\s*```\s*", re.DOTALL)
"""Models without a JSON mode often put JSON into a code block."""


class MisfitError(Exception):
    """A text violates the schema; the message says where and why."""


class ResponseModel:
    """
    The type of a completion's text: a msgspec Struct, dataclass, TypedDict or pydantic model.

    Raises:
        ConfigurationError: another kind of type, or one that has no JSON Schema.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self.name = getattr(model, "__name__", "")
        self._pydantic = hasattr(model, "model_json_schema") and hasattr(model, "model_validate_json")
        try:
            schema = model.model_json_schema() if self._pydantic else msgspec.json.schema(model)
            self._decoder = None if self._pydantic else msgspec.json.Decoder(model)
        except Exception as error:  # of the caller's type; pydantic has its own kinds
            raise ConfigurationError(f"response_model {self.name or model!r} has no JSON Schema: {error}") from None
        self.schema: JSONObject = _rooted(schema)
        if not self.name or self.schema.get("type") != "object":
            raise ConfigurationError(
                "response_model must be a msgspec Struct, dataclass, TypedDict or pydantic model, "
                f"not {self.name or model!r}"
            )
        self.strict = _close(self.schema)

    @property
    def response_format(self) -> JSONObject:
        """OpenAI's parameter for this type."""
        name = re.sub(r"[^a-zA-Z0-9_-]", "_", self.name)[:64]
        return {"type": "json_schema", "json_schema": {"name": name, "schema": self.schema, "strict": self.strict}}

    def parse(self, text: str) -> Any:
        """
        Return a text parsed into the type.

        Raises:
            MisfitError: the text violates the schema.
        """
        if (fenced := _FENCE.fullmatch(text)) is not None:
            text = fenced[1]
        try:
            return self._decoder.decode(text) if self._decoder else self._model.model_validate_json(text)
        except Exception as error:  # msgspec's, pydantic's, or of a __post_init__
            raise MisfitError(f"the answer does not match {self.name}: {' '.join(str(error).split())[:300]}") from None


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
        raise ConfigurationError(f"response_model must be a type, not {model!r}") from None
    return known, {**params, "response_format": known.response_format}


def _rooted(schema: JSONObject) -> JSONObject:
    """Return a schema whose root is not a reference: OpenAI refuses such schemas."""
    if (found := re.fullmatch(r"#/\$defs/(.+)", schema.get("$ref", ""))) is None:
        return schema
    defined = schema["$defs"]
    root = {**defined[found[1]]}
    if f'"{schema["$ref"]}"' in msgspec.json.encode(defined).decode():  # it refers to itself
        return {**root, "$defs": defined}
    others = {name: one for name, one in defined.items() if name != found[1]}
    return {**root, "$defs": others} if others else root


def _close(node: Any) -> bool:
    """Forbid further fields in all objects; return whether no field is optional, so that `strict` may be set."""
    if isinstance(node, list):
        without_optional = [_close(one) for one in node]  # visits all of them, even after a False
        return all(without_optional)
    if not isinstance(node, dict):
        return True
    strict = True
    if node.get("type") == "object":
        properties = node.get("properties")
        if isinstance(properties, dict):
            node.setdefault("additionalProperties", False)
            strict = node["additionalProperties"] is False and set(node.get("required", ())) == set(properties)
        else:
            strict = False  # any names
    return _close(list(node.values())) and strict
