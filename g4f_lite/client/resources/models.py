"""`models.list`: whom to ask, what is known already, and what stands in when a service does not answer. No I/O."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Mapping, Sequence
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from ...call.call import Call
from ...call.endpoint_operations import OPERATIONS
from ...call.model_lookup import MAX_AGE_S
from ...errors.exceptions import (
    G4FLiteError,
    InvalidRequestError,
    NoUsableRouteError,
    ProviderError,
    RoutesExhaustedError,
)
from ...provider.base import Provider
from ...routing.selection import Selection
from ...routing.tiers import Tiers
from ...trail import Trail
from ...types.models import Model, ModelList
from ...types.timeouts import Timeouts
from ..chat_request import unknown_keyword
from ..endpoint_requests import check_endpoint
from .base import AsyncResource, Resource

if TYPE_CHECKING:
    from ...provider.base import Provider

if TYPE_CHECKING:
    from ..base import Core

_LEAST_SHARE_S = 0.001
"""When the time is up, what is left to ask answers with its own list."""


def list_models(core: Core, params: Mapping[str, Any]) -> Generator[Call, ModelList, ModelList]:
    """
    Yield the calls to be made, one after another, to be answered with `send` or `throw`; return the list.

    Raises:
        TypeError, ConfigurationError, InvalidRequestError: they cannot work.
        ProviderError, RoutesExhaustedError: no answer, and the provider has no list of its own.
    """
    known = sorted(ModelsParams.__annotations__)
    for name in params:
        if name not in known:
            raise unknown_keyword(name, known, "models.list")
    given = dict(params)
    max_age = given.pop("max_age", MAX_AGE_S)
    if isinstance(max_age, bool) or not isinstance(max_age, (int, float)) or not 0 <= max_age < math.inf:
        raise InvalidRequestError(f"max_age must be a number of seconds, 0 or more, not {max_age!r}")
    choice = given.get("provider")
    request, policy = check_endpoint("models", given), core.policy_of(given)
    try:
        tiers, skipped = core.select(given, "models")
    except NoUsableRouteError as error:
        if choice is None or (isinstance(choice, Sequence) and not isinstance(choice, str)):
            raise
        return _own_list(_named(core, choice), error)
    lists = []
    groups = [list(legs) for _, legs in groupby(chain.from_iterable(tiers), lambda leg: leg.provider)]
    end = time.monotonic() + policy.deadline
    for asked, legs in enumerate(groups):
        now = time.monotonic()
        if (listed := core.models.get(legs[0], now, max_age)) is None:
            # One that is silent must not use up the time of the others.
            share = max(_LEAST_SHARE_S, (end - now) / (len(groups) - asked))
            bounds = {**given, "timeout": None, "deadline": share}
            try:
                listed = yield core.call(
                    request, Selection(Tiers([legs]), skipped), bounds, operation=OPERATIONS["models"]
                )
            except (ProviderError, RoutesExhaustedError) as error:
                listed = _own_list(legs[0].provider, error)
            else:
                core.models.put(legs[0], listed, time.monotonic())
        lists.append(listed)
    return lists[0] if len(lists) == 1 else _joined(lists)


def _named(core: Core, choice: Any) -> Provider:
    """Return the provider that a caller named; that it can be made is known."""
    if isinstance(choice, str):
        return core.registry.get(choice)
    return choice if isinstance(choice, Provider) else choice()


def _own_list(provider: Provider, error: G4FLiteError) -> ModelList:
    """Return what the provider's class lists, marked as such; without anything, raise the error."""
    others = [model for operation in provider.default_models for model in provider.models_for(operation)]
    ids = dict.fromkeys((*provider.models(), *others))
    if not ids:
        raise error
    data = tuple(Model(id=one, provider=provider.name, live=False) for one in ids)
    return ModelList(data=data, provider=provider.name, trail=error.trail)


def _joined(lists: Sequence[ModelList]) -> ModelList:
    entries = dict.fromkeys(entry for one in lists for entry in one.trail.entries)
    return ModelList(data=tuple(model for one in lists for model in one.data), trail=Trail(entries=tuple(entries)))


class Models(Resource):
    def list(self, **params: Unpack[ModelsParams]) -> ModelList:
        """
        Ask the services which models they have: one provider, or all that a call naming nobody would use.

        A list is kept for `max_age` seconds (300). When a service does not answer, its provider's own list stands
        in: then `live` is False and the trail says why.
        """
        steps = list_models(self._client._core, params)
        try:
            call = next(steps)
            while True:
                try:
                    answer = self._client._answer(call)
                except G4FLiteError as error:
                    call = steps.throw(error)
                else:
                    call = steps.send(answer)
        except StopIteration as done:
            listed: ModelList = done.value
            return listed


class AsyncModels(AsyncResource):
    async def list(self, **params: Unpack[ModelsParams]) -> ModelList:
        """As `Client`'s."""
        steps = list_models(self._client._core, params)
        try:
            call = next(steps)
            while True:
                try:
                    answer = await self._client._answer(call)
                except G4FLiteError as error:
                    call = steps.throw(error)
                else:
                    call = steps.send(answer)
        except StopIteration as done:
            listed: ModelList = done.value
            return listed


class ModelsParams(TypedDict, total=False):
    """Keywords of `models.list`."""

    provider: str | Provider | type[Provider] | None
    max_age: float
    timeout: float | None
    deadline: float | None
    retries: int | None
    timeouts: Timeouts | None
