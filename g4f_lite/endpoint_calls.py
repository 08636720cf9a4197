"""The calls for what is no chat, made of a client's core. No I/O."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from difflib import get_close_matches
from itertools import groupby
from typing import TYPE_CHECKING, Any

from .call import Call
from .endpoint_operations import OPERATIONS
from .endpoint_params import check_endpoint
from .endpoints import EndpointRequest, OperationName
from .errors import ConfigurationError
from .params import ROUTING, unknown_keyword
from .routing.legs import Leg
from .routing.plan import Plan
from .routing.tiers import Tiers
from .trail import Skipped

if TYPE_CHECKING:
    from .core import Core


def start_operation(core: Core, operation: OperationName, params: Mapping[str, Any]) -> Call:
    """
    Return the call that the keywords ask for.

    Raises:
        TypeError, ConfigurationError, InvalidRequestError: they cannot work.
    """
    request = check_endpoint(operation, params)
    tiers, skipped = core.select(params, operation)
    return _call(core, operation, request, params, tiers=tiers, skipped=skipped)


def start_listing(core: Core, params: Mapping[str, Any]) -> list[tuple[Leg, Call]]:
    """As `start_operation`: a call for the models of each provider, and its first leg."""
    request = check_endpoint("models", params)
    tiers, skipped = core.select(params, "models")
    calls = []
    for _, legs in groupby((leg for tier in tiers for leg in tier), lambda leg: leg.provider):
        tier = list(legs)
        calls.append((tier[0], _call(core, "models", request, params, tiers=Tiers([tier]), skipped=skipped)))
    return calls


def _call(
    core: Core,
    operation: OperationName,
    request: EndpointRequest,
    params: Mapping[str, Any],
    *,
    tiers: Tiers,
    skipped: list[Skipped],
) -> Call:
    plan = Plan(
        tiers,
        skipped,
        policy=core._policy_of(params),
        clock=time,
        random=random.random,
        health=core._health,
        order=core._order(params.get("strategy"), request, core._random.random, core._turns),
    )
    return Call(request, plan, core.registry, core.dropped, operation=OPERATIONS[operation], models=core.models)


def request_to_explain(operation: OperationName, params: Mapping[str, Any]) -> EndpointRequest:
    """
    Return an empty request that stands for any.

    Raises:
        ConfigurationError: there is no such operation.
        TypeError: a keyword that is not about routing.
    """
    if operation not in OPERATIONS:
        near = get_close_matches(str(operation), OPERATIONS, 1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(('chat', *OPERATIONS))}"
        raise ConfigurationError(f"there is no operation {operation!r}{hint}")
    for name in params:
        if name not in ROUTING:
            raise unknown_keyword(name, ROUTING, "explain")
    return EndpointRequest()
