"""
The tiers of a plan, and which of their legs share a key, a model or an origin.

Rule: nothing here changes after it has been made, so that all calls with the same selection can share it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from enum import StrEnum, auto
from typing import TypeAlias

from ..provider.leg import Leg


class FailureScope(StrEnum):  # a str is hashed by C code
    """Which legs of the plan cannot succeed after a leg has failed."""

    LEG = auto()
    """Only the leg that failed."""
    KEY = auto()
    """The provider's legs with the same key, at the same address."""
    MODEL = auto()
    """The provider's legs with the same model at the same address, whatever their key."""
    ORIGIN = auto()
    """All legs that are served from the same origin."""


SHARES: Mapping[FailureScope, Callable[[Leg], Hashable]] = {
    FailureScope.KEY: lambda leg: (leg.provider.name, leg.base_url, leg.key_identity),
    FailureScope.MODEL: lambda leg: (leg.provider.name, leg.base_url, leg.model),
    FailureScope.ORIGIN: lambda leg: leg.origin,
}
"""By scope: what the legs in it have in common."""
_Index: TypeAlias = dict[tuple[FailureScope, Hashable], list[tuple[int, Leg]]]


class Tiers(tuple[Sequence[Leg], ...]):
    """
    Tiers in the order in which they are tried; none is empty.

    The legs are indexed by what they share when it is first asked for. After a failure, a plan of a thousand
    legs therefore finds the legs in its scope as fast as a plan of two.
    """

    _index: _Index | None = None
    """Not a cached_property: before Python 3.12 that has a lock, which may stay locked for ever in a forked child."""

    def sharing(self, scope: FailureScope, shared: Hashable) -> Sequence[tuple[int, Leg]]:
        """Return the legs that have this in common, in order, each with the number of its tier."""
        if (index := self._index) is None:
            index = self._index = self._make_index()
        return index.get((scope, shared), ())

    def _make_index(self) -> _Index:
        index: _Index = {}
        for number, tier in enumerate(self):
            for leg in tier:
                for scope, share in SHARES.items():
                    index.setdefault((scope, share(leg)), []).append((number, leg))
        return index
