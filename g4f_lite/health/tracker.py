"""
What a client remembers about its legs: cooldowns, breakers, limits and speed. Shared by its threads and loops.

Rule: all times are monotonic seconds and are passed in; nothing here waits. Nothing here knows what an error
means: the caller says what is to be remembered.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable, Mapping
from enum import Enum, auto
from itertools import count

from ..errors.exceptions import ProviderError, RateLimitError, ServerError
from ..forks import reset_in_child
from ..provider.leg import Identity, Leg
from ..types.breaker import Breaker
from .admission import Admission
from .breaker import DEFAULT_BREAKER, BreakerState
from .leg_state import Cooldown, LegState, OriginState, detached, key_of
from .limits import Limit, read_limits
from .places import Places, Ticket, Turn
from .pressure import Line

MOST_LEGS = 4096
"""How many legs, origins and cooldowns are remembered; the oldest is forgotten first."""
PROBE_POLL_S = 0.25
"""How long a call waits before it looks again at a leg on which another call's probe is under way."""
_SMOOTHING = 0.3
"""Weight of the newest first-token time in the moving average."""


class Memory(Enum):
    """What later calls learn from a failure."""

    NOTHING = auto()
    LEG = auto()
    """The leg cools down."""
    KEY = auto()
    """The provider's legs with the same key cool down."""
    RATE = auto()
    """The leg allows fewer requests per second: calls wait in line for it."""
    BREAKER = auto()
    """The failure counts for the breaker of the leg or of its origin; a leg whose service asks to wait cools down."""


_GRANTED = Admission()
_PROBE = Admission(probe=-1)


