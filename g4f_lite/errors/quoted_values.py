"""
Values of callers and services, for messages.

Rule: no code of another package runs. A `__repr__` may raise or never end, and that of a deep list recurses. `reprlib`
calls it, sorts keys, and goes by the name of a type.
"""

from __future__ import annotations

from enum import Enum
from itertools import islice
from types import FunctionType
from typing import Any

_TEXT, _ITEMS, _DEPTH = 200, 4, 3
"""Characters of a text or a name, items of a list, and lists inside each other, that a message shows."""
_BITS = 10_000
_LONGEST = 400
"""Characters of a whole quotation."""
_BRACKETS: dict[type, tuple[str, str]] = {
    list: ("[", "]"), tuple: ("(", ")"), set: ("{", "}"), frozenset: ("{", "}"), dict: ("{", "}"),
}  # fmt: skip


def quoted(value: object) -> str:
    """Return a short `repr` of a value that is built in, and the type of another one."""
    return shortened(_quoted(value, _DEPTH))


def shortened(text: str) -> str:
    """Return a text that another package has made of a value, or its beginning."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _quoted(value: object, depth: int) -> str:
    if isinstance(value, str):
        text = str.__str__(value)
        return repr(text) if len(text) <= _TEXT else f"{text[:_TEXT]!r}…"
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, int):
        bits = int.bit_length(value)
        return int.__repr__(value) if bits < _BITS else f"a whole number of {bits} bits"
    if isinstance(value, float):
        return float.__repr__(value)
    if isinstance(value, bytes):
        return bytes.__repr__(bytes.__getitem__(value, slice(_TEXT))) + "…" * (bytes.__len__(value) > _TEXT)
    if isinstance(value, Enum):
        return f"<{type(value).__name__}.{value._name_}>"
    if type(value) in _BRACKETS:
        return _container(value, depth)
    if type(value) is type:
        return f"the class {value.__name__[:_TEXT]}"
    if type(value) is FunctionType:
        return f"the function {value.__name__[:_TEXT]}"
    return f"a value of type {type(value).__name__[:_TEXT]}"


def _container(value: Any, depth: int) -> str:
    begin, end = _BRACKETS[type(value)]
    if depth == 0 and value:
        return f"{begin}…{end}"
    items = [_quoted(one, depth - 1) for one in islice(value, _ITEMS)]
    if isinstance(value, dict):
        values = (_quoted(one, depth - 1) for one in islice(value.values(), _ITEMS))
        items = [f"{name}: {one}" for name, one in zip(items, values, strict=True)]
    if len(value) > _ITEMS:
        items.append(f"… {len(value)} in all")
    return begin + ", ".join(items) + ("," if isinstance(value, tuple) and len(value) == 1 else "") + end
