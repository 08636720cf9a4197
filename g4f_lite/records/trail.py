"""
What a call has done, or would do: attempts, the legs that were left out, and why.

Durations are seconds, points in time are Unix time.
"""

# Without `from __future__ import annotations`: from text, msgspec would make the types anew when it first needs them.
from collections.abc import Iterable
from typing import Any, Protocol

import msgspec

from ..value import JSONObject, Value
from . import prices


class CallInfo(Value, frozen=True, kw_only=True):
    """A call that begins, as the hook `call_started` gets it."""

    id: str
    """Of this process and this call alone; `Attempt.call_id` and `Trail.call_id` are the same."""
    operation: str = "chat"
    """`chat`, `embeddings`, `transcription`, `translation`, `speech`, `images` or `models`."""
    provider: Any = None
    """What the caller asked for: a name, a provider, a list of them, or None."""
    model: Any = None
    stream: bool = False
    started_at: float = 0.0
    metadata: Any = None
    """The caller's `metadata`, a mapping, or None."""
    request: Any = None
    """The checked request, a `ChatRequest` or another one. Other hooks get the same object: do not change it."""


class Wait(Value, frozen=True, kw_only=True):
    """A call waits before its next attempt, as the hook `call_waiting` gets it."""

    call_id: str
    seconds: float
    started_at: float = 0.0
    reason: str = ""
    """The `reason` of the attempt that failed, or that all legs are cooling down."""


class Attempt(Value, frozen=True, kw_only=True, tag_field="kind", tag="attempt"):
    """One request on one leg, and how it ended."""

    provider: str
    model: str
    key: str | None = None
    """Short fingerprint of the key, never the key; None if the leg needs none."""
    number: int = 1
    """1 for the first try on this leg, 2 for its first retry."""
    index: int = 0
    """1 for the first attempt of the call, on whichever leg."""
    started_at: float = 0.0
    duration: float | None = None
    """Seconds up to the outcome; None while the attempt runs."""
    first_token: float | None = None
    """Seconds up to the first content of a stream."""
    outcome: str | None = None
    """`ok`, the name of the exception, or `LostRace` for a hedged leg that was slower; None while the attempt runs."""
    status: int | None = None
    message: str | None = None
    """What the service said, shortened, without any key."""
    unsent: bool = False
    """Whether it failed before anything was sent, so that nothing is billed."""
    reason: str | None = None
    """What the call did next, and why; None if it succeeded."""
    wait: float | None = None
    """Seconds to wait before the next attempt."""
    retry_after: float | None = None
    """Seconds that the service asked to wait, after a failure; None if it did not say."""
    notes: tuple[str, ...] = ()
    """Oddities that did not spoil the answer, such as an event that the end of the body cut."""
    call_id: str = ""
    operation: str = "chat"
    base_url: str = ""
    """Where the request went."""
    usage: Any = None
    """The usage that the answer reports, as its `usage`; of a stream only if a plugin observes the call."""
    response_model: str | None = None
    """The model that answered, as the answer names it; of a stream as `usage`."""
    service_tier: str | None = None
    request_id: str | None = None
    """The service's id of the request; of a success only if a plugin observes the call."""
    response_id: str | None = None
    """The id of the answer; only if a plugin observes the call."""
    finish_reasons: tuple[str, ...] = ()
    """Of the choices of a chat, in their order; only if a plugin observes the call."""
    ready_at: float | None = None
    """When the leg may be used again, after a failure that keeps calls off it."""
    known_route: str = "other:other"
    """
    `provider:model` for the labels of metrics, whose number must not depend on callers: a part that neither the code
    of a provider nor the client's `routes` names is `other`.
    """

    @property
    def cost(self) -> float | None:
        """USD: as the service says, else by usage and genai-prices; None if that is not known."""
        usage = self.usage
        if getattr(usage, "prompt_tokens", None) is None:
            return None
        if usage.cost is not None:
            return float(usage.cost)
        tier = usage.rates or self.service_tier
        return prices.cost(self.provider, self.response_model or self.model, usage, tier=tier, at=self.started_at)

    @property
    def route(self) -> str:
        return f"{self.provider}:{self.model}" if self.model else self.provider

    def __str__(self) -> str:
        if self.outcome == "ok":
            outcome = f"{self.status or 'ok'} in {self.duration or 0.0:.2f} s"
        else:
            status = f"{self.status} " if self.status and self.status >= 300 else ""
            message = f" ({self.message})" if self.message else ""
            outcome = f"{status}{self.outcome or 'under way'}{message}"
        notes = "".join(f"; {note}" for note in self.notes)
        return f"{self.route} {outcome}{notes}" + (f" → {self.reason}" if self.reason else "")


