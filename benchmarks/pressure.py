"""
Measure how a client does at services that refuse requests beyond a rate.

    python -m benchmarks.pressure            all, about five minutes; prints a table
    python -m benchmarks.pressure --quick    the first row of each kind of caller

Each service allows 50 requests per second with a burst of 20, or 30 and 20 with a burst of 10 each. The ideal time is
that of a caller who knows the rate.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import NamedTuple

from g4f_lite import AsyncClient, Client, OpenaiTemplate, ProviderError
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Action, Received, Reply

MESSAGES = [{"role": "user", "content": "Which day is it?"}]
PROMPTS = 500


class Limited(OpenaiTemplate):
    """A service on this machine."""

    name = "limited"
    needs_auth = False
    default_model = "sunday"


class RateLimiter:
    """
    A reply that answers at most so many requests per second, and refuses the others.

    Args:
        hint: the reply to a refused request; it takes the seconds until the next token.
    """

    def __init__(self, rate: float, burst: float, hint: Callable[[float], Reply]) -> None:
        self.rate, self.burst, self.hint = rate, burst, hint
        self.tokens, self.filled_at = burst, time.monotonic()
        self.answered = self.refused = 0
        self._lock = threading.Lock()

    def __call__(self, request: Received) -> Iterable[Action]:
        with self._lock:
            now = time.monotonic()
            self.tokens = min(self.burst, self.tokens + (now - self.filled_at) * self.rate)
            self.filled_at = now
            if self.tokens >= 1:
                self.tokens -= 1
                self.answered += 1
                return replies.answer("Sunday")(request)
            self.refused += 1
            return self.hint((1 - self.tokens) / self.rate)(request)


HINTS: dict[str, Callable[[float], Reply]] = {
    "try again in N s": lambda wait: replies.error(429, f"Please try again in {wait:.3f}s"),
    "Retry-After: 0": lambda wait: replies.error(429, "slow down", retry_after="0"),
    "no hint": lambda wait: replies.error(429, "slow down"),
    "Retry-After: 1": lambda wait: replies.error(429, "slow down", retry_after="1"),
}


class Figures(NamedTuple):
    """What a run came to."""

    answered: int
    refused: int
    wall: float
    ideal: float


def threads(providers: list[Limited]) -> int:
    """Ask from 16 threads; return how many prompts were answered."""
    with Client() as client, ThreadPoolExecutor(16) as pool:

        def ask(_: int) -> bool:
            try:
                client.chat.completions.create(messages=MESSAGES, provider=providers)
            except ProviderError:
                return False
            return True

        return sum(pool.map(ask, range(PROMPTS)))


def gather(providers: list[Limited]) -> int:
    """Ask all at once from one event loop; return how many prompts were answered."""

    async def main() -> int:
        async with AsyncClient() as client:
            asked = (client.chat.completions.create(messages=MESSAGES, provider=providers) for _ in range(PROMPTS))
            return sum(
                not isinstance(one, BaseException) for one in await asyncio.gather(*asked, return_exceptions=True)
            )

    return asyncio.run(main())


def measure(caller: str, hint: str, services: list[tuple[float, float]]) -> Figures:
    """Ask `PROMPTS` prompts of services with these rates and bursts, as legs of one tier."""
    with ExitStack() as stack:
        limiters, providers = [], []
        for number, (rate, burst) in enumerate(services):
            server = stack.enter_context(FaultServer())
            limiters.append(RateLimiter(rate, burst, HINTS[hint]))
            server.script(limiters[-1])
            providers.append(Limited(name=f"limited{number}", api_base=server.base_url))
        began = time.monotonic()
        answered = gather(providers) if caller == "gather" else threads(providers)
        wall = time.monotonic() - began
    ideal = (PROMPTS - sum(burst for _, burst in services)) / sum(rate for rate, _ in services)
    return Figures(answered, sum(one.refused for one in limiters), wall, ideal)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pressure", description="Measure waiting in line.")
    parser.add_argument("--quick", action="store_true", help="only the first kind of refusal")
    given = parser.parse_args()
    print("caller              services         refusal            answered  refused  wall s  of ideal  load")
    for caller in ("16 threads", "gather"):
        for services in ([(50.0, 20.0)], [(30.0, 10.0), (20.0, 10.0)]):
            for hint in list(HINTS)[: 1 if given.quick else None]:
                got = measure(caller, hint, services)
                rates = " + ".join(f"{rate:.0f}/s" for rate, _ in services)
                share = got.wall / got.ideal
                print(f"{caller:<20}{rates:<17}{hint:<19}{got.answered:>8}{got.refused:>9}{got.wall:>8.1f}"
                      f"{share:>10.2f}{os.getloadavg()[0]:>6.1f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
