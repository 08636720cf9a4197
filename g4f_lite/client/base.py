"""What the two clients share: settings, and calls made of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Unpack, cast

from ..call.operations import OperationName
from ..errors.exceptions import ConfigurationError, NotReadyError
from ..errors.other_names import Explained
from ..errors.quoted_values import quoted
from ..provider.leg import Leg
from ..provider.redaction import hide_frames
from ..records.trail import Explanation
from ..types.checks import is_one_of
from ..types.checks import seconds as checked_seconds
from ..value import JSONObject, Unpicklable
from .call_factory import CallFactory
from .keywords import check_settings
from .params import ExplainParams
from .settings import ClientSettings

BY_HAND = "it was put to rest by hand"
"""What is told of a route that `rest` keeps calls off, in the place of what a service has said."""


class BaseClient(Explained, Unpicklable):
    """
    Base of `Client` and `AsyncClient`. No I/O.

    Args:
        settings: the keywords that both clients take.
        own: the names of the keywords that a client takes besides.
    """

    def __init__(self, settings: ClientSettings, *own: str) -> None:
        check_settings(type(self).__name__, settings, *own)
        try:
            self._calls = CallFactory(**settings)
        except ConfigurationError as error:
            hide_frames(error)
            cast("dict[str, Any]", settings).clear()  # a local variable of the client's frame, which may hold keys
            raise

    def explain(self, *, operation: OperationName = "chat", **params: Unpack[ExplainParams]) -> Explanation:
        """
        Return the plan of a call with these arguments; send nothing.

        Args:
            operation: the endpoint, if it is not chat; then only arguments about routing are taken.
        """
        return self._calls.explain(params, operation)

    def rest(self, route: str, seconds: float, *, operation: OperationName = "chat") -> None:
        """
        Keep calls off a route for some seconds, as after a failure; with a shared `state`, those of others, too.

        Args:
            route: such as `groq:gpt-oss-20b`; without a model, the provider's default one.
            operation: the endpoint, if it is not chat: each has its own rest.

        Raises:
            UnknownProviderError, UnknownModelError, MissingKeyError, NoUsableRouteError: nothing can be sent there.
            ConfigurationError: it is no route, or there is no such endpoint.
            InvalidRequestError: the seconds are no positive number.
        """
        length, now = checked_seconds("seconds", seconds), time.monotonic()
        for leg in self._legs(route, operation):
            self._calls.health.rest(leg, NotReadyError(BY_HAND), now, length)

    def wake(self, route: str, *, operation: OperationName = "chat") -> None:
        """
        Use a route again, whatever keeps calls off it: cooldowns, also of its key, and its learned rate end; of an open
        breaker, the next attempt is the probe. What other processes remember stays. Arguments and errors as in `rest`.
        """
        for leg in self._legs(route, operation):
            self._calls.health.wake(leg, time.monotonic())

    def _legs(self, route: str, operation: str) -> Iterator[Leg]:
        if not isinstance(route, str):
            raise ConfigurationError(f"a route is a text such as 'groq:gpt-oss-20b', not {quoted(route)}")
        if not is_one_of(operation, ("chat",)):
            from .endpoint_requests import check_operation

            check_operation(operation)
        provider, _, model = route.partition(":")
        names: JSONObject = {"provider": provider, "model": model or None, "fallback_models": []}
        for tier in self._calls.router.select(names, operation).tiers:
            yield from tier