class Health:
    """
    The memory of one client.

    Args:
        random: returns 0 <= x < 1, for the breakers' jitter.
        breaker: when breakers open, and for how long.
    """

    def __init__(self, random: Callable[[], float], breaker: Breaker = DEFAULT_BREAKER) -> None:
        self._random = random
        self._breaker = breaker
        self._lock = threading.Lock()
        self._legs: dict[Identity, LegState] = {}
        self._origins: dict[str, OriginState] = {}
        self._cooldowns: dict[Hashable, Cooldown] = {}
        self.numbers = count(1)
        """Of attempts: who begins one takes the next."""
        reset_in_child(self)

    # -- before an attempt -----------------------------------------------------------------

    def admit(
        self,
        leg: Leg,
        now: float,
        tokens: float = 0.0,
        ticket: Ticket | None = None,
        *,
        past_breaker: bool = False,
        number: int = 0,
    ) -> Admission:
        """
        Let an attempt begin, as a probe if a breaker is half-open; or say why not.

        A signal may interrupt this when the attempt has been counted, so the caller must be ready for `released`.

        Args:
            number: of the attempt; 0 for the next one.
            tokens: estimate of what the request needs.
            ticket: the call's place in the lines of its legs; a call that may begin leaves them.
            past_breaker: a breaker that is open counts as half-open.
        """
        with self._lock:
            admission = self._check(leg, now, tokens, ticket, past_breaker=past_breaker)
            if admission.error is None:
                state = self._leg_state(leg.identity)
                number = number or next(self.numbers)
                state.attempts.add(number)
                if state.line is not None:
                    state.line.go()
                if ticket is not None:
                    ticket.leave(self._lines(leg, state), now)
                if admission.probe:
                    admission = Admission(probe=number)
                    for breaker in self._breakers(leg):
                        breaker.begin_probe(admission.probe, now)
            return admission

    def check(self, leg: Leg, now: float, tokens: float = 0.0, ticket: Ticket | None = None) -> Admission:
        """Return what `admit` would return, without beginning an attempt or taking a place in line."""
        with self._lock:
            return self._check(leg, now, tokens, ticket)

    def any_usable(self, legs: Iterable[Leg], now: float, tokens: float) -> bool:
        """Return whether `check` would grant one of these legs."""
        with self._lock:
            for leg in legs:  # noqa: SIM110  # each call asks this, and a generator costs a microsecond
                if self._check(leg, now, tokens, None).error is None:
                    return True
            return False

    def join_line(self, leg: Leg, turn: Turn, ticket: Ticket, now: float) -> None:
        """Stand in the line in which this turn is; the call asks again at `turn.ask_at`."""
        with self._lock:
            self._stand_in_line(leg, turn, ticket, now)

    def turn(self, leg: Leg, now: float, tokens: float, ticket: Ticket) -> Turn | None:
        """Return the turn of a call that must wait for it, and let it stand in that line; else None."""
        with self._lock:
            if (turn := self._check(leg, now, tokens, ticket).turn) is not None:
                self._stand_in_line(leg, turn, ticket, now)
            return turn

    def _stand_in_line(self, leg: Leg, turn: Turn, ticket: Ticket, now: float) -> None:
        turn.line.join(ticket, turn.ask_at)

    def leave_lines(self, ticket: Ticket) -> None:
        """Leave all lines: the call has ended, or waits no longer."""
        with self._lock:
            ticket.leave()

    def _lines(self, leg: Leg, state: LegState) -> tuple[Places | None, ...]:
        """Return the lines of a leg."""
        return (state.line,)

    def _check(
        self, leg: Leg, now: float, tokens: float, ticket: Ticket | None, *, past_breaker: bool = False
    ) -> Admission:
        if self._cooldowns and (cooldown := self._cooldown(leg, now)) is not None:
            return Admission(cooldown.until, cooldown.error)
        probe = False
        state = self._legs.get(leg.identity)
        for one in (self._origins.get(leg.origin), state):
            if one is not None and (until := one.breaker.open_until):
                if not past_breaker and not one.breaker.lets_pass(now):
                    return Admission(until if until > now else now + PROBE_POLL_S, self._last_error(leg))
                probe = True
        if state is not None:
            for limit in state.limits:
                if limit.what == "tokens" and limit.reset_at > now and limit.left < max(tokens, 1.0):
                    return Admission(limit.reset_at, _limit_error(limit))
            if (line := state.line) is not None:
                if line.is_forgotten(now):
                    state.line = None
                    return _PROBE if probe else _GRANTED
                turn = line.turn(None if ticket is None else ticket.number, now)
                if turn is not None:
                    return Admission(turn.at, line.error, turn=turn)
        return _PROBE if probe else _GRANTED

    def _cooldown(self, leg: Leg, now: float) -> Cooldown | None:
        for name in (leg.identity, key_of(leg)):
            if (cooldown := self._cooldowns.get(name)) is not None:
                if cooldown.until > now:
                    return cooldown
                del self._cooldowns[name]
        return None

    def _last_error(self, leg: Leg) -> ProviderError:
        for state in (self._legs.get(leg.identity), self._origins.get(leg.origin)):
            if state is not None and state.error is not None:
                return state.error
        return ServerError("its breaker is open")

    # -- after an attempt ------------------------------------------------------------------

    def answered(
        self,
        leg: Leg,
        now: float,
        *,
        began_at: float,
        number: int = 0,
        ended: bool = True,
        probe: int = 0,
        wall: float,
        headers: Mapping[str, str] | None = None,
        headers_age: float = 0.0,
        first_token: float | None = None,
    ) -> None:
        """
        Close the breakers of a leg that has answered, and remember the limits in the response's headers.

        Args:
            began_at: when the attempt began.
            number: of the attempt, as it was given to `admit`.
            ended: it is not a stream that goes on after its first content.
            probe: the number of the attempt, if it was a probe.
            headers_age: seconds since the headers came.
            first_token: seconds up to the first content.
        """
        with self._lock:
            state = self._leg_state(leg.identity)
            if ended:
                state.attempts.discard(number)
            state.breaker.success(now, began_at)
            if (origin := self._origins.get(leg.origin)) is not None:
                origin.breaker.success(now, began_at)
            self._end_probe(leg, probe)
            if headers and (came_at := now - headers_age) >= state.limits_at:
                state.limits = read_limits(headers, now=came_at, wall=wall - headers_age, names=leg.limit_headers)
                state.limits_at = came_at
                for limit in state.limits:
                    if limit.what != "tokens" and limit.left < 1 and limit.reset_at > now:
                        self._line(state, now, _limit_error(limit)).hold(now, limit.reset_at)
            if state.line is not None:
                state.line.answered(began_at)
            if first_token is not None:
                old = state.first_token
                state.first_token = first_token if old is None else old + _SMOOTHING * (first_token - old)

    def failed(
        self,
        leg: Leg,
        error: ProviderError,
        now: float,
        *,
        memory: Memory,
        cooldown_s: float = 0.0,
        origin_failed: bool = False,
        began_at: float | None = None,
        number: int = 0,
        probe: int = 0,
    ) -> bool:
        """
        Remember a failure.

        Args:
            memory: what later calls learn from it.
            cooldown_s: how long the leg, or its key, is not used.
            origin_failed: the failure counts for the breaker of the origin instead of the leg's.
            began_at: when the attempt began; now if it is left out.
            number: of the attempt, as it was given to `admit`.
            probe: the number of the attempt, if it was a probe.

        Returns:
            True if the breaker is open now, so that this leg must not be tried again at once.
        """
        with self._lock:
            state = self._leg_state(leg.identity)
            state.attempts.discard(number)
            if memory is Memory.RATE:
                began_at = now if began_at is None else began_at
                self._line(state, now, error).refused(now, began_at=began_at, hold_s=cooldown_s, error=detached(error))
                self._end_probe(leg, probe)
                return False
            if cooldown_s and memory is not Memory.NOTHING:
                name = key_of(leg) if memory is Memory.KEY else leg.identity
                self._cool_down(name, Cooldown(now + cooldown_s, detached(error)), now)
            if memory is not Memory.BREAKER:
                self._end_probe(leg, probe)
                return False
            culprit = self._origin_state(leg.origin) if origin_failed else state
            culprit.error = detached(error)
            for breaker in self._breakers(leg):  # the one whose probe it was opens again, whoever the culprit is
                if breaker is culprit.breaker or (probe and breaker.probe == probe):
                    breaker.failure(now, self._random, probe=probe)
            self._end_probe(leg, probe)
            return any(breaker.is_open for breaker in self._breakers(leg))

    def refusals(self, leg: Leg, began_at: float) -> int:
        """Return how many refusals there will be in a row once an attempt that began then has been refused."""
        state = self._legs.get(leg.identity)
        return 1 if state is None or state.line is None else state.line.refusals_with(began_at)

    def _line(self, state: LegState, now: float, error: ProviderError) -> Line:
        """Return the line of a leg; make one if there is none that is still of use."""
        if state.line is None or state.line.is_forgotten(now):
            state.line = Line(now, state.breaker.answers_since(now - 1.0), detached(error))
        return state.line

    def _cool_down(self, name: Hashable, cooldown: Cooldown, now: float) -> None:
        """Of two ends the later one holds: an attempt that began before a rest does not shorten it."""
        if (known := self._cooldowns.get(name)) is not None and known.until > cooldown.until:
            return
        if len(self._cooldowns) >= MOST_LEGS:
            self._cooldowns = {other: one for other, one in self._cooldowns.items() if one.until > now}
        while len(self._cooldowns) >= MOST_LEGS:
            del self._cooldowns[next(iter(self._cooldowns))]
        self._cooldowns[name] = cooldown

    def released(self, leg: Leg, number: int) -> None:
        """
        End an attempt that counts as nothing: a cancelled one, or a stream after `answered`.

        It may have ended already, or never begun: whoever is interrupted somewhere between need not know.
        """
        with self._lock:
            if (state := self._legs.get(leg.identity)) is not None:
                state.attempts.discard(number)
            self._end_probe(leg, number)

    def withdrawn(self, leg: Leg, number: int) -> None:
        """End an attempt that has not begun after all: nothing was sent."""
        with self._lock:
            if (state := self._legs.get(leg.identity)) is not None and number in state.attempts:
                state.attempts.discard(number)
                if state.line is not None:
                    state.line.take_back()
            self._end_probe(leg, number)

    def _end_probe(self, leg: Leg, probe: int) -> None:
        if probe:
            for breaker in self._breakers(leg):
                breaker.end_probe(probe)

    def fails_elsewhere(self, leg: Leg, own_failures: int) -> bool:
        """Return whether other calls fail on this leg too, so that to try it again is likely to fail."""
        state = self._legs.get(leg.identity)
        return state is not None and state.breaker.in_a_row > own_failures

    # -- by hand ---------------------------------------------------------------------------

    def rest(self, leg: Leg, error: ProviderError, now: float, seconds: float) -> None:
        """Let no attempt begin on a leg for so long; a rest that ends later stays."""
        with self._lock:
            self._cool_down(leg.identity, Cooldown(now + seconds, error), now)

    def wake(self, leg: Leg, now: float) -> None:
        """End what keeps attempts off a leg: cooldowns, also of its key, and its rate; open breakers are half-open."""
        with self._lock:
            for name in (leg.identity, key_of(leg)):
                self._cooldowns.pop(name, None)
            for breaker in self._breakers(leg):
                breaker.open_until = min(breaker.open_until, now)
            if (state := self._legs.get(leg.identity)) is not None:
                state.line, state.limits = None, ()

    # -- for strategies --------------------------------------------------------------------

    def first_token(self, leg: Leg) -> float | None:
        """Return the moving average of the seconds up to the first content; None if unknown."""
        state = self._legs.get(leg.identity)
        return None if state is None else state.first_token

    def in_flight(self, leg: Leg) -> int:
        """Return how many attempts are under way on a leg."""
        state = self._legs.get(leg.identity)
        return 0 if state is None else state.in_flight

    # -- inside ----------------------------------------------------------------------------

    def _leg_state(self, identity: Identity) -> LegState:
        if (state := self._legs.get(identity)) is None:
            if len(self._legs) >= MOST_LEGS:
                idle = next((one for one, state in self._legs.items() if not (state.in_flight or state.line)), None)
                if idle is not None:
                    del self._legs[idle]
            state = self._legs[identity] = LegState(self._breaker)
        return state

    def _origin_state(self, origin: str) -> OriginState:
        if (state := self._origins.get(origin)) is None:
            if len(self._origins) >= MOST_LEGS:
                del self._origins[next(iter(self._origins))]
            state = self._origins[origin] = OriginState(self._breaker)
        return state

    def _breakers(self, leg: Leg) -> list[BreakerState]:
        """Return the breakers of the leg and of its origin, those that exist."""
        states = (self._legs.get(leg.identity), self._origins.get(leg.origin))
        return [state.breaker for state in states if state is not None]

    def after_fork(self) -> None:
        """Forget the attempts that are under way: they are the parent's."""
        self._lock = threading.Lock()
        for leg in self._legs.values():
            leg.attempts.clear()
            if leg.line is not None:
                leg.line.clear()
            leg.breaker.probe = 0
        for origin in self._origins.values():
            origin.breaker.probe = 0


def _limit_error(limit: Limit) -> ProviderError:
    left = f"only {limit.left:g} {limit.what} are left" if limit.left else f"no {limit.what} are left"
    return RateLimitError(f"its last response reported that {left}")
