"""What a stream has said is measured once, piece by piece; and a usage that grows takes no quadratic time."""

from __future__ import annotations

from sys import getsizeof
from typing import Any

import pytest

from g4f_lite.types.chunks import ChatCompletionChunk
from g4f_lite.types.extra_fields import larger_counts
from g4f_lite.types.pieces import Kept, Pieces
from g4f_lite.types.usage import Usage

WIDTHS = {"ascii": ("abc", 1), "umlaut": ("a\u00e4c", 1), "Chinese": ("a\u4e2dc", 2), "emoji": ("a\U0001f600c", 4)}


@pytest.mark.parametrize("name", WIDTHS)
def test_the_pieces_are_joined_and_the_whole_text_is_as_wide_as_its_widest_piece(name: str) -> None:
    widest, width = WIDTHS[name]
    pieces = Pieces(["x" * 1000, "y" * 1000])
    pieces.settle()
    pieces.append(widest * 100)
    settled = pieces.settle()
    assert pieces == ["x" * 1000 + "y" * 1000, widest * 100]
    held, whole = sum(map(getsizeof, pieces)), 2300 * width
    assert held + whole <= settled <= held + whole + 100


def test_pieces_are_measured_once() -> None:
    pieces = Pieces(["x"] * 100)
    first = pieces.measure()
    assert pieces.measure() == first
    pieces[0] = "x" * 1000  # nobody does that; a second look would see it
    assert pieces.measure() == first
    pieces.append("")
    assert first < pieces.measure() < first + 100


def test_kept_values_are_measured_once() -> None:
    token: dict[str, Any] = {"token": "a"}
    kept = Kept([token])
    first = kept.settle()
    token["bytes"] = [0] * 1000
    assert kept.settle() == first > 0
    kept.append({"token": "b"})
    assert kept.settle() > first


def test_what_is_no_json_is_measured_as_nothing() -> None:
    circle: list[Any] = []
    circle.append(circle)
    assert Kept([object()]).settle() == Kept([circle]).settle() == Kept([object()]).settle()


def test_a_usage_that_grows_with_each_chunk_is_bounded() -> None:
    """Joining all fields of all chunks would take time and memory that grow with the square of their number."""
    usage: Usage | None = None
    for number in range(200):
        more = {f"field_{number}_{one}": one for one in range(100)}
        usage = larger_counts(usage, Usage(prompt_tokens=number, extra=more))
    assert usage is not None
    assert usage.prompt_tokens == 199
    assert "field_199_99" in usage.extra
    assert len(usage.extra) < 500


def test_a_usage_in_pieces_is_joined() -> None:
    chunks = [ChatCompletionChunk(usage=Usage(prompt_tokens=5)), ChatCompletionChunk(usage=Usage(completion_tokens=7))]
    first, second = (chunk.usage for chunk in chunks)
    joined = larger_counts(first, second)
    assert (joined.prompt_tokens, joined.completion_tokens) == (5, 7)
