"""
The conversation of `run_tools`: what is asked next, and when it ends.

Rule: pure. Whoever drives it makes the requests and calls the functions.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ...errors.exceptions import ConfigurationError, DeadlineExceededError, G4FLiteError, ToolLoopError
from ...errors.places import describe, place_of
from ...errors.quoted_values import quoted
from ...errors.signal_handlers import raise_interruption
from ...types.chat import ChatCompletion, ToolCall
from ...types.checks import count, seconds
from ...types.tool_run import ToolResult, ToolRound, ToolRun
from ..messages import as_list
from .functions import ArgumentsError, FunctionTool, content_of, function_tool, text_to_send


class PendingCall(NamedTuple):
    """A call that the model asks for, and the function to call with these keywords."""

    call: ToolCall
    function: Callable[..., Any]
    keywords: dict[str, Any]


class ToolLoop:
    """
    A conversation in which the model may call functions.

    Args:
        params: the keywords of `create`; `tools` holds functions, and `timeout` bounds the whole conversation.
        max_rounds: answers of the model, at most.
        is_async: whether coroutine functions can be awaited.

    Raises:
        ConfigurationError, InvalidRequestError: the keywords cannot work.
    """

    def __init__(self, params: Mapping[str, Any], max_rounds: int, *, is_async: bool) -> None:
        self._tools = _functions(params.get("tools"), is_async)
        if (n := params.get("n")) is not None and not (isinstance(n, int) and n == 1):
            raise ConfigurationError("run_tools follows one answer: leave out n")
        self._rounds_left = count("max_rounds", max_rounds) or 1
        timeout = params.get("timeout")
        self._ends_at = None if timeout is None else time.monotonic() + seconds("timeout", timeout)
        self._params = {name: value for name, value in params.items() if name != "messages"}
        self._messages = [*as_list(params.get("messages", ()))]
        self._rounds: list[ToolRound] = []
        self.chunks: Any = None
        """The stream of this round, if it is one."""
        self.closed = False
        """No further round begins."""

    def request(self) -> dict[str, Any]:
        """Return the keywords of the next `create`; raises as `seconds_left`."""
        params = {**self._params, "messages": self._messages}
        if (left := self.seconds_left()) is not None:
            params["timeout"] = left
        if self._rounds and params.get("tool_choice") not in (None, "none", "auto"):
            params["tool_choice"] = "auto"  # a demand holds for the first answer; else the conversation never ends
        return params

    def seconds_left(self) -> float | None:
        """
        Return how long the conversation may still take; None if it has no limit.

        Raises:
            DeadlineExceededError: no longer.
        """
        if self._ends_at is None:
            return None
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise self.out_of_time()
        return left

    def out_of_time(self) -> DeadlineExceededError:
        """Return the error of a conversation that has taken too long."""
        error = DeadlineExceededError(f"the tools took too long: timeout={self._params['timeout']}")
        if self._rounds:
            error.trail = self._rounds[-1].completion.trail
        return error

    def take(self, completion: ChatCompletion) -> list[PendingCall | ToolResult]:
        """
        Take the model's answer; return the calls to make, and results of those that cannot be made; [] at the end.

        Raises:
            ToolLoopError: the model calls tools again, and no round is left.
        """
        message = completion.choices[0].message
        calls = message.tool_calls or ()
        self._rounds.append(ToolRound(completion=completion))
        self._rounds_left -= 1
        if not calls or any(self._is_callers(call) for call in calls):
            return []
        if self._rounds_left <= 0:
            error = ToolLoopError(f"the model still calls tools after {len(self._rounds)} rounds: raise max_rounds")
            error.trail = completion.trail
            raise self.failed(error)
        self._messages.append(message)
        return [self._pending(call) for call in calls]

    def add(self, results: list[ToolResult]) -> None:
        """Add the results of all calls of the latest round."""
        self._rounds[-1] = ToolRound(completion=self._rounds[-1].completion, results=tuple(results))
        for one in results:
            self._messages.append({"role": "tool", "tool_call_id": one.call.id, "content": one.content})

    def run(self) -> ToolRun:
        """Return all rounds so far."""
        return ToolRun(rounds=tuple(self._rounds), messages=tuple(self._messages))

    def failed(self, error: G4FLiteError) -> G4FLiteError:
        """Return the error with what the conversation has come to."""
        error.tool_run = self.run()
        return error

    def _is_callers(self, call: ToolCall) -> bool:
        """Tell whether the caller gave this tool as a mapping: then the caller answers its calls."""
        if call.function.name in self._tools:
            return False
        own = [one.get("function") for one in self._params["tools"] if isinstance(one, Mapping)]
        return any(isinstance(one, Mapping) and call.function.name == one.get("name") for one in own)

    def _pending(self, call: ToolCall) -> PendingCall | ToolResult:
        if call.function.name not in self._tools:
            known = ", ".join(self._tools)
            return _refused(call, f"there is no tool {quoted(call.function.name)}; there are: {known}")
        tool, function = self._tools[call.function.name]
        try:
            return PendingCall(call, function, tool.keywords(call.function.arguments))
        except ArgumentsError as error:
            return _refused(call, f"the arguments do not fit the schema: {error}")


def result_of(pending: PendingCall, began: float, value: object) -> ToolResult:
    """Return the result of a call that has returned a value."""
    return ToolResult(call=pending.call, content=content_of(value), duration=time.monotonic() - began)


def failure_of(pending: PendingCall, began: float, error: BaseException) -> ToolResult:
    """Return the result of a call that has raised: the message for the model, which may then correct the call."""
    raise_interruption(error)
    text = text_to_send(describe(error)[:2000])
    place = f"{text} (at {place_of(error, pending.function)})"  # for the caller; the model could do nothing with it
    return ToolResult(call=pending.call, content=f"Error: {text}", error=place, duration=time.monotonic() - began)


def _refused(call: ToolCall, reason: str) -> ToolResult:
    return ToolResult(call=call, content=f"Error: {reason}", error=reason)


def _functions(tools: Any, is_async: bool) -> dict[str, tuple[FunctionTool, Callable[..., Any]]]:
    """Return each tool with its function, by its name."""
    given = tools if isinstance(tools, (list, tuple)) else ()
    found = [(function_tool(one), one) for one in given if callable(one)]
    if not found:
        raise ConfigurationError("run_tools needs tools=[function, …]")
    names = [tool.name for tool, _ in found]
    for tool, _ in found:
        if names.count(tool.name) > 1:
            raise ConfigurationError(f"two tools have the name {tool.name!r}")
        if tool.is_async and not is_async:
            raise ConfigurationError(f"{tool.name}() is asynchronous: only AsyncClient can await it")
    return {tool.name: (tool, function) for tool, function in found}
