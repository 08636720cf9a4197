"""
What a key, and its team, may use: reserved before a call, settled after it.

Rule: for each limit, spent + reserved never exceeds it. What is settled is what the services have said; if one that was
asked has said nothing, all that was reserved counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from types import SimpleNamespace
from typing import NamedTuple, TypeAlias

from ..health.estimates import RATE_OUTPUT, Estimate, estimate, prompt_size
from ..health.quotas import PRICED, tokens_of
from ..health.shared_state import NEVER, Amount, Reservation
from ..health.stores.local_link import Link
from ..openai.mapping.requests import Asked
from ..provider.address import is_loopback, split_url
from ..records import prices
from ..records.trail import Attempt, PlannedRoute, Trail
from ..types.declared_limits import NANO, nano_usd
from .failures import NO_PRICE, OVER_BUDGET, OVER_RATE, RefusedError
from .keys import VirtualKey
from .leases import Leases, Limit, Limits, NoRoomError, Taken
from .models import Target
from .requests import bound_tokens
from .settings import Quota

Planned: TypeAlias = Callable[[Target], Iterable[PlannedRoute]]
_KEPT_S = 60.0
_MOST_KEPT = 1024
_REMAINING = {unit: f"x-ratelimit-remaining-{unit}" for unit in ("requests", "tokens")}
"""The units that have headers, with the one for what is left."""
_FREE_AFTER = "1m1s"
"""When nothing that is used now counts any more, as OpenAI's headers write it: a window has 1 s to spare."""
_WORDS = {"requests": "requests a minute", "tokens": "tokens a minute", "calls": "calls at once"}


class _Limited(NamedTuple):
    """What limits a key."""

    key: VirtualKey
    limits: Limits
    quotas: tuple[Quota, ...]
    """Of the key or of its team, for each limit."""


class Quotas:
    """
    Args:
        link: to the state in which all processes count.
        teams: by name.
        planned: returns the routes that a target may take; nobody is asked.
    """

    def __init__(self, link: Link, teams: dict[str, Quota], planned: Planned) -> None:
        self._leases = Leases(link)
        self._teams = teams
        self._planned = planned
        self._limited: dict[str, _Limited] = {}
        """By the name of the key; another key may get that name."""
        self._kept: dict[Target, tuple[float, Sequence[PlannedRoute]]] = {}
        """The routes of each target, and until when they hold."""

    async def reserve(self, key: VirtualKey, asked: Asked, target: Target) -> Taken | None:
        """
        Take what a call may use at most. Return it; None if nothing limits the key.

        Raises:
            RefusedError: the limits of the key, or of its team, have no room for it.
        """
        limited = self._limited.get(key.name)
        if limited is None or limited.key is not key:
            limited = self._limits_of(key)
        if not limited.limits:
            return None
        size = _size(asked, target.max_tokens)
        wanted = []
        for limit, quota in zip(limited.limits, limited.quotas, strict=True):
            most = 1
            if limit.unit == "nano-usd":
                most = self._cost(limit.scope, quota, size, asked, target)
            elif limit.unit == "tokens":
                most = min(size.prompt + size.completion(RATE_OUTPUT), limit.limit)
            wanted.append(most)
        try:
            return await self._leases.take(limited.limits, tuple(wanted))
        except NoRoomError as error:
            raise _refusal(error.amount, error.answer) from None

    def settle(self, taken: Taken, trail: Trail | None) -> int | None:
        """
        End what a call has reserved. Return what is counted of its budget, in nano-dollars; None if it has none.

        Args:
            trail: of the call; None if it was never sent.
        """
        used = _used(taken, () if trail is None else trail.attempts)
        self._leases.end(taken, used)
        for limit, one in zip(taken.limits, used, strict=True):
            if limit.unit == "nano-usd":
                return one
        return None

    def close(self) -> None:
        """Give back what no call uses."""
        self._leases.close()

    def _limits_of(self, key: VirtualKey) -> _Limited:
        found = [(limit, quota) for name, quota in self._scopes(key) for limit in _limits(name, quota)]
        limited = _Limited(key, tuple(one for one, _ in found), tuple(quota for _, quota in found))
        if len(self._limited) >= _MOST_KEPT:
            self._limited.clear()
        self._limited[key.name] = limited
        return limited

    def _scopes(self, key: VirtualKey) -> Iterator[tuple[str, Quota]]:
        yield f"key/{key.name}", key.settings
        if (team := key.settings.team) is not None:
            yield f"team/{team}", self._teams[team]

    def _cost(self, scope: str, quota: Quota, size: Estimate, asked: Asked, target: Target) -> int:
        """Return the largest cost of a call in nano-dollars: that on its dearest route."""
        dearest = 0.0
        for route in self._routes(target):
            cost = None
            if asked.operation in PRICED:
                cost = 0.0 if is_free(route) else size.most_usd(route.provider, route.model)
            if cost is None and quota.unknown_price == "refuse":
                whose = scope.replace("/", " ", 1)
                what = f"the price of {route.provider}:{route.model} is not known, and {whose} has a budget"
                raise RefusedError(NO_PRICE, f"{what}; see unknown_price in the docs")
            if cost is not None and cost > dearest:
                dearest = cost
        return nano_usd(dearest)

    def _routes(self, target: Target) -> Sequence[PlannedRoute]:
        now = time.monotonic()
        kept_until, routes = self._kept.get(target, (0.0, ()))
        if kept_until <= now:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            routes = tuple(self._planned(target))
            self._kept[target] = now + _KEPT_S, routes
        return routes


