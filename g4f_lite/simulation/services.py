"""
A modelled service: what becomes of a request, from the moment it arrives.

Rule: pure. Times are seconds from the beginning of the scenario and are passed in, in order; the chance is passed in.
Whoever carries a reply, the simulated transport or a server with real sockets, waits and sends as it says, and decides
nothing: `take` when a request arrives, `leave` when its caller has the answer, or waits no longer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from heapq import heappop, heappush
from math import ceil, inf
from random import Random
from typing import Literal, TypeAlias

from .distributions import sampler
from .rates import RateLimiter
from .scenario import Phase, ServiceSettings

Ending: TypeAlias = Literal["whole", "cut", "stall", "hang", "reset", "refused", "unreachable"]
"""`whole`: an answer, or an error with its status. The others are `scenario.ENDINGS`."""

_SLOWEST = 0.001
"""Tokens a second, also of a distribution that has slower ones."""
_ANSWERS = ("whole", "cut", "stall")
_NO_HEADERS: Mapping[str, str] = {}
_CODES = {401: "invalid_api_key", 402: "insufficient_quota", 404: "model_not_found", 429: "rate_limit_exceeded"}


class Reply:
    """
    What becomes of one request.

    Attributes:
        status: of the response, 200 if it is an answer; 0 if there is none (`hang`, `reset`, `refused`, `unreachable`).
        ending: how it ends.
        first_at: when the first content of a stream comes.
        stops_at: when the last piece of an answer comes.
        ends_at: when it is complete, cut, reset or refused; infinity if it never ends.
        prompt, tokens: of an answer that is whole.
        headers, body: of an error.
        arrived_at: when the request arrived.
        began_at: when the service began to work on it, after its queue.
        cost: USD; set by `Service.leave`.
    """

    __slots__ = (
        "arrived_at", "began_at", "body", "cost", "ending", "ends_at", "first_at", "headers", "left", "prompt",
        "status", "stops_at", "tokens",
    )  # fmt: skip

    def __init__(
        self,
        arrived_at: float,
        ending: Ending,
        status: int = 0,
        *,
        ends_at: float = inf,
        prompt: int = 0,
        tokens: int = 0,
        headers: Mapping[str, str] = _NO_HEADERS,
        body: bytes = b"",
    ) -> None:
        self.arrived_at = self.began_at = arrived_at
        self.ending, self.status, self.first_at = ending, status, inf
        self.stops_at = self.ends_at = ends_at
        self.prompt, self.tokens, self.headers, self.body = prompt, tokens, headers, body
        self.cost = 0.0
        self.left = False

    @property
    def ok(self) -> bool:
        """Whether it is a whole answer."""
        return self.status == 200 and self.ending == "whole"


class Service:
    """
    One service, with what it has seen.

    Attributes:
        seen: requests.
        seen_failing: requests that arrived in an outage, in the bad time of a flapping service, or in a brown-out.
        in_flight, peak: requests that wait for their end, now and at most.
        cost: USD of all answers, also of parts that nobody got.
    """

    def __init__(self, name: str, settings: ServiceSettings, chance: Random) -> None:
        self.name, self.settings = name, settings
        self.seen = self.seen_failing = self.in_flight = self.peak = 0
        self.cost = 0.0
        self._flight_s, self._changed_at = 0.0, 0.0
        self._random = chance.random
        self._first = sampler(settings.first_content_s, chance)
        self._tokens = None if settings.tokens is None else sampler(settings.tokens, chance)
        self._total = None if settings.total_s is None else sampler(settings.total_s, chance)
        self._per_s = sampler(50.0 if settings.tokens_per_s is None else settings.tokens_per_s, chance)
        self._error = sampler(settings.error_s, chance)
        self._limiter = None if settings.limits is None else RateLimiter(settings.limits)
        self._errors = tuple(settings.errors.items())
        self._phases = tuple(sorted(settings.phases, key=lambda phase: phase.from_s))
        self._cuts = tuple(phase for phase in self._phases if phase.cuts and phase.kind != "brownout")
        self._parallel = settings.parallel
        self._places: list[float] = []
        """When each place becomes free, as a heap."""
        self._starts: deque[float] = deque()
        """When those begin that wait in the queue."""
        prices = settings.prices
        self._prompt_usd, self._token_usd = (prices.prompt / 1e6, prices.completion / 1e6) if prices else (0.0, 0.0)

    # -- a request -------------------------------------------------------------------------

    def take(self, now: float, *, prompt: int, tokens: int) -> Reply:
        """
        Return what becomes of a request that arrives now.

        Args:
            prompt, tokens: of the prompt and of the answer, if the settings do not say how long answers are.
        """
        self._arrive(now)
        factor, errors = 1.0, self._errors
        if self._phases:
            for phase in self._phases:
                if not is_on(phase, now):
                    continue
                self.seen_failing += 1
                if phase.kind != "brownout":
                    return self._failure(now, phase.how)
                factor, errors = phase.factor, (*phase.errors.items(), *errors)
                break
        if self._tokens is not None:
            tokens = max(1, round(self._tokens()))
        if self._limiter is not None and (wait := self._limiter.take(now, prompt + tokens)):
            return self._limited(now, wait)
        ending = self._drawn(errors) if errors else "whole"
        if ending not in _ANSWERS:
            return self._failure(now, ending)
        first = self._first() * factor
        total = self._total_s(first, tokens, factor)
        began = now
        if self._parallel is not None:
            found = self._place(now, total, self._parallel)
            if found is None:
                return self._failure(now, str(self.settings.full_status))
            began = found
        ends_at = began + total
        reply = Reply(now, ending, 200, ends_at=ends_at, prompt=prompt, tokens=tokens)  # type: ignore[arg-type]  # one of `_ANSWERS`
        reply.began_at, reply.first_at = began, began + first
        if ending != "whole":  # somewhere between the first content and the end
            reply.stops_at = at = reply.first_at + (reply.ends_at - reply.first_at) * self._random()
            reply.ends_at = at if ending == "cut" else inf
            reply.tokens = _part(tokens, reply.first_at, ends_at, at)
        for phase in self._cuts:
            if now < phase.from_s < reply.ends_at:
                reply.ending = "cut"
                reply.stops_at = reply.ends_at = phase.from_s
                reply.tokens = _part(tokens, reply.first_at, ends_at, phase.from_s)
                break
        return reply

    def leave(self, reply: Reply, now: float) -> None:
        """Record that the caller of a request has its answer, or waits no longer. To do it again does no harm."""
        if reply.left:
            return
        reply.left = True
        self._count(now)
        self.in_flight -= 1
        if reply.status == 200 and now > reply.began_at:
            tokens = reply.tokens
            if now < reply.ends_at < inf:
                tokens = _part(tokens, reply.first_at, reply.ends_at, now)
            reply.cost = reply.prompt * self._prompt_usd + tokens * self._token_usd
            self.cost += reply.cost

    def _arrive(self, now: float) -> None:
        self._count(now)
        self.seen += 1
        self.in_flight += 1
        if self.in_flight > self.peak:  # noqa: PLR1730  # `max` takes three times as long
            self.peak = self.in_flight

    def _failure(self, now: float, how: str) -> Reply:
        if how.isdecimal():
            return self._error_reply(now, int(how))
        ending: Ending = how  # type: ignore[assignment]  # the check of the scenario allows no other
        return Reply(now, ending, ends_at=now + self._error() if ending == "reset" else inf)

    def _limited(self, now: float, wait: float) -> Reply:
        assert self.settings.limits is not None
        retry_after = self.settings.limits.retry_after
        if retry_after is False:
            return self._error_reply(now, 429)
        seconds = max(1, ceil(wait)) if retry_after is True else retry_after
        return self._error_reply(now, 429, {"retry-after": f"{seconds:g}"})

    def _error_reply(self, now: float, status: int, headers: Mapping[str, str] = _NO_HEADERS) -> Reply:
        code = f',"code":"{_CODES[status]}"' if status in _CODES else ""
        body = f'{{"error":{{"message":"simulated"{code}}}}}'.encode()
        return Reply(now, "whole", status, ends_at=now + self._error(), headers=headers, body=body)

    def _drawn(self, errors: tuple[tuple[str, float], ...]) -> str:
        place = self._random()
        for name, share in errors:
            place -= share
            if place < 0:
                return name
        return "whole"

    def _total_s(self, first: float, tokens: int, factor: float) -> float:
        """Return the seconds that an answer takes whose first content takes `first`."""
        if self._total:
            return max(first, self._total() * factor)
        return first + tokens / max(self._per_s(), _SLOWEST) * factor

    def _place(self, now: float, total: float, parallel: int) -> float | None:
        """Return when the service begins; None if its queue is full. What it has begun, it ends."""
        starts, places = self._starts, self._places
        while starts and starts[0] <= now:
            starts.popleft()
        while places and places[0] <= now:
            heappop(places)
        begins = now
        if len(places) >= parallel:
            if len(starts) >= self.settings.queue:
                return None
            begins = heappop(places)
            starts.append(begins)
        heappush(places, begins + total)
        return begins

    # -- what it has seen ------------------------------------------------------------------

    def mean_in_flight(self, now: float) -> float:
        """Return how many requests were in flight on average, from the beginning."""
        self._count(now)
        return self._flight_s / now if now else 0.0

    def _count(self, now: float) -> None:
        self._flight_s += self.in_flight * (now - self._changed_at)
        self._changed_at = now


def is_on(phase: Phase, now: float) -> bool:
    """Return whether a phase is on; of a flapping service, whether it is bad."""
    if not phase.from_s <= now < phase.until_s:
        return False
    return phase.kind != "flapping" or (now - phase.from_s) % phase.period_s < phase.share * phase.period_s


def _part(tokens: int, first_at: float, ends_at: float, now: float) -> int:
    """Return how many tokens have come."""
    if now <= first_at:
        return 0
    return tokens if now >= ends_at else int(tokens * (now - first_at) / (ends_at - first_at))


def services_of(settings: Mapping[str, ServiceSettings], seed: int) -> dict[str, Service]:
    """Return the services of a scenario, each with a chance of its own: what one draws changes nothing of another."""
    return {
        name: Service(name, one, Random(f"{seed}/service/{name}"))  # noqa: S311  # chance, not secrecy
        for name, one in settings.items()
    }
