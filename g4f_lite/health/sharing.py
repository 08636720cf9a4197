"""
The memory of a client that has limits, a budget or a shared state: `Health`, and what others tell and are told.

Rule: as in `tracker.py`. A client without these has a plain `Health`, and pays nothing for this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from ..errors import exceptions
from ..errors.exceptions import ProviderError
from ..provider.leg import Leg
from ..records.trail import Attempt
from ..types.breaker import Breaker
from ..types.time_limit import Clock
from .admission import Admission
from .breaker import DEFAULT_BREAKER, PROBE_S
from .estimates import Estimate
from .leg_state import Cooldown, LegState, OriginState, key_of
from .places import Places, Ticket, Turn
from .quotas import Quotas, Refusal, Spends
from .shared_state import Answer, BeginProbe, Command, EndProbe, Event, Reservation, Reserve, Settle, Tell
from .tracker import PROBE_POLL_S, Health

LEASE_S = 60.0
"""How long a reservation outlives the deadline of its call."""
_NEWER_S = 0.1
"""An end that is later by less is the same one: it was rounded on its way."""
_MOST_SHARED = 4096

_Name = tuple[str, ...]


class TellState(Protocol):
    """Writes commands behind: returns at once, and raises nothing."""

    def __call__(self, *commands: Command) -> None: ...


class SharedHealth(Health):
    """
    Args:
        tell: for what is not waited for.
        host: the name of this machine; "" if nobody shares the state, so that nothing is told.
    """

    def __init__(
        self,
        random: Callable[[], float],
        clock: Clock,
        quotas: Quotas,
        tell: TellState,
        host: str,
        *,
        breaker: Breaker = DEFAULT_BREAKER,
    ) -> None:
        super().__init__(random, breaker)
        self.quotas = quotas
        self._clock = clock
        self._tell_state = tell
        self._host = host
        self._shared_until: dict[tuple[str, _Name], float] = {}
        """Until when the others know that something is not used."""

    # -- limits and budget -----------------------------------------------------------------

    def ask(
        self, leg: Leg, name: str, size: Estimate, *, requests: int, remaining_s: float, probe: int
    ) -> tuple[Command, ...]:
        """
        Return what the state is asked before an attempt sends anything.

        Args:
            name: of the attempt, unique among all that share the state.
            requests: how many it sends.
            remaining_s: seconds to the deadline of the call.
            probe: the number of the attempt if it is a probe.
        """
        lease_ms = round((remaining_s + LEASE_S) * 1000)
        reserve = self.quotas.reserve(leg, name, size, requests=requests, lease_ms=lease_ms)
        commands: tuple[Command, ...] = () if reserve is None else (reserve,)
        if probe and self._host and (probed := self._probed(leg)):
            commands += (BeginProbe("/".join(probed), name, round(PROBE_S * 1000)),)
        return commands

    def _probed(self, leg: Leg) -> _Name:
        """Return what others do not probe meanwhile."""
        origin = self._origins.get(leg.origin)
        if origin is not None and origin.breaker.is_open:
            return _origin(leg)
        return () if leg.is_private else _leg(leg)

    def answered_by_state(
        self, leg: Leg, commands: Sequence[Command], answers: Sequence[Answer], number: int, ticket: Ticket | None
    ) -> Refusal | None:
        """
        Return why an attempt may not send anything; None if it may. What it was given before is given back.

        A call that stood in line while it asked leaves now, or keeps its place.
        """
        now, refusal = self._clock.monotonic(), None
        with self._lock:
            stood_in, is_woken = ([], False) if ticket is None else ([*ticket.lines], ticket.woken)
            if ticket is not None:
                ticket.leave(stood_in)
            for command, answer in zip(commands, answers, strict=True):
                if isinstance(command, Reserve) and isinstance(answer, Reservation):
                    refusal = refusal or self.quotas.answered(command, answer, now)
                elif isinstance(command, BeginProbe) and answer is False:
                    self._leave_probe(leg, number, now)
                    refusal = refusal or Refusal(self._last_error(leg), final=False)
            if ticket is not None and refusal is not None and not refusal.final:
                for line in stood_in:
                    line.join(ticket, now)
                if is_woken:  # since it asked
                    for scope in self.quotas.of(leg):
                        scope.gate.freed(now)
        if refusal is not None:
            given = [one for one, answer in zip(commands, answers, strict=True) if _is_given(answer)]
            self._end(given, ())
        return refusal

    def _leave_probe(self, leg: Leg, number: int, now: float) -> None:
        """Leave a probe to the process that is at it."""
        for breaker in self._breakers(leg):
            breaker.end_probe(number)
            if breaker.is_open:
                breaker.open_until = max(breaker.open_until, now + PROBE_POLL_S)

    def settle(self, leg: Leg, commands: Sequence[Command], attempt: Attempt, spends: Spends, size: Estimate) -> None:
        """Record what an attempt has used; to do it again does no harm."""
        reserve = next((one for one in commands if isinstance(one, Reserve)), None)
        self._end(commands, () if reserve is None else self.quotas.used(reserve, leg, attempt, spends, size))

    def _end(self, commands: Sequence[Command], used: tuple[int, ...]) -> None:
        for command in commands:
            if isinstance(command, Reserve):
                used = used or (0,) * len(command.amounts)
                self._tell_state(Settle(command.id, used))
                with self._lock:
                    self.quotas.freed(command, used, self._clock.monotonic())
        self.end_shared_probe(commands)

    def end_shared_probe(self, commands: Sequence[Command]) -> None:
        """Let other processes probe."""
        for command in commands:
            if isinstance(command, BeginProbe):
                self._tell_state(EndProbe(command.name, command.id))

    def _lines(self, leg: Leg, state: LegState) -> tuple[Places | None, ...]:
        return (*super()._lines(leg, state), *(scope.gate for scope in self.quotas.of(leg)))

    def _check(
        self, leg: Leg, now: float, tokens: float, ticket: Ticket | None, *, past_breaker: bool = False
    ) -> Admission:
        admission = super()._check(leg, now, tokens, ticket, past_breaker=past_breaker)
        if admission.error is not None and admission.turn is None:
            return admission
        number = None if ticket is None else ticket.number
        for scope in self.quotas.of(leg):
            turn = scope.gate.turn(number, now)
            if turn is not None and turn.at >= admission.ready_at:
                admission = Admission(turn.at, exceptions.RateLimitError(scope.gate.message), turn=turn)
        return admission

    def _stand_in_line(self, leg: Leg, turn: Turn, ticket: Ticket, now: float) -> None:
        """Where it is the call's turn, those behind it go on while it waits for another limit; it keeps its number."""
        super()._stand_in_line(leg, turn, ticket, now)
        if len(ticket.lines) > 1:
            for scope in self.quotas.of(leg):
                gate = scope.gate
                if gate in ticket.lines and gate is not turn.line and gate.turn(ticket.number, now) is None:
                    ticket.give_up(gate)

    # -- what others learn -----------------------------------------------------------------

    def answered(self, leg: Leg, now: float, *, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().answered(leg, now, headers=headers, **more)
        if headers and self._host and (state := self._legs.get(leg.identity)) is not None and state.line is not None:
            self._tell_others(leg, now, None)

    def failed(self, leg: Leg, error: ProviderError, now: float, **more: Any) -> bool:
        is_open = super().failed(leg, error, now, **more)
        if self._host:
            self._tell_others(leg, now, error)
        return is_open

    def rest(self, leg: Leg, error: ProviderError, now: float, seconds: float) -> None:
        super().rest(leg, error, now, seconds)
        if self._host:
            self._tell_others(leg, now, error)

    def _tell_others(self, leg: Leg, now: float, error: ProviderError | None) -> None:
        with self._lock:
            found = list(self._known(leg, now, error))
            if len(self._shared_until) > _MOST_SHARED:
                self._shared_until.clear()
            for event in found:
                self._shared_until[event.kind, event.name] = now + event.left_ms / 1000
        if found:
            self._tell_state(*map(Tell, found))

    def _known(self, leg: Leg, now: float, error: ProviderError | None) -> Iterator[Event]:
        """Yield what is known of a leg that has not been told yet."""
        state, host = self._legs.get(leg.identity), self._host if _is_seen_here_alone(error) else ""
        ends: list[tuple[Any, _Name, float, ProviderError, str]] = [
            ("cooldown", name, cooldown.until, cooldown.error, host)
            for name, own in ((_leg(leg), leg.identity), (_key(leg), key_of(leg)))
            if (cooldown := self._cooldowns.get(own)) is not None
        ]
        for name, one in ((_leg(leg), state), (_origin(leg), self._origins.get(leg.origin))):
            if one is not None and one.breaker.is_open:
                ends.append(("breaker", name, one.breaker.open_until, one.error or ProviderError(), host))
        if state is not None and state.line is not None:
            ends.append(("hold", _leg(leg), state.line.held_until, state.line.error, ""))
        for kind, name, until, cause, seen_by in ends:
            if leg.is_private and name != _origin(leg):
                continue
            if until - now > _NEWER_S and until > self._shared_until.get((kind, name), 0.0) + _NEWER_S:
                yield Event(kind, name, round((until - now) * 1000), type(cause).__name__, cause.message, seen_by)

    def learn(self, event: Event) -> None:
        """Take over what another client has learnt: of two ends the later one holds."""
        now = self._clock.monotonic()
        until, error = now + event.left_ms / 1000, _error_of(event)
        what, *rest = event.name
        with self._lock:
            key = event.kind, event.name
            self._shared_until[key] = max(until, self._shared_until.get(key, 0.0))
            identity: Any = tuple(part or None if index == 3 else part for index, part in enumerate(rest))
            if event.kind == "cooldown":
                name = identity if what == "leg" else (*rest[:2], rest[2] or None)
                known = self._cooldowns.get(name)
                if known is None or until > known.until + _NEWER_S:
                    self._cool_down(name, Cooldown(until, error), now)
            elif event.kind == "breaker":
                state: OriginState = self._leg_state(identity) if what == "leg" else self._origin_state(rest[0])
                if until > state.breaker.open_until + _NEWER_S:
                    state.breaker.open_by_others(now, until)
                    state.error = error
            else:
                line = self._line(self._leg_state(identity), now, error)
                if until > line.held_until + _NEWER_S:
                    line.hold(now, until)

    def after_fork(self) -> None:
        super().after_fork()
        for scope in self.quotas.scopes.values():
            scope.gate.clear()


def _leg(leg: Leg) -> _Name:
    return ("leg", leg.provider.name, leg.base_url, leg.model, leg.fingerprint or "", leg.operation)


def _key(leg: Leg) -> _Name:
    return ("key", leg.provider.name, leg.base_url, leg.fingerprint or "")


def _origin(leg: Leg) -> _Name:
    return ("origin", leg.origin)


def _is_given(answer: Answer) -> bool:
    return answer is True or (isinstance(answer, Reservation) and answer.refused_by is None)


def _is_seen_here_alone(error: ProviderError | None) -> bool:
    """Return whether the cause may be this machine: it got no connection."""
    return error is not None and error.unsent


def _error_of(event: Event) -> ProviderError:
    kind = getattr(exceptions, event.error, None)
    if not (isinstance(kind, type) and issubclass(kind, ProviderError)) or kind is exceptions.RoutesExhaustedError:
        kind = ProviderError
    error: ProviderError = kind(event.message)
    return error
