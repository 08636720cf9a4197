"""
`OUT.job.json`: what the job is whose output lies there.

A later run goes on only with the same job. What may change between runs, such as keys, limits, the cap and how many
calls are made at once, does not stand in it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from ..errors.exceptions import ConfigurationError
from ..types.regular_files import read_regular
from .journal import failures_of
from .settings import state_files

_SHOWN = 60


def manifest_of(out: Path) -> Path:
    """Return the file that says what the job is."""
    return out.with_name(f"{out.name}.job.json")


def read_manifest(out: Path) -> dict[str, Any]:
    """
    Return what the job is; {} if there is none yet, or no row of it: then another one may take its place.

    Raises:
        ConfigurationError: there is an output of something else.
    """
    path = manifest_of(out)
    written = [one for one in (out, failures_of(out)) if one.exists() and one.stat().st_size]
    try:
        found = msgspec.json.decode(read_regular(path), type=dict[str, Any])
    except FileNotFoundError:
        if not written:
            return {}
        raise ConfigurationError(f"{written[0]} exists and is none of a bulk job; choose another output") from None
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigurationError(f"{path} cannot be read ({error}); delete it and {out}, or choose another") from None
    return found if written else {}


def write_manifest(out: Path, job: Mapping[str, Any]) -> None:
    """
    Raises:
        OSError: it cannot be written.
    """
    path = manifest_of(out)
    new = path.with_name(f"{path.name}.new")
    with new.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(job), indent=2) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def as_plain(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return a job as JSON has it; what JSON cannot carry is named by its type."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(job, enc_hook=_named))
    return plain


def _named(value: Any) -> str:
    name = getattr(value, "name", None)
    return name if isinstance(name, str) else getattr(value, "__name__", type(value).__name__)


def check_same(out: Path, was: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """
    Raises:
        ConfigurationError: the job in the output is another one; the message says what has changed.
    """
    if changes := list(_changes(was, now)):
        beside = (manifest_of(out), failures_of(out), *state_files(out))
        names = ", ".join(one.name for one in beside if one.exists())
        raise ConfigurationError(
            f"{out} is the output of another job: {'; '.join(changes)}. Choose another output, or delete this one with"
            f" {names}"
        )


def _changes(was: Any, now: Any, path: str = "") -> Iterator[str]:
    if isinstance(was, dict) and isinstance(now, dict):
        for name in dict.fromkeys([*was, *now]):
            yield from _changes(was.get(name), now.get(name), f"{path}.{name}" if path else name)
    elif was != now:
        yield f"{path} was {_short(was)} and is {_short(now)}"


def _short(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return f"{text[:_SHOWN]}…" if len(text) > _SHOWN else text
