"""
The legs that a call can still try: which one is next, which ones are cooling down, how often each was tried.

Rule: no waiting and no clock; the caller passes the time in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice

from ..errors.exceptions import ProviderError
from ..health.tracker import Health
from ..provider.leg import Identity, Leg
from ..routing.tiers import SHARES, FailureScope, Tiers
from .outcome import CallRecord


class Candidates:
    """
    Truthy while any leg is left to try that was not found cooling down.

    Args:
        tiers: shared with other calls: never changed.
        order: sorts the legs of a tier into the order of trying, when its turn has come.
        health: what is known of the legs.
        record: gets the legs that are passed over, and why.
        tokens: estimate of what the request needs.
    """

    def __init__(
        self,
        tiers: Tiers,
        order: Callable[[Sequence[Leg]], Iterable[Leg]] | None,
        health: Health,
        record: CallRecord,
        tokens: float,
    ) -> None:
        self._tiers = tiers
        self._order = order
        self._health = health
        self._record = record
        self._tokens = tokens
        self._next_tier = 0
        self._ready: deque[Leg] = deque()
        self._cooling_down: list[Leg] = []
        self._dropped: set[Identity] = set()
        self._tries: dict[Identity, int] = {}

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

    # -- the next leg ----------------------------------------------------------------------

    def next_leg(self, now: float) -> tuple[Leg, int, bool]:
        """
        Take the next leg that may be used now.

        Returns:
            The leg, the number of this try on it (1 for the first), and whether it is a probe.

        Raises:
            AllCoolingDownError: no leg may be used now.
        """
        while True:
            while (leg := self._take()) is not None:
                tries = self._tries.get(leg.identity, 0)
                if tries and self._skip_if_it_fails_elsewhere(leg, tries):
                    continue
                admission = self._health.admit(leg, now, self._tokens)
                if admission.error is None:
                    self._tries[leg.identity] = tries + 1
                    return leg, tries + 1, admission.probe
                self._cooling_down.append(leg)
                self._record.cooling_down(leg, admission, now)
            ready_at = self.ready_at(now)
            self._ready.extend(self._cooling_down)
            self._cooling_down = []
            if ready_at > now:
                raise AllCoolingDownError(ready_at)

    def ready_at(self, now: float) -> float:
        """Return when the first leg has cooled down: 0 if one has already, infinity if none is cooling down."""
        checks = (self._health.check(leg, now, self._tokens) for leg in self._cooling_down)
        return min((check.ready_at for check in checks), default=float("inf"))

    def _take(self) -> Leg | None:
        while not self._ready:
            if self._next_tier == len(self._tiers):
                return None
            tier = self._tiers[self._next_tier]
            if self._dropped:
                tier = self._kept(tier)
            self._next_tier += 1
            if len(tier) == 1:
                return tier[0]
            self._ready.extend(self._order(tier) if self._order is not None and tier else tier)
        return self._ready.popleft()

    def _skip_if_it_fails_elsewhere(self, leg: Leg, tries: int) -> bool:
        """Pass over a leg that was to be tried again if other calls have failed on it in the meantime."""
        if not self or not self._health.fails_elsewhere(leg, tries):
            return False
        self._record.skip(leg, "other calls fail there too")
        return True

    # -- after a failure -------------------------------------------------------------------

    def put_first(self, leg: Leg) -> None:
        """Try a leg again before any other."""
        self._ready.appendleft(leg)

    def put_back(self, leg: Leg) -> None:
        """Put a leg that lost a race behind the others of the current tier. Its try does not count."""
        self._tries[leg.identity] -= 1
        self._ready.append(leg)

    def try_when_cooled_down(self, leg: Leg, now: float) -> None:
        """Keep a leg that failed for when it has cooled down, unless it may be used now: then others come first."""
        if not self._health.check(leg, now, self._tokens).granted:
            self._cooling_down.append(leg)

    def drop(self, scope: FailureScope, failed: Leg) -> list[Leg]:
        """Remove the legs in the scope of a failure, and return them."""
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
    """
    No leg may be used now. Never leaves the library.

    Args:
        ready_at: when the first leg may be used again, in monotonic seconds; infinity if there is none.
    """

    def __init__(self, ready_at: float) -> None:
        super().__init__("all legs are cooling down")
        self.ready_at = ready_at
