"""Settings from a TOML file: a struct for each table, and errors that say where, with the nearest known name."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from ..errors.exceptions import ConfigurationError
from ..errors.quoted_values import quoted
from ..errors.suggestions import did_you_mean


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file: unknown names are errors."""

    EXAMPLE: ClassVar[str] = ""
    """What to write if something else stands in its place."""


T = TypeVar("T", bound=Table)
_TOML = {str: "a text", int: "a number", float: "a number", bool: "true or false", list: "a list", dict: "a table"}
_WORDS = {
    "str": "a text", "int": "a whole number", "float": "a number", "bool": "true or false", "array": "a list",
    "object": "a table",
}  # fmt: skip
"""What msgspec calls the types of JSON."""
_WRONG_TYPE = re.compile(r"Expected `([\w| ]+)`, got `(\w+)`").fullmatch


def read_toml(path: Path) -> dict[str, Any]:
    """
    Return what a file says.

    Raises:
        ConfigurationError: it cannot be read.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: {error}") from None
    except RecursionError:
        raise ConfigurationError(f"{path}: it is nested too deep") from None


def converted(found: Mapping[str, Any], kind: type[T], source: str) -> T:
    """
    Return a decoded file as the struct of its top level.

    Raises:
        ConfigurationError: a name is unknown, or a value has the wrong type; the message says where.
    """
    _check_names(found, kind, source, "")
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as error:
        place, message = _mistake(found, kind, "", str(error))
        raise ConfigurationError(f"{source}: {f'{place}: ' if place else ''}{message}") from None


def _mistake(found: Any, kind: Any, place: str, message: str) -> tuple[str, str]:
    """Return where the value is that cannot be one of a kind, and what it must be; msgspec names no keys."""
    for name, value, own in _parts(found, kind):
        try:
            msgspec.convert(value, own)
        except msgspec.ValidationError as error:
            return _mistake(
                value, own, f"{place}{name}" if name[0] == "[" else f"{place}.{name}".strip("."), str(error)
            )
    message, kinds = message.partition(" - at `$")[0], [kind, *get_args(kind)]
    if examples := [example for one in kinds if (example := getattr(one, "EXAMPLE", ""))]:
        return place, f"must be {examples[0]}, not {_TOML.get(type(found), 'that')}"
    for one in kinds:
        if get_origin(one) is Literal:
            known = [str(value) for value in get_args(one)]
            hint = did_you_mean(found, known) if isinstance(found, str) else ""
            return place, f"must be {', '.join(known)}, not {quoted(found)}{hint}"
    if (wrong := _WRONG_TYPE(message)) and wrong[2] in _WORDS:
        wanted = [_WORDS[one] for one in wrong[1].split(" | ") if one in _WORDS]
        return place, f"must be {' or '.join(wanted)}, not {_WORDS[wrong[2]]}"
    return place, message


def _parts(found: Any, kind: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield what stands in a table or a list: its name, its value, and what it is to be."""
    for one in get_args(kind) if isinstance(kind, UnionType) or get_origin(kind) is Union else (kind,):
        if isinstance(found, dict) and isinstance(one, type) and issubclass(one, Table):
            kinds = get_type_hints(one)
            yield from ((name, value, kinds[name]) for name, value in found.items() if name in kinds)
        elif isinstance(found, dict) and get_origin(one) is dict:
            yield from ((name, value, get_args(one)[1]) for name, value in found.items())
        elif isinstance(found, list) and get_origin(one) in (list, tuple):
            yield from ((f"[{number}]", value, get_args(one)[0]) for number, value in enumerate(found))


def _check_names(found: Any, kind: Any, source: str, path: str) -> None:
    """Refuse a name that no table has, with the nearest one that it has."""
    kinds = [one for one in (get_args(kind) or (kind,)) if isinstance(one, type) and issubclass(one, Table)]
    if get_origin(kind) is dict and isinstance(found, dict):
        for name, value in found.items():
            _check_names(value, get_args(kind)[1], source, f"{path}.{name}".strip("."))
    elif isinstance(found, list):
        for number, value in enumerate(found, 1):
            _check_names(value, next(iter(get_args(kind)), None), source, f"{path}, number {number}")
    elif kinds and isinstance(found, dict):
        fields = get_type_hints(kinds[0])
        for name, value in found.items():
            if name not in fields:
                where = f"[{path}] " if path else ""
                raise ConfigurationError(f"{source}: {where}unknown name {name!r}{did_you_mean(name, list(fields))}")
            _check_names(value, fields[name], source, f"{path}.{name}".strip("."))
