"""
What a client remembers of its legs: rests, breakers, limits, speed. Shared by its threads and loops.

All times are monotonic seconds, passed in; nothing here waits.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import NamedTuple

from ..errors.exceptions import ConnectionFailedError, ProviderError, ProviderTimeoutError, ServerError
from ..failover.decisions import Decision, Memory
from ..forks import reset_in_child
from ..provider.leg import Leg, _skipped
from ..trail import Skipped
from .breaker import Breaker
from .limits import Limit, read_limits

MOST_LEGS = 4096
"""More are not remembered: the oldest is forgotten."""
PROBE_POLL_S = 0.25
"""While somebody else's probe is under way, a call looks again so often."""
_SMOOTHING = 0.3
"""Weight of the newest first-token time in the moving average."""


class Cooldown(NamedTuple):
    """Why and until when something is not used."""

    until: float
    error: ProviderError


class Admission(NamedTuple):
    """Whether a leg may be used now; if not, since when it may be again and what it suffered from."""

    ready_at: float = 0.0
    error: ProviderError | None = None
    probe: bool = False

    @property
    def granted(self) -> bool:
        return self.error is None


_GRANTED = Admission()
_PROBE = Admission(probe=True)


class _LegState:
    __slots__ = ("breaker", "error", "first_token", "in_flight", "limits")

    def __init__(self) -> None:
        self.breaker = Breaker()
        self.error: ProviderError | None = None
        self.limits: tuple[Limit, ...] = ()
        self.in_flight = 0
        self.first_token: float | None = None


class Health:
    """
    Args:
        random: returns 0 <= x < 1, for the breakers' jitter.
    """

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._lock = threading.Lock()
        self._legs: dict[Hashable, _LegState] = {}
        self._cooldowns: dict[Hashable, Cooldown] = {}
        reset_in_child(self)

    # -- before an attempt -----------------------------------------------------------------

    def admit(self, leg: Leg, now: float, tokens: float = 0.0) -> Admission:
        """Let an attempt begin, as a probe if the breaker is half-open; or say why not."""
        with self._lock:
            admission = self._check(leg, now, tokens)
            if admission.error is None:
                self._state(leg.identity).in_flight += 1
                if admission.probe:
                    for breaker in self._breakers(leg):
                        breaker.probing = breaker.probing or breaker.is_open
            return admission

    def check(self, leg: Leg, now: float, tokens: float = 0.0) -> Admission:
        """Return what `admit` would say; nothing changes."""
        with self._lock:
            return self._check(leg, now, tokens)

    def any_usable(self, legs: Iterable[Leg], now: float, tokens: float = 0.0) -> bool:
        """Tell whether `look` would grant one of these."""
        with self._lock:
            return any(self._check(leg, now, tokens).error is None for leg in legs)

    def _check(self, leg: Leg, now: float, tokens: float) -> Admission:
        if self._cooldowns and (rest := self._rest(leg, now)) is not None:
            return Admission(rest.until, rest.error)
        probe = False
        for state in (self._legs.get(leg.origin), self._legs.get(leg.identity)):
            if state is None:
                continue
            if until := state.breaker.open_until:
                if not state.breaker.lets_pass(now):
                    return Admission(until if until > now else now + PROBE_POLL_S, self._last_error(leg))
                probe = True
            for limit in state.limits:  # an origin has none
                if limit.reset_at > now and limit.left < (tokens if limit.what == "tokens" else 1):
                    return Admission(limit.reset_at, _spent(limit))
        return _PROBE if probe else _GRANTED

    def _rest(self, leg: Leg, now: float) -> Cooldown | None:
        for name in (leg.identity, _key_of(leg)):
            if (rest := self._cooldowns.get(name)) is not None:
                if rest.until > now:
                    return rest
                del self._cooldowns[name]
        return None

    def _last_error(self, leg: Leg) -> ProviderError:
        for name in (leg.identity, leg.origin):
            if (state := self._legs.get(name)) is not None and state.error is not None:
                return state.error
        return ServerError("its breaker is open")

    # -- after an attempt ------------------------------------------------------------------

    def succeeded(
        self, leg: Leg, now: float, *, wall: float, headers: Mapping[str, str] | None = None, first_token: float | None
    ) -> None:
        """An answer came: its breakers close, and what its headers tell of limits is remembered."""
        with self._lock:
            state = self._state(leg.identity)
            state.in_flight -= 1
            state.breaker.success(now)
            if (origin := self._legs.get(leg.origin)) is not None:
                origin.breaker.success(now)
            if headers:
                state.limits = read_limits(headers, now=now, wall=wall)
            if first_token is not None:
                old = state.first_token
                state.first_token = first_token if old is None else old + _SMOOTHING * (first_token - old)

    def failed(self, leg: Leg, error: ProviderError, decision: Decision, now: float, *, probe: bool = False) -> bool:
        """Remember a failure as the decision says; True if the leg is to be left at once."""
        with self._lock:
            state = self._state(leg.identity)
            state.in_flight -= 1
            self._let_rest(leg, error, decision, now)
            if decision.memory is not Memory.BREAKER:
                self._free(leg, probe)
                return False
            hurt = self._state(leg.origin) if concerns_origin(error) else state
            hurt.error = detached(error)
            hurt.breaker.failure(now, self._random, probe=probe and hurt.breaker.is_open)
            self._free(leg, probe)
            return hurt.breaker.is_open

    def _let_rest(self, leg: Leg, error: ProviderError, decision: Decision, now: float) -> None:
        rest = error.retry_after if error.retry_after is not None else decision.rest_s
        if rest and decision.memory is not Memory.NOTHING:
            name = _key_of(leg) if decision.memory is Memory.KEY else leg.identity
            if len(self._cooldowns) >= MOST_LEGS:
                self._cooldowns = {key: rest for key, rest in self._cooldowns.items() if rest.until > now}
            while len(self._cooldowns) >= MOST_LEGS:
                del self._cooldowns[next(iter(self._cooldowns))]
            self._cooldowns[name] = Cooldown(now + rest, detached(error))

    def released(self, leg: Leg, *, probe: bool = False) -> None:
        """An attempt was broken off: it counts as nothing, and a probe frees its place."""
        with self._lock:
            self._state(leg.identity).in_flight -= 1
            self._free(leg, probe)

    def _free(self, leg: Leg, probe: bool) -> None:
        if probe:
            for breaker in self._breakers(leg):
                breaker.probing = False

    def fails_elsewhere(self, leg: Leg, own_failures: int) -> bool:
        """Tell whether other calls fail on a leg too: then its failures are not this call's bad luck."""
        state = self._legs.get(leg.identity)
        return state is not None and state.breaker.in_a_row > own_failures

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

    def _state(self, name: Hashable) -> _LegState:
        if (state := self._legs.get(name)) is None:
            if len(self._legs) >= MOST_LEGS:
                idle = next((one for one, state in self._legs.items() if not state.in_flight), None)
                self._legs.pop(idle, None)
            state = self._legs[name] = _LegState()
        return state

    def _breakers(self, leg: Leg) -> list[Breaker]:
        """Return those that exist, of the leg and of its origin."""
        return [state.breaker for name in (leg.identity, leg.origin) if (state := self._legs.get(name)) is not None]

    def after_fork(self) -> None:
        self._lock = threading.Lock()
        for state in self._legs.values():
            state.in_flight = 0
            state.breaker.probing = False


