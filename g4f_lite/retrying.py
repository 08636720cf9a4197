"""How tenacity drives the attempts after the first one has failed, the same for both clients."""

from __future__ import annotations

from .errors import ProviderError
from .routing.plan import Plan


class Retries:
    """
    tenacity's loop, asked from outside: after each failure it says how long to wait, or raises.

    `Retrying.__call__` and `AsyncRetrying.__call__` do the same round `iter`, asking it before each attempt and
    after a success too, where the answer is known; what is left costs a quarter.
    """

    def __init__(self, plan: Plan) -> None:
        from tenacity import RetryCallState, Retrying

        self._retrying = Retrying(retry=plan.retry, wait=plan.wait, stop=plan.stop, reraise=True)
        self._retrying.begin()
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
