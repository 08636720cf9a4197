"""Names with stars, each of which stands for any text. Pure."""

from __future__ import annotations

import re
from functools import lru_cache


@lru_cache(maxsize=1024)
def star_pattern(name: str) -> re.Pattern[str]:
    """
    Return what a name with stars stands for: each is any text, and a group of the pattern.

    Each but the last is the shortest text that fits, and is not tried again: a caller's long name takes no long time.
    """
    first, *others = map(re.escape, name.split("*"))
    if not others:
        return re.compile(first)
    *between, last = others
    return re.compile(f"{first}{''.join(f'(?>(.*?){one})' for one in between)}(.*){last}", re.DOTALL)


def share_a_name(one: str, other: str) -> bool:
    """Return whether there is a name that both fit; either may be without a star."""
    if "*" not in one:
        return star_pattern(other).fullmatch(one) is not None
    if "*" not in other:
        return star_pattern(one).fullmatch(other) is not None
    # What is between the ends of one fits a star of the other, so that only their ends can contradict.
    start, longer_start = sorted((one.partition("*")[0], other.partition("*")[0]), key=len)
    end, longer_end = sorted((one.rpartition("*")[2], other.rpartition("*")[2]), key=len)
    return longer_start.startswith(start) and longer_end.endswith(end)
