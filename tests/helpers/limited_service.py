"""A service with a rate limit and the calls that ask it, on a fake clock: plans without any I/O."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from g4f_lite import OpenaiTemplate, ProviderError, RateLimitError
from g4f_lite.failover.candidates import AllCoolingDownError
from g4f_lite.failover.plan import AttemptState, Plan
from g4f_lite.failover.policy import Policy
from g4f_lite.health.tracker import Health
from g4f_lite.provider.leg import Leg

from .clocks import FakeClock


class Service:
    """
    A token bucket that refuses requests while it is empty.

    Args:
        hint: the wait that a refusal asks for, from the seconds until the next token; None for no hint.
        latency: seconds of an answer; a refusal takes a tenth.
    """

    def __init__(self, rate: float, burst: float, hint: Callable[[float], float | None], latency: float) -> None:
        self.rate, self.burst, self.hint, self.latency = rate, burst, hint, latency
        self.answered = self.refused = 0
        self._tokens, self._filled_at = burst, 0.0
        provider = OpenaiTemplate(name="limited", api_base=f"http://127.0.0.1:1/{id(self)}")
        self.leg = Leg(provider, "m")

    def receive(self, now: float) -> ProviderError | None:
        """Return the error for a request that arrives now; None if it is answered."""
        self._tokens = min(self.burst, self._tokens + (now - self._filled_at) * self.rate)
        self._filled_at = now
        if self._tokens >= 1 - 1e-9:
            self._tokens -= 1
            self.answered += 1
            return None
        self.refused += 1
        return RateLimitError("slow down", retry_after=self.hint((1 - self._tokens) / self.rate))


class Result(NamedTuple):
    """What became of the prompts."""

    answered: int
    failed: list[Exception]
    wall: float
    asked: int
    """How often a call asked for its turn."""
    longest: float
    """The longest time that a call took."""
    health: Health


class Callers:
    """
    Several callers that ask one prompt after another, each call with a plan of its own.

    Args:
        tiers: services by tier.
        slow_s: how late a caller wakes up, on average.
        jitter: share by which a latency may be longer or shorter.
    """

    def __init__(
        self, tiers: list[list[Service]], seed: int, slow_s: float = 0.001, jitter: float = 0.3, **policy: Any
    ) -> None:
        self.clock, self.random = FakeClock(0.0), Random(seed)
        self.health = Health(self.random.random)
        self.tiers = [[service.leg for service in tier] for tier in tiers]
        self.services = {service.leg.identity: service for tier in tiers for service in tier}
        self.policy = Policy(**{"deadline": 1e6, **policy})
        self.slow_s, self.jitter = slow_s, jitter
        self.left = self.answered = self.asked = self._number = 0
        self.failed: list[Exception] = []
        self.sent: list[int] = []
        """The number of the prompt of each request that was sent, in order."""
        self.longest = self.wall = 0.0
        self.prompts = 0
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []

    def run(self, prompts: int, callers: int) -> Result:
        """Ask all prompts; return when none is under way."""
        self.left = prompts
        for _ in range(callers):
            self._start()
        while self._events:
            when, _, happen, arguments = heapq.heappop(self._events)
            assert when >= self.clock.now, "a wait is negative"
            self.clock.now = when
            happen(*arguments)
        return Result(self.answered, self.failed, self.wall, self.asked, self.longest, self.health)

    def _at(self, when: float, happen: Callable[..., None], *arguments: Any) -> None:
        self._number += 1
        heapq.heappush(self._events, (when, self._number, happen, arguments))

    def _start(self) -> None:
        if self.left:
            self.left -= 1
            self.prompts += 1
            plan = Plan(self.tiers, policy=self.policy, clock=self.clock, random=self.random.random, health=self.health)
            self._ask(plan, self.prompts, self.clock.now)

    def _ask(self, plan: Plan, prompt: int, began: float) -> None:
        self.asked += 1
        try:
            state = plan.begin()
        except AllCoolingDownError:
            self._go_on(plan, prompt, began)
            return
        self.sent.append(prompt)
        service = self.services[state.leg.identity]
        self._at(self.clock.now + 0.3 * self._latency(service), self._arrive, plan, state, prompt, began)

    def _latency(self, service: Service) -> float:
        return service.latency * self.random.uniform(1.0 - self.jitter, 1.0 + self.jitter)

    def _arrive(self, plan: Plan, state: AttemptState, prompt: int, began: float) -> None:
        service = self.services[state.leg.identity]
        error = service.receive(self.clock.now)
        back = self._latency(service) * (1.0 if error is None else 0.1)
        self._at(self.clock.now + back, self._end, plan, state, error, prompt, began)

    def _end(self, plan: Plan, state: AttemptState, error: ProviderError | None, prompt: int, began: float) -> None:
        if error is not None:
            plan.fail(state, error)
            self._go_on(plan, prompt, began)
            return
        plan.succeed(state, 200)
        self.answered += 1
        self._finish(plan, began)

    def _go_on(self, plan: Plan, prompt: int, began: float) -> None:
        if plan.finished:
            self.failed.append(plan.final_error())
            self._finish(plan, began)
        else:
            late = self.random.expovariate(1 / self.slow_s) if plan.next_wait else 0.0
            self._at(self.clock.now + plan.next_wait + late, self._ask, plan, prompt, began)

    def _finish(self, plan: Plan, began: float) -> None:
        plan.leave_lines()
        self.wall = self.clock.now
        self.longest = max(self.longest, self.wall - began)
        self._start()


def waiting(health: Health) -> int:
    """Return how many calls stand in the lines of a client."""
    return sum(len(state.line) for state in health._legs.values() if state.line is not None)
