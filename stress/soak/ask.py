"""The arguments of each call, and how its caller behaves; the same for the same seed."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

from g4f_lite import Timeouts

from .providers import SECRET, Here, Junk, Tenant


class Ask(NamedTuple):
    """One call: its arguments, and how its caller behaves."""

    nonce: int
    how: str
    at: int
    """Index of the chunk at which the caller leaves a stream."""
    within: float
    """Seconds after which the caller gives up."""
    params: dict[str, Any]


HOWS = (
    ("complete",) * 8
    + ("stream",) * 8
    + ("close", "with", "drop", "unread", "forgotten", "cancel", "time out", "elsewhere")
)


def ask(seed: int, nonce: int) -> Ask:
    chance = random.Random(f"{seed} {nonce}")
    alone, shared = f"alone-{nonce}", f"shared-{chance.randrange(3)}"
    ways: list[dict[str, Any]] = [
        {"provider": "alpha", "model": shared, "fallback_models": [f"beta:{shared}", f"gamma:{alone}"]},
        {"provider": "gamma", "model": shared, "fallback_models": [f"alpha:{alone}"]},
        {"provider": ["beta", "alpha"], "model": alone, "fallback_models": [f"gamma:{alone}"]},
        {"provider": "alpha", "model": alone, "fallback_models": []},
        {"provider": Tenant(api_key=f"{SECRET}-of-tenant-{nonce}"), "fallback_models": [f"beta:{alone}"]},
    ]
    rare_ways: list[dict[str, Any]] = [
        {"provider": "down", "fallback_models": [f"beta:{alone}"]},
        {"provider": Here(), "fallback_models": [f"beta:{alone}"]},
        {"provider": Junk(), "fallback_models": [f"beta:{alone}"]},
        {"provider": "odd", "model": alone, "fallback_models": [f"beta:{alone}"]},
    ]
    params = chance.choice(ways * 6 + rare_ways)
    params["messages"] = [{"role": "user", "content": str(nonce)}]
    params["strategy"] = chance.choice(("order", "round_robin", "fastest", "least_busy", "weighted"))
    params["on_interrupt"] = chance.choice(("raise", "restart", "continue"))
    if chance.random() < 0.01:
        params["timeout"] = 0.02
    if chance.random() < 0.01:
        params["timeouts"] = Timeouts(first_token=0.01, stall=0.01, total=0.01)
    how = chance.choice(HOWS)
    params["stream"] = how not in ("complete", "cancel", "time out") or (chance.random() < 0.5 and how != "complete")
    return Ask(nonce, how, chance.randrange(6), chance.random() * 0.02, params)
