"""JSON, bytes and cuts, changed at random. Hypothesis shrinks them towards the seeds."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

ODD = (
    None, True, False, 0, 1, -1, 2.5, 2**31, 2**63, 2**64, 10**30, 1e308, float("nan"), float("inf"), "", " ", "0", "null",
    "text", "error", "é", "\ud83d", "\udc00", "\u2028", "\0", "length", "stop", "tool_use", "function", "base64,=", [], {},
    [None], [[]], [{}], {"": None}, ["a", "b"], [1], {"a": 1}, {"text": "b"}, {"type": "text", "text": "c"},
    {"error": {"message": "no"}}, {"message": "no"}, [{"type": "text", "text": "d"}, 7], {"parts": [{"text": "e"}]},
)  # fmt: skip
"""Values that stand where others are expected."""
BYTES = (b"\xff", b"\0", b"\r", b"\n", b"\r\n\r\n", b"\n\n", b"data: ", b"data:", b"event: error\n", b": c\n", b"{", b"}", b"[",
         b"]", b'"', b",", b"\\", b"\\ud800", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\xed\xa0\x80", b"NaN", b"1e999", b"-0",
         b"[DONE]", b"data: [DONE]\n\n", b"<html>", b"null", b"9" * 40, b"[" * 2000, b'{"a":' * 2000)  # fmt: skip


def names_in(values: Sequence[Any]) -> list[str]:
    """Return the names of all fields in these JSON values."""
    found: dict[str, None] = {}
    waiting = list(values)
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, dict):
            found.update(dict.fromkeys(value))
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return sorted(found)


def places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(found for name, one in inner for found in places(one, (*place, name)))]


def at(value: Any, place: tuple[Any, ...]) -> Any:
    for step in place:
        value = value[step]
    return value


def changed(value: Any, place: tuple[Any, ...], change: Callable[[Any, Any], None]) -> Any:
    """Return a copy, after `change(container, step)`."""
    root = [copy.deepcopy(value)]
    *way, step = (0, *place)
    change(at(root, tuple(way)), step)
    return root if len(root) > 1 else root[0]


@st.composite
def mutants(draw: st.DrawFn, seeds: Sequence[Any], edits: int = 3) -> Any:
    """Return one of the seeds with up to this many changes."""
    value = draw(st.sampled_from(seeds))
    names = names_in(seeds)
    for _ in range(draw(st.integers(0, edits))):
        place = draw(st.sampled_from(places(value)))
        new = draw(st.one_of(st.sampled_from(ODD), st.sampled_from(seeds).flatmap(_part)))
        name = draw(st.sampled_from(names))
        how = draw(st.sampled_from(("replace", "delete", "repeat", "add", "rename", "wrap", "unwrap")))
        value = changed(value, place, lambda inside, step: _edit(inside, step, how, name, new))  # noqa: B023
    return value


def _part(seed: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(places(seed)).map(lambda place: at(seed, place))


def _edit(inside: Any, step: Any, how: str, name: str, new: Any) -> None:
    old, new = inside[step], copy.deepcopy(new)
    if how == "delete" and isinstance(step, str):
        del inside[step]
    elif how == "delete":
        inside[step] = None
    elif how == "repeat" and isinstance(inside, list):
        inside.insert(step, copy.deepcopy(old))
    elif how == "add" and isinstance(old, dict):
        old[name] = new
    elif how == "add" and isinstance(old, list):
        old.append(new)
    elif how == "rename" and isinstance(inside, dict):
        inside[name] = inside.pop(step)
    elif how == "wrap":
        inside[step] = [old] if isinstance(new, list) else {name: old}
    elif how == "unwrap" and isinstance(old, (list, dict)) and old:
        inside[step] = next(iter(old.values() if isinstance(old, dict) else old))
    else:
        inside[step] = new


@st.composite
def scratched(draw: st.DrawFn, whole: st.SearchStrategy[bytes], scratches: int = 2) -> bytes:
    """Return these bytes with up to this many of them cut out, doubled, changed or added."""
    content = draw(whole)
    for _ in range(draw(st.integers(0, scratches))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.sampled_from((0, 0, 1, 2, 7, 100, 10**6))))
        new = draw(
            st.one_of(st.sampled_from(BYTES), st.just(b""), st.just(content[start:end] * 2), st.binary(max_size=3))
        )
        content = content[:start] + new + content[end:]
    return content


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


CUTS = st.lists(st.integers(0, 1 << 16), max_size=6)


def cut(content: bytes, cuts: Sequence[int]) -> list[bytes]:
    """Cut bytes at these places, counted modulo their length."""
    places = sorted({one % len(content) for one in cuts} - {0}) if content else []
    return [content[start:end] for start, end in zip([0, *places], [*places, None], strict=True)]


def plain_text(value: Any) -> str:
    """
    Return a text in which every character is printed.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(value, str) or not value.isprintable():
        raise TypeError
    return value
