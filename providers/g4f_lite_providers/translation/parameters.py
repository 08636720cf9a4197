"""
Reads the parameters of a request for services that name them differently or do not have them.

A parameter that the service does not support is refused before anything is sent, so that the call fails over;
only parameters for bookkeeping and speed are omitted, as the answer is the same without them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from g4f_lite import ChatRequest, HTTPRequest, InvalidRequestError, UnsupportedParameterError

if TYPE_CHECKING:
    from g4f_lite import EndpointRequest

from .turns import JSONObject

NOWHERE_ELSE = frozenset(
    {
        "audio",
        "function_call",
        "functions",
        "logit_bias",
        "modalities",
        "service_tier",
        "verbosity",
        "web_search_options",
    }
)
"""Parameters that only OpenAI has."""
_encoder = msgspec.json.Encoder()


def refuse(request: ChatRequest, names: frozenset[str], service: str) -> None:
    """
    Refuse a request that sets one of these parameters.

    Raises:
        UnsupportedParameterError: one is set to a value that is not the default.
    """
    for name in sorted(names):
        if request.asks_for(name):
            raise UnsupportedParameterError(f"{service} does not support the parameter {name!r}")


def refuse_outside(request: ChatRequest, ranges: Mapping[str, tuple[float, float]], service: str) -> None:
    """
    Refuse a request that sets a parameter to a number that the service does not take.

    Raises:
        UnsupportedParameterError: one is below or above its range.
    """
    for name, (low, high) in ranges.items():
        value = getattr(request, name)
        if value is not None and not low <= value <= high:
            raise UnsupportedParameterError(f"{service} takes a {name} between {low} and {high}, not {value}")


def http_request(
    url: str, body: JSONObject, request: ChatRequest | EndpointRequest, *, stream: bool, **own: str | None
) -> HTTPRequest:
    """
    Return the request with this body, `extra_body` merged in last and `extra_headers` instead of ours.

    Args:
        own: the service's headers, with underscores for hyphens; those that are None are omitted.
    """
    headers = {"content-type": "application/json", "accept": "text/event-stream" if stream else "application/json"}
    headers |= {name.replace("_", "-"): value for name, value in own.items() if value is not None}
    headers |= {name.lower(): value for name, value in (request.extra_headers or {}).items()}
    return HTTPRequest(url=url, headers=headers, body=_encoder.encode({**body, **(request.extra_body or {})}))


def stops(request: ChatRequest) -> list[str]:
    return [request.stop] if isinstance(request.stop, str) else list(request.stop or ())


def max_tokens(request: ChatRequest) -> int | None:
    return request.max_completion_tokens or request.max_tokens


class Function(NamedTuple):
    """A tool that the model may call."""

    name: str
    description: str | None
    parameters: JSONObject
    strict: bool
    cache: JSONObject | None = None
    """Anthropic's `cache_control`, which may stand beside the function or in it."""


def functions(request: ChatRequest, service: str) -> list[Function]:
    """
    Raises:
        UnsupportedParameterError: a tool that is no function.
        InvalidRequestError: a function without a name.
    """
    found = []
    for index, tool in enumerate(request.tools or ()):
        if tool.get("type", "function") != "function":
            raise UnsupportedParameterError(f"{service} cannot take tools[{index}] of type {tool.get('type')!r}")
        function = tool.get("function")
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise InvalidRequestError(f"tools[{index}]: write {{'type': 'function', 'function': {{'name': …}}}}")
        parameters = function.get("parameters") or {"type": "object", "properties": {}}
        mark = tool.get("cache_control") or function.get("cache_control")
        found.append(
            Function(
                function["name"],
                function.get("description"),
                parameters,
                bool(function.get("strict")),
                mark if isinstance(mark, dict) else None,
            )
        )
    return found


class Choice(NamedTuple):
    mode: Literal["auto", "none", "required", "named"]
    name: str = ""

    @property
    def forces(self) -> bool:
        return self.mode in ("required", "named")


def tool_choice(request: ChatRequest, service: str) -> Choice | None:
    """
    Raises:
        UnsupportedParameterError: a choice of another kind; or one that needs tools, and there are none.
    """
    asked: Any = request.tool_choice
    if asked is None:
        return None
    function = asked.get("function") if isinstance(asked, dict) else None
    if asked in ("auto", "none", "required"):
        choice = Choice(asked)
    elif isinstance(function, dict) and isinstance(function.get("name"), str):
        choice = Choice("named", function["name"])
    else:
        raise UnsupportedParameterError(f"{service} does not support this tool_choice: {str(asked)[:60]}")
    if choice.forces and not request.tools:
        raise UnsupportedParameterError(f"{service} cannot be made to call a tool without tools")
    return choice


class JSONFormat(NamedTuple):
    """The answer must be JSON; without a schema, any JSON."""

    schema: JSONObject | None


def json_format(request: ChatRequest, service: str) -> JSONFormat | None:
    """
    Raises:
        UnsupportedParameterError: a format of another kind.
        InvalidRequestError: a JSON Schema is announced, and missing.
    """
    asked = request.response_format
    kind = asked.get("type") if asked else "text"
    if asked is None or kind == "text":
        return None
    if kind == "json_object":
        return JSONFormat(None)
    if kind != "json_schema":
        raise UnsupportedParameterError(f"{service} does not support the response_format {kind!r}")
    wrapped = asked.get("json_schema")
    if not isinstance(wrapped, dict) or not isinstance(wrapped.get("schema"), dict):
        raise InvalidRequestError("response_format: write {'type': 'json_schema', 'json_schema': {'schema': {…}}}")
    return JSONFormat(wrapped["schema"])
