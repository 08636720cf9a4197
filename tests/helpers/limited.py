"""Clients with limits: a state whose time passes faster, and a service that counts the calls under way."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from g4f_lite import OpenaiTemplate
from g4f_lite.health.shared_state import NEVER, Answer, Command, Reservation, Reserve, Settle
from g4f_lite.health.stores.memory import MemoryState
from g4f_lite.testing import replies
from g4f_lite.testing.replies import Pause
from g4f_lite.testing.script import Action, Received


class Day(OpenaiTemplate):
    name = "day"
    needs_auth = False
    default_model = "sunday"


class Night(OpenaiTemplate):
    name = "night"
    needs_auth = False
    default_model = "moon"


class FastState(MemoryState):
    """
    A state in which a minute takes less time. It notes what it grants.

    Args:
        speed: how many of its seconds pass in one.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self.began = time.monotonic()
        self.granted: list[tuple[int, Reserve]] = []
        """Each with the state's time in milliseconds."""
        self.settled: dict[str, tuple[int, ...]] = {}
        self.asked = 0
        super().__init__()

    def now_ms(self) -> int:
        return 1_000_000_000_000 + int((time.monotonic() - self.began) * 1000 * self.speed)

    def execute(self, commands: Sequence[Command]) -> list[Answer]:
        answers = super().execute(commands)
        for index, (command, answer) in enumerate(zip(commands, answers, strict=True)):
            if isinstance(command, Settle):
                self.settled[command.id] = command.used
            if isinstance(command, Reserve) and isinstance(answer, Reservation):
                self.asked += 1
                if answer.refused_by is None:
                    self.granted.append((self.now_ms(), command))
                elif answer.wait_ms != NEVER:
                    wait_ms = int(answer.wait_ms / self.speed) + 1
                    answers[index] = msgspec.structs.replace(answer, wait_ms=wait_ms)
        return answers

    def most_in(self, window_ms: int, unit: str = "requests") -> int:
        """Return the most of a unit that was used by what was granted in any window of this length."""
        uses = [(at, self._used(reserve, unit)) for at, reserve in self.granted]
        return max((sum(used for one, used in uses if at <= one < at + window_ms) for at, _ in uses), default=0)

    def _used(self, reserve: Reserve, unit: str) -> int:
        used = self.settled.get(reserve.id, tuple(amount.amount for amount in reserve.amounts))
        return sum(used[index] for index, amount in enumerate(reserve.amounts) if amount.unit == unit)

    def used_until(self, at: int, unit: str) -> int:
        """Return what was used of a unit by what was granted before a moment."""
        return sum(self._used(reserve, unit) for granted_at, reserve in self.granted if granted_at < at)

    def under_way(self, *scopes: str) -> int:
        """Return what is reserved now."""
        return sum(used.reserved for scope in scopes for used in self.used(scope).values())


class Counted:
    """A service that takes a while, and notes the most calls at once."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._now = self.most = self.answered = 0

    def __call__(self, request: Received) -> Iterable[Action]:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        yield Pause(self._seconds)
        with self._lock:
            self._now -= 1
            self.answered += 1
        yield from replies.answer("Sunday")(request)


def settings(server: Any, **more: Any) -> dict[str, Any]:
    """Return the settings of a client with two providers on a server."""
    return {
        "plugins": [Day, Night],
        "base_urls": {"day": server.base_url, "night": server.base_url},
        **more,
    }
