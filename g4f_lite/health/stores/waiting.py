"""Commands on their way to a state, and who waits for the answers: a thread, a task, or nobody."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Sequence

from ..shared_state import Answer, Command


class Ask:
    """Commands for a state. `done` is held until a thread has its answers; a task has a `future`."""

    __slots__ = ("_claims", "answers", "commands", "done", "future", "is_look")

    def __init__(
        self,
        commands: Sequence[Command],
        done: threading.Lock | None = None,
        future: asyncio.Future[Sequence[Answer]] | None = None,
        *,
        is_look: bool = False,
    ) -> None:
        self.commands, self.done, self.future, self.is_look = commands, done, future, is_look
        self.answers: Sequence[Answer] = ()
        self._claims = [None]

    def claim(self) -> bool:
        """Return True once: to the one that answers."""
        try:
            self._claims.pop()
        except IndexError:
            return False
        return True


END = Ask(())
"""After it, nothing is sent."""


def for_thread(commands: Sequence[Command], *, is_look: bool = False) -> tuple[Ask, threading.Lock]:
    """Return what a thread asks, and the lock that it gets when its answers are there."""
    done = threading.Lock()
    done.acquire()
    return Ask(commands, done, is_look=is_look), done


def deliver(asks: Iterable[Ask], give_back: Callable[[Ask], None]) -> None:
    """Wake those who wait: threads each, tasks with one call for each event loop; give back what nobody can get."""
    loops: dict[asyncio.AbstractEventLoop, list[Ask]] = {}
    for ask in asks:
        if ask.done is not None:
            ask.done.release()
        elif ask.future is not None:
            loops.setdefault(ask.future.get_loop(), []).append(ask)
    for loop, of_loop in loops.items():
        try:
            loop.call_soon_threadsafe(_resolve, of_loop)
        except RuntimeError:  # it is closed
            for ask in of_loop:
                give_back(ask)


def _resolve(asks: Iterable[Ask]) -> None:
    for ask in asks:
        if ask.future is not None and not ask.future.done():
            ask.future.set_result(ask.answers)
