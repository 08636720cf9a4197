"""The types that `response_model` takes: their names and JSON Schemas, and JSON parsed into them. No I/O."""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, NotRequired, Required, Union, get_args, get_origin, get_type_hints

import msgspec
import msgspec.inspect

from ..errors.quoted_values import quoted
from ..errors.signal_handlers import raise_interruption
from ..provider.schema_fitting import subschemas
from ..value import NOT_JSON, JSONObject

_MOST_ERRORS = 20
_MOST_COUNTED = 1000
"""Complaints that are looked for: to find one takes about 0.5 ms."""
_LONGEST_ERROR = 300
_EXACT = 1 << 53
"""Above this, floats skip integers."""
_decimals = msgspec.json.Decoder(float_hook=Decimal)
_numbers_as_sent = msgspec.json.Encoder(decimal_format="number")


def name_of(model: Any) -> str:
    """Return how people write a type: `list[Hero]`, `Hero | Villain`."""
    origin, args = get_origin(model), get_args(model)
    if origin is Annotated:
        return name_of(args[0])
    if origin in (Union, types.UnionType):
        return " | ".join(map(name_of, args))
    if origin is not None and args:
        return f"{name_of(origin)}[{', '.join(map(name_of, args))}]"
    if model is type(None):
        return "None"
    return "..." if model is Ellipsis else getattr(model, "__name__", None) or quoted(model)


def members_of(model: Any) -> list[Any]:
    """Return the types that a list, a mapping or a union consists of; [] for a type of its own."""
    origin, args = get_origin(model), get_args(model)
    if origin is Annotated:
        return members_of(args[0])
    if origin in (Union, types.UnionType):
        return [one for one in args if one is not type(None)]
    if isinstance(origin, type) and origin.__module__ in ("builtins", "collections.abc"):
        return [one for one in args[issubclass(origin, dict) or "Mapping" in origin.__name__ :] if one is not Ellipsis]
    return []


def _with_integers(value: Any) -> Any:
    """Return JSON with 3 in place of 3.0, which is an integer for JSON Schema (2020-12, §4.2.3), as pydantic has it."""
    if isinstance(value, Decimal):
        return int(value) if abs(value) < _EXACT and value == int(value) else value
    if isinstance(value, list):
        return [_with_integers(one) for one in value]
    return {name: _with_integers(one) for name, one in value.items()} if isinstance(value, dict) else value


class MsgspecType:
    """A type that msgspec reads: a Struct, dataclass, TypedDict, attrs class, or a composition of them."""

    def __init__(self, model: Any) -> None:
        self.schema: JSONObject = msgspec.json.schema(model)
        self._model = model
        self._decoder = msgspec.json.Decoder(model)
        for one in _typed_dicts(msgspec.inspect.type_info(model), set()):
            _put_in_order(self.schema, one)

    def parse(self, text: str) -> Any:
        try:
            return self._decoder.decode(text)
        except msgspec.ValidationError as error:
            if "got `float`" not in str(error):
                raise
            whole = _numbers_as_sent.encode(_with_integers(_decimals.decode(text)))
            try:
                return self._decoder.decode(whole)
            except msgspec.ValidationError:
                raise error from None

    def complaints(self, error: Exception, text: str) -> list[str]:
        try:
            return _violations(self._model, msgspec.json.decode(text)) or [str(error)]
        except NOT_JSON:
            return [str(error)]


class PydanticModel:
    """A pydantic model, by the methods of its class."""

    def __init__(self, model: Any) -> None:
        self.schema: JSONObject = model.model_json_schema()
        self._model = model

    def parse(self, text: str) -> Any:
        return self._model.model_validate_json(text)

    def complaints(self, error: Exception, text: str) -> list[str]:
        return _complaints(error)


class PydanticType:
    """Another type that pydantic reads."""

    def __init__(self, model: Any) -> None:
        self._adapter = sys.modules["pydantic"].TypeAdapter(model)
        self.schema: JSONObject = self._adapter.json_schema()

    def parse(self, text: str) -> Any:
        return self._adapter.validate_json(text)

    def complaints(self, error: Exception, text: str) -> list[str]:
        return _complaints(error)