def detached(error: ProviderError, message: str | None = None) -> ProviderError:
    """Return a twin to be kept: without traceback and trail, which would keep a whole call alive."""
    twin: ProviderError = Exception.__new__(type(error))
    vars(twin).update({name: value for name, value in vars(error).items() if name not in ("trail", "retry_at")})
    twin.args = (error.message if message is None else message,)
    return twin


def concerns_origin(error: ProviderError) -> bool:
    """Tell whether all that is served from the same origin suffers too."""
    if isinstance(error, ConnectionFailedError):
        return error.kind != "reset"
    return isinstance(error, ProviderTimeoutError) and error.phase == "connect"


def _key_of(leg: Leg) -> Hashable:
    return (leg.provider.name, leg.fingerprint)


def _spent(limit: Limit) -> ProviderError:
    from ..errors.exceptions import RateLimitError

    left = f"only {limit.left:g} {limit.what} are left" if limit.left else f"no {limit.what} are left"
    return RateLimitError(f"its last answer said that {left}")


def cooling_down(leg: Leg, admission: Admission, now: float, wall: float) -> Skipped:
    """Return why a leg is not used now, with the time of day at which it is again."""
    assert admission.error is not None
    try:
        until = time.strftime("%H:%M:%S", time.localtime(wall + admission.ready_at - now))
    except (OverflowError, ValueError, OSError):  # a service asked for a million years
        until = "further notice"
    reason = f"rests until {until} after {type(admission.error).__name__} ({admission.error.message})"
    return _skipped(leg, reason)
