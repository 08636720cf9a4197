"""A scenario as TOML, as `load` reads it. What has its default is left out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from math import inf
from typing import Any

import msgspec

from .scenario import Scenario

_LONGEST = 110


def to_toml(scenario: Scenario) -> str:
    """Return the text of a file that says the same."""
    return "\n".join(_table(_plain(scenario), "")).strip() + "\n"


def _plain(value: Any) -> Any:
    """Return structs as dictionaries, without what has its default."""
    if isinstance(value, msgspec.Struct):
        defaults = {field.name: _default(field) for field in msgspec.structs.fields(value)}
        given = {name: getattr(value, name) for name in value.__struct_fields__}
        return {name: _plain(one) for name, one in given.items() if one != defaults[name]}
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()


def _table(table: Mapping[str, Any], path: str) -> Iterator[str]:
    """Yield the lines of a table: its values, then the tables in it."""
    inner = {name: value for name, value in table.items() if _is_table(value, path)}
    for name, value in table.items():
        if name not in inner:
            yield f"{_key(name)} = {_value(value)}"
    for name, value in inner.items():
        place = f"{path}.{_key(name)}".lstrip(".")
        if isinstance(value, list):
            for one in value:
                yield f"\n[[{place}]]"
                yield from _table(one, place)
        else:
            if any(not _is_table(one, place) for one in value.values()) or not value:
                yield f"\n[{place}]"
            yield from _table(value, place)


def _is_table(value: Any, path: str) -> bool:
    """Return whether a value has a table of its own: what is small enough is written into one line."""
    if isinstance(value, dict):
        holds_more = any(isinstance(one, (dict, list)) for one in value.values())
        return path in ("", "services") or holds_more or len(_value(value)) > _LONGEST
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return (
            "{ " + ", ".join(f"{_key(name)} = {_value(one)}" for name, one in value.items()) + " }" if value else "{}"
        )
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, float):
        return "inf" if value == inf else repr(round(value, 6))
    return json.dumps(value)


def _key(name: str) -> str:
    return name if name and all(one.isascii() and (one.isalnum() or one in "-_") for one in name) else json.dumps(name)
