"""What `run_tools` returns: each answer of the model, and the results of the functions that it called."""

from __future__ import annotations

from typing import Any

from .chat import ChatCompletion, ToolCall
from .results import Result


class ToolResult(Result, frozen=True, kw_only=True):
    """A call of a function, and the text that the model got for it."""

    call: ToolCall
    content: str
    """The function's result as text or JSON; "Error: …" if there is none."""
    error: str | None = None
    """What the function raised, and in which line; or why it was not called."""
    duration: float = 0.0
    """Seconds that the function took."""


class ToolRound(Result, frozen=True, kw_only=True):
    """An answer of the model, with its trail, and the results of the functions that it called."""

    completion: ChatCompletion
    results: tuple[ToolResult, ...] = ()


class ToolRun(Result, frozen=True, kw_only=True):
    """A conversation in which the model may have called functions."""

    rounds: tuple[ToolRound, ...]
    messages: tuple[Any, ...]
    """Those of the caller, the calls and their results; not the last answer."""

    @property
    def completion(self) -> ChatCompletion:
        """The last answer."""
        return self.rounds[-1].completion

    @property
    def text(self) -> str:
        """The text of the last answer."""
        return self.completion.text

    @property
    def cost(self) -> float | None:
        """USD for all rounds; None if the price of one is not known."""
        costs = [one.completion.cost for one in self.rounds]
        return None if None in costs else sum(cost for cost in costs if cost is not None)
