"""
The legs that a call can still try: which one is next, which ones are cooling down, how often each was tried.

Rule: no waiting and no clock; the caller passes the time in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice

from ..errors.exceptions import ProviderError
from ..health.places import Ticket, Turn
from ..health.tracker import Health
from ..provider.leg import Identity, Leg
from ..routing.tiers import SHARES, FailureScope, Tiers
from .backoff import RetryWait
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
        waits: how long a call waits in line.
    """

    def __init__(
        self,
        tiers: Tiers,
        order: Callable[[Sequence[Leg]], Iterable[Leg]] | None,
        health: Health,
        record: CallRecord,
        *,
        tokens: float,
        waits: RetryWait,
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
        self._waits = waits
        self.ticket: Ticket | None = None
        """The place of the call in the lines of its legs, once it has stood in one."""
        self._in_line_since = 0.0
        self.refusals: dict[Identity, int] = {}
        """How often each leg refused the call for rate, or was not ready."""
        self._not_before: dict[Identity, float] = {}
        """When the call may join the line of a leg again, if the caller's `retry_wait` asks for a wait."""
        self.asked: Leg | None = None
        """The leg that `Health.admit` was asked for last; if a signal interrupts it, nobody knows its answer."""
        self._past_breaker: Leg | None = None
        """The leg that is tried again though its breaker is open."""

    def __bool__(self) -> bool:
        return bool(self._ready) or self._has_later_tiers()

    def _has_later_tiers(self) -> bool:
        while self._next_tier < len(self._tiers):
            if not self._dropped or self._kept(self._tiers[self._next_tier]):
                return True
            self._next_tier += 1
        return False

    def __iter__(self) -> Iterator[Leg]:
        later = islice(self._tiers, self._next_tier, None)
        return chain(self._ready, chain.from_iterable(map(self._kept, later) if self._dropped else later))

    # -- the next leg ----------------------------------------------------------------------

    def next_leg(self, now: float, deadline_at: float, number: int) -> tuple[Leg, int, int]:
        """
        Take the next leg that may be used now.

        Args:
            deadline_at: no wait for a leg begins that would end later.
            number: of the attempt that begins.

        Returns:
            The leg, the number of this try on it (1 for the first), and its number if it is a probe, else 0.

        Raises:
            AllCoolingDownError: no leg may be used now.
        """
        while True:
            if self.ticket is not None:
                self.ticket.asks()
            while (leg := self._take()) is not None:
                tries = self._tries.get(leg.identity, 0)
                failures = tries and tries - self.refusals.get(leg.identity, 0)
                if failures and self._skip_if_it_fails_elsewhere(leg, failures):
                    continue
                limited = bool(self._not_before) and self._not_before.get(leg.identity, 0.0) > now
                if not limited:
                    past_breaker = leg is self._past_breaker
                    self.asked = leg
                    admission = self._health.admit(
                        leg, now, self._tokens, self.ticket, past_breaker=past_breaker, number=number
                    )
                    if admission.error is None:
                        self._tries[leg.identity] = tries + 1
                        return leg, tries + 1, admission.probe
                    self._record.cooling_down(leg, admission, now)
                    if admission.turn is not None:
                        self._stand_in_line(leg, admission.turn, now)
                        limited = True
                self._cooling_down.append(leg)
                if limited and not self._ready and self._stays_in_line(now, deadline_at):
                    break
            ready_at, ask_at = self.soonest(now)
            self._ready.extend(self._cooling_down)
            self._cooling_down = []
            if ready_at > now:
                raise AllCoolingDownError(ready_at, ask_at)

    def soonest(self, now: float) -> tuple[float, float]:
        """
        Return when the first of the legs that are cooling down may be used, and when to ask again.

        Both are 0 if one may be used now, and infinity if none is cooling down. A call that stands in several lines
        takes the leg that comes first, as do those before it: the lines move as fast as all their legs together.
        """
        ready_at = ask_at = float("inf")
        turns: list[Turn] = []
        for leg in self._cooling_down:
            check = self._health.check(leg, now, self._tokens, self.ticket)
            at = max(check.ready_at, self._not_before.get(leg.identity, 0.0))
            if at <= now:
                return 0.0, 0.0
            if check.turn is not None and at == check.turn.at:
                turns.append(check.turn)
            else:
                ready_at = ask_at = min(ready_at, at)
        if turns:
            together, asked = _together(turns, now)
            ready_at, ask_at = min(ready_at, together), min(ask_at, asked)
        return ready_at, ask_at

    # -- in line ---------------------------------------------------------------------------

    def queue(self, leg: Leg, now: float, *, join_at: float, deadline_at: float) -> tuple[float, float] | None:
        """
        Put a call that a leg has refused for rate into the leg's line, with the place that it had.

        Args:
            join_at: when the call joins the line.

        Returns:
            When the call goes, and when it asks again; None if it takes another leg now.
        """
        self.refusals[leg.identity] = self.refusals.get(leg.identity, 0) + 1
        self._take_ticket(now)
        if join_at > now:
            self._not_before[leg.identity] = join_at
        elif (turn := self._health.check(leg, now, self._tokens, self.ticket).turn) is not None:
            self._stand_in_line(leg, turn, now)
        self._cooling_down = [*self._ready, leg, *self._cooling_down]
        stays, soonest = self._stays_in_line(now, deadline_at), self.soonest(now)
        self._ready = deque(self._cooling_down)
        self._cooling_down = []
        return soonest if stays and soonest[0] > now else None

    def ask_in_line(self, now: float, deadline_at: float) -> float | None:
        """
        Return when a call asks again that waits in line; None if `next_leg` may find anything else than that it waits.

        This is what `next_leg` does for such a call, without what an attempt costs that does not begin: where hundreds
        wait, each asks many times.
        """
        ticket, patience = self.ticket, self._waits
        if ticket is None or not self._ready or self._not_before:
            return None
        ticket.asks()
        turns = []
        for leg in self._ready:
            failures = self._tries.get(leg.identity, 0) - self.refusals.get(leg.identity, 0)
            turn = None if failures else self._health.turn(leg, now, self._tokens, ticket)
            if turn is None or leg.identity not in self._record.errors:
                return None
            turns.append(turn)
        at, ask_at = _together(turns, now)
        if at >= deadline_at or (patience.is_too_long(at - self._in_line_since) and self._has_later_tiers()):
            return None
        return min(ask_at, deadline_at)

    def _stand_in_line(self, leg: Leg, turn: Turn, now: float) -> None:
        self._health.join_line(leg, turn, self._take_ticket(now), now)

    def _take_ticket(self, now: float) -> Ticket:
        if self.ticket is None:
            self.ticket = Ticket()
            self._in_line_since = now
        return self.ticket

    def _stays_in_line(self, now: float, deadline_at: float) -> bool:
        """Return whether the call waits for the legs that it has come to, and does not go on to a later tier."""
        if not self._has_later_tiers():
            return True
        turn_at = self.soonest(now)[0]
        return turn_at < deadline_at and not self._waits.is_too_long(turn_at - self._in_line_since)

    def leave_lines(self) -> None:
        """Leave all lines."""
        if self.ticket is not None:
            self._health.leave_lines(self.ticket)

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

    def _skip_if_it_fails_elsewhere(self, leg: Leg, failures: int) -> bool:
        """Pass over a leg that was to be tried again if other calls have failed on it in the meantime."""
        if not self or not self._health.fails_elsewhere(leg, failures):
            return False
        self._record.skip(leg, "other calls fail there too")
        return True

    # -- after a failure -------------------------------------------------------------------

    def put_first(self, leg: Leg, *, past_breaker: bool) -> None:
        """Try a leg again before any other, also if its breaker is open."""
        self._ready.appendleft(leg)
        self._past_breaker = leg if past_breaker else None

    def take_back(self, leg: Leg) -> None:
        """Put a leg first again: with another model, or because nothing was sent. Its try does not count."""
        self._tries[leg.identity] -= 1
        self._ready.appendleft(leg)

    def put_back(self, leg: Leg) -> None:
        """Put a leg that lost a race behind the others of the current tier. Its try does not count."""
        self._tries[leg.identity] -= 1
        self._ready.append(leg)

    def try_when_cooled_down(self, leg: Leg, now: float) -> None:
        """Keep a leg that failed for when it has cooled down, unless it may be used now: then others come first."""
        if not self._health.check(leg, now, self._tokens).granted:
            self._cooling_down.append(leg)

    def put_behind(self, name: str) -> None:
        """Let the legs of other providers come before those of the one with this name."""
        left = [tuple(self._ready), *map(self._kept, islice(self._tiers, self._next_tier, None))]
        others = ([leg for leg in tier if leg.provider.name != name] for tier in left)
        own = ([leg for leg in tier if leg.provider.name == name] for tier in left)
        self._tiers, self._next_tier = Tiers(filter(None, chain(others, own))), 0
        self._ready.clear()

    def any_back_by(self, when: float, now: float) -> bool:
        """Return whether a leg, of those that are cooling down too, may be used before a time."""
        if not self and not self._cooling_down:
            return False
        legs = chain(self, self._cooling_down)
        return any(self._health.check(leg, now, self._tokens, self.ticket).ready_at < when for leg in legs)

    def try_when_ready(self, leg: Leg) -> None:
        """Keep a leg that is not ready for when it has cooled down. Its try uses up no retries."""
        self.refusals[leg.identity] = self.refusals.get(leg.identity, 0) + 1
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


def _together(turns: Sequence[Turn], now: float) -> tuple[float, float]:
    """Return when a call that stands in several lines goes, and when it asks again: see `Candidates.soonest`."""
    first_at = min(turn.first_at for turn in turns)
    at = now + 1.0 / sum(1.0 / (turn.at - now) for turn in turns)
    ask_at = now + 1.0 / sum(1.0 / (turn.ask_at - now) for turn in turns)
    return max(at, first_at), max(ask_at, first_at)


class AllCoolingDownError(ProviderError):
    """
    No leg may be used now. Never leaves the library.

    Args:
        ready_at: when the first leg may be used again, in monotonic seconds; infinity if there is none.
        ask_at: when to ask again.
    """

    def __init__(self, ready_at: float, ask_at: float) -> None:
        super().__init__("all legs are cooling down")
        self.ready_at = ready_at
        self.ask_at = ask_at


class WithdrawnError(ProviderError):
    """An attempt has not begun after all: the limits have no room for it now. Never leaves the library."""
