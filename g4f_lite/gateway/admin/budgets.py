"""What is left of each budget, as all processes have counted it."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import uuid4

from ...health.shared_state import Amount, Answer, Reservation, Reserve, Settle
from ...health.stores.local_link import Link
from ...types.declared_limits import NANO
from ...value import JSONObject
from ..settings import BudgetSettings, Quota

_LEASE_MS = 1000


async def budgets(link: Link, scopes: Iterable[tuple[str, Quota]]) -> dict[str, JSONObject]:
    """
    Return each budget: `usd`, `per`, `used_usd` (spent and reserved) and `left_usd`; None if nobody knows just now.

    That is so while the state is away, and until it has learned again what it has lost.

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
    for (name, budget), look, answer in zip(limited, looks, answers, strict=True):
        left = _left(look, answer)
        used = None if left is None else budget.usd - left
        found[name] = {"usd": budget.usd, "per": budget.per, "used_usd": used, "left_usd": left}
    return found


def _left(look: Reserve, answer: Answer) -> float | None:
    """Return what the state says is left, in USD; not what is said in its place, which has no limit."""
    if not isinstance(answer, Reservation):
        return None
    if answer.refused_by is not None:
        return None if answer.waits else 0.0
    if not answer.left or answer.left[0] > look.amounts[0].limit:
        return None
    return answer.left[0] / NANO


def _look(scope: str, budget: BudgetSettings) -> Reserve:
    """Return a reservation of nothing, whose answer tells what is left of the whole budget."""
    amount = Amount(scope, "nano-usd", budget.per, round(budget.usd * NANO), 0)
    return Reserve(f"look-{uuid4().hex}", (amount,), _LEASE_MS, when_down="open")
