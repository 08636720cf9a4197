"""When calls begin, and what they ask for: drawn from a chance that is passed in, or recorded."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from itertools import islice, repeat
from math import log
from pathlib import Path
from random import Random
from typing import NamedTuple

from ..types.usage import Usage
from .distributions import sampler
from .recorded import read_trails
from .scenario import Traffic

PAUSE_S = 0.1
"""What a worker waits whose call has taken no time, because nothing was sent: else it would make calls without end."""


class Size(NamedTuple):
    """What one call asks for."""

    prompt: int
    tokens: int
    stream: bool


def calls_of(traffic: Traffic, seed: int) -> Iterator[tuple[float, Size]]:
    """Yield when calls begin, in order, and what they ask for; those of workers are not among them."""
    return zip(arrivals(traffic, chance_of(seed, "times")), sizes(traffic, chance_of(seed, "sizes")), strict=False)


def chance_of(seed: int, what: str) -> Random:
    """Return a chance of its own: what is drawn of one changes nothing of another."""
    return Random(f"{seed}/{what}")  # noqa: S311  # chance, not secrecy


def arrivals(traffic: Traffic, chance: Random) -> Iterator[float]:
    """Yield when calls begin, in order."""
    bursts = (repeat(burst.at_s, burst.calls) for burst in sorted(traffic.bursts, key=lambda burst: burst.at_s))
    times = merge(_by_rate(traffic, chance), *bursts, sorted(traffic.times_s or ()))
    for time in islice(times, traffic.calls):
        if traffic.duration_s is not None and time >= traffic.duration_s:
            return
        yield time


def _by_rate(traffic: Traffic, chance: Random) -> Iterator[float]:
    if traffic.rate is None:
        return
    time, random = 0.0, chance.random
    number = 0
    while True:
        if traffic.arrivals == "even":
            time = number / traffic.rate
            number += 1
        else:
            time -= log(1.0 - random()) / traffic.rate
        yield time


def sizes(traffic: Traffic, chance: Random) -> Iterator[Size]:
    """Yield what one call after another asks for, without end."""
    prompt, tokens = sampler(traffic.prompt_tokens, chance), sampler(traffic.answer_tokens, chance)
    share = float(traffic.stream)
    while True:
        stream = share >= 1.0 or (share > 0.0 and chance.random() < share)
        yield Size(round(prompt()) or 1, round(tokens()) or 1, stream)


def recorded_traffic(path: str | Path) -> list[tuple[float, Size]]:
    """
    Return when recorded calls began, and what they asked for; a call whose usage is not known is as long as the others.

    Args:
        path: a file of trails, one a line: see `recorded.py`.

    Raises:
        ConfigurationError: it cannot be read, or has no trail.
    """
    calls = read_trails(path)
    usages = [(call.trail.usage, call) for call in calls]
    known = [usage for usage, _ in usages if usage is not None] or [Usage(prompt_tokens=500, completion_tokens=200)]
    usual = Size(_middle([one.prompt_tokens for one in known]), _middle([one.completion_tokens for one in known]), True)
    found = []
    for usage, call in usages:
        stream = any(attempt.first_token is not None for attempt in call.trail.attempts)
        size = usual if usage is None else Size(max(1, usage.prompt_tokens), max(1, usage.completion_tokens), stream)
        found.append((call.start - calls[0].start, size._replace(stream=stream)))
    return found


def _middle(numbers: list[int]) -> int:
    return max(1, sorted(numbers)[len(numbers) // 2])
