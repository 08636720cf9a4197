"""Whether an answer fits the JSON Schema that was asked for. Keywords that are not here are not checked."""

from __future__ import annotations

import json
import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_DEEPEST = 200
"""What lies deeper is not checked: a schema may refer to itself for ever."""
_KINDS: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "boolean": (bool,), "null": (type(None),),
    "number": (int, float), "integer": (int,),
}  # fmt: skip
_BOUNDS: dict[str, Callable[[float, float], bool]] = {
    "minimum": operator.ge,
    "maximum": operator.le,
    "exclusiveMinimum": operator.gt,
    "exclusiveMaximum": operator.lt,
}


def misfit(text: str, schema: Mapping[str, Any]) -> str | None:
    """Return the first thing that is wrong with an answer; None if it fits."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        return f"it is no JSON: {error}"
    try:
        return next(_problems(value, schema, schema, "it", 0), None)
    except (AttributeError, LookupError, TypeError):  # the schema is malformed: whether it is taken, the service says
        return None


def _problems(value: Any, schema: Any, root: Mapping[str, Any], place: str, depth: int) -> Iterator[str]:
    if schema is False:
        yield f"{place} must not be there"
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return
    yield from _in_itself(value, schema, place)
    yield from _in_parts(value, schema, root, place, depth)
    if isinstance(value, dict):
        yield from _in_object(value, schema, root, place, depth)
    elif isinstance(value, list):
        yield from _size(len(value), schema, "Items", place)
        first = len(schema.get("prefixItems", ()))
        for index, one in enumerate(value[first:], first):
            yield from _problems(one, schema.get("items"), root, f"{place}[{index}]", depth + 1)
    elif isinstance(value, str):
        yield from _size(len(value), schema, "Length", place)
        if (pattern := schema.get("pattern")) and not _matches(pattern, value):
            yield f"{place} is {_shown(value)}, which does not match {pattern!r}"
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        for keyword, holds in _BOUNDS.items():
            if keyword in schema and not holds(value, schema[keyword]):
                yield f"{place} is {value}; {keyword} is {schema[keyword]}"


def _in_itself(value: Any, schema: Mapping[str, Any], place: str) -> Iterator[str]:
    if "type" in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if not any(_is(value, kind) for kind in kinds):
            yield f"{place} is {_shown(value)}, not {' or '.join(map(str, kinds))}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place} is {_shown(value)}, not one of {_shown(schema['enum'])}"
    if "const" in schema and value != schema["const"]:
        yield f"{place} is {_shown(value)}, not {_shown(schema['const'])}"


def _in_parts(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], place: str, depth: int) -> Iterator[str]:
    if isinstance(reference := schema.get("$ref"), str):
        yield from _problems(value, _referred(reference, root), root, place, depth + 1)
    for part in schema.get("allOf", ()):
        yield from _problems(value, part, root, place, depth + 1)
    for keyword in ("anyOf", "oneOf"):
        found = [next(_problems(value, part, root, place, depth + 1), None) for part in schema.get(keyword, ())]
        if found and all(found):
            yield str(found[0]) if len(found) == 1 else f"{place} fits none of `{keyword}`: {_shown(value)}"


def _in_object(
    value: Mapping[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], place: str, depth: int
) -> Iterator[str]:
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{place} lacks {name!r}"
    properties, patterns = schema.get("properties", {}), schema.get("patternProperties", ())
    for name, one in value.items():
        others = None if any(_matches(pattern, name) for pattern in patterns) else schema.get("additionalProperties")
        yield from _problems(one, properties.get(name, others), root, f"{place}.{name}", depth + 1)


def _is(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return math.isfinite(value) and value.is_integer()
    return isinstance(value, _KINDS.get(kind, (object,)))


def _size(size: int, schema: Mapping[str, Any], what: str, place: str) -> Iterator[str]:
    if size < schema.get(f"min{what}", 0) or size > schema.get(f"max{what}", size):
        yield f"{place} has {size} {'items' if what == 'Items' else 'characters'}, too few or too many"


def _matches(pattern: str, value: str) -> bool:
    try:
        return re.search(pattern, value) is not None
    except re.error:  # a pattern of JavaScript
        return True


def _referred(reference: str, root: Mapping[str, Any]) -> Any:
    """Return the schema that a reference within the document names; None if there is none."""
    found: Any = root
    for step in reference.removeprefix("#").split("/")[1:]:
        found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
    return found if reference.startswith("#") else None


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:60] + "…"
