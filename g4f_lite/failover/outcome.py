"""
How a call has gone so far, and what it raises in the end: the trail, the final error, the wording of reasons.

Rule: nothing is decided here about what the call does next.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..errors.exceptions import (
    BudgetExceededError,
    DeadlineExceededError,
    G4FLiteError,
    ProviderError,
    RateLimitError,
    RoutesExhaustedError,
    StreamInterruptedError,
)
from ..health.admission import FORESEEABLE_S, Admission, cooling_down
from ..health.leg_state import detached
from ..health.tracker import Health
from ..provider.leg import Identity, Leg
from ..records.trail import Attempt, Skipped, Trail, Wait, describe_entries
from ..routing.tiers import FailureScope
from ..types.time_limit import Clock
from .policy import Policy


class CallRecord:
    """
    The trail of one call so far, and the latest error of each of its legs.

    Args:
        skipped: the legs that were left out before the call began.
        tokens: estimate of what the request needs.
        started_at: when the call began, by the monotonic clock.
    """

    def __init__(
        self,
        skipped: Iterable[Skipped],
        clock: Clock,
        health: Health,
        tokens: float,
        *,
        policy: Policy,
        started_at: float,
        call_id: str = "",
        operation: str = "chat",
    ) -> None:
        self.call_id = call_id
        self.operation = operation
        self._started_at = started_at
        self.entries: list[Attempt | Skipped] = list(skipped)
        self.errors: dict[Identity, ProviderError] = {}
        """The latest failure stands last."""
        self._of_others: set[Identity] = set()
        """The legs whose error is no failure of this call: a later one takes its place."""
        self.legs: dict[Identity, Leg] = {}
        """The legs that were tried or found cooling down."""
        self._clock = clock
        self._health = health
        self._tokens = tokens
        self._patience = policy.patience

    def wait(self, seconds: float, failure: BaseException | None) -> Wait:
        """Return the record of a wait that begins now, after this failure."""
        last = self.entries[-1] if self.entries else None
        reason = last.reason if isinstance(last, Attempt) and failure in self.errors.values() else str(failure)
        return Wait(call_id=self.call_id, seconds=seconds, started_at=self._clock.time(), reason=reason or "")

    def ready_at(self, leg: Leg, now: float) -> float | None:
        """Return the Unix time at which a leg may be used again; None if it may be used now."""
        wait = self._health.check(leg, now, self._tokens).ready_at - now
        return self._clock.time() + min(wait, FORESEEABLE_S) if wait > 0 else None

    def resting(self) -> dict[str, float]:
        """Return the routes that were come to and may not be used now, and the Unix time at which they may again."""
        now = self._clock.monotonic()
        found = ((leg.route, self.ready_at(leg, now)) for leg in self.legs.values())
        return {route: at for route, at in found if at is not None}

    def failed(self, leg: Leg, error: ProviderError) -> None:
        """Keep the error of an attempt."""
        self._of_others.discard(leg.identity)
        self.errors.pop(leg.identity, None)
        self.errors[leg.identity] = error

    def skip(self, leg: Leg, reason: str) -> None:
        """Add a leg that is not tried, and why."""
        self.entries.append(leg.skipped(reason))

    def put_winner_last(self, *, has_ended: bool) -> None:
        """Let the attempt that has ended the call be the last one, not one that was cancelled because of it."""
        made = [one for one in self.entries if isinstance(one, Attempt)]
        if has_ended and made[1:] and made[-1].outcome == "LostRace":
            self.entries.remove(made[-1])
            self.entries.insert(self.entries.index(made[-2]), made[-1])

    def refused(self, leg: Leg, error: ProviderError) -> None:
        """Add a leg that is not tried because the client itself forbids it."""
        error.provider, error.model = leg.provider.name, leg.model
        self.legs[leg.identity] = leg
        self.failed(leg, error)
        self.skip(leg, error.message)

    def cooling_down(self, leg: Leg, admission: Admission, now: float) -> None:
        """Add a leg that may not be used now. What caused it stands for its error if the call has not failed there."""
        assert admission.error is not None
        self.legs[leg.identity] = leg
        if admission.turn is not None and leg.identity in self.errors:
            return  # the trail says already that the call waits in line
        skipped = cooling_down(leg, admission, now, self._clock.time())
        if skipped not in self.entries:
            self.entries.append(skipped)
        before = self.errors.get(leg.identity)
        was_in_line = type(before) is RateLimitError and type(admission.error) is not RateLimitError
        if before is None or was_in_line or leg.identity in self._of_others:  # a refusal for rate is no failure
            declared = admission.turn is not None and not admission.turn.rate
            known = detached(admission.error, ("" if declared else "cooling down: ") + admission.error.message)
            known.provider, known.model = leg.provider.name, leg.model
            known.retry_after = max(0.0, admission.ready_at - now)
            self.errors[leg.identity] = known
            self._of_others.add(leg.identity)

    def reason_to_leave(self, error: ProviderError, remaining: float, *, last: bool, others: bool) -> str:
        """
        Return where the call goes after a failure, and why it does not stay if the service asked it to wait.

        Args:
            remaining: seconds to the deadline.
            last: the call ends.
        """
        target = "no leg is left" if last else "next leg" if others else "the first leg that has cooled down"
        asked, remaining = error.retry_after or 0.0, max(remaining, 0.0)
        if asked > remaining:
            return f"{target}: asked to wait {asked:.3g} s, the deadline is in {remaining:.1f} s"
        if asked > self._patience:
            return f"{target}: asked to wait {asked:.3g} s, patience is {self._patience:.3g} s"
        return target

    def _tried(self) -> set[tuple[str, str]]:
        return {(leg.provider.name, leg.model) for leg in self.legs.values()}

    def trail(self, outcome: str | None = None) -> Trail:
        """Return all that has happened so far; with an outcome, the call has ended."""
        duration = None if outcome is None else self._clock.monotonic() - self._started_at
        return Trail(
            entries=tuple(self.entries),
            call_id=self.call_id,
            operation=self.operation,
            outcome=outcome,
            duration=duration,
            started_at=None if duration is None else self._clock.time() - duration,
        )

    def final_error(self, *, single: bool, stopped_by: ProviderError | None) -> G4FLiteError:
        """
        Return what the call raises: the error that stopped it, the only leg's error, or the errors of all legs.

        Args:
            single: the plan has one leg only.
        """
        errors = list(self.errors.values())
        last = errors[-1]
        error: G4FLiteError = stopped_by or last
        if not single and stopped_by is None:
            errors = [self.errors[identity] for identity in self.legs if identity in self.errors]
            for one in errors:  # the message has a line for each; their tracebacks would bury it
                one.__traceback__ = None
            lines = "".join(f"\n  {line}" for line in describe_entries(self.entries))
            legs = f"{len(errors)} leg{'s' if len(errors) > 1 else ''}"
            if left_out := len({(one.provider, one.model) for one in self.entries} - self._tried()):
                legs += f", {left_out} not tried"
            error = RoutesExhaustedError(f"no answer from {legs}:{lines}", errors)
        elif isinstance(last, DeadlineExceededError) and len(errors) > 1:
            last.__cause__ = errors[-2]
        return self.attach_trail(error)

    def attach_trail(self, error: G4FLiteError) -> G4FLiteError:
        """Set `trail` and `retry_at` on an error that leaves the call."""
        error.trail = self.trail()
        now, wall = self._clock.monotonic(), self._clock.time()
        checks = [self._health.check(leg, now, self._tokens) for leg in self.legs.values()]
        waits = [check.ready_at - now for check in checks if not check.granted]
        spent = [one.retry_after for one in self.errors.values() if isinstance(one, BudgetExceededError)]
        waits += [wait for wait in spent if wait is not None]
        error.retry_at = wall + min(waits) if waits else None
        return error


# -- the wording of reasons ----------------------------------------------------------------

_STOPS: dict[type[ProviderError], str] = {
    DeadlineExceededError: "stop: the time is up",
    StreamInterruptedError: 'stop: on_interrupt is "raise"',
}
_SHARED = {
    FailureScope.KEY: "has the key of",
    FailureScope.MODEL: "is the model of",
    FailureScope.ORIGIN: "is at the same address as",
}


def described(error: ProviderError, *, sent: bool) -> dict[str, Any]:
    """Return the fields of an `Attempt` that say how it failed."""
    return {
        "outcome": type(error).__name__,
        "status": error.status,
        "message": error.message,
        "request_id": error.request_id,
        "retry_after": error.retry_after,
        "unsent": not sent or error.unsent,
    }


def reason_to_stop(error: ProviderError, *, confirmed: bool) -> str:
    """
    Return why a failure stops the call.

    Args:
        confirmed: it is the second opinion.
    """
    if confirmed:
        return "stop: another leg said so, too"
    return _STOPS.get(type(error), "stop: no other leg would do better")


def reason_to_skip(scope: FailureScope, failed: Leg, error: ProviderError) -> str:
    """Return why a leg in the scope of a failure is not tried."""
    return f"{_SHARED[scope]} {failed.route}, which failed ({type(error).__name__})"
