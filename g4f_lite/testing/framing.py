"""The events of a stream in the framing of its shape: server-sent events, JSON lines, or one JSON array."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from . import wire
from .script import Close, Pause
from .shapes import Shape

_PASSED_ON = (bytes, Pause, Close)


def framed(shape: Shape, parts: Iterable[Any], *, closed: bool = True) -> Iterator[Any]:
    """
    Yield the events of a stream, in the framing of the shape.

    Args:
        parts: the data of events; bytes and actions are passed on as they are.
        closed: whether the end of the stream has been reached, where it is marked.
    """
    if shape.FRAMING != "json_array":
        for part in parts:
            yield part if isinstance(part, _PASSED_ON) else shape.sse(part)
        return
    before = b"["
    for part in parts:
        if isinstance(part, _PASSED_ON):
            yield part
        else:
            yield before + wire.json_line(part).rstrip()
            before = b",\r\n"
    if closed:
        yield b"[]" if before == b"[" else b"]"
