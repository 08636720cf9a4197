"""Legs, and plans over them, with a fake clock."""

from __future__ import annotations

from typing import Any

from g4f_lite import OpenaiTemplate, ProviderError
from g4f_lite.failover.decisions import decide
from g4f_lite.failover.plan import Plan
from g4f_lite.failover.policy import Policy
from g4f_lite.health.tracker import Health
from g4f_lite.provider.keys import Key
from g4f_lite.provider.leg import Leg
from g4f_lite.routing.tiers import FailureScope

from .clocks import FakeClock


class Here(OpenaiTemplate):
    name = "here"
    api_base = "http://127.0.0.1:1/v1"


class There(OpenaiTemplate):
    name = "there"
    api_base = "http://127.0.0.1:2/v1"


K1, K2 = Key("key-1", "argument"), Key("key-2", "argument")


def no_jitter() -> float:
    return 1.0


def leg(model: str = "a", key: str | None = None, provider: type[OpenaiTemplate] = Here) -> Leg:
    return Leg(provider(), model, Key(key, "argument") if key else None)


def make(*tiers: list[Leg], health: Health | None = None, **policy: Any) -> tuple[Plan, FakeClock]:
    clock = FakeClock()
    return Plan(tiers, policy=Policy(**policy), clock=clock, random=lambda: 0.5, health=health), clock


def fail(health: Health, leg: Leg, error: ProviderError, now: float, *, number: int = 0, probe: int = 0) -> bool:
    """Remember a failure as a plan does; True if the breaker is open then."""
    decision = decide(error)
    return health.failed(
        leg,
        error,
        now,
        memory=decision.memory,
        cooldown_s=decision.cooldown_after(error),
        origin_failed=decision.scope is FailureScope.ORIGIN,
        number=number,
        probe=probe,
    )


def legs() -> list[list[Leg]]:
    """Return two models of one provider with two keys, then another provider."""
    return [
        [Leg(Here(), "a", K1), Leg(Here(), "a", K2)],
        [Leg(Here(), "b", K1), Leg(Here(), "b", K2)],
        [Leg(There(), "c", K1)],
    ]
