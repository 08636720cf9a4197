"""
A strategy orders the legs of one tier. It never sees more than a tier, so it cannot override the
order that the caller wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from ..types import ChatRequest
from .legs import Leg

Strategy: TypeAlias = Callable[[Sequence[Leg], ChatRequest], Iterable[Leg]]


def order(legs: Sequence[Leg], request: ChatRequest) -> Iterable[Leg]:
    """As written."""
    return legs


STRATEGIES: dict[str, Strategy] = {"order": order}
