"""A scenario from recorded calls."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

import msgspec

from ...client.policy_table import PolicyTable
from ...errors.exceptions import ConfigurationError
from ..recorded import RecordedCall
from ..scenario import Scenario, ServiceSettings, Traffic
from .attempts import ANSWERED, Seen, seen
from .routes import tiers
from .services import distribution, service_from


def learn(calls: Sequence[RecordedCall], *, name: str = "learnt") -> Scenario:
    """
    Return a scenario whose services behaved, and whose traffic came, as in the record.

    What no trail tells has its default: how many clients there were, and their policy but for its routes.

    Args:
        calls: recorded calls, by their start.
        name: of the policy, in reports.

    Raises:
        ConfigurationError: no call has an attempt.
    """
    began_at = calls[0].start if calls else 0.0
    routes = _by_route(calls, began_at)
    if not routes:
        raise ConfigurationError("the record has no attempt of a chat from which a service could be learnt")
    names = names_of(calls)
    services: dict[str, ServiceSettings] = {
        names[route]: service_from(route.partition(":")[2] or "default", found) for route, found in routes.items()
    }
    order = [[names[route] for route in tier if route in names] for tier in tiers(calls)]
    order = [tier for tier in order if tier]
    strategy = "round_robin" if any(len(tier) > 1 for tier in order) else "order"
    policy = PolicyTable(routes=[tier if len(tier) > 1 else tier[0] for tier in order], strategy=strategy)
    return Scenario(services=services, traffic=_traffic(calls, began_at), policy=policy, name=name)


def _by_route(calls: Sequence[RecordedCall], began_at: float) -> dict[str, list[Seen]]:
    """Return the attempts on each route, in the order of their beginning."""
    routes: dict[str, list[Seen]] = defaultdict(list)
    for call in calls:
        for attempt in call.trail.attempts:
            if (one := seen(attempt, began_at)) is not None:
                routes[attempt.route].append(one)
    return {route: sorted(found, key=lambda one: one.at) for route, found in routes.items()}


def names_of(calls: Sequence[RecordedCall]) -> dict[str, str]:
    """Return the name of the service that stands for each route: the provider's, if it has one model."""
    routes = list(_by_route(calls, 0.0))
    providers = [route.partition(":")[0] for route in routes]
    names: dict[str, str] = {}
    for route, provider in zip(routes, providers, strict=True):
        name = provider
        if providers.count(provider) > 1:
            name = f"{provider}-{re.sub('[^a-z0-9]+', '-', route.partition(':')[2].lower()).strip('-')}"
        while name in names.values():
            name += "-"
        names[route] = name
    return names


def _traffic(calls: Sequence[RecordedCall], began_at: float) -> Traffic:
    attempts = [one for call in calls for one in call.trail.attempts if one.outcome == ANSWERED]
    usages = [one.usage for one in attempts if one.usage is not None]
    streams = sum(one.first_token is not None for one in attempts)
    traffic = Traffic(
        times_s=[round(call.start - began_at, 3) for call in calls], stream=round(streams / max(1, len(attempts)), 3)
    )
    if not usages:
        return traffic
    return msgspec.structs.replace(
        traffic,
        prompt_tokens=distribution([one.prompt_tokens for one in usages], 500.0),
        answer_tokens=distribution([one.completion_tokens for one in usages], 200.0),
    )
