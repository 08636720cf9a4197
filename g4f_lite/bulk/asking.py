"""The call of a row: its keywords, where it would be sent, and what it waits for."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import Any
from urllib.parse import urlsplit

import msgspec

from ..client.async_client import AsyncClient
from ..client.params import ROUTING
from ..errors.exceptions import ConfigurationError, G4FLiteError, InvalidRequestError, NoUsableRouteError
from ..failover.waits import WAITS, Waits
from ..openai.mapping.arguments import METHODS, arguments
from ..openai.mapping.requests import Asked, place_of
from ..records.trail import Explanation
from ..value import JSONObject
from .failures import Fault, judge, only_fails
from .lines import Answered, Outcome, encode, failed, left
from .rows import Row

_FIELD = re.compile(r"\{([^\W\d][\w .-]*)\}")
_LOOKED_INTO = 20
"""Calls whose routes are told; all of a job have the same, unless its rows name their own."""
_OF_ROUTES = ("model", "provider", "fallback_models")


class Asks(msgspec.Struct, frozen=True):
    """What is the same for all rows."""

    params: JSONObject
    """Keywords of `create`, for what a row does not say itself."""
    system: str | None = None
    template: str | None = None
    """A prompt with fields of the row in braces."""


class Waiting(msgspec.Struct, frozen=True):
    """The calls that only wait: in line, before a retry, or until a route may be asked again."""

    calls: int = 0
    are_failing: bool = False
    """All of them have only met services that fail, and no limit."""
    error: str = ""
    """The latest failure of one of them."""
    resting: dict[str, float] = {}
    """Routes that may not be asked now, and the Unix time at which each may be asked again."""
    deadline_s: float = 0.0
    """The longest that one of them may take."""


def together(parts: Iterable[Waiting]) -> Waiting:
    """Return what the calls of several processes wait for."""
    all_parts = [one for one in parts if one.calls]
    if not all_parts:
        return Waiting()
    return Waiting(
        calls=sum(one.calls for one in all_parts),
        are_failing=all(one.are_failing for one in all_parts),
        error=all_parts[-1].error,
        resting={route: at for one in all_parts for route, at in one.resting.items()},
        deadline_s=max(one.deadline_s for one in all_parts),
    )


def fields_of(template: str) -> list[str]:
    """Return the fields of a row that a template names."""
    return list(dict.fromkeys(_FIELD.findall(template)))


class Asker:
    """Asks rows with one client."""

    def __init__(self, client: AsyncClient, asks: Asks) -> None:
        self._asks = asks
        self._client = client
        self._methods = {name: attrgetter(path)(client) for name, path in METHODS.items()}
        self._waits = Waits()
        self._defaults = {name: value for name, value in asks.params.items() if value is not None}

    async def __call__(self, row: Row) -> Outcome | Answered:
        """Return how the call of a row has ended; what is raised is no error of a provider, but a bug."""
        params: JSONObject = {}
        asked: Asked | None = None
        WAITS.set(self._waits)
        try:
            if row.fault is not None:
                raise InvalidRequestError(row.fault)
            asked = batch_request(row) if row.is_batch else None
            params = self.keywords(row, asked)
            result = await self._methods["chat" if asked is None else asked.operation](**params)
        except G4FLiteError as error:
            is_own = self._says_itself(params, error) or self._has_needs(asked, params, error)
            return failed(row, error, names_route=is_own)
        except asyncio.CancelledError:
            if not self._waits.ended or (task := asyncio.current_task()) is None or task.cancelling():
                raise
            return left(row)
        except TypeError as error:  # of a keyword that the row names
            return failed(row, InvalidRequestError(str(error)), names_route=True)
        trail = result.trail
        limited = len(trail.entries) > 1 and any(one.outcome == "RateLimitError" for one in trail.attempts)
        return Answered(row, asked, result, limited)

    def end_waits(self) -> None:
        """Let go of the calls that only wait, now or later: their rows are left for the next run."""
        self._waits.end()

    def waiting(self) -> Waiting:
        """Return what the calls wait for that only wait."""
        plans = list(self._waits.plans)
        if not plans:
            return Waiting()
        resting: dict[str, float] = {}
        for plan in plans[:_LOOKED_INTO]:
            resting |= plan.record.resting()
        return Waiting(
            calls=len(plans),
            are_failing=all(only_fails(plan.record.errors.values()) for plan in plans),
            error=str(next(reversed(plans[-1].record.errors.values()), "")),
            resting=resting,
            deadline_s=max(plan.policy.deadline for plan in plans),
        )

    def _says_itself(self, params: JSONObject, error: G4FLiteError) -> bool:
        """Return whether a row says itself which route is asked, or, if a setting cannot work, any setting."""
        names = params.keys() - {"messages"} if type(error) is ConfigurationError else _OF_ROUTES
        return any(params.get(name) != self._defaults.get(name) for name in names if name in params)

    def _has_needs(self, asked: Asked | None, params: JSONObject, error: G4FLiteError) -> bool:
        """Return whether a route was found, but none for what is in this row: images, or a prompt of its length."""
        if type(error) is not NoUsableRouteError:
            return False
        try:
            found = self.explained(params, asked)
        except ConfigurationError:
            return False
        return isinstance(found, Explanation) and bool(found.tiers)

    def explained(self, params: JSONObject, asked: Asked | None) -> Explanation | ConfigurationError:
        """
        Return where a row's call would be sent, whatever is in it; nowhere if that is unknown; or why it fails, if the
        row names itself what cannot work.

        Raises:
            ConfigurationError: it could be sent nowhere, and no other row could.
        """
        chosen = {name: params[name] for name in ROUTING if name in params}
        operation: Any = "chat" if asked is None else asked.operation
        try:
            return self._client.explain(operation=operation, **chosen)
        except ConfigurationError as error:
            if judge(error, names_route=self._says_itself(params, error)).fault is Fault.OF_ALL:
                raise
            return error
        except G4FLiteError:
            pass
        return Explanation()

    def keywords(self, row: Row, asked: Asked | None = None) -> JSONObject:
        """
        Return the keywords of a row's call.

        Raises:
            InvalidRequestError: the row cannot be asked.
        """
        if asked is not None:
            return self._batch_keywords(asked)
        if self._asks.template is not None:
            return {**self._defaults, "messages": self._messages([_user(_filled(self._asks.template, row))])}
        own = {name: value for name, value in row.fields.items() if name != "id" and value is not None}
        prompt, messages = own.pop("prompt", None), own.pop("messages", None)
        if own.get("stream"):
            raise InvalidRequestError("a row cannot be streamed; leave out stream")
        if (prompt is None) is (messages is None):
            raise InvalidRequestError("a row has either messages or a prompt")
        if prompt is not None:
            messages = [_user(prompt)]
        return {**self._defaults, **own, "messages": self._messages(messages)}

    def _batch_keywords(self, asked: Asked) -> JSONObject:
        own = arguments(asked)
        if self._defaults.get("model"):
            own.pop("model", None)  # which each of these lines must have
        if asked.operation != "chat":
            return {**{name: value for name, value in self._defaults.items() if name in ROUTING}, **own}
        own["messages"] = self._messages(own["messages"])
        return {**self._defaults, **own}

    def _messages(self, messages: Any) -> Any:
        system = self._asks.system
        if system is None or not isinstance(messages, list):
            return messages
        first = messages[0] if messages else None
        if isinstance(first, Mapping) and first.get("role") in ("system", "developer"):
            return messages
        return [{"role": "system", "content": system}, *messages]


def _user(prompt: Any) -> JSONObject:
    return {"role": "user", "content": prompt}


def _filled(template: str, row: Row) -> str:
    def value_of(found: re.Match[str]) -> str:
        if (name := found[1]) not in row.fields:
            raise InvalidRequestError(f"{row.where} has no field {name!r}, which the template names")
        value = row.fields[name]
        return value if isinstance(value, str) else encode(value).decode()

    return _FIELD.sub(value_of, template)


def batch_request(row: Row) -> Asked:
    """
    Return what a line of OpenAI's batch API asks for.

    Raises:
        InvalidRequestError: no batch can ask for it.
    """
    method, url, body = row.fields.get("method", "POST"), str(row.fields.get("url", "")), row.fields["body"]
    try:
        place = place_of(method, urlsplit(url).path) if isinstance(method, str) else None
    except ValueError:  # such as an IPv6 address that is none
        place = None
    if place is None or not isinstance(body, dict):
        raise InvalidRequestError(f"no batch can ask for {method} {url}" if place is None else "the body is no object")
    asked = Asked(place, body)
    if asked.streams or not asked.can_be_called:
        raise InvalidRequestError("a row cannot be streamed; leave out stream")
    return asked
