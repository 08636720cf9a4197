"""A message shows the beginning of a plain value, and of any other its type."""

from __future__ import annotations

import enum
import functools
from typing import Any

import pytest

from g4f_lite.errors.quoted_values import quoted


class Own:
    def __repr__(self) -> str:
        raise ZeroDivisionError


class Kind(enum.Enum):
    A = 1


def a_function() -> None: ...


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("gpt", "'gpt'"),
        (None, "None"),
        (True, "True"),
        (-1, "-1"),
        (1.5, "1.5"),
        (b"gpt", "b'gpt'"),
        ([], "[]"),
        (("a", 1), "('a', 1)"),
        ({"a": [1, 2]}, "{'a': [1, 2]}"),
        ({"a"}, "{'a'}"),
        ([1] * 9, "[1, 1, 1, 1, … 9 in all]"),
        ([[[[[]]]]], "[[[[…]]]]"),
        ("x" * 300, f"'{'x' * 200}'…"),
        (b"x" * 300, f"b'{'x' * 200}'…"),
        (Kind.A, "<Kind.A>"),
        (Own(), "a value of type Own"),
        ([Own()], "[a value of type Own]"),
        (Own, "the class Own"),
        (a_function, "the function a_function"),
        (functools.partial(a_function), "a value of type partial"),
    ],
)
def test_a_value_in_a_message(value: Any, text: str) -> None:
    assert quoted(value) == text


def test_a_number_is_shown_if_it_is_short() -> None:
    assert quoted(-(10**5000)) == "a whole number of 16610 bits"


def test_a_quotation_is_short_whatever_the_value_holds() -> None:
    assert len(quoted([["x" * 300] * 9] * 9)) == 401
