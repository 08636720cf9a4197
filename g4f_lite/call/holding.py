"""What an attempt takes of the client's limits, from its question to the state until it is settled. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors.exceptions import ProviderError
from ..failover.attempt_state import AttemptState
from ..failover.candidates import WithdrawnError
from ..failover.plan import Plan
from ..records.trail import Attempt
from .operations import CHAT

if TYPE_CHECKING:
    from ..health.estimates import Estimate
    from ..health.quotas import Spends
    from ..health.shared_state import Answer, Command
    from ..health.sharing import SharedHealth
    from .call import Call


class Holding:
    """
    Args:
        commands: what the state is asked; it may have given it even if no answer has come.
    """

    def __init__(self, shared: SharedHealth, state: AttemptState, commands: Sequence[Command], size: Estimate) -> None:
        self.commands = commands
        self.spends: Spends | None = None
        """What the attempt has used, if its outcome does not say it."""
        self._shared = shared
        self._leg = state.leg
        self._size = size

    def answered(self, plan: Plan, state: AttemptState, answers: Sequence[Answer]) -> None:
        """
        Raises:
            WithdrawnError: the state has not given everything; the attempt has been undone.
        """
        refusal = self._shared.answered_by_state(self._leg, self.commands, answers, state.number, plan.ticket)
        if refusal is not None:
            plan.withdraw(state, refusal.error if refusal.final else None)
            raise WithdrawnError(refusal.error.message)

    def works(self) -> None:
        """The first content has come: other processes may probe."""
        self._shared.end_shared_probe(self.commands)

    def failed(self, error: ProviderError) -> None:
        """Learn from the error how much was used."""
        from ..health.quotas import spends_of

        self.spends = spends_of(error)

    def settle(self, attempt: Attempt, *, sent: bool) -> None:
        """End what is held; to do it again does no harm."""
        spends: Spends = self.spends or ("usage" if attempt.outcome == "ok" else "presumed")
        self._shared.settle(self._leg, self.commands, attempt, spends if sent else "nothing", self._size)


def hold(call: Call, shared: SharedHealth, state: AttemptState) -> Holding | None:
    """Return what the attempt of a call takes of the limits; None if nothing limits it."""
    leg, now = state.leg, state.limit.now()
    looks_up = not leg.model and call.operation is CHAT and call.models.get(leg, now) is None
    commands = shared.ask(
        leg,
        f"{call.plan.call_id}/{state.number}",
        call.size,
        requests=2 if looks_up else 1,
        remaining_s=call.plan.deadline_at - now,
        probe=state.probe,
    )
    return Holding(shared, state, commands, call.size) if commands else None
