"""
The tiers of one call, and where the call stands in them. Pure: no I/O, no sleeping.

A driver asks for a leg with `begin`, tells the outcome with `succeed`, `fail` or `abort`, and lets
tenacity ask `retry`, `wait` and `stop` what comes next.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any, NoReturn

import msgspec

from ..errors import ConnectionFailedError, DeadlineExceededError, G4FLiteError, ProviderError, RoutesExhaustedError
from ..timing import Clock, TimeLimit
from ..types import Attempt, Skipped, Timeouts, Trail, Value
from .decisions import Again, Decision, Scope, decide
from .legs import Leg
from .waits import backoff


class Policy(Value, frozen=True, kw_only=True):
    """How far a call goes; see `Client` for each."""

    retries: int = 2
    patience: float = 3.0
    timeouts: Timeouts = Timeouts()
    deadline: float = 300.0
    bounds_stream: bool = False
    """The deadline holds for a stream to its end (`timeout=` of a call)."""
    retry_wait: Callable[[Any], float] | None = None
    retry_stop: Callable[[Any], bool] | None = None


class Plan:
    """
    Args:
        order: puts the legs of a tier into the order of trying.
        random: returns 0 <= x < 1, for jitter.
    """

    def __init__(
        self,
        tiers: Sequence[Sequence[Leg]],
        skipped: Iterable[Skipped] = (),
        *,
        policy: Policy,
        clock: Clock,
        random: Callable[[], float],
        order: Callable[[Sequence[Leg]], Iterable[Leg]] | None = None,
        stream: bool = False,
    ) -> None:
        self.policy = policy
        self.stream = stream
        self.deadline_at = clock.monotonic() + policy.deadline
        self.stopped = False
        self.wait_s = 0.0
        self._clock = clock
        self._random = random
        self._order = order
        self._tiers = deque(tiers)
        self._ready: deque[Leg] = deque()
        self._single = len(tiers) == 1 and len(tiers[0]) == 1
        self._entries: list[Attempt | Skipped] = list(skipped)
        self._errors: dict[object, ProviderError] = {}
        self._leg: Leg | None = None
        self._again = False
        self._number = 0
        self._started = 0.0
        self._leg_state: Any = None
        self.current: Attempt | None = None

    # -- an attempt ------------------------------------------------------------------------

    def begin(self) -> tuple[Leg, TimeLimit]:
        """
        Start an attempt: return its leg and its time limit.

        Raises:
            DeadlineExceededError: the call's time is up.
        """
        if not self._again:
            self._leg = self._take()
            self._number = 0
            self._leg_state = None
        leg = self._leg
        assert leg is not None, "begin() is called only while the plan goes on"
        self._number += 1
        limit = TimeLimit(
            self._clock,
            self.policy.timeouts,
            self.deadline_at,
            stream=self.stream,
            bounded=self.policy.bounds_stream,
            patient=not self._others_left(),
        )
        self._started = limit.started_at
        self.current = Attempt(
            provider=leg.provider.name,
            model=leg.model,
            key=leg.fingerprint,
            number=self._number,
            started_at=self._clock.time(),
        )
        return leg, limit

    def first_token(self) -> None:
        """A stream has handed out its first content."""
        assert self.current is not None
        self.current = msgspec.structs.replace(self.current, first_token=self._elapsed())

    def succeed(self, status: int | None, notes: Sequence[str] = ()) -> Attempt:
        """End the attempt well."""
        return self._end(outcome="ok", status=status, notes=tuple(notes))

    def fail(self, error: ProviderError, notes: Sequence[str] = ()) -> Attempt:
        """End the attempt with an error, and decide what comes next."""
        leg = self._leg
        assert leg is not None
        error.provider, error.model = leg.provider.name, leg.model
        self._errors[leg.identity] = error
        decision = decide(error)
        wait = None if decision.stops else self._retry_wait(decision, error)
        self._again = wait is not None
        self.wait_s = wait or 0.0
        skipped: list[Skipped] = []
        if wait is not None:
            reason = f"again in {wait:.2f} s"
        elif decision.stops:
            self.stopped, reason = True, "stop: no other leg would do better"
        else:
            skipped = self._leave_out(decision.scope, leg, error)
            self.stopped = not self._others_left()
            reason = self._reason_to_leave(error)
        attempt = self._end(
            outcome=type(error).__name__,
            status=error.status,
            message=error.message,
            reason=reason,
            wait=wait,
            notes=tuple(notes),
        )
        self._entries += skipped
        return attempt

    def abort(self, error: BaseException) -> Attempt:
        """End the attempt because the call was cancelled, interrupted, or hit a bug."""
        self.stopped = True
        return self._end(outcome=type(error).__name__, reason="stop: the call was broken off")

    def _end(self, **outcome: Any) -> Attempt:
        assert self.current is not None
        attempt = msgspec.structs.replace(self.current, duration=self._elapsed(), **outcome)
        self._entries.append(attempt)
        self.current = None
        return attempt

    def _elapsed(self) -> float:
        return self._clock.monotonic() - self._started

    # -- which leg -------------------------------------------------------------------------

    def _take(self) -> Leg:
        while not self._ready:
            tier = self._tiers.popleft()
            self._ready.extend(tier if self._order is None or len(tier) == 1 else self._order(tier))
        return self._ready.popleft()

    def _others_left(self) -> bool:
        return bool(self._ready) or any(self._tiers)

    def _leave_out(self, scope: Scope, failed: Leg, error: ProviderError) -> list[Skipped]:
        """Drop the waiting legs that this failure makes useless; return them with the reason."""
        if scope is Scope.LEG:
            if isinstance(error, ConnectionFailedError):  # its origin is shaky: the others first
                legs = [*self._ready, *chain.from_iterable(self._tiers)]
                self._ready = deque(sorted(legs, key=lambda leg: leg.origin == failed.origin))
                self._tiers.clear()
            return []
        same = _SAME[scope]
        dropped: list[Skipped] = []

        def keep(legs: Iterable[Leg]) -> list[Leg]:
            kept = []
            for leg in legs:
                if same(leg, failed):
                    reason = f"{_SHARED[scope]} of {failed.route} ({type(error).__name__})"
                    dropped.append(
                        Skipped(provider=leg.provider.name, model=leg.model, key=leg.fingerprint, reason=reason)
                    )
                else:
                    kept.append(leg)
            return kept

        self._ready = deque(keep(self._ready))
        self._tiers = deque(kept for tier in self._tiers if (kept := keep(tier)))
        return dropped

    # -- again? ----------------------------------------------------------------------------

    def _retry_wait(self, decision: Decision, error: ProviderError) -> float | None:
        """Return the seconds to wait before the same leg is tried again; None to leave it."""
        if decision.again is Again.NEVER:
            return None
        state = self._state_of_leg(error)
        retries = min(1, self.policy.retries) if decision.again is Again.ONCE else self.policy.retries
        if self.policy.retry_stop is not None:
            if self.policy.retry_stop(state):
                return None
        elif self._number > retries:
            return None
        asked = error.retry_after
        if self.policy.retry_wait is not None:
            wait = max(float(self.policy.retry_wait(state)), asked or 0.0)
        else:
            wait = backoff(self._number, self._random) if asked is None else asked
        if wait > self.policy.patience and self._others_left():
            return None
        if self._clock.monotonic() + wait >= self.deadline_at:
            return None
        if state is not None:
            state.idle_for += wait
        return wait

    def _state_of_leg(self, error: ProviderError) -> Any:
        """Return tenacity's state of this leg alone, for the caller's own wait and stop."""
        if self.policy.retry_wait is None and self.policy.retry_stop is None:
            return None
        if self._leg_state is None:
            from tenacity import RetryCallState

            self._leg_state = RetryCallState(None, None, (), {})  # type: ignore[arg-type]  # no Retrying object drives it
            self._leg_state.start_time = self._started
        self._leg_state.attempt_number = self._number
        self._leg_state.set_exception((type(error), error, None))
        self._leg_state.outcome_timestamp = self._clock.monotonic()
        return self._leg_state

    def _reason_to_leave(self, error: ProviderError) -> str:
        target = "next leg" if not self.stopped else "no leg is left"
        if error.retry_after is not None and error.retry_after > self.policy.patience:
            return f"{target}: asked to wait {error.retry_after:.3g} s, patience is {self.policy.patience:.3g} s"
        return target

    # -- what tenacity asks ----------------------------------------------------------------

    @staticmethod
    def retry(state: Any) -> bool:
        """Only a leg's failure is retried: cancellation, Ctrl-C and bugs pass through."""
        return state.outcome.failed and isinstance(state.outcome.exception(), ProviderError)

    def wait(self, state: Any) -> float:
        return self.wait_s

    def stop(self, state: Any) -> bool:
        return self.stopped

    def give_up(self, state: Any = None) -> NoReturn:
        """Raise the error of the whole call."""
        raise self.final_error()

    # -- the end ---------------------------------------------------------------------------

    def trail(self) -> Trail:
        return Trail(entries=tuple(self._entries))

    def final_error(self) -> G4FLiteError:
        """Return what the call raises: the error that stops, the only leg's, or all of them."""
        errors = list(self._errors.values())
        last = errors[-1]
        error: G4FLiteError = last
        if not self._single and not decide(last).stops:
            lines = "".join(f"\n  {entry}" for entry in self._entries)
            tried = f"{len(errors)} leg{'s' if len(errors) > 1 else ''}"
            error = RoutesExhaustedError(f"no answer from {tried}:{lines}", errors)
        elif isinstance(last, DeadlineExceededError) and len(errors) > 1:
            last.__cause__ = errors[-2]
        return self.sign(error)

    def sign(self, error: G4FLiteError) -> G4FLiteError:
        """Put trail and `retry_at` on an error that leaves the call."""
        error.trail = self.trail()
        waits = [one.retry_after for one in self._errors.values() if one.retry_after is not None]
        error.retry_at = self._clock.time() + min(waits) if waits else None
        return error


def _same_key(leg: Leg, failed: Leg) -> bool:
    return leg.provider.name == failed.provider.name and leg.fingerprint == failed.fingerprint


def _same_model(leg: Leg, failed: Leg) -> bool:
    return leg.provider.name == failed.provider.name and leg.model == failed.model


def _same_origin(leg: Leg, failed: Leg) -> bool:
    return leg.origin == failed.origin


_SAME: dict[Scope, Callable[[Leg, Leg], bool]] = {
    Scope.KEY: _same_key,
    Scope.MODEL: _same_model,
    Scope.ORIGIN: _same_origin,
}
_SHARED = {Scope.KEY: "the key", Scope.MODEL: "the model", Scope.ORIGIN: "the origin"}
