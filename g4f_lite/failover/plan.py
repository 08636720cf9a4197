"""
The tiers of one call, and where the call stands in them. Pure: no I/O, no sleeping.

A driver asks for a leg with `begin` and tells the outcome with `succeed`, `fail` or `abort`. After a failure
`next_wait` and `finished` say what comes next: that is what tenacity is told (`retrying.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from ..errors.exceptions import (
    ConfigurationError,
    DeadlineExceededError,
    G4FLiteError,
    ProviderError,
    RoutesExhaustedError,
    StreamInterruptedError,
)
from ..health.tracker import Admission, Health, cooling_down, detached
from ..provider.leg import Leg, _skipped
from ..routing.tiers import Tiers
from ..trail import Attempt, Skipped, Trail, describe_entries
from ..types.time_limit import Clock, TimeLimit
from .backoff import backoff
from .caller_retry import CallerRetry
from .candidates import AllCoolingDownError, Candidates
from .decisions import Decision, FailureScope, RetryMode, decide
from .policy import Policy


class AttemptState:
    """An attempt under way."""

    __slots__ = ("attempt", "leg", "limit", "probe")

    def __init__(self, leg: Leg, limit: TimeLimit, attempt: Attempt, *, probe: bool) -> None:
        self.leg = leg
        self.limit = limit
        self.attempt = attempt
        self.probe = probe

    def lasts(self, now: float) -> float:
        """Seconds since it began."""
        return now - self.limit.started_at


class Plan:
    """
    Args:
        health: what is known of the legs, shared with other calls.
        order: puts the legs of a tier into the order of trying.
        random: returns 0 <= x < 1, for jitter.
        tokens: estimate of what the request needs, for limits seen in earlier answers.
    """

    finished = False
    """There will be no other attempt."""
    not_retryable = False
    """A failure said that no leg would do better."""
    next_wait = 0.0
    """Seconds to wait before the next attempt."""
    _mistake: ConfigurationError | None = None
    """The caller's own object failed."""

    def __init__(
        self,
        tiers: Sequence[Sequence[Leg]],
        skipped: Iterable[Skipped] = (),
        *,
        policy: Policy,
        clock: Clock,
        random: Callable[[], float],
        health: Health | None = None,
        order: Callable[[Sequence[Leg]], Iterable[Leg]] | None = None,
        stream: bool = False,
        tokens: float = 0.0,
    ) -> None:
        self.policy = policy
        self.stream = stream
        self.deadline_at = clock.monotonic() + policy.deadline
        self._clock = clock
        self._random = random
        self._health = Health(random) if health is None else health
        self._tokens = tokens
        self._candidates = Candidates(tiers if isinstance(tiers, Tiers) else Tiers(tiers), order)
        self._cooling_down: list[Leg] = []
        self._single = len(tiers) == 1 and len(tiers[0]) == 1
        self._entries: list[Attempt | Skipped] = list(skipped)
        self._errors: dict[Hashable, ProviderError] = {}
        self._seen: dict[Hashable, Leg] = {}
        """The legs that were tried or found resting."""
        self._tries: dict[Hashable, int] = {}
        self._caller_retry = CallerRetry(policy.retry_wait, policy.retry_stop)

    # -- an attempt ------------------------------------------------------------------------

    def begin(self) -> AttemptState:
        """
        Start an attempt on the next leg that may be used.

        Raises:
            AllCoolingDownError: none may be used now; `next_wait` says for how long, or `finished` that it is too long.
        """
        now = self._clock.monotonic()
        leg, probe = self._next(now)
        identity = leg.identity
        number = self._tries[identity] = self._tries.get(identity, 0) + 1
        self._seen[identity] = leg
        limit = TimeLimit(
            self._clock,
            self.policy.timeouts,
            self.deadline_at,
            stream=self.stream,
            bounded=self.policy.bounds_stream,
            patient=not self._health.any_usable(self._candidates, now, self._tokens),
        )
        attempt = Attempt(
            provider=leg.provider.name,
            model=leg.model,
            key=leg.fingerprint,
            number=number,
            started_at=self._clock.time(),
        )
        return AttemptState(leg, limit, attempt, probe=probe)

    def first_content(self, state: AttemptState) -> None:
        """A stream has handed out its first content."""
        state.attempt = msgspec.structs.replace(state.attempt, first_token=state.lasts(self._clock.monotonic()))

    def succeed(
        self,
        state: AttemptState,
        status: int | None,
        headers: Mapping[str, str] | None = None,
        notes: Sequence[str] = (),
    ) -> Attempt:
        """End an attempt well, and with it the call."""
        self._errors.clear()  # their tracebacks hold the call: nothing of it is to wait for the garbage collector
        now, wall = self._clock.monotonic(), self._clock.time()
        first_token = state.attempt.first_token if self.stream else state.lasts(now)
        self._health.succeeded(state.leg, now, wall=wall, headers=headers, first_token=first_token)
        return self._end(state, now, outcome="ok", status=status, notes=tuple(notes))

    def fail(self, state: AttemptState, error: ProviderError, notes: Sequence[str] = ()) -> Attempt:
        """End an attempt with an error, and decide what comes next."""
        leg, now = state.leg, self._clock.monotonic()
        error.provider, error.model = leg.provider.name, state.attempt.model
        self._errors.pop(leg.identity, None)  # the latest stands last
        self._errors[leg.identity] = error
        decision = self._decide(error)
        if isinstance(error, StreamInterruptedError) and not self.policy.bounds_stream:
            # While content came nobody waited: that time does not count for the leg that takes over.
            self.deadline_at += state.lasts(now) - (state.attempt.first_token or 0.0)
        leave = self._health.failed(leg, error, decision, now, probe=state.probe)
        try:
            wait = None if leave or decision.stops else self._retry_wait(decision, error, state, now)
        except ConfigurationError as mistake:
            wait, self._mistake = None, mistake
        self.next_wait = wait or 0.0
        useless: list[Leg] = []
        if wait is not None:
            self._candidates.put_first(leg)
            self.finished = self.not_retryable
            reason = f"again in {wait:.2f} s"
        elif self._mistake is not None:
            self.finished = self.not_retryable = True
            reason = f"stop: {self._mistake}"
        elif decision.stops:
            self.finished = self.not_retryable = True
            reason = _STOPS.get(type(error), "stop: no other leg would do better")
        else:
            useless = self._candidates.drop(decision.scope, leg)
            if self._tries[leg.identity] <= self._retries(decision) and not self._check(leg, now).granted:
                self._cooling_down.append(leg)
            others = bool(self._candidates)
            self.finished = self.not_retryable or (not others and self._soonest(now) is None)
            reason = self._reason_to_leave(error, others=others)
        attempt = self._end(
            state,
            now,
            outcome=type(error).__name__,
            status=error.status,
            message=error.message,
            reason=reason,
            wait=wait,
            notes=tuple(notes),
        )
        if useless:
            reason = f"{_SHARED[decision.scope]} {leg.route}, which failed ({type(error).__name__})"
            self._entries += [_skipped(one, reason) for one in useless]
        return attempt

    def _decide(self, error: ProviderError) -> Decision:
        decision = decide(error)
        if isinstance(error, StreamInterruptedError) and self.policy.on_interrupt != "raise":
            return decision._replace(stops=False)
        return decision

    def abort(self, state: AttemptState, error: BaseException) -> Attempt:
        """End an attempt that was cancelled, interrupted, or hit a bug: it counts as nothing."""
        self.finished = True
        self._health.released(state.leg, probe=state.probe)
        return self._end(
            state, self._clock.monotonic(), outcome=type(error).__name__, reason="stop: the call was broken off"
        )

    def lose_race(self, state: AttemptState) -> Attempt:
        """End a hedged attempt because another leg was faster: it counts as nothing."""
        self._health.released(state.leg, probe=state.probe)
        self._tries[state.leg.identity] -= 1
        self._candidates.put_last([state.leg])  # it may take over if the faster one breaks
        return self._end(state, self._clock.monotonic(), outcome="Outrun", reason="another leg spoke first")

    @property
    def has_next(self) -> bool:
        """Whether another leg could start beside the one under way."""
        return bool(self._candidates)

    def _end(self, state: AttemptState, now: float, **outcome: Any) -> Attempt:
        attempt = msgspec.structs.replace(state.attempt, duration=state.lasts(now), **outcome)
        self._entries.append(attempt)
        return attempt

    # -- which leg -------------------------------------------------------------------------

    def _next(self, now: float) -> tuple[Leg, bool]:
        """Return the next leg that may be used, and whether as a probe; or raise AllCoolingDownError."""
        soonest: float | None = now
        while soonest is not None and soonest <= now:
            while (leg := self._candidates.take()) is not None:
                if self._tries.get(leg.identity) and self._fails_elsewhere(leg):
                    continue
                admission = self._health.admit(leg, now, self._tokens)
                if admission.error is None:
                    return leg, admission.probe
                self._rest(leg, admission, now)
            soonest = self._soonest(now)
            self._candidates.put_last(self._cooling_down)
            self._cooling_down = []
        self.finished = soonest is None
        self.next_wait = 0.0 if soonest is None else soonest - now
        raise AllCoolingDownError("all legs rest")

    def _fails_elsewhere(self, leg: Leg) -> bool:
        """Leave a leg that was to be tried again when meanwhile other calls have failed on it."""
        if not self._candidates or not self._health.fails_elsewhere(leg, self._tries[leg.identity]):
            return False
        self._entries.append(_skipped(leg, "other calls fail there too"))
        return True

    def _rest(self, leg: Leg, admission: Admission, now: float) -> None:
        """Leave a leg out for now, and say why."""
        assert admission.error is not None
        self._cooling_down.append(leg)
        self._seen[leg.identity] = leg
        skipped = cooling_down(leg, admission, now, self._clock.time())
        if skipped not in self._entries:
            self._entries.append(skipped)
        if leg.identity not in self._errors:
            known = detached(admission.error, f"rests: {admission.error.message}")
            known.provider, known.model = leg.provider.name, leg.model
            known.retry_after = max(0.0, admission.ready_at - now)
            self._errors[leg.identity] = known

    def _soonest(self, now: float) -> float | None:
        """Return when the first resting leg may be used again; None if that is past the deadline."""
        soonest = min((self._check(leg, now).ready_at for leg in self._cooling_down), default=float("inf"))
        return soonest if soonest < self.deadline_at else None

    def _check(self, leg: Leg, now: float) -> Admission:
        return self._health.check(leg, now, self._tokens)

    # -- again? ----------------------------------------------------------------------------

    def _retries(self, decision: Decision) -> int:
        if decision.again is RetryMode.NEVER:
            return 0
        return min(1, self.policy.retries) if decision.again is RetryMode.ONCE else self.policy.retries

    def _retry_wait(self, decision: Decision, error: ProviderError, state: AttemptState, now: float) -> float | None:
        """Return the seconds to wait before the same leg is tried again; None to leave it."""
        if decision.again is RetryMode.NEVER:
            return None
        leg, tries, asked = state.leg.identity, state.attempt.number, error.retry_after
        if decision.again is RetryMode.ONCE and self._tries[leg] > 1:
            return None  # the table's word, whatever the caller's objects say
        self._caller_retry.failed(leg, error, number=tries, started_at=state.limit.started_at, now=now)
        stops = self._caller_retry.stops(leg)
        if stops or (stops is None and tries > self._retries(decision)):
            return None
        wait = self._caller_retry.wait(leg)
        if wait is None:
            wait = backoff(tries, self._random) if asked is None else asked
        elif asked is not None:
            wait = max(wait, asked)
        if wait > self.policy.patience and self._candidates:
            return None
        if now + wait >= self.deadline_at:
            return None
        self._caller_retry.waits(leg, wait)
        return wait

    def _reason_to_leave(self, error: ProviderError, *, others: bool) -> str:
        target = "no leg is left" if self.finished else "next leg" if others else "the first that is rested"
        if error.retry_after is not None and error.retry_after > self.policy.patience:
            return f"{target}: asked to wait {error.retry_after:.3g} s, patience is {self.policy.patience:.3g} s"
        return target

    # -- the end ---------------------------------------------------------------------------

    def trail(self) -> Trail:
        return Trail(entries=tuple(self._entries))

    def final_error(self) -> G4FLiteError:
        """Return what the call raises: the error that stops, the only leg's, or all of them."""
        if self._mistake is not None:
            return self.attach_trail(self._mistake)
        errors = list(self._errors.values())
        last = errors[-1]
        error: G4FLiteError = last
        if not self._single and not self._decide(last).stops:
            errors = [self._errors[name] for name in self._seen if name in self._errors]
            for one in errors:  # the story is told in a few lines; their tracebacks would bury it
                one.__traceback__ = None
            lines = "".join(f"\n  {line}" for line in describe_entries(self._entries))
            tried = f"{len(errors)} leg{'s' if len(errors) > 1 else ''}"
            error = RoutesExhaustedError(f"no answer from {tried}:{lines}", errors)
        elif isinstance(last, DeadlineExceededError) and len(errors) > 1:
            last.__cause__ = errors[-2]
        return self.attach_trail(error)

    def attach_trail(self, error: G4FLiteError) -> G4FLiteError:
        """Put trail and `retry_at` on an error that leaves the call."""
        error.trail = self.trail()
        now, wall = self._clock.monotonic(), self._clock.time()
        looks = [self._check(leg, now) for leg in self._seen.values()]
        rests = [look.ready_at - now for look in looks if not look.granted]
        error.retry_at = wall + min(rests) if rests else None
        return error


_STOPS: dict[type[ProviderError], str] = {
    DeadlineExceededError: "stop: the time is up",
    StreamInterruptedError: 'stop: on_interrupt is "raise"',
}


_SHARED = {
    FailureScope.KEY: "has the key of",
    FailureScope.MODEL: "is the model of",
    FailureScope.ORIGIN: "is at the same address as",
}
