"""The legs that a plan has still to try, in their order, without those that a failure has made useless."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import chain, islice

from ..errors.exceptions import ProviderError
from ..provider.leg import Leg
from ..routing.tiers import SHARES, Tiers
from .decisions import FailureScope


class Candidates:
    """
    True while there is one.

    Args:
        tiers: shared with other calls: never changed.
        order: puts the legs of a tier into the order of trying, when its turn has come.
    """

    def __init__(self, tiers: Tiers, order: Callable[[Sequence[Leg]], Iterable[Leg]] | None = None) -> None:
        self._tiers = tiers
        self._order = order
        self._next_tier = 0
        self._ready: deque[Leg] = deque()
        self._dropped: set[Hashable] = set()

    def __bool__(self) -> bool:
        while not self._ready:
            if self._next_tier == len(self._tiers):
                return False
            if not self._dropped or self._kept(self._tiers[self._next_tier]):
                return True
            self._next_tier += 1
        return True

    def __iter__(self) -> Iterator[Leg]:
        later = islice(self._tiers, self._next_tier, None)
        return chain(self._ready, chain.from_iterable(map(self._kept, later) if self._dropped else later))

    def take(self) -> Leg | None:
        """Remove the next one; None if there is none."""
        while not self._ready:
            if self._next_tier == len(self._tiers):
                return None
            tier = self._kept(self._tiers[self._next_tier])
            self._next_tier += 1
            if len(tier) == 1:
                return tier[0]
            self._ready.extend(self._order(tier) if self._order is not None and tier else tier)
        return self._ready.popleft()

    def put_first(self, leg: Leg) -> None:
        self._ready.appendleft(leg)

    def put_last(self, legs: Iterable[Leg]) -> None:
        """Put legs behind those of the tier whose turn it is."""
        self._ready.extend(legs)

    def drop(self, scope: FailureScope, failed: Leg) -> list[Leg]:
        """Remove those that share the fate of a leg, and return them."""
        if (share := SHARES.get(scope)) is None:
            return []
        shared = share(failed)
        useless = [leg for leg in self._ready if share(leg) == shared]
        later = self._tiers.sharing(scope, shared)
        useless += [leg for tier, leg in later if tier >= self._next_tier and leg.identity not in self._dropped]
        if useless:
            self._dropped.update(leg.identity for leg in useless)
            self._ready = deque(leg for leg in self._ready if leg.identity not in self._dropped)
        return useless

    def _kept(self, tier: Sequence[Leg]) -> Sequence[Leg]:
        return [leg for leg in tier if leg.identity not in self._dropped] if self._dropped else tier


class AllCoolingDownError(ProviderError):
    """No leg may be used now, and waiting for one fits the deadline. Never leaves the library."""
