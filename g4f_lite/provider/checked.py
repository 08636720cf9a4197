"""
Checks what a provider's code returns, field by field. No I/O.

msgspec checks what it decodes, but nothing that Python code makes. What is decoded straight from a response is
therefore not checked again: `Provider._decodes`, `DecodedChunks`.
"""

from __future__ import annotations

import functools
import math
import types
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Annotated, Any, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct
from msgspec.structs import force_setattr

from ..errors.exceptions import MalformedResponseError
from ..types.chat import ChatCompletionChunk

S = TypeVar("S", bound=Struct)
MOST_CHUNKS = 1 << 17
"""Chunks that a parser may make of one piece of a body; a generator may never end."""
_OURS = frozenset({"trail", "parsed"})
"""Fields that a call sets itself."""
_encoder = msgspec.json.Encoder()


class DecodedChunks(tuple[ChatCompletionChunk, ...]):
    """Chunks that msgspec has decoded, so that the types of their fields are right."""

    __slots__ = ()


def check(value: object, kind: type[S], method: str) -> S:
    """
    Return what a method of a provider returned, with the types that it promises.

    What only nearly has them is put right in place: a list for a tuple, a subclass of `str`, a float for a count.

    Raises:
        MalformedResponseError: a field has another type; says which.
    """
    try:
        return _check(value, kind, "")
    except _MisfitError as misfit:
        raise MalformedResponseError(f"the provider's code returns {misfit} (in {method})") from None


def check_chunks(given: Iterable[Any], method: str) -> Sequence[ChatCompletionChunk]:
    """As `check`, for the chunks that a parser returns or yields."""
    if type(given) is DecodedChunks:
        return given
    some = islice(check_iterable(given, method), MOST_CHUNKS)
    chunks = [check(chunk, ChatCompletionChunk, method) for chunk in some]
    if len(chunks) == MOST_CHUNKS:
        raise MalformedResponseError(f"the provider's code makes {MOST_CHUNKS} chunks of one piece (in {method})")
    return chunks


def check_iterable(given: Iterable[Any], method: str) -> Iterable[Any]:
    """
    Raises:
        MalformedResponseError: it is nothing to iterate over, such as the coroutine of an `async def`.
    """
    if not isinstance(given, Iterable):
        raise MalformedResponseError(f"the provider's code returns {_shown(given)}, not chunks (in {method})")
    return given


def check_parser(parser: object) -> None:
    """
    Raises:
        MalformedResponseError: it lacks a method of `StreamParser`.
    """
    for method in ("feed", "close"):
        if not callable(getattr(parser, method, None)):
            raise MalformedResponseError(
                f"the provider's code returns {_shown(parser)}, which has no method {method} (in new_stream)"
            )


class _MisfitError(Exception):
    """A value has another type than it should; the message says which."""


class _Field(NamedTuple):
    name: str
    right: frozenset[type]
    """The types of values that need no closer look."""
    hint: Any
    optional: bool
    longest: int | None


@functools.cache
def _fields(kind: type[Struct]) -> tuple[_Field, ...]:
    hints = get_type_hints(kind, include_extras=True)
    return tuple(_field(one.name, hints[one.name]) for one in msgspec.structs.fields(kind) if one.name not in _OURS)


def _field(name: str, hint: Any) -> _Field:
    optional, longest = False, None
    if get_origin(hint) in (Union, types.UnionType) and type(None) in get_args(hint):
        optional = True
        others = tuple(one for one in get_args(hint) if one is not type(None))
        hint = others[0] if len(others) == 1 else Union[others]  # noqa: UP007  # made from a tuple
    if get_origin(hint) is Annotated:
        hint, limits = get_args(hint)
        longest = limits.max_length
    right = {type(None)} if optional else set()
    if hint in (str, int, bool, bytes):
        right.add(hint)
    return _Field(name, frozenset(right), hint, optional, longest)


def _check(value: Any, kind: type[S], path: str) -> S:
    if not isinstance(value, kind):
        raise _misfit(value, kind.__name__, path)
    for field in _fields(kind):
        own = getattr(value, field.name)
        if type(own) in field.right:
            continue
        where = f"{path}.{field.name}" if path else field.name
        try:
            fitting = _fitting(own, field, where)
        except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
            expected = field.hint.__name__ if isinstance(field.hint, type) else str(field.hint)
            raise _misfit(own, f"{expected} or None" if field.optional else expected, where) from None
        if fitting is not own:
            force_setattr(value, field.name, fitting)
    return value


def _fitting(value: Any, field: _Field, path: str) -> Any:
    """
    Return the value as the type of its field.

    Raises:
        TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError: it has another type.
    """
    hint = field.hint
    if hint is str and isinstance(value, str):
        return str.__str__(value)
    if hint in (int, float) and isinstance(value, (int, float)):
        if not math.isfinite(value):
            raise ValueError
        return value if type(value) is hint else hint(value)
    if isinstance(hint, type) and issubclass(hint, Struct):
        return _check(value, hint, path)
    item = get_args(hint)[0] if get_origin(hint) is tuple else None
    if isinstance(item, type) and issubclass(item, Struct):
        if not isinstance(value, (list, tuple)):
            raise TypeError
        if field.longest is not None and len(value) > field.longest:
            raise _MisfitError(f"more than {field.longest} {path}")
        items = [_check(one, item, f"{path}[{number}]") for number, one in enumerate(value)]
        return value if type(value) is tuple else tuple(items)
    if value or type(value) is not dict:  # in the usual case it is an empty `extra`
        _encoder.encode(value)
    return value if hint is Any else msgspec.convert(value, hint)


def _misfit(value: object, expected: str, path: str) -> _MisfitError:
    return _MisfitError(f"{path} as {_shown(value)}, not {expected}" if path else f"{_shown(value)}, not {expected}")


def _shown(value: object) -> str:
    """Return the name of a value's type. A coroutine, which nobody will await, is closed."""
    if isinstance(value, types.CoroutineType):
        value.close()
        return "a coroutine"
    return type(value).__name__
