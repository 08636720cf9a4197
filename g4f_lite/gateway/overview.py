"""What a configuration means: what each key may ask for, and what each name would try. Nobody is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..errors.exceptions import ConfigurationError, G4FLiteError
from ..health.estimates import Estimate
from ..records.trail import PlannedRoute, describe_entries
from .key_store import KeyStore
from .keys import ANYBODY, VirtualKey, keys_of
from .models import AUTO, tiers_of
from .quotas import is_free
from .server import Gateway
from .settings import Quota, Settings, check_key_models, limits_of


def overview(settings: Settings, store: KeyStore, *, no_auth: bool = False) -> str:
    """
    Return the overview as text. What would end a start is an error here, too.

    Raises:
        ConfigurationError: the configuration cannot work.
    """
    return "".join(f"{line}\n" for line in _lines(settings, store, no_auth=no_auth))


def _lines(settings: Settings, store: KeyStore, *, no_auth: bool) -> Iterator[str]:
    gateway = Gateway(settings, store=store, no_auth=True)  # for its errors; keys may be made later
    gateway.drop()
    client = gateway.client
    keys = [*keys_of(settings.keys), *store.virtual()]
    host, port = settings.server.address
    yield f"listens on {host}:{port}"
    if no_auth:
        yield "--no-auth: everybody who reaches it is let in"
    elif settings.server.is_public and not keys:
        yield "no keys: it does not start before one is made, or with --no-auth"
    elif not keys:
        yield f"no keys, neither in the configuration nor in {store.path}: everybody who reaches it is let in"
    for key in keys or [ANYBODY]:
        yield from _of_key(key, settings)
    for name, model in settings.models.items() or [(AUTO, None)]:
        yield f"model {name}:"
        try:
            named = client if model is None else client.with_routes(tiers_of(model))
            plan = named.explain(fallback_models=None if model is None else [])
        except G4FLiteError as error:
            yield f"  {error}"
            continue
        yield from (f"  {number}. " + "  |  ".join(map(str, tier)) for number, tier in enumerate(plan.tiers, 1))
        yield from (f"  -  {line}" for line in describe_entries(plan.skipped))
        routes = [route for tier in plan.tiers for route in tier if "*" not in (route.model or "")]
        yield from _unpriced(name, routes, keys, settings)


def _unpriced(
    name: str, routes: Iterable[PlannedRoute], keys: Iterable[VirtualKey], settings: Settings
) -> Iterator[str]:
    """Say which keys are refused a model because nobody knows its price."""
    size = Estimate(1)
    unknown = [str(one) for one in routes if not is_free(one) and size.most_usd(one.provider, one.model) is None]
    for key in keys if unknown else ():
        scopes: list[tuple[str, Quota]] = [(f"key {key.name}", key.settings)]
        scopes += [(f"team {team}", settings.teams[team]) for team in (key.settings.team,) if team in settings.teams]
        for whose, quota in scopes:
            if key.allows(name) and quota.budget is not None and quota.unknown_price == "refuse":
                why = f"the price of {unknown[0].partition(' at ')[0]} is not known, and {whose} has a budget"
                yield f'  !  refused to key {key.name}: {why}, without unknown_price = "allow"'
                break


def _of_key(key: VirtualKey, settings: Settings) -> Iterator[str]:
    own = key.settings
    limits = ", ".join(limits_of(own))
    yield f"key {key.name}: {'disabled' if own.disabled else ', '.join(own.models)}" + (
        f" ({limits})" if limits else ""
    )
    try:
        check_key_models(own.models, settings.models)
    except ConfigurationError as error:
        yield f"  {error}"
    if own.team is not None:
        team = settings.teams.get(own.team)
        what = "which is not there: it is refused" if team is None else ", ".join(limits_of(team)) or "no limits"
        yield f"  of team {own.team} ({what})"