class Skipped(Value, frozen=True, kw_only=True, tag_field="kind", tag="skipped"):
    """A leg that was left out, and why."""

    provider: str
    model: str
    reason: str
    key: str | None = None
    lacks_key: bool = False
    """Whether nothing but a key is missing."""
    message: str | None = None
    """What the service said when the leg failed, as in `Attempt`."""
    ready_at: float | None = None
    """When the leg may be used again, if it is cooling down or limited."""

    @property
    def route(self) -> str:
        return f"{self.provider}:{self.model}" if self.model else self.provider

    def __str__(self) -> str:
        message = f" ({self.message})" if self.message else ""
        return f"{self.route} skipped: {self.reason}{message}"


_KEYLESS_LINES = 3


def describe_entries(entries: Iterable[Attempt | Skipped]) -> list[str]:
    """Return a line for each entry; of many providers that only lack a key, two or more after the third share one."""
    entries = list(entries)
    keyless = [entry for entry in entries if isinstance(entry, Skipped) and entry.lacks_key]
    others = keyless[_KEYLESS_LINES:] if len(keyless) > _KEYLESS_LINES + 1 else []
    lines = [str(entry) for entry in entries if entry not in others]
    if others:
        last = lines.index(str(keyless[_KEYLESS_LINES - 1]))
        lines.insert(last + 1, f"{len(others)} others skipped: no key: {', '.join(one.provider for one in others)}")
    return lines


class Trail(Value, frozen=True, kw_only=True):
    """All that happened in one call, in order."""

    entries: tuple[Attempt | Skipped, ...] = ()
    call_id: str = ""
    operation: str = "chat"
    outcome: str | None = None
    """`ok`, the name of the exception, or `closed` for a stream that its caller closed early; None before the end."""
    duration: float | None = None
    """Seconds from the plan to the end of the call, with all waits; None before the end."""
    started_at: float | None = None
    """None before the end."""

    @property
    def usage(self) -> Any:
        """The usage of the answer: that of the last attempt that has one."""
        return next((one.usage for one in reversed(self.attempts) if one.usage is not None), None)

    @property
    def cost(self) -> float | None:
        """USD: the sum of the attempts' costs that are known; None if none is."""
        total: float | None = None
        for one in self.entries:
            if isinstance(one, Attempt) and (cost := one.cost) is not None:
                total = cost if total is None else total + cost
        return total

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        entries = self.entries
        if entries and type(entries[0]) is Attempt and not entries[1:]:  # most calls have one
            return (entries[0],)
        return tuple([entry for entry in entries if type(entry) is Attempt])

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        return tuple([entry for entry in self.entries if type(entry) is Skipped])

    def to_dict(self) -> JSONObject:
        """Return the trail as JSON-able data: `{"attempts": […], "skipped": […]}`, and what is known of the call."""
        return {
            "call_id": self.call_id,
            "operation": self.operation,
            "outcome": self.outcome,
            "duration": self.duration,
            "started_at": self.started_at,
            "attempts": [msgspec.to_builtins(entry) for entry in self.attempts],
            "skipped": [msgspec.to_builtins(entry) for entry in self.skipped],
        }

    def __str__(self) -> str:
        return "\n".join(describe_entries(self.entries))


EMPTY_TRAIL = Trail()


class PlannedRoute(Value, frozen=True, kw_only=True):
    """One leg of an explained plan."""

    provider: str
    model: str
    """"" stands for the first model that the service lists when it is asked."""
    base_url: str = ""
    key: str | None = None
    limits: tuple[str, ...] = ()
    """What is left of the client's limits and budget that hold for it, in words."""

    def __str__(self) -> str:
        at = f" at {self.base_url}" if self.base_url else ""
        key = f" with key {self.key}" if self.key else ""
        return f"{self.provider}:{self.model or '(first listed)'}{at}{key}" + "".join(f"; {one}" for one in self.limits)


class Explanation(Value, frozen=True, kw_only=True):
    """What a call would do: tiers of legs in the order of trying, and the legs left out."""

    tiers: tuple[tuple[PlannedRoute, ...], ...] = ()
    skipped: tuple[Skipped, ...] = ()

    def __str__(self) -> str:
        lines = [f"{number}. " + "  |  ".join(map(str, tier)) for number, tier in enumerate(self.tiers, 1)]
        return "\n".join(lines + [f"-  {line}" for line in describe_entries(self.skipped)])


class Teller(Protocol):
    """Whoever tells observers of an attempt or a call."""

    last_hook: str
    """The hook that the observers were told last; "" at first."""
