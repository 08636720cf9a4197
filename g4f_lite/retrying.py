"""How the plan drives tenacity, the same for `Retrying` and `AsyncRetrying`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from .call import Call
from .routing.plan import Plan

T = TypeVar("T")


def tenacity_settings(plan: Plan) -> dict[str, Any]:
    """
    Return the arguments of a Retrying object that asks the plan.

    The plan has decided by the time it is asked: `fail` was called inside the attempt. With
    `reraise`, the last leg's error comes out, and the call makes the final one of it.
    """
    return {"retry": plan.retry, "wait": plan.wait, "stop": plan.stop, "reraise": True}


def first_failure(error: Exception, attempt: Callable[[Call], T]) -> Callable[[Call], T]:
    """Return an attempt that has failed already the first time it is called."""
    pending = [error]

    def resumed(call: Call) -> T:
        if pending:
            raise pending.pop()
        return attempt(call)

    return resumed
