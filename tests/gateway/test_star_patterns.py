"""What names with stars stand for, however long the name is that a caller sends."""

from __future__ import annotations

from fnmatch import fnmatchcase
from itertools import product

import pytest

from g4f_lite.gateway.star_patterns import share_a_name, star_pattern


def words(letters: str, most: int) -> list[str]:
    return ["".join(one) for length in range(most + 1) for one in product(letters, repeat=length)]


def test_they_fit_what_a_shell_would_say() -> None:
    for pattern in words("a*b", 5):
        fits = star_pattern(pattern).fullmatch
        for name in words("ab\n", 5):
            assert bool(fits(name)) == fnmatchcase(name, pattern), (pattern, name)


def test_two_that_share_a_name_are_known() -> None:
    patterns, names = words("ab*", 3), words("ab", 6)
    fitting = {one: {name for name in names if star_pattern(one).fullmatch(name)} for one in patterns}
    for one, other in product(patterns, repeat=2):
        assert share_a_name(one, other) == bool(fitting[one] & fitting[other]), (one, other)


@pytest.mark.parametrize("pattern", ["*a" * 12 + "b", "*-*-*-*-*", "gpt-*-mini-*-x", "*", "claude-*"])
def test_each_star_is_a_group_from_which_the_name_can_be_made(pattern: str) -> None:
    name = pattern.replace("*", "a-a")
    found = star_pattern(pattern).fullmatch(name)
    assert found is not None
    made = pattern
    for text in found.groups():
        made = made.replace("*", text.replace("*", "\0"), 1)
    assert made == name


def test_a_long_name_takes_no_long_time() -> None:
    """With a pattern that goes back, this would not end."""
    assert star_pattern("*a" * 30 + "b").fullmatch("a" * 100_000) is None
    assert star_pattern("*gpt*mini*x").fullmatch("gptmini" * 20_000) is None
