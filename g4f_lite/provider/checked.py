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
from operator import attrgetter
from typing import Annotated, Any, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct
from msgspec.structs import force_setattr

from ..errors.exceptions import MalformedResponseError
from ..types.chunks import ChatCompletionChunk
from ..types.logprobs import ChoiceLogprobs

S = TypeVar("S", bound=Struct)
MOST_CHUNKS = 1 << 17
"""Chunks that a parser may make of one piece of a body; a generator may never end."""
_OURS = frozenset({"trail"})
"""Fields that a call sets itself."""
_SCALARS = frozenset({str, int, float, bool, type(None)})
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
        raise MalformedResponseError(f"the provider's code returns {shown(given)}, not chunks (in {method})")
    return given


def check_parser(parser: object) -> None:
    """
    Raises:
        MalformedResponseError: it lacks a method of `StreamParser`.
    """
    for method in ("feed", "close"):
        if not callable(getattr(parser, method, None)):
            raise MalformedResponseError(
                f"the provider's code returns {shown(parser)}, which has no method {method} (in new_stream)"
            )


class _MisfitError(Exception):
    """A value has another type than it should; the message says which."""


class _Field(NamedTuple):
    name: str
    right: frozenset[type]
    """The types of values that need no closer look."""
    hint: Any
    longest: int | None
    struct: type[Struct] | None
    """The type, if it is a struct."""
    item: type[Struct] | None
    """The type of its items, if it is a tuple of structs."""
    loose: bool
    """Whether it may be any JSON, or have such parts."""
    expected: str
    """The type, for messages."""


class _Fields:
    """The fields of a struct; which of them need a closer look depends on the types of all."""

    MOST = 256

    def __init__(self, kind: type[Struct]) -> None:
        hints = get_type_hints(kind, include_extras=True)
        names = [name for name in kind.__struct_fields__ if name not in _OURS]
        self.fields = [_field(name, hints[name]) for name in names]
        # The field itself: to read `logprobs` makes objects, see `show_objects`.
        self.values = attrgetter(*["kept_logprobs" if name == "logprobs" else name for name in names])
        self._suspects: dict[tuple[type, ...], Sequence[int]] = {}

    def suspects(self, types: tuple[type, ...]) -> Sequence[int]:
        """Return the numbers of the fields whose values, of these types, need a closer look."""
        if (known := self._suspects.get(types)) is not None:
            return known
        found = tuple(number for number, field in enumerate(self.fields) if types[number] not in field.right)
        if len(self._suspects) < self.MOST:
            self._suspects[types] = found
        return found


_fields = functools.cache(_Fields)


def _field(name: str, hint: Any) -> _Field:
    optional, longest = False, None
    if isinstance(hint, TypeVar):  # of `parsed`
        hint = Any
    if get_origin(hint) in (Union, types.UnionType) and type(None) in get_args(hint):
        optional = True
        others = tuple(one for one in get_args(hint) if one is not type(None))
        hint = others[0] if len(others) == 1 else Union[others]  # noqa: UP007  # made from a tuple
    if get_origin(hint) is Annotated:
        hint, limits = get_args(hint)
        longest = limits.max_length
    right = {type(None)} if optional or hint is Any else set()
    if hint in (str, int, bool, bytes):
        right.add(hint)
    item = get_args(hint)[0] if get_origin(hint) is tuple else None
    expected = "JSON" if hint is Any else hint.__name__ if isinstance(hint, type) else str(hint)
    return _Field(
        name,
        frozenset(right),
        hint,
        longest,
        struct=_as_struct(hint),
        item=_as_struct(item),
        loose="Any" in str(hint),
        expected=f"{expected} or None" if optional else expected,
    )


def _as_struct(hint: Any) -> type[Struct] | None:
    return hint if isinstance(hint, type) and issubclass(hint, Struct) else None


def _check(value: Any, kind: type[S], path: str) -> S:
    if not isinstance(value, kind):
        raise _misfit(value, kind.__name__, path)
    known = _fields(kind)
    values = known.values(value)
    for number in known.suspects(tuple(map(type, values))):
        field, own = known.fields[number], values[number]
        where = f"{path}.{field.name}" if path else field.name
        try:
            fitting = _fitting(own, field, where)
        except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
            raise _misfit(own, field.expected, where) from None
        if fitting is not own:
            force_setattr(value, field.name, fitting)
    return value


def _fitting(value: Any, field: _Field, path: str) -> Any:
    """
    Return the value as the type of its field.

    Raises:
        TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError: it has another type.
    """
    hint, item = field.hint, field.item
    if field.struct is not None:
        return _check(value, field.struct, path)
    if item is not None:
        if not isinstance(value, (list, tuple)):
            raise TypeError
        if field.longest is not None and len(value) > field.longest:
            raise _MisfitError(f"more than {field.longest} {path}")
        items = [_check(one, item, f"{path}[{number}]") for number, one in enumerate(value)]
        return value if type(value) is tuple else tuple(items)
    if hint is str and isinstance(value, str):
        return str.__str__(value)
    if hint in (int, float) and isinstance(value, (int, float)):
        if not math.isfinite(value):
            raise ValueError
        return value if type(value) is hint else hint(value)
    if field.loose and (value or type(value) is not dict):  # in the usual case it is an empty `extra`
        value = _plain(value)
        _encoder.encode(value)
    return value if hint is Any else msgspec.convert(value, hint)


def _plain(value: Any) -> Any:
    """
    Return JSON without subclasses, whose methods could fail later, and with lists in place of tuples.

    Raises:
        TypeError: it has a part that JSON has no form for, such as bytes.
    """
    if type(value) in _SCALARS:
        return value
    if isinstance(value, ChoiceLogprobs):
        value = value.sent
    if isinstance(value, dict):
        return {_name(name): _plain(one) for name, one in dict.items(value)}
    if isinstance(value, (list, tuple)):
        items = list.__iter__(value) if isinstance(value, list) else tuple.__iter__(value)
        return [*map(_plain, items)]
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    raise TypeError


def _name(name: object) -> str:
    if type(name) is str:
        return name
    if isinstance(name, str):
        return str.__str__(name)
    if isinstance(name, int):
        return int.__repr__(name)
    raise TypeError


def _misfit(value: object, expected: str, path: str) -> _MisfitError:
    return _MisfitError(f"{path} as {shown(value)}, not {expected}" if path else f"{shown(value)}, not {expected}")


def shown(value: object) -> str:
    """Return the name of a value's type. A coroutine, which nobody will await, is closed."""
    if isinstance(value, types.CoroutineType):
        value.close()
        return "a coroutine"
    return type(value).__name__
