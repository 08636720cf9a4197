"""How far a call goes: its retries, its patience, its time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from ..types.timeouts import Timeouts
from ..value import Value

OnInterrupt: TypeAlias = Literal["raise", "restart", "continue"]
"""What happens to a stream that breaks after content has been handed out."""


class Policy(Value, frozen=True, kw_only=True):
    """How far a call goes; see `Client` for each."""

    retries: int = 2
    patience: float = 3.0
    timeouts: Timeouts = Timeouts()
    deadline: float = 300.0
    bounds_stream: bool = False
    """The deadline holds for a stream to its end (`timeout=` of a call)."""
    on_interrupt: OnInterrupt = "raise"
    retry_wait: Callable[[Any], float] | None = None
    retry_stop: Callable[[Any], bool] | None = None
