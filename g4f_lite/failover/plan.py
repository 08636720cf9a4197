"""
The plan of one call: where the call stands in its tiers, and what comes next.

Rule: no I/O, no sleeping. A driver starts an attempt with `begin` and ends it with `succeed`, `fail` or `abort`.
After a failure `finished` and `next_wait` say what comes next; tenacity asks for them (`tenacity_loop.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from ..errors.exceptions import ConfigurationError, G4FLiteError, ProviderError, StreamInterruptedError
from ..health.places import Ticket
from ..health.tracker import Health, Memory
from ..provider.leg import Leg
from ..records.trail import Attempt, Skipped, Trail
from ..routing.tiers import FailureScope, Tiers
from ..types.time_limit import Clock, TimeLimit
from .attempt_state import AttemptState
from .backoff import RetryWait
from .candidates import AllCoolingDownError, Candidates
from .decisions import Decision, RetryMode, decide
from .outcome import CallRecord, described, reason_to_skip, reason_to_stop
from .policy import Policy


class Plan:
    """
    The plan of one call.

    Args:
        skipped: the legs that were left out before the call began.
        health: what is known of the legs, shared with other calls.
        order: sorts the legs of a tier into the order of trying.
        random: returns 0 <= x < 1, for jitter.
        tokens: estimate of what the request needs, for the limits in the headers of earlier responses.
        thinks: whether the request asks the model to think; None if it leaves that to the model.
    """

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
        thinks: bool | None = False,
        call_id: str = "",
        operation: str = "chat",
    ) -> None:
        self.policy = policy
        self.stream = stream
        now = clock.monotonic()
        self.deadline_at = now + policy.deadline
        self.finished = False
        """There will be no other attempt."""
        self.not_retryable = False
        """A failure has shown that no leg would do better."""
        self.next_wait = 0.0
        """Seconds to wait before the next attempt."""
        self.race_won = False
        """A hedged leg has won, and attempts that are aborted now have lost the race."""
        self.in_line = False
        """The call may stand in lines, which it must leave at its end."""
        self._under_way = self._begun = 0
        self._clock = clock
        self._health = Health(random) if health is None else health
        self._tokens = tokens
        self._thinks = thinks
        self.call_id = call_id
        self.record = CallRecord(
            skipped, clock, self._health, tokens, policy=policy, started_at=now, call_id=call_id, operation=operation
        )
        self.wait_record = self.record.wait
        tiers = tiers if isinstance(tiers, Tiers) else Tiers(tiers)
        self._retry_wait = RetryWait(policy, random)
        self._candidates = Candidates(tiers, order, self._health, self.record, tokens=tokens, waits=self._retry_wait)
        self._single = len(tiers) == 1 and len(tiers[0]) == 1
        self._caller_mistake: ConfigurationError | None = None
        self._doubted: ProviderError | None = None
        """The first failure that needs a second opinion."""
        self._stopped_by: ProviderError | None = None

    # -- an attempt ------------------------------------------------------------------------

    def begin(self) -> AttemptState:
        """
        Start an attempt on the next leg that may be used.

        Raises:
            AllCoolingDownError: no leg may be used now. `next_wait` says for how long, or `finished` that this is
                past the deadline.
        """
        now, attempt_number, legs = self._clock.monotonic(), next(self._health.numbers), self._candidates
        try:
            leg, number, probe = legs.next_leg(now, self.deadline_at, attempt_number)
            self._under_way, self._begun = self._under_way + 1, self._begun + 1
            self.record.legs[leg.identity] = leg
            has_others = not self._single and (
                self._health.any_usable(legs, now, self._tokens) or legs.any_back_by(self.deadline_at, now)
            )
            limit = TimeLimit(
                self._clock,
                self.policy.timeouts,
                self.deadline_at,
                stream=self.stream and leg.streams,
                bounded=self.policy.bounds_stream,
                patient=not has_others,
                thinks=leg.thinks if self._thinks is None else self._thinks,
                max_bytes=self.policy.max_response_bytes,
            )
            attempt = Attempt(
                provider=leg.provider.name, model=leg.model, key=leg.fingerprint, number=number, index=self._begun,
                started_at=self._clock.time(), call_id=self.call_id, operation=leg.operation, base_url=leg.base_url,
                known_route=leg.known_route,
            )  # fmt: skip
            return AttemptState(leg, limit, attempt, attempt_number, probe=probe)
        except AllCoolingDownError as error:
            self.in_line = True  # first: a signal may come
            self.finished = error.ready_at >= self.deadline_at
            self.next_wait = 0.0 if self.finished else min(error.ask_at, self.deadline_at) - now
            if self.finished or self._under_way:  # a call does not ask again while its attempt is under way
                self.leave_lines()
            raise
        except BaseException:  # a signal: the leg may have let the attempt begin, or the call may stand in lines
            self.leave_lines()
            if legs.asked is not None:
                self._health.released(legs.asked, attempt_number)
            raise

    def ask_in_line(self) -> float:
        """Return the seconds after which a call asks again that goes on waiting in line; 0 if it has to `begin`."""
        now = self._clock.monotonic()
        ask_at = self._candidates.ask_in_line(now, self.deadline_at)
        return 0.0 if ask_at is None else ask_at - now

    def withdraw(self, state: AttemptState, error: ProviderError | None) -> None:
        """Undo `begin`, as nothing was sent: the leg is the next again; with an error it is not tried at all."""
        leg = state.leg
        self._health.withdrawn(leg, state.number)
        if state.ended is None:  # else a signal came when this had been done
            state.ended = state.attempt
            self._under_way, self._begun = self._under_way - 1, self._begun - 1
            self.next_wait, self.finished = 0.0, self.not_retryable
            if error is None:
                self._candidates.take_back(leg)
                return
            self.record.refused(leg, error)
            self.finished = self.finished or self._is_last(self._clock.monotonic())

    def first_content(self, state: AttemptState, headers: Mapping[str, str] | None = None) -> None:
        """Record that the first content of a stream has come: for other calls, the leg works from now on."""
        now = self._clock.monotonic()
        state.attempt = msgspec.structs.replace(state.attempt, first_token=now - state.limit.started_at)
        self._answered(state, now, headers, ended=False)
        state.probe, state.answered = 0, True

    def succeed(
        self,
        state: AttemptState,
        status: int | None,
        headers: Mapping[str, str] | None = None,
        notes: Sequence[str] = (),
        **answer: Any,
    ) -> Attempt:
        """End an attempt, and with it the call, with an answer; `answer` has further fields of the `Attempt`."""
        self.record.errors.clear()  # their tracebacks hold the call, which is not to wait for the garbage collector
        now = self._clock.monotonic()
        if state.answered:
            self._health.released(state.leg, state.number)
        else:
            self._answered(state, now, headers, ended=True)
        return self._end(state, now, outcome="ok", status=status, notes=tuple(notes), **answer)

    def _answered(self, state: AttemptState, now: float, headers: Mapping[str, str] | None, *, ended: bool) -> None:
        began_at, headers_age = state.limit.started_at, now - state.limit.headers_at
        self._health.answered(
            state.leg, now, began_at=began_at, number=state.number, ended=ended, probe=state.probe,
            wall=self._clock.time(), headers=headers, headers_age=headers_age, first_token=now - began_at,
        )  # fmt: skip

    def fail(
        self,
        state: AttemptState,
        error: ProviderError,
        notes: Sequence[str] = (),
        *,
        sent: bool = True,
        lists_more: bool = False,
    ) -> Attempt:
        """
        End an attempt with an error, and decide what comes next.

        Args:
            sent: whether the request was sent.
            lists_more: whether the service lists a model that has not refused this call, for a leg that names none.
        """
        leg, now = state.leg, self._clock.monotonic()
        error.provider, error.model = leg.provider.name, state.attempt.model
        decision = decide(
            error,
            sent=sent,
            names_model=bool(leg.model),
            before=self.record.errors.get(leg.identity) if leg.asks_for_key else None,
            asks_for_key=leg.asks_for_key,
            lists_more=lists_more,
            on_interrupt=self.policy.on_interrupt,
        )
        self.record.failed(leg, error)
        if isinstance(error, StreamInterruptedError) and not self.policy.bounds_stream:
            # The deadline bounds the time in which the caller waits: the time in which content came is given back.
            self.deadline_at += now - state.limit.started_at - (state.attempt.first_token or 0.0)
        breaker_is_open = self._remember(state, error, decision, now)
        again, wait = False, None
        try:
            tries = {"number": state.attempt.number, "refusals": self._candidates.refusals.get(leg.identity, 0)}
            again = not decision.stops and self._retry_wait.allows(
                error, decision.again, leg.identity, **tries, started_at=state.limit.started_at, now=now
            )
            if again and (not breaker_is_open or self._outlasts_breaker()):
                wait = self._wait(leg, error, decision, now, tries)
        except ConfigurationError as mistake:
            self._caller_mistake = mistake
        useless: list[Leg] = []
        if wait is not None and decision.again is RetryMode.QUEUE:
            wait, reason = self._queue(leg, error, now, now + wait)
        else:
            useless, reason = self._next_step(state, error, decision, wait, now, again=again)
        ended = described(error, sent=sent) | {"reason": reason, "wait": wait, "notes": tuple(notes)}
        if decision.memory is not Memory.NOTHING:
            ended["ready_at"] = self.record.ready_at(leg, now)
        attempt = self._end(state, now, **ended)
        for other in useless:
            self.record.skip(other, reason_to_skip(decision.scope, leg, error))
        return attempt

    def abort(self, state: AttemptState, error: BaseException) -> Attempt:
        """End an attempt that was cancelled, interrupted, or hit a bug. It counts as nothing."""
        if self.race_won and not isinstance(error, Exception):  # cancelled; an Exception is a bug
            return self.lose_race(state)
        self.finished = True
        self._health.released(state.leg, state.number)
        now = self._clock.monotonic()
        return self._end(state, now, outcome=type(error).__name__, reason="stop: the call was cancelled")

    def lose_race(self, state: AttemptState) -> Attempt:
        """End a hedged attempt because the other leg was faster. It counts as nothing."""
        self._health.released(state.leg, state.number)
        self._candidates.put_back(state.leg)  # it can take over if the faster one is interrupted
        lost = self._end(state, self._clock.monotonic(), outcome="LostRace", reason="another leg was faster")
        self.record.put_winner_last(has_ended=not self._under_way)
        return lost

    @property
    def ticket(self) -> Ticket | None:
        """The place of the call in its lines, once it has stood in one."""
        return self._candidates.ticket

    @property
    def has_next(self) -> bool:
        """Whether another leg could start beside the one under way."""
        return bool(self._candidates)

    def _end(self, state: AttemptState, now: float, **outcome: Any) -> Attempt:
        if state.ended is None:  # else a signal came when it had ended
            state.ended = msgspec.structs.replace(state.attempt, duration=now - state.limit.started_at, **outcome)
            self._under_way -= 1
            self.record.entries.append(state.ended)
        return state.ended

    # -- after a failure -------------------------------------------------------------------

    def _remember(self, state: AttemptState, error: ProviderError, decision: Decision, now: float) -> bool:
        """Remember the failure for later calls. Return whether the breaker is open now."""
        cooldown_s = decision.cooldown_after(error)
        if decision.again is RetryMode.QUEUE:
            cooldown_s = self._retry_wait.hold(error, self._health.refusals(state.leg, state.limit.started_at))
        elif decision.again is RetryMode.WHEN_READY:
            cooldown_s = self._retry_wait.until_next_look(error, state.attempt.number)
        return self._health.failed(
            state.leg,
            error,
            now,
            memory=decision.memory,
            cooldown_s=cooldown_s,
            origin_failed=decision.scope is FailureScope.ORIGIN,
            began_at=state.limit.started_at,
            number=state.number,
            probe=state.probe,
        )

    def _outlasts_breaker(self) -> bool:
        """Return whether the call stays on a leg whose breaker is open: no other is left, and the caller decides."""
        return self._retry_wait.outlasts_breaker and not self._candidates

    def _wait(
        self, leg: Leg, error: ProviderError, decision: Decision, now: float, tries: Mapping[str, int]
    ) -> float | None:
        """Return the seconds to wait before the leg is tried again, or before the call joins its line; None if not."""
        return self._retry_wait.wait(
            error,
            decision.again,
            leg.identity,
            **tries,
            now=now,
            deadline_at=self.deadline_at,
            others=decision.again is not RetryMode.QUEUE
            and (bool(self._candidates) or self._candidates.any_back_by(self.deadline_at, now)),
        )

    def _next_step(
        self,
        state: AttemptState,
        error: ProviderError,
        decision: Decision,
        wait: float | None,
        now: float,
        *,
        again: bool,
    ) -> tuple[list[Leg], str]:
        """Retry the leg, now or `again` later, stop, or fail over. Return the legs that cannot succeed, and why."""
        leg = state.leg
        self.next_wait = wait or 0.0
        if decision.again is RetryMode.OTHER_MODEL:
            self._candidates.take_back(leg)
            self.finished = self.not_retryable
            return [], "again with the next model that it lists"
        if wait is not None:
            self._candidates.put_first(leg, past_breaker=self._outlasts_breaker())
            self.finished = self.not_retryable
            return [], f"again in {wait:.2f} s"
        if self._caller_mistake is not None:
            self.finished = self.not_retryable = True
            return [], f"stop: {self._caller_mistake}"
        useless = self._candidates.drop(decision.scope, leg)
        confirmed = decision.second_opinion and self._doubted is not None
        if decision.stops or confirmed or (decision.second_opinion and not self._asks_another(leg, error, now)):
            self.finished = self.not_retryable = True
            self._stopped_by = self._doubted if confirmed else error
            return [], reason_to_stop(error, confirmed=confirmed)
        if decision.again is RetryMode.WHEN_READY:
            self._candidates.try_when_ready(leg)
        elif again and decision.again is not RetryMode.QUEUE:
            self._candidates.try_when_cooled_down(leg, now)
        self.finished = self.not_retryable or self._is_last(now)
        others = bool(self._candidates)
        return useless, self.record.reason_to_leave(error, self.deadline_at - now, last=self.finished, others=others)

    def _is_last(self, now: float) -> bool:
        """Return whether no other leg is left, nor one that is back before the deadline."""
        return not self._candidates and self._candidates.soonest(now)[0] >= self.deadline_at

    def _asks_another(self, leg: Leg, error: ProviderError, now: float) -> bool:
        """Let another provider, else another model, say whether it is so. Return whether one can soon."""
        self._doubted = error
        self._candidates.put_behind(leg.provider.name)
        return self._under_way > 1 or self._candidates.any_back_by(now + self.policy.patience, now)

    def _queue(self, leg: Leg, error: ProviderError, now: float, join_at: float) -> tuple[float | None, str]:
        """Wait for the leg in its line, or fail over. Return the wait and the reason."""
        self.in_line = True
        turn = self._candidates.queue(leg, now, join_at=join_at, deadline_at=self.deadline_at)
        too_late = turn is not None and turn[0] >= self.deadline_at
        self.next_wait = 0.0
        self.finished = self.not_retryable or too_late
        if self.finished or self._under_way > 1:  # as in `begin`; one is the attempt that has been refused
            self.leave_lines()
        if turn is None or too_late:
            return None, self.record.reason_to_leave(error, self.deadline_at - now, last=too_late, others=not too_late)
        ready_at, ask_at = turn
        self.next_wait = min(ask_at, self.deadline_at) - now
        return ready_at - now, f"waits in line, about {ready_at - now:.2g} s"

    def leave_lines(self) -> None:
        """Leave the lines of all legs: the call has ended."""
        self._candidates.leave_lines()

    # -- the end ---------------------------------------------------------------------------

    def trail(self, outcome: str | None = None) -> Trail:
        """Return all that has happened so far; with an outcome, the call has ended."""
        return self.record.trail(outcome)

    def final_error(self) -> G4FLiteError:
        """Return what the call raises: the error that stopped it, the only leg's error, or the errors of all legs."""
        if self._caller_mistake is not None:
            return self.attach_trail(self._caller_mistake)
        return self.record.final_error(single=self._single, stopped_by=self._stopped_by)

    def attach_trail(self, error: G4FLiteError) -> G4FLiteError:
        """Set `trail` and `retry_at` on an error that leaves the call."""
        return self.record.attach_trail(error)
