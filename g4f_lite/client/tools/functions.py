"""From a Python function to the tool that is sent to the model, and from the model's arguments to keywords."""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, NotRequired, TypedDict, get_args, get_origin, get_type_hints
from weakref import WeakKeyDictionary

import msgspec

from ...call.response_types import joined, reader_of
from ...errors.exceptions import ConfigurationError
from ...errors.quoted_values import quoted
from ...errors.signal_handlers import raise_interruption
from ...errors.suggestions import install_hint
from ...types.json_values import is_encodable
from ...value import JSONObject

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""Source: OpenAI's reference of `tools[].function.name`."""


class ArgumentsError(Exception):
    """A model's arguments do not fit the function; the message says where and why."""


class FunctionTool:
    """
    A tool that is a Python function.

    The schema comes from its signature, descriptions from its docstring (Google, NumPy or Sphinx style) or from
    `Annotated[str, "what it is"]`.

    Raises:
        ConfigurationError: no schema can be made of the function.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.name = getattr(function, "__name__", "")
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name):
            raise ConfigurationError(
                f"{quoted(function)} cannot be a tool: give it a name with def, of letters and digits"
            )
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise ConfigurationError(f"{self.name}() cannot be a tool: it yields; let it return a list")
        self.is_async = inspect.iscoroutinefunction(function)
        hints = self._hints(function)
        self._reader = self._read(hints)
        description, parameters = _documented(function, self.name)
        schema = _rooted(self._reader.schema)
        schema.pop("title", None)
        for name, described in schema.get("properties", {}).items():
            said = next((one for one in _metadata(hints[name]) if isinstance(one, str)), parameters.get(name))
            if said:
                described.setdefault("description", said)
        fields = {"name": self.name, "description": description, "parameters": schema}
        self.tool: JSONObject = {"type": "function", "function": {key: value for key, value in fields.items() if value}}

    def _hints(self, function: Callable[..., Any]) -> dict[str, Any]:
        """Return the types of the parameters, in order."""
        try:
            hints = get_type_hints(function, include_extras=True)
            parameters = inspect.signature(function).parameters.values()
        except Exception as error:
            raise_interruption(error)
            raise ConfigurationError(f"{self.name}() cannot be a tool: {error}") from None
        found = {}
        for one in parameters:
            if one.kind not in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY):
                raise ConfigurationError(f"{self.name}() cannot be a tool: no keyword gives {one.name!r}")
            if one.name not in hints:
                raise ConfigurationError(f"{self.name}() cannot be a tool: its parameter {one.name!r} has no type")
            hint = hints[one.name]
            found[one.name] = hint if one.default is one.empty else NotRequired[hint]
        return found

    def _read(self, hints: Mapping[str, Any]) -> Any:
        try:
            return reader_of(_typed_dict()(self.name, hints))
        except Exception as error:  # msgspec's, or pydantic's
            raise_interruption(error)
            said = str(error).splitlines()[-1:]  # before it, msgspec speaks to authors of types
            raise ConfigurationError(f"{self.name}() cannot be a tool: {''.join(said)}") from None

    def keywords(self, arguments: str) -> dict[str, Any]:
        """
        Return the keywords in a model's JSON.

        Raises:
            ArgumentsError: it violates the schema.
        """
        text = arguments.strip() or "{}"
        try:
            found: dict[str, Any] = self._reader.parse(text)
        except Exception as error:  # msgspec's, pydantic's, or of a type's own __post_init__
            raise_interruption(error)
            raise ArgumentsError(joined(self._reader.complaints(error, text))) from None
        return found


def _typed_dict() -> Any:
    """Return what makes a TypedDict; before Python 3.12, pydantic takes only those of typing_extensions."""
    return getattr(sys.modules.get("typing_extensions"), "TypedDict", TypedDict)


_known: WeakKeyDictionary[Callable[..., Any], FunctionTool] = WeakKeyDictionary()
"""A tool does not hold its function, which else would stay for ever: handlers define them anew for each request."""


def function_tool(function: Callable[..., Any]) -> FunctionTool:
    """Return the tool of a function; raises as `FunctionTool`."""
    try:
        if (known := _known.get(function)) is not None:
            return known
        tool = _known[function] = FunctionTool(function)
    except TypeError:  # it has no hash, or no weak reference
        return FunctionTool(function)
    return tool


def as_tools(tools: Sequence[Any]) -> list[Any]:
    """Return the tools to send: functions become their descriptions, all else stays as it is."""
    return [function_tool(one).tool if callable(one) else one for one in tools]


def content_of(result: object) -> str:
    """Return a function's result as text for the model: text as it is, all else as JSON, or else as `str`."""
    if not isinstance(result, str):
        try:  # json, because msgspec writes NaN as null
            plain = msgspec.to_builtins(result, enc_hook=_plain, str_keys=True)
            result = plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
        except (TypeError, ValueError, RecursionError):
            result = str(result)
    return text_to_send(result)


def text_to_send(text: str) -> str:
    """Return a plain str that JSON can carry: half a surrogate pair, as names of files have, is U+FFFD."""
    plain = str.__str__(text)
    return plain if is_encodable(plain) else plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _plain(value: Any) -> Any:
    """Return what pydantic's models hold; a part that is no JSON becomes text, and the others stay JSON."""
    if callable(dump := getattr(value, "model_dump", None)):
        return dump(mode="json")
    return str.__str__(value if isinstance(value, str) else str(value))


def _metadata(hint: Any) -> tuple[Any, ...]:
    while get_origin(hint) is NotRequired:
        (hint,) = get_args(hint)
    return get_args(hint)[1:] if get_origin(hint) is Annotated else ()


def _rooted(schema: JSONObject) -> JSONObject:
    """Return a schema whose root is the object itself: services take no reference there."""
    reference = schema.get("$ref", "")
    if not reference.startswith("#/$defs/"):
        return dict(schema)
    others = dict(schema["$defs"])
    root = dict(others.pop(reference.removeprefix("#/$defs/")))
    return {**root, "$defs": others} if others else root


def _documented(function: Callable[..., Any], name: str) -> tuple[str, dict[str, str]]:
    """Return what a docstring says of a function, and of each of its parameters."""
    text = inspect.getdoc(function) or ""
    if "\n" not in text:
        return text, {}
    try:
        from docstring_parser import parse
    except ImportError:
        raise ConfigurationError(
            f"to read the docstring of {name}(), its tool needs the extra `tools`: {install_hint('tools')}"
        ) from None
    read = parse(text)
    description = "\n\n".join(filter(None, (read.short_description, read.long_description)))
    return description, {one.arg_name: " ".join(one.description.split()) for one in read.params if one.description}
