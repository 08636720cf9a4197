"""`client.models`: which services to ask for their models, and the list that stands in for a service that fails."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from ...call.call import Call
from ...call.endpoints import ENDPOINTS
from ...call.model_lookup import MAX_AGE_S
from ...errors.exceptions import (
    G4FLiteError,
    InvalidRequestError,
    NoUsableRouteError,
    ProviderError,
)
from ...errors.quoted_values import quoted
from ...failover.policy import policy_for
from ...provider.base import Provider
from ...provider.leg import Leg
from ...provider.self_description import declared, listed_models
from ...records.trail import Trail
from ...routing.endpoint_rules import CANNOT_BE_ASKED
from ...routing.names import resolve
from ...routing.selection import Selection
from ...routing.tiers import Tiers
from ...types.models import Model, ModelList
from ...types.timeouts import Timeouts
from ..endpoint_requests import check_endpoint
from ..keywords import unknown_keyword
from .base import AsyncResource, Resource

if TYPE_CHECKING:
    from ..call_factory import CallFactory

_LEAST_SHARE_S = 0.001
"""When the time is up, the providers that are left answer with their own lists."""


class ModelsParams(TypedDict, total=False):
    """Keywords of `models.list`."""

    provider: str | Provider | type[Provider] | None
    max_age: float
    timeout: float | None
    deadline: float | None
    retries: int | None
    timeouts: Timeouts | None


class Models(Resource):
    def list(self, **params: Unpack[ModelsParams]) -> ModelList:
        """
        Return the models of one provider, or of all providers that a call without names would use.

        A list is kept for `max_age` seconds (300). If a service does not answer, the list of its provider's class
        stands in: then `live` is False and the trail says why.
        """
        listing = ModelListing(self._calls, params)
        while (call := listing.next_call()) is not None:
            try:
                listing.add(self._driver.answer(call))
            except ProviderError as error:  # the list of the provider's class stands in
                listing.add_failure(error)
        return listing.result()


class AsyncModels(AsyncResource):
    async def list(self, **params: Unpack[ModelsParams]) -> ModelList:
        """As `Models.list`."""
        listing = ModelListing(self._calls, params)
        while (call := listing.next_call()) is not None:
            try:
                listing.add(await self._driver.answer(call))
            except ProviderError as error:  # the list of the provider's class stands in
                listing.add_failure(error)
        return listing.result()


class ModelListing:
    """
    The calls of one `models.list`, one service after another, and their joined result. No I/O.

    Raises:
        TypeError, ConfigurationError, InvalidRequestError: the keywords cannot work.
        NoUsableRouteError: no service can be asked, and no provider's class stands in.
    """

    def __init__(self, calls: CallFactory, params: Mapping[str, Any]) -> None:
        self._calls = calls
        self._params = dict(params)
        known = sorted(ModelsParams.__annotations__)
        for name in params:
            if name not in known:
                raise unknown_keyword(name, known, "models.list")
        max_age = self._params.pop("max_age", MAX_AGE_S)
        if isinstance(max_age, bool) or not isinstance(max_age, (int, float)) or not 0 <= max_age < math.inf:
            raise InvalidRequestError(f"max_age must be a number of seconds, 0 or more, not {quoted(max_age)}")
        self._max_age = max_age
        self._request = check_endpoint("models", self._params)
        self._end = time.monotonic() + policy_for(calls.policy, self._params).deadline
        self._lists: list[ModelList] = []
        self._groups: list[list[Leg]] = []
        """The legs still to ask, by provider."""
        try:
            tiers, self._skipped = calls.router.select(self._params, "models")
        except NoUsableRouteError as error:
            choice = self._params.get("provider")
            if choice is None:  # what needs no key can be used, although it cannot be asked
                other = any(one.reason != CANNOT_BE_ASKED for one in error.trail.skipped)
                names = [] if other else dict.fromkeys(one.provider for one in error.trail.skipped)
                own = [one for one in map(calls.registry.get, names) if not one.needs_auth and listed_models(one)]
            else:
                several = isinstance(choice, Sequence) and not isinstance(choice, str)
                own = [] if several else [resolve(calls.registry, choice)]
            if not own:
                calls.refused(error, self._request, self._params, "models")
                raise
            self._lists += [_own_list(one, error) for one in own]
        else:
            legs = chain.from_iterable(tiers)
            self._groups = [list(group) for _, group in groupby(legs, lambda leg: leg.provider)]

    def next_call(self) -> Call | None:
        """Return the call to the next service whose list is not known; None if there is none."""
        while self._groups:
            legs, now = self._groups[0], time.monotonic()
            known = (self._calls.models.get(leg, now, self._max_age) for leg in legs)
            if (listed := next((one for one in known if one is not None), None)) is None:
                # A silent service must not use up the time of the others.
                share = max(_LEAST_SHARE_S, (self._end - now) / len(self._groups))
                params = {**self._params, "timeout": None, "deadline": share}
                selection = Selection(Tiers([legs]), self._skipped)
                return self._calls.new_call(self._request, selection, params, operation=ENDPOINTS["models"].operation)
            self._groups.pop(0)
            self._lists.append(listed)
        return None

    def add(self, listed: ModelList) -> None:
        """Take the result of the latest call."""
        legs, key = self._groups.pop(0), listed.trail.attempts[-1].key
        leg = next((one for one in legs if one.fingerprint == key), legs[0])  # another key may have another list
        self._calls.models.put(leg, listed, time.monotonic())
        self._lists.append(listed)

    def add_failure(self, error: ProviderError) -> None:
        """
        Take the failure of the latest call.

        Raises:
            ProviderError: this one, if the provider's class lists no model.
        """
        leg = self._groups.pop(0)[0]
        self._lists.append(_own_list(leg.provider, error))

    def result(self) -> ModelList:
        """Return the one list, or all lists joined."""
        if len(self._lists) == 1:
            return self._lists[0]
        entries = dict.fromkeys(entry for one in self._lists for entry in one.trail.entries)
        models = tuple(model for one in self._lists for model in one.data)
        return ModelList(data=models, trail=Trail(entries=tuple(entries)))


def _own_list(provider: Provider, error: G4FLiteError) -> ModelList:
    """Return the models that the provider's class lists, marked as such; raise the error if it lists none."""
    others = [
        model for operation in declared(provider, "default_models") for model in listed_models(provider, operation)
    ]
    ids = dict.fromkeys((*listed_models(provider), *others))
    if not ids:
        raise error
    data = tuple(Model(id=one, provider=provider.name, live=False) for one in ids)
    return ModelList(data=data, provider=provider.name, trail=error.trail)
