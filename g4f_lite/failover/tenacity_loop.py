"""
How tenacity drives the attempts after the first one has failed, the same for both clients.

Imported by the first failure: most processes that ask once never need it.
"""

from __future__ import annotations

from typing import Any

from tenacity import IterState, RetryCallState, Retrying, retry_always

from ..errors.exceptions import ProviderError
from .plan import Plan


class _Loop(Retrying):
    """tenacity's, for one call: what that keeps for each thread, in case they share it, are plain attributes here."""

    iter_state: IterState = None  # type: ignore[assignment]  # a property there
    statistics: dict[str, Any] = None  # type: ignore[assignment]

    def __init__(self, plan: Plan) -> None:
        super().__init__(
            retry=retry_always, wait=lambda state: plan.next_wait, stop=lambda state: plan.finished, reraise=True
        )
        self.iter_state = IterState()
        self.statistics = {}
        self.begin()


class Retries:
    """
    tenacity's loop, asked from outside: after each failure it says how long to wait, or raises.

    `Retrying.__call__` and `AsyncRetrying.__call__` do the same round `iter`, asking it before each attempt and
    after a success too, where the answer is known; what is left costs a quarter. Only failures of a leg get here:
    cancellation, Ctrl-C and bugs pass by.
    """

    def __init__(self, plan: Plan) -> None:
        self._retrying = _Loop(plan)
        self._state = RetryCallState(self._retrying, None, (), {})

    def wait_after(self, error: ProviderError) -> float:
        """
        Return the seconds to wait before the next attempt.

        The plan has decided by the time it is asked: `fail` was called inside the attempt.

        Raises:
            ProviderError: this error, as there is no next attempt; the call makes the final one of it.
        """
        self._state.set_exception((type(error), error, error.__traceback__))
        try:
            wait: float = self._retrying.iter(self._state)  # type: ignore[assignment]  # after a failure it is a wait
        finally:
            self._retrying.iter_state.actions.clear()  # they hold a cycle
            self._state.prepare_for_next_attempt()  # as does the failure
        return wait
