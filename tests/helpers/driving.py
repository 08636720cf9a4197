"""Runs one call through both clients, with and without streaming, and returns what its caller sees."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from g4f_lite import AsyncClient, ChatCompletion, Client, G4FLiteError, RoutesExhaustedError, Timeouts, Trail

MODES = ("sync", "sync stream", "async", "async stream")
MESSAGES = [{"role": "user", "content": "Which day is it?"}]
QUICK = {"retry_wait": lambda state: 0.01, "timeouts": Timeouts(connect=20, first_token=20, stall=20, total=20)}
"""Short waits between attempts, and limits that no busy machine reaches: who wants to see one reached sets it."""


class Outcome(NamedTuple):
    """The result of a call, as its caller sees it."""

    text: str
    """All text that was handed out, also before an error."""
    completion: ChatCompletion | None
    error: G4FLiteError | None
    trail: Trail

    @property
    def trace(self) -> list[str]:
        """The trail without the times and ports, which differ from run to run."""
        return [_steady(str(entry)) for entry in self.trail.entries]


def kind_of(error: BaseException | None) -> type | None:
    """Return the class of an error; of that of several legs, which is of their common class too, its own."""
    if isinstance(error, RoutesExhaustedError):
        return RoutesExhaustedError
    return None if error is None else type(error)


def _steady(line: str) -> str:
    line = re.sub(r" (in|about) \d+\.\d+ s", r" \1 T", line)
    return re.sub(r"127\.0\.0\.1:\d+", "HOST", line)


def eventually(condition: Callable[[], bool], within: float = 5.0) -> bool:
    """Wait until the condition is true; return False if it is not after this many seconds."""
    end = time.monotonic() + within
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()


def run(mode: str, settings: dict[str, Any], params: dict[str, Any]) -> Outcome:
    """Make one call in a mode, with a client of its own."""
    if mode.startswith("async"):
        return asyncio.run(_run_async(mode, settings, params))
    return _run_sync(mode, settings, params)


def _run_sync(mode: str, settings: dict[str, Any], params: dict[str, Any]) -> Outcome:
    said = ""
    with Client(**{**QUICK, **settings}) as client:
        try:
            if "stream" not in mode:
                reply = client.chat.completions.create(**{"messages": MESSAGES, **params})
                return Outcome(reply.text, reply, None, reply.trail)
            stream = client.chat.completions.create(**{"messages": MESSAGES, **params}, stream=True)
            for chunk in stream:
                said += chunk.text
            return Outcome(said, stream.completion, None, stream.completion.trail)
        except G4FLiteError as error:
            return Outcome(said, None, error, error.trail)


async def _run_async(mode: str, settings: dict[str, Any], params: dict[str, Any]) -> Outcome:
    said = ""
    async with AsyncClient(**{**QUICK, **settings}) as client:
        try:
            if "stream" not in mode:
                reply = await client.chat.completions.create(**{"messages": MESSAGES, **params})
                return Outcome(reply.text, reply, None, reply.trail)
            stream = await client.chat.completions.create(**{"messages": MESSAGES, **params}, stream=True)
            async for chunk in stream:
                said += chunk.text
            return Outcome(said, stream.completion, None, stream.completion.trail)
        except G4FLiteError as error:
            return Outcome(said, None, error, error.trail)
