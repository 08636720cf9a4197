"""
A strategy: short prompts go to the first leg of a tier, long ones to the last.

    Client(strategy="by-length").chat.completions.create(provider=["small-and-fast", "large"], messages=…)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from g4f_lite import ChatRequest, Leg, Strategy, StrategyContext, hookimpl


class ByLength:
    """
    Args:
        limit: characters of all messages together; longer prompts reverse the order.
    """

    def __init__(self, limit: int = 4000) -> None:
        self.limit = limit

    def __call__(self, legs: Sequence[Leg], context: StrategyContext) -> Sequence[Leg]:
        if not isinstance(context.request, ChatRequest):  # an endpoint other than chat has no messages
            return legs
        length = sum(len(str(message.get("content") or "")) for message in context.request.messages)
        return legs[::-1] if length > self.limit else legs


@hookimpl
def register_strategies(register: Callable[[str, Strategy], None]) -> None:
    register("by-length", ByLength())
