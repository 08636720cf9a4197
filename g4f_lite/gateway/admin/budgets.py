"""What is left of each budget, as all processes have counted it."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import uuid4

from ...health.shared_state import Amount, Reservation, Reserve, Settle
from ...health.stores.local_link import Link
from ...types.declared_limits import NANO
from ...value import JSONObject
from ..settings import BudgetSettings, Quota

_LEASE_MS = 1000


async def budgets(link: Link, scopes: Iterable[tuple[str, Quota]]) -> dict[str, JSONObject]:
    """
    Return each budget: `usd`, `per`, `used_usd` (spent and reserved) and `left_usd`.

    Args:
        scopes: `key/NAME` or `team/NAME`, as in `Quotas`.
    """
    limited = [(name, quota.budget) for name, quota in scopes if quota.budget is not None]
    looks = [_look(name, budget) for name, budget in limited]
    if not looks:
        return {}
    answers = await link.ask_async(looks)
    link.tell(*(Settle(look.id, ()) for look in looks))
    found: dict[str, JSONObject] = {}
    for (name, budget), answer in zip(limited, answers, strict=True):
        left = answer.left[0] / NANO if isinstance(answer, Reservation) and answer.left else 0.0
        found[name] = {"usd": budget.usd, "per": budget.per, "used_usd": budget.usd - left, "left_usd": left}
    return found


def _look(scope: str, budget: BudgetSettings) -> Reserve:
    """Return a reservation of nothing, whose answer tells what is left of the whole budget."""
    amount = Amount(scope, "nano-usd", budget.per, round(budget.usd * NANO), 0)
    return Reserve(f"look-{uuid4().hex}", (amount,), _LEASE_MS, when_down="open")
