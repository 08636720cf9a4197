"""
The declared limits and the budget of one client: what an attempt takes of them, and the lines at them.

Rule: pure, and not locked. Only the state knows what is spent and reserved; here it becomes amounts and words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, inf
from typing import Any, Literal, NamedTuple, TypeAlias

from ..errors.exceptions import BudgetExceededError, ProviderError, RateLimitError
from ..provider.address import is_loopback
from ..provider.leg import Identity, Leg
from ..provider.self_description import declared
from ..records import prices
from ..records.trail import Attempt
from ..types.declared_limits import NANO, Budget, Limits, nano_usd
from .estimates import COST_OUTPUT, RATE_OUTPUT, Estimate
from .gate import Gate
from .shared_state import NEVER, Amount, Reservation, Reserve, Window

Unit: TypeAlias = Literal["calls", "requests", "tokens", "nano-usd"]
Spends: TypeAlias = Literal["usage", "presumed", "request", "nothing"]
"""
What an attempt has used: what its usage says; all that it reserved, because nobody can know; only the request, which
was refused; or nothing, because nothing was sent.
"""

_RULES: dict[str, tuple[Unit, Window, str]] = {
    "parallel": ("calls", "parallel", "{} calls at once"),
    "rpm": ("requests", "minute", "{} requests a minute"),
    "rpd": ("requests", "24h", "{} requests in 24 hours"),
    "tpm": ("tokens", "minute", "{} tokens a minute"),
    "tpd": ("tokens", "24h", "{} tokens in 24 hours"),
}
_SECONDS: dict[Window, float] = {"minute": 60.0, "24h": 86_400.0}
PRICED = ("chat", "embeddings")
"""The operations whose price follows from tokens."""
_FREE = prices.Price(0.0, 0.0)
_MOST_LEGS = 4096
_SAFETY, _FADES = 1.25, 0.98
"""How much more is expected than was used of late; how much of that each answer lets fade."""


class Rule(NamedTuple):
    """One limit of a scope."""

    unit: Unit
    window: Window
    limit: int
    words: str


class Scope:
    """The limits under one name, or the budget."""

    def __init__(self, name: str, rules: Sequence[Rule], label: str) -> None:
        self.name = name
        self.rules = rules
        self.label = label
        self.gate = Gate()


class Appetite(NamedTuple):
    """The most that answers of a leg have used of late."""

    prompt: float
    """Tokens for each token of the estimate."""
    output: float
    """Tokens of a choice."""

    def expected(self, size: Estimate) -> int:
        """Return how many tokens a request will use, rather too many than too few."""
        prompt = size.prompt * min(1.0, self.prompt * _SAFETY)
        return ceil(prompt + size.completion(ceil(self.output * _SAFETY)))


class Refusal(NamedTuple):
    """Why nothing is sent now."""

    error: ProviderError
    final: bool
    """The call waits neither in line nor for later."""


class Quotas:
    """
    Args:
        limits: by the name of a provider or a route.
        budget: None for no bound on what calls cost.
    """

    def __init__(self, limits: Mapping[str, Limits], budget: Budget | None) -> None:
        self.budget = budget
        self._limits = {name: _scope_of(name, one) for name, one in limits.items()}
        self._budget = None if budget is None else _scope_of_budget(budget)
        self.scopes = {scope.name: scope for scope in (*self._limits.values(), *filter(None, (self._budget,)))}
        self._of: dict[Identity, tuple[Scope, ...]] = {}
        self._appetites: dict[Identity, Appetite] = {}

    def of(self, leg: Leg) -> tuple[Scope, ...]:
        """Return the limits that hold for a leg; the budget comes first, because its refusal may be final."""
        if (found := self._of.get(leg.identity)) is None:
            if len(self._of) >= _MOST_LEGS:
                self._of, self._appetites = {}, {}
            provider = leg.provider
            aliases = (alias for alias, model in declared(provider, "model_aliases").items() if model == leg.model)
            names = [provider.name, leg.route, *(f"{provider.name}:{alias}" for alias in aliases)]
            scopes = [self._limits[name] for name in dict.fromkeys(names) if name in self._limits]
            if self._budget is not None and leg.operation != "models":
                scopes.insert(0, self._budget)
            found = self._of[leg.identity] = tuple(scopes)
        return found

    def declared(self) -> tuple[Amount, ...]:
        """Return all limits of which something may be used while the state is away, with amounts of nothing."""
        is_local = self.budget is None or self.budget.when_down == "local"
        return tuple(
            _amount(scope, rule)
            for scope in self.scopes.values()
            for rule in scope.rules
            if is_local or scope is not self._budget
        )

    # -- before the request ----------------------------------------------------------------

    def reserve(self, leg: Leg, name: str, size: Estimate, *, requests: int, lease_ms: int) -> Reserve | None:
        """
        Return what an attempt reserves before anything is sent; None if nothing limits its leg.

        Args:
            name: of the attempt, unique among all that share the state.
            requests: how many it sends.
        """
        if not (scopes := self.of(leg)):
            return None
        amounts = [
            _amount(scope, rule, self._most(rule, leg, size, requests)) for scope in scopes for rule in scope.rules
        ]
        return Reserve(name, tuple(amounts), lease_ms, "local" if self.budget is None else self.budget.when_down)

    def _most(self, rule: Rule, leg: Leg, size: Estimate, requests: int) -> int:
        if rule.unit == "calls":
            return 1
        if rule.unit == "requests":
            return min(requests, rule.limit)
        if rule.unit == "tokens":
            if leg.operation == "models":
                return 0
            known = self._appetites.get(leg.identity)
            most = size.prompt + size.completion(RATE_OUTPUT) if known is None else known.expected(size)
            return min(most, rule.limit)  # a request that seems too large goes alone: the service knows better
        return _nano(leg, size)

    def answered(self, reserve: Reserve, answer: Reservation, now: float) -> Refusal | None:
        """Learn from the state's answer; return why nothing may be sent."""
        if answer.refused_by is None:
            room: dict[str, float] = {}
            lefts = answer.left or (0,) * len(reserve.amounts)  # not known: the next one asks when this one is through
            for amount, left in zip(reserve.amounts, lefts, strict=True):
                room[amount.scope] = min(room.get(amount.scope, inf), left // amount.amount if amount.amount else inf)
            for name, most in room.items():
                self.scopes[name].gate.granted(int(min(most, 1000)))
            return None
        amount = reserve.amounts[answer.refused_by]
        scope = self.scopes[amount.scope]
        wait_s = None if answer.wait_ms == NEVER else answer.wait_ms / 1000
        if scope is self._budget and not answer.held:
            scope.gate.freed(now)  # the next in line is to learn it too, not at its backstop
            return Refusal(self._spent(amount, wait_s), final=True)
        message = self._words(amount)
        error = RateLimitError(message, retry_after=wait_s)
        if wait_s is not None:
            seconds = _SECONDS.get(amount.window)
            rate = amount.limit / seconds / max(1, amount.amount) if seconds and not answer.held else inf
            scope.gate.refused(now, wait_s, rate=rate, message=message)
        return Refusal(error, final=wait_s is None)

    def _words(self, amount: Amount) -> str:
        scope = self.scopes[amount.scope]
        if scope is self._budget:
            return f"{scope.label} is reserved by other calls"
        return f"limited to {self._rule(amount).words} ({scope.label})"

    def _rule(self, amount: Amount) -> Rule:
        rules = self.scopes[amount.scope].rules
        return next(one for one in rules if (one.unit, one.window) == (amount.unit, amount.window))

    def _spent(self, amount: Amount, wait_s: float | None) -> BudgetExceededError:
        assert self._budget is not None
        most = amount.amount / NANO
        message = f"{self._budget.label} is spent: it has no room for ${most:.3g}, the most that this call may cost"
        return BudgetExceededError(message, code="insufficient_quota", retry_after=wait_s)

    def freed(self, reserve: Reserve, used: Sequence[int], now: float) -> None:
        """Record that an attempt has given back what it did not use, and its place among the calls at once."""
        for amount, share in zip(reserve.amounts, used, strict=True):
            if amount.unit == "calls" or share < amount.amount:
                self.scopes[amount.scope].gate.freed(now)

    def look(self, leg: Leg, name: str) -> Reserve | None:
        """Return a reservation of nothing, whose answer tells what is left; None if nothing limits the leg."""
        amounts = [_amount(scope, rule) for scope in self.of(leg) for rule in scope.rules]
        return Reserve(name, tuple(amounts), 1000) if amounts else None

    def left(self, reserve: Reserve, answer: Reservation) -> tuple[str, ...]:
        """Return in words what is left of each limit."""
        return tuple(
            f"${left / NANO:.4g} is left of {self.scopes[amount.scope].label}"
            if amount.unit == "nano-usd"
            else f"{left:,} of {self._rule(amount).words} are left ({self.scopes[amount.scope].label})"
            for amount, left in zip(reserve.amounts, answer.left, strict=False)
        )

    # -- after it --------------------------------------------------------------------------

    def used(self, reserve: Reserve, leg: Leg, attempt: Attempt, spends: Spends, size: Estimate) -> tuple[int, ...]:
        """Return what an attempt has used of what it has reserved: as its usage says, else all of it."""
        if spends == "nothing":
            return (0,) * len(reserve.amounts)
        usage = attempt.usage if spends == "usage" else None
        if (prompt := getattr(usage, "prompt_tokens", None)) and usage is not None:
            old = self._appetites.get(leg.identity, Appetite(0.0, 0.0))
            self._appetites[leg.identity] = Appetite(
                max(prompt / max(1, size.prompt), old.prompt * _FADES),
                max(usage.completion_tokens / size.choices, old.output * _FADES),
            )
        return tuple(_used(amount, leg, attempt, usage, spends) for amount in reserve.amounts)


def _amount(scope: Scope, rule: Rule, amount: int = 0) -> Amount:
    return Amount(scope.name, rule.unit, rule.window, rule.limit, amount)


def spends_of(error: ProviderError) -> Spends:
    """Return what an attempt has used that failed with this error after it was sent, or tried to be."""
    if error.unsent:
        return "nothing"
    return "request" if error.status is not None and error.status >= 300 else "presumed"


def _used(amount: Amount, leg: Leg, attempt: Attempt, usage: Any | None, spends: Spends) -> int:
    if amount.unit in ("calls", "requests"):
        return amount.amount
    if spends == "request":
        return 0
    if amount.unit == "tokens":
        return tokens_of(usage) or amount.amount
    if usage is None:
        return amount.amount
    if (cost := attempt.cost) is not None:
        return nano_usd(cost)
    prompt = getattr(usage, "prompt_tokens", None)
    if not prompt or price_of(leg) is None:
        return amount.amount
    return _nano(leg, Estimate(prompt, usage.completion_tokens))


def tokens_of(usage: Any | None) -> int:
    """Return how many tokens a usage has; 0 if its service has counted none."""
    if usage is None:
        return 0
    prompt = getattr(usage, "prompt_tokens", None)
    return int(usage.total_tokens or (0 if prompt is None else prompt + usage.completion_tokens))


def _nano(leg: Leg, size: Estimate) -> int:
    """Return the largest cost in nano-dollars, rounded up; 0 for what has no price."""
    if leg.operation not in PRICED:
        return 0
    cost = size.most_usd(leg.provider.name, leg.model)
    if cost is None and (price := price_of(leg)) is not None:
        cost = (size.prompt * price.prompt + size.completion(COST_OUTPUT) * price.completion) / 1e6
    return nano_usd(cost or 0.0)


def price_of(leg: Leg) -> prices.Price | None:
    """Return the price of a leg's tokens; None if it is not known. What runs on this machine without a key is free."""
    if leg.operation in PRICED and (found := prices.price(leg.provider.name, leg.model)) is not None:
        return found
    free = leg.is_local or (is_loopback(leg.origin) and not declared(leg.provider, "needs_auth"))
    return _FREE if free else None


def without_price(leg: Leg) -> str | None:
    """Return why a leg may not be used by a client that has a budget; None if it may."""
    if leg.operation == "models" or price_of(leg) is not None:
        return None
    return f'the price of {leg.route} is not known, and the budget has no unknown_price="allow"'


def _scope_of(name: str, limits: Limits) -> Scope:
    rules = [
        Rule(unit, window, limit, words.format(f"{limit:,}"))
        for field, (unit, window, words) in _RULES.items()
        if (limit := getattr(limits, field)) is not None
    ]
    return Scope(f"leg/{name}", rules, f"limits of {name!r}")


def _scope_of_budget(budget: Budget) -> Scope:
    window = "in all" if budget.per == "total" else f"a {budget.per}"
    label = f"the budget of ${budget.usd:g} {window}"
    return Scope(f"budget/{budget.name}", [Rule("nano-usd", budget.per, round(budget.usd * NANO), "")], label)