def is_free(route: PlannedRoute) -> bool:
    """Return whether it runs on this machine, without a key."""
    return route.key is None and (not route.base_url or is_loopback(split_url(route.base_url)[0]))


def _limits(name: str, quota: Quota) -> Iterator[Limit]:
    if quota.parallel is not None:
        yield Limit(name, "calls", "parallel", quota.parallel)
    if quota.rpm is not None:
        yield Limit(name, "requests", "minute", quota.rpm)
    if quota.tpm is not None:
        yield Limit(name, "tokens", "minute", quota.tpm)
    if quota.budget is not None:
        yield Limit(name, "nano-usd", quota.budget.per, round(quota.budget.usd * NANO))


def _size(asked: Asked, most: int | None) -> Estimate:
    """Return what a call may use; `most` as in `bound_tokens`."""
    if asked.operation != "chat":
        return estimate(SimpleNamespace(**asked.fields))
    fields = asked.fields
    messages, tier, choices = fields.get("messages"), fields.get("service_tier"), fields.get("n")
    if type(messages) is not list or not {dict}.issuperset(map(type, messages)):
        return Estimate(0)  # it will be refused
    bounds = {}
    for name in ("max_tokens", "max_completion_tokens"):
        if type(value := fields.get(name)) is int and value > 0:
            bounds[name] = value
    bound_tokens(bounds, most)
    prompt, media, kept = prompt_size(messages, fields.get("tools"))
    return Estimate(
        prompt,
        max(bounds.values()) if bounds else None,
        choices if type(choices) is int and choices > 0 else 1,
        tier if isinstance(tier, str) else None,
        media,
        kept or "cache_control" in fields,
    )


def _refusal(amount: Amount, answer: Reservation) -> RefusedError:
    whose = amount.scope.replace("/", " ", 1)
    wait = None if answer.wait_ms == NEVER else answer.wait_ms / 1000
    if amount.unit == "nano-usd":
        if answer.held:
            return RefusedError(OVER_RATE, f"the budget of {whose} is reserved by calls under way", wait)
        most = f"${amount.amount / NANO:.3g}, the most that this call may cost"
        return RefusedError(OVER_BUDGET, f"the budget of {whose} has no room for {most}", wait)
    headers = {}
    if amount.unit != "calls":
        left = answer.left[answer.refused_by] if answer.left and answer.refused_by is not None else 0
        headers = _limit_and_reset(amount.unit, amount.limit, _FREE_AFTER if wait is None else f"{wait:.3f}s")
        headers[_REMAINING[amount.unit]] = str(max(0, left))
    return RefusedError(OVER_RATE, f"{whose} is limited to {amount.limit:,} {_WORDS[amount.unit]}", wait, headers)


def _used(taken: Taken, attempts: Sequence[Attempt]) -> tuple[int, ...]:
    """
    Return what was used of each limit: what the services have counted.

    An attempt counts as all that was reserved if its service was asked and has counted nothing: it may bill it. So does
    one whose usage has no price, though its route has one.
    """
    asked = [one for one in attempts if one.usage is not None or not (one.unsent or (one.status or 0) >= 300)]
    used = []
    for limit, most in zip(taken.limits, taken.wanted, strict=True):
        if limit.unit == "tokens":
            used.append(sum([tokens_of(one.usage) or most for one in asked]))
        elif limit.unit == "nano-usd":
            used.append(sum([_charged(one, most) for one in asked]))
        else:
            used.append(most)
    return tuple(used)


def _charged(attempt: Attempt, most: int) -> int:
    """Return what an attempt counts of a budget, in nano-dollars."""
    if (cost := attempt.cost) is not None:
        return nano_usd(cost)
    free = attempt.usage is not None and prices.price(attempt.provider, attempt.model) is None
    return 0 if free else most


def limit_headers(taken: Taken) -> dict[str, str]:
    """Return the key's limits as OpenAI's headers tell them; of the key and its team, the one with less left."""
    headers: dict[str, str] = {}
    least: dict[str, int] = {}
    for (unit, fixed), left in zip(_fixed_headers(taken.limits), taken.left, strict=False):
        if unit in _REMAINING and left < least.get(unit, left + 1):
            least[unit] = left
            headers.update(fixed)
            headers[_REMAINING[unit]] = str(left if left > 0 else 0)
    return headers


@lru_cache(maxsize=1024)
def _fixed_headers(limits: Limits) -> tuple[tuple[str, dict[str, str]], ...]:
    """Return of each limit its unit, and the headers that are the same for each call."""
    return tuple((one.unit, _limit_and_reset(one.unit, one.limit, _FREE_AFTER)) for one in limits)


def _limit_and_reset(unit: str, limit: int, reset: str) -> dict[str, str]:
    return {f"x-ratelimit-limit-{unit}": str(limit), f"x-ratelimit-reset-{unit}": reset}
