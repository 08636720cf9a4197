"""
Strategies order the legs of one tier.

Rule: a strategy never sees more than one tier, so it cannot override the order that the caller wrote.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from math import inf, log
from typing import TYPE_CHECKING, Protocol

from ..errors.quoted_values import quoted
from ..forks import reset_in_child
from ..health.tracker import Health
from ..provider.leg import Leg
from ..records.prices import price
from ..types.chat_request import ChatRequest
from ..value import Unpicklable

if TYPE_CHECKING:
    from ..types.endpoint import EndpointRequest


class StrategyContext(Unpicklable):
    """What a strategy may use besides the legs."""

    def __init__(
        self, request: ChatRequest | EndpointRequest, health: Health, random: Callable[[], float], turns: TurnCounter
    ) -> None:
        self.request = request
        self.random = random
        """Returns 0 <= x < 1. Use no other random source: `explain` could not foresee the order."""
        self._health = health
        self._turns = turns

    def first_token(self, leg: Leg) -> float | None:
        """Return the moving average of a leg's seconds up to the first content; None if it was not measured yet."""
        return self._health.first_token(leg)

    def in_flight(self, leg: Leg) -> int:
        """Return the number of this client's attempts in progress on a leg."""
        return self._health.in_flight(leg)

    def price(self, leg: Leg) -> float | None:
        """Return the price of 1000 prompt and 1000 completion tokens on a leg, in USD; None if unknown."""
        found = price(leg.provider.name, leg.model)
        return None if found is None else (found.prompt + found.completion) / 1000

    def turn(self, legs: Sequence[Leg]) -> int:
        """Return 0 when these legs are ordered for the first time, then 1, 2 …"""
        return self._turns.next(tuple(leg.identity for leg in legs))


class Strategy(Protocol):
    """Orders the legs of a tier."""

    def __call__(self, legs: Sequence[Leg], context: StrategyContext, /) -> Iterable[Leg]:
        """Return the legs in the order in which to try them; those left out are tried last."""


class TurnCounter:
    """Counts how often each tier was ordered."""

    MOST = 1024
    """If there are more, the one that was ordered the longest ago is forgotten."""

    def __init__(self, counts: Mapping[Hashable, int] | None = None) -> None:
        self._counts = dict(counts or {})
        self._lock = threading.Lock()
        reset_in_child(self)

    def next(self, tier: Hashable) -> int:
        with self._lock:
            turn = self._counts.pop(tier, 0)
            if len(self._counts) >= self.MOST:
                del self._counts[next(iter(self._counts))]
            self._counts[tier] = turn + 1
        return turn

    def after_fork(self) -> None:
        self._lock = threading.Lock()

    def copy(self) -> TurnCounter:
        """Return a copy that counts on its own."""
        return TurnCounter(self._counts)


def order(legs: Sequence[Leg], context: StrategyContext) -> Iterable[Leg]:
    """Keep the order that the caller wrote."""
    return legs


def round_robin(legs: Sequence[Leg], context: StrategyContext) -> Iterable[Leg]:
    """Start with the next leg each time; the others follow in their order."""
    start = context.turn(legs) % len(legs)
    return [*legs[start:], *legs[:start]]


def fastest(legs: Sequence[Leg], context: StrategyContext) -> Iterable[Leg]:
    """Sort by the time to the first content; legs that were not measured yet come first, to be measured."""
    return sorted(legs, key=lambda leg: context.first_token(leg) or 0.0)


def least_busy(legs: Sequence[Leg], context: StrategyContext) -> Iterable[Leg]:
    """Sort by the number of attempts in progress."""
    return sorted(legs, key=context.in_flight)


def cheapest(legs: Sequence[Leg], context: StrategyContext) -> Iterable[Leg]:
    """Sort by price (extra `prices`); legs of unknown price come last."""

    def price_or_infinity(leg: Leg) -> float:
        found = context.price(leg)
        return float("inf") if found is None else found

    return sorted(legs, key=price_or_infinity)


class Weighted:
    """
    Order at random, in proportion to weights.

    Args:
        weights: provider name, or `provider:model`, to a weight above 0; all others have 1.

    Raises:
        ValueError: a weight is not above 0, or they are no mapping from names to numbers.

    Source of the method: Efraimidis and Spirakis, "Weighted random sampling with a reservoir", 2006.
    """

    def __init__(self, weights: Mapping[str, float] | None = None) -> None:
        if weights is not None and not (isinstance(weights, Mapping) and all(isinstance(one, str) for one in weights)):
            raise ValueError(f"weights must be like {{'groq': 3, 'other': 1}}, not {quoted(weights)}")
        self._weights = {name: _weight(name, weight) for name, weight in (weights or {}).items()}

    def __call__(self, legs: Sequence[Leg], context: StrategyContext) -> Iterable[Leg]:
        keys = Counter(leg.route for leg in legs)  # the keys of a route share its weight
        drawn = {leg: -log(1.0 - context.random()) * keys[leg.route] / self._weight(leg) for leg in legs}
        return sorted(legs, key=drawn.__getitem__)

    def _weight(self, leg: Leg) -> float:
        return self._weights.get(leg.route, self._weights.get(leg.provider.name, 1.0))


def _weight(name: str, weight: object) -> float:
    number = 0.0
    with suppress(TypeError, ValueError, OverflowError):
        number = 0.0 if isinstance(weight, (str, bool)) else float(weight)  # type: ignore[arg-type]  # tried
    if not 0 < number < inf:
        raise ValueError(f"the weight of {quoted(name)} must be above 0 and a finite number, not {quoted(weight)}")
    return number


STRATEGIES: dict[str, Strategy] = {
    "order": order,
    "weighted": Weighted(),
    "round_robin": round_robin,
    "fastest": fastest,
    "least_busy": least_busy,
    "cheapest": cheapest,
}
