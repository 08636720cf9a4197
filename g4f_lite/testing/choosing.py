"""
Replies that choose among others: by the prompt, by the rate of requests, after a delay.

`replies` offers them, too.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from .script import Action, Pause, Received, Reply


def by_model(choose: Callable[[str], Reply]) -> Reply:
    """Choose the reply by the requested model."""
    return lambda request: choose(request.model)(request)


def by_prompt(choose: Callable[[str], Reply]) -> Reply:
    """Choose the reply by the text of the last message, in any of the four protocols; "" if there is none."""
    return lambda request: choose(_last_text(request))(request)


def delayed(seconds: float, reply: Reply) -> Reply:
    """Answer after this many seconds, or not at all if the client leaves before."""

    def later(request: Received) -> Iterator[Action]:
        yield Pause(seconds)
        yield from reply(request)

    return later


def rate_limited(limit: int, window: float, reply: Reply, refusal: Callable[[float], Reply]) -> Reply:
    """
    Answer so many requests in any window of time, and refuse the others.

    Args:
        window: seconds.
        refusal: makes the reply to a request that is refused; it gets the seconds until one is taken again.
    """
    lock = threading.Lock()
    taken: deque[float] = deque()

    def limited(request: Received) -> Iterable[Action]:
        with lock:
            now = time.monotonic()
            while taken and now - taken[0] >= window:
                taken.popleft()
            if len(taken) < limit:
                taken.append(now)
                return reply(request)
            wait = window - (now - taken[0]) if taken else window  # a limit of 0 takes none
        return refusal(wait)(request)

    return limited


def _last_text(request: Received) -> str:
    asked = request.json if isinstance(request.json, dict) else {}
    turns = asked.get("messages") or asked.get("contents") or asked.get("input") or asked.get("prompt") or ""
    last = turns[-1] if isinstance(turns, list) else turns
    if not isinstance(last, dict):
        return last if isinstance(last, str) else json.dumps(last)
    content = last.get("content", last.get("parts"))
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content or "")
