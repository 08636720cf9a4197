"""Answers of growing size: time and memory grow with the bytes, not faster."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from . import seeds
from .events import written
from .mutation import as_json, at, changed, mutants, places
from .promises import require
from .reading import read_stream, read_whole

SMALL, LARGE = 250, 8000
SLOWDOWN = 6.0
"""How much longer a byte of a large answer may take than one of a small answer; it is 32 if time grows as a square."""
NOTICED_S = 0.25
"""Less time than this is never too long."""
MEMORY = 400
"""Bytes of memory that a byte of an answer may take."""


def check(kind: str, name: str, value: Any, place: tuple[Any, ...], how: str) -> None:
    """
    Check one answer in two sizes.

    Args:
        kind: `whole`, `stream` or `error`.
        place, how: what grows, and how: `repeat`, `text`, `fields` or `nest`.
    """
    small, large = (_body(kind, name, value, place, how, times) for times in (SMALL, LARGE))
    read = _reader(kind, name)
    for _ in range(3):  # a processor may be slow for a moment
        before, after = _seconds(read, small) / len(small), _seconds(read, large) / len(large)
        if after * len(large) < NOTICED_S or after < SLOWDOWN * before:
            break
    else:
        require(
            False, "time grows with the bytes", f"{after / before:.0f} times as long a byte, {after * len(large):.2f} s"
        )
    tracemalloc.start()
    try:
        read(large)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    require(peak < MEMORY * len(large) + (8 << 20), "memory grows with the bytes", f"{peak} bytes for {len(large)}")


def _reader(kind: str, name: str) -> Callable[[bytes], object]:
    one = seeds.provider(name)
    if kind == "stream":
        return lambda body: read_stream(one, [body[start : start + 4096] for start in range(0, len(body), 4096)])
    return lambda body: read_whole(one, body, status=400 if kind == "error" else 200)


def _body(kind: str, name: str, value: Any, place: tuple[Any, ...], how: str, times: int) -> bytes:
    grown = changed(value, place, lambda inside, step: _grow(inside, step, how, times))
    return written(name, grown) if kind == "stream" else as_json(grown)


def _grow(inside: Any, step: Any, how: str, times: int) -> None:
    if how == "repeat" and isinstance(inside, list):
        inside[step : step + 1] = [inside[step]] * times
    else:
        inside[step] = _grown(inside[step], how, times)


def _grown(value: Any, how: str, times: int) -> Any:
    if how == "repeat":
        return (value if isinstance(value, list) and value else [value]) * times
    if how == "text":
        return (value if isinstance(value, str) and value else "a ") * times
    if how == "fields":
        return {**(value if isinstance(value, dict) else {}), **{f"f{number}": value for number in range(times)}}
    for _ in range(min(times, 400)):
        value = [value] if isinstance(value, list) else {"content": value}
    return value


def _seconds(read: Callable[[bytes], object], body: bytes) -> float:
    begun = time.thread_time()
    read(body)
    return time.thread_time() - begun


@st.composite
def _cases(draw: st.DrawFn) -> tuple[Any, ...]:
    kind = draw(st.sampled_from(("whole", "stream", "error")))
    name = draw(st.sampled_from(seeds.FEW))
    of = seeds.protocol(name)
    value = draw(mutants({"whole": seeds.WHOLE[of], "stream": seeds.STREAMS[of], "error": seeds.ERRORS}[kind], 2))
    place = draw(st.sampled_from([place for place in places(value) if place] or [()]))
    inner = at(value, place)
    hows = ["repeat", "fields", "nest", *(["text"] if isinstance(inner, str) else [])]
    if len(repr(inner)) > 300:  # the larger size would take seconds alone
        hows = ["nest"]
    return kind, name, value, place, draw(st.sampled_from(hows))


CASES = _cases()
SEEDS: list[tuple[Any, ...]] = []