def reader_of(model: Any) -> MsgspecType | PydanticModel | PydanticType:
    """
    Return the schema and the parser of a type.

    Raises:
        Exception: the type has none; what is raised is the library's own.
    """
    if hasattr(model, "model_json_schema") and hasattr(model, "model_validate_json"):
        return PydanticModel(model)
    if "pydantic" not in sys.modules:
        return MsgspecType(model)
    if _is_pydantic(model):
        return PydanticType(model)
    try:
        return MsgspecType(model)
    except TypeError as error:  # a field may be a pydantic model
        try:
            return PydanticType(model)
        except Exception as second:
            raise_interruption(second)
            raise error from None


def _is_pydantic(model: Any) -> bool:
    return hasattr(model, "__pydantic_core_schema__") or any(map(_is_pydantic, get_args(model)))


def _complaints(error: Any) -> list[str]:
    """Return pydantic's errors without their links and without the caller's text."""
    if not callable(getattr(error, "errors", None)):
        return [re.sub(r"\s*(\[type=[^\]]*\])?\s*For further information visit \S+", "", str(error))]
    found = [(".".join(map(str, one.get("loc", ()))), one.get("msg", "")) for one in error.errors()]
    return [f"{path}: {message}" if path else message for path, message in found]


def _violations(model: Any, value: Any, path: str = "$") -> list[str]:
    """Return what msgspec says about a value, up to about `_MOST_COUNTED` times; it raises only the first."""
    try:
        msgspec.convert(value, model, str_keys=True)
        return []
    except Exception as error:
        raise_interruption(error)
        message, _, inner = str(error).partition(" - at `$")
    found: list[str] = []
    fields = getattr(msgspec.inspect.type_info(model), "fields", ()) if isinstance(value, dict) else ()
    if fields:
        hints = _hints(model)
        for field in fields:
            if len(found) >= _MOST_COUNTED:
                break
            if field.encode_name in value:
                found += _violations(_bare(hints[field.name]), value[field.encode_name], f"{path}.{field.encode_name}")
            elif field.required:
                found.append(f"Object missing required field `{field.encode_name}` - at `{path}`")
    elif isinstance(value, list) and get_origin(model) is list:
        for index, one in enumerate(value):
            if len(found) >= _MOST_COUNTED:
                break
            found += _violations(get_args(model)[0], one, f"{path}[{index}]")
    where = f"{path}{inner.rstrip('`')}"
    return found or [message if where == "$" else f"{message} - at `{where}`"]


def _bare(hint: Any) -> Any:
    """Return the type of a TypedDict's field without NotRequired or Required, which msgspec takes only there."""
    while get_origin(hint) in (NotRequired, Required):
        (hint,) = get_args(hint)
    return hint


def joined(complaints: list[str]) -> str:
    """Return complaints in one line, each of them short."""
    short = [" ".join(one.split())[:_LONGEST_ERROR] for one in complaints[:_MOST_ERRORS]]
    if (more := len(complaints) - len(short)) > 0:
        short.append(f"and {more} more" if len(complaints) < _MOST_COUNTED else "and many more")
    return "; ".join(short)


def _hints(model: Any) -> dict[str, Any]:
    return get_type_hints(get_origin(model) or model, include_extras=True)


# -- the order of the fields of a TypedDict ------------------------------------------------


def _typed_dicts(info: Any, seen: set[int]) -> Iterator[Any]:
    """Yield the TypedDicts in what msgspec knows about a type."""
    if isinstance(info, tuple):
        for one in info:
            yield from _typed_dicts(one, seen)
    elif isinstance(info, (msgspec.inspect.Type, msgspec.inspect.Field)) and id(info) not in seen:
        seen.add(id(info))
        if isinstance(info, msgspec.inspect.TypedDictType):
            yield info.cls
        for name in info.__struct_fields__:
            yield from _typed_dicts(getattr(info, name), seen)


def _put_in_order(node: JSONObject, typed_dict: Any) -> None:
    """Put the properties of a TypedDict into the order of its definition: msgspec sorts them by name."""
    name = (get_origin(typed_dict) or typed_dict).__name__
    order = list(_hints(typed_dict))
    properties = node.get("properties", {})
    if str(node.get("title")).partition("[")[0] == name and properties.keys() == set(order):
        node["properties"] = {name: properties[name] for name in order}
        node["required"] = [name for name in order if name in node["required"]]
    for _, part in subschemas(node):
        _put_in_order(part, typed_dict)
