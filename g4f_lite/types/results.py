"""The base of results: their forms as plain data and as JSON, their short `repr`, and unknown fields as attributes."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from ..errors.other_names import no_attribute
from ..value import JSONObject, Value

_SENT_BACK = ("extra_content", "reasoning_details")
_OURS = "g4f_lite."
_SHOWN, _ITEMS = 60, 4
"""Characters of a text, and items of a list or an object, that a `repr` shows."""


class Result(Value, frozen=True, kw_only=True):
    """Base of all results and their parts."""

    _ours: ClassVar[frozenset[str]] = frozenset()
    """Fields that OpenAI's object does not have: `model_dump` omits them if they are None."""

    def to_dict(self) -> JSONObject:
        """Return OpenAI's JSON of this object, without fields that are not set."""
        plain: JSONObject = _plain(msgspec.to_builtins(self))  # bytes become base64
        return plain

    def to_json(self, *, indent: int | None = 2) -> str:
        """Return `to_dict()` as a text of JSON; bytes are base64."""
        return _as_json(self.to_dict(), indent, ensure_ascii=False)

    def model_dump(
        self,
        *,
        mode: str = "python",
        include: Collection[str] | None = None,
        exclude: Collection[str] | None = None,
        by_alias: bool | None = None,
        exclude_unset: bool = False,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
        round_trip: bool = False,
        warnings: bool | str = True,
        context: Any = None,
        serialize_as_any: bool = False,
        fallback: Callable[[Any], Any] | None = None,
    ) -> JSONObject:
        """
        Return OpenAI's JSON as a dictionary, as the objects of OpenAI's library do: with all that the service sent, and
        with None for each field of OpenAI's object that did not come.

        Args:
            include: names of the fields to return.
            exclude: names of the fields to omit.
            exclude_unset: as `to_dict()`.
            exclude_none, exclude_defaults: omit fields that are None, here and in all parts.

        The other keywords are pydantic's. They change nothing: what is returned is plain JSON, bytes are base64.
        """
        plain = self.to_dict() if exclude_unset else _with_nulls(self, self._full_dict())
        if exclude_none or exclude_defaults:
            plain = without_none(plain)
        return {
            name: value
            for name, value in plain.items()
            if (include is None or name in include) and (exclude is None or name not in exclude)
        }

    def model_dump_json(self, *, indent: int | None = None, ensure_ascii: bool = False, **others: Any) -> str:
        """Return `model_dump()` as a text; the keywords are those of `model_dump`, and those of `json.dumps`."""
        return _as_json(self.model_dump(**others), indent, ensure_ascii=ensure_ascii)

    def _full_dict(self) -> JSONObject:
        """Return `to_dict()`, with the extra fields of this object, which a part may leave out there."""
        extra = getattr(self, "extra", None)
        return {**self.to_dict(), **extra} if isinstance(extra, dict) else self.to_dict()

    def __repr__(self) -> str:
        known = (
            f"{field.name}={shown(value)}"
            for field in msgspec.structs.fields(self)
            if (value := getattr(self, field.name)) != field.default
            and field.name not in ("trail", "raw_json")
            and not (isinstance(value, (dict, str)) and not value)
        )
        return f"{type(self).__name__}({', '.join(known)})"


class OpenResult(Result, frozen=True, kw_only=True):
    """A result whose unknown fields, those in `extra`, are attributes, too."""

    if not TYPE_CHECKING:  # a checker must not believe that every name exists

        def __getattr__(self, name: str) -> Any:
            if name[:1] != "_" and name in (extra := self.extra):
                return extra[name]
            kind = type(self).__name__
            raise AttributeError(no_attribute(f"{kind!r} object", name, kind), name=name, obj=self)


class SentField:
    """An attribute for a field of OpenAI's object that is kept in `extra`; None if it did not come."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, result: Any, kind: type | None = None) -> Any:
        return self if result is None else result.extra.get(self._name)


def without_none(value: Any) -> Any:
    """Return JSON without nulls; what goes back to a service unchanged keeps them."""
    if isinstance(value, dict):
        return {
            name: item if name in _SENT_BACK else without_none(item) for name, item in value.items() if item is not None
        }
    return [without_none(item) for item in value] if isinstance(value, (list, tuple)) else value


def unknown_fields(given: JSONObject, kind: type[msgspec.Struct]) -> JSONObject:
    """Return the fields of a JSON object that a struct has no attribute for; nulls are omitted."""
    rest = given.keys() - kind.__struct_encode_fields__
    return {name: value for name in given if name in rest and (value := given[name]) is not None} if rest else {}


def _plain(value: Any) -> Any:
    """Omit fields that are not set, and our own."""
    if isinstance(value, dict):
        kept = {name: one for name, one in value.items() if one is not None and not name.startswith(_OURS)}
        if "custom" in kept:  # a tool call, whose name and text are in `function` too
            kept.pop("function", None)
        return {name: one if name in _SENT_BACK else _plain(one) for name, one in kept.items()}
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], dict):
        return [_plain(one) for one in value]
    return list(value) if isinstance(value, tuple) else value


def _with_nulls(result: Result, plain: JSONObject) -> JSONObject:
    """Return OpenAI's JSON of a result with what it and its parts leave out because it is None."""
    full = dict(plain)
    for name, its_name in zip(result.__struct_fields__, result.__struct_encode_fields__, strict=True):
        if its_name.startswith(_OURS):
            continue
        value, inside = getattr(result, name), plain.get(its_name)
        if isinstance(value, Result) and isinstance(inside, dict):
            full[its_name] = _with_nulls(value, inside)
        elif isinstance(value, tuple) and isinstance(inside, list) and value and isinstance(value[0], Result):
            full[its_name] = [_with_nulls(*pair) for pair in zip(value, inside, strict=False)]
        elif name not in result._ours:
            full.setdefault(its_name, None)
    for kind in type(result).__mro__:
        for name, one in vars(kind).items():
            if isinstance(one, SentField):
                full.setdefault(name, None)
    return full


def _as_json(plain: JSONObject, indent: int | None, *, ensure_ascii: bool) -> str:
    separators = (",", ":") if indent is None else None
    return json.dumps(plain, indent=indent, ensure_ascii=ensure_ascii, separators=separators)


def shown(value: Any) -> str:
    """Return a short `repr`: the beginning of a text, the first items of a list or an object, the length of bytes."""
    if isinstance(value, str):
        return f"{value[:_SHOWN]!r}…" if len(value) > _SHOWN else repr(value)
    if isinstance(value, (bytes, bytearray)):
        return f"<{len(value)} bytes>"
    if isinstance(value, dict):
        items = [f"{shown(name)}: {shown(one)}" for name, one in list(value.items())[:_ITEMS]]
        return "{" + ", ".join(items) + (f", … {len(value)} fields}}" if len(value) > _ITEMS else "}")
    if isinstance(value, (list, tuple)):
        inside = ", ".join(map(shown, value[:_ITEMS])) + (f", … {len(value)} items" if len(value) > _ITEMS else "")
        return f"[{inside}]" if isinstance(value, list) else f"({inside}{',' * (len(value) == 1)})"
    return repr(value)
