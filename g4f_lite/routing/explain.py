"""
What a call would plan.

Rule: nothing is sent, and nothing that later calls depend on changes: neither turns nor the random source.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import TYPE_CHECKING, Any

from ..health.admission import cooling_down
from ..provider.leg import Leg
from ..records.trail import Explanation, PlannedRoute
from ..types.chat_request import ChatRequest
from .router import Router
from .selection import Selection

if TYPE_CHECKING:
    from ..types.endpoint import EndpointRequest


def explain(
    router: Router,
    request: ChatRequest | EndpointRequest,
    params: Mapping[str, Any],
    *,
    operation: str = "chat",
    tokens: float = 0.0,
    now: float,
    wall: float,
    left: Callable[[Leg], tuple[str, ...]] = lambda leg: (),
    affordable: Callable[[Selection], Selection] = lambda selection: selection,
) -> Explanation:
    """
    Return the tiers that a call with these keywords would try, and the legs that it would leave out.

    Args:
        request: checked.
        operation: what is asked for, if the request is no chat.
        tokens: low estimate of those in the request.
        now: monotonic seconds.
        wall: Unix time in seconds.
        left: returns what is left of the limits that hold for a leg, in words.
        affordable: leaves out the legs that a budget does not allow.

    Raises: as `Router.select_for` and `Router.ordering`.
    """
    if isinstance(request, ChatRequest):
        selection = router.select_for(request, params, tokens)
    else:
        selection = router.select(params, operation)
    tiers, ineligible = affordable(selection)
    random = Random()  # noqa: S311  # chance, not secrecy
    random.setstate(router.random.getstate())
    order = router.ordering(params.get("strategy"), request, random.random, router.turns.copy())
    skipped = list(ineligible)
    planned: list[tuple[PlannedRoute, ...]] = []
    for tier in tiers:
        usable = []
        for leg in order(tier) if order and len(tier) > 1 else tier:
            admission = router.health.check(leg, now, tokens)
            if admission.granted:
                usable.append(_planned(leg, left(leg)))
            else:
                skipped.append(cooling_down(leg, admission, now, wall))
        if usable:
            planned.append(tuple(usable))
    return Explanation(tiers=tuple(planned), skipped=tuple(skipped))


def _planned(leg: Leg, limits: tuple[str, ...]) -> PlannedRoute:
    return PlannedRoute(
        provider=leg.provider.name,
        model=leg.model,
        base_url=leg.provider.api_base,
        key=leg.fingerprint,
        limits=limits,
    )
