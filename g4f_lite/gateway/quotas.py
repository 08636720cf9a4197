"""
What a key, and its team, may use: reserved before a call, settled after it.

Rule: for each limit, spent + reserved never exceeds it. What is settled is what the services have said; if one that was
asked has said nothing, all that was reserved counts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from math import ceil
from types import SimpleNamespace
from typing import Any, TypeAlias
from uuid import uuid4

from ..health.estimates import RATE_OUTPUT, Estimate, estimate
from ..health.shared_state import NEVER, Amount, Reservation, Reserve, Settle
from ..health.stores.local_link import Link
from ..openai.mapping.requests import Asked
from ..provider.address import is_loopback, split_url
from ..trail import Attempt, PlannedRoute, Trail
from ..types.chat_request import ChatRequest
from ..types.declared_limits import NANO
from .failures import NO_PRICE, OVER_BUDGET, OVER_RATE, RefusedError
from .keys import VirtualKey
from .models import Target
from .settings import Quota

Planned: TypeAlias = Callable[[Target], Iterable[PlannedRoute]]
_PRICED = ("chat", "embeddings")
"""The operations whose price follows from tokens."""
_PATIENCE_S = 3.0
"""How long a state that gives out nothing yet is waited for: Redis, after it was empty, for 1.5 s."""
_KEPT_S = 60.0
_MOST_KEPT = 1024
_LEASE_MS = 10_000
"""How long what a process has reserved outlives it; the link renews it as long as the process lives."""
_WORDS = {"requests": "requests a minute", "tokens": "tokens a minute", "calls": "calls at once"}


class Held:
    """What a call has reserved."""

    def __init__(self, reserve: Reserve, answer: Reservation) -> None:
        self.reserve = reserve
        self.headers = _limit_headers(reserve, answer)


class Quotas:
    """
    Args:
        link: to the state in which all processes count.
        teams: by name.
        planned: returns the routes that a target may take; nobody is asked.
    """

    def __init__(self, link: Link, teams: dict[str, Quota], planned: Planned) -> None:
        self._link = link
        self._teams = teams
        self._planned = planned
        self._kept: dict[Target, tuple[float, Sequence[PlannedRoute]]] = {}
        """The routes of each target, and until when they hold."""
        self._prefix, self._numbers = uuid4().hex, count(1)

    async def reserve(self, key: VirtualKey, asked: Asked, target: Target) -> Held | None:
        """
        Take what a call may use at most. Return it; None if nothing limits the key.

        Raises:
            RefusedError: the limits of the key, or of its team, have no room for it.
        """
        scopes = [*self._scopes(key)]
        if not scopes:
            return None
        size = _size(asked)
        amounts = tuple(one for name, quota in scopes for one in self._amounts(name, quota, size, asked, target))
        name = f"{self._prefix}/{next(self._numbers)}"
        command = Reserve(name, amounts, _LEASE_MS)
        last = time.monotonic() + _PATIENCE_S
        while True:
            (answer,) = await self._link.ask_async([command])
            assert isinstance(answer, Reservation)
            if answer.refused_by is None:
                return Held(command, answer)
            if not answer.waits or time.monotonic() > last:
                raise _refusal(amounts[answer.refused_by], answer)
            await asyncio.sleep(answer.wait_ms / 1000)

    def settle(self, held: Held, trail: Trail | None) -> None:
        """
        End what a call has reserved.

        Args:
            trail: of the call; None if it was never sent.
        """
        used = _used(held.reserve.amounts, () if trail is None else trail.attempts)
        self._link.tell(Settle(held.reserve.id, used))

    def _scopes(self, key: VirtualKey) -> Iterator[tuple[str, Quota]]:
        if _limits(key.settings):
            yield f"key/{key.name}", key.settings
        team = key.settings.team
        if team is not None and _limits(self._teams[team]):
            yield f"team/{team}", self._teams[team]

    def _amounts(self, name: str, quota: Quota, size: Estimate, asked: Asked, target: Target) -> Iterator[Amount]:
        if quota.parallel is not None:
            yield Amount(name, "calls", "parallel", quota.parallel, 1)
        if quota.rpm is not None:
            yield Amount(name, "requests", "minute", quota.rpm, 1)
        if quota.tpm is not None:
            tokens = size.prompt + size.completion(RATE_OUTPUT)
            yield Amount(name, "tokens", "minute", quota.tpm, min(tokens, quota.tpm))
        if quota.budget is not None:
            limit = round(quota.budget.usd * NANO)
            yield Amount(name, "nano-usd", quota.budget.per, limit, self._cost(quota, size, asked, target))

    def _cost(self, quota: Quota, size: Estimate, asked: Asked, target: Target) -> int:
        """Return the largest cost of a call in nano-dollars: that on its dearest route."""
        dearest = 0.0
        for route in self._routes(target):
            cost = None
            if asked.operation in _PRICED:
                cost = 0.0 if _is_free(route) else size.most_usd(route.provider, route.model)
            if cost is None and quota.unknown_price == "refuse":
                unknown = f"{route.provider}:{route.model}"
                message = (
                    f"the price of {unknown} is not known, and this key has a budget; see unknown_price in the docs"
                )
                raise RefusedError(NO_PRICE, message)
            dearest = max(dearest, cost or 0.0)
        return ceil(dearest * NANO - 1e-3)

    def _routes(self, target: Target) -> Sequence[PlannedRoute]:
        now = time.monotonic()
        kept_until, routes = self._kept.get(target, (0.0, ()))
        if kept_until <= now:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            routes = tuple(self._planned(target))
            self._kept[target] = now + _KEPT_S, routes
        return routes


def _is_free(route: PlannedRoute) -> bool:
    """Return whether it runs on this machine, without a key."""
    return route.key is None and (not route.base_url or is_loopback(split_url(route.base_url)[0]))


def _limits(quota: Quota) -> bool:
    return any(one is not None for one in (quota.rpm, quota.tpm, quota.parallel, quota.budget))


def _size(asked: Asked) -> Estimate:
    if asked.operation != "chat":
        return estimate(SimpleNamespace(**asked.fields))
    fields = asked.fields
    numbers = ("max_tokens", "max_completion_tokens", "n")
    known: dict[str, Any] = {name: value for name in numbers if type(value := fields.get(name)) is int and value > 0}
    if isinstance(tier := fields.get("service_tier"), str):
        known["service_tier"] = tier
    messages, tools = fields.get("messages"), fields.get("tools")
    if not isinstance(messages, list) or not all(isinstance(one, dict) for one in messages):
        return Estimate(0)  # it will be refused
    return estimate(ChatRequest(model="", messages=tuple(messages), tools=tools, **known))


def _refusal(amount: Amount, answer: Reservation) -> RefusedError:
    whose = amount.scope.replace("/", " ", 1)
    wait = None if answer.wait_ms == NEVER else answer.wait_ms / 1000
    if amount.unit == "nano-usd":
        if answer.held:
            return RefusedError(OVER_RATE, f"the budget of {whose} is reserved by calls under way", wait)
        most = f"${amount.amount / NANO:.3g}, the most that this call may cost"
        return RefusedError(OVER_BUDGET, f"the budget of {whose} has no room for {most}", wait)
    return RefusedError(OVER_RATE, f"{whose} is limited to {amount.limit:,} {_WORDS[amount.unit]}", wait)


def _used(amounts: tuple[Amount, ...], attempts: Sequence[Attempt]) -> tuple[int, ...]:
    """
    Return what was used of each amount: what the services have counted.

    An attempt counts as all that was reserved if its service was asked and has counted nothing: it may bill it.
    """
    counted = [one for one in attempts if one.usage is not None]
    silent = sum(one.usage is None and not one.unsent and (one.status is None or one.status < 300) for one in attempts)
    known = {
        "tokens": sum(one.usage.total_tokens or 0 for one in counted),
        "nano-usd": ceil(sum(one.cost or 0.0 for one in counted) * NANO - 1e-3),
    }
    return tuple(known[one.unit] + silent * one.amount if one.unit in known else one.amount for one in amounts)


def _limit_headers(reserve: Reserve, answer: Reservation) -> dict[str, str]:
    """Return the key's limits as OpenAI's headers tell them; of the key and its team, the one with less left."""
    headers: dict[str, str] = {}
    least: dict[str, int] = {}
    for amount, left in zip(reserve.amounts, answer.left, strict=False):
        if amount.unit in ("requests", "tokens") and left < least.get(amount.unit, left + 1):
            least[amount.unit] = left
            headers[f"x-ratelimit-limit-{amount.unit}"] = str(amount.limit)
            headers[f"x-ratelimit-remaining-{amount.unit}"] = str(max(0, left))
    return headers
