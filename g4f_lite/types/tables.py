"""Settings from a TOML file: a struct for each table, and errors that say where, with the nearest known name."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from ..errors.exceptions import ConfigurationError
from ..errors.suggestions import did_you_mean


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file: unknown names are errors."""


T = TypeVar("T", bound=Table)


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
        message, _, place = str(error).partition(" - at `$")
        place = place.strip("`.")
        raise ConfigurationError(f"{source}: {f'{place}: ' if place else ''}{message}") from None


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
