"""From the keywords of a method other than `chat.completions.create` to a checked request, before any I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ..call.endpoints import ENDPOINTS
from ..errors.exceptions import ConfigurationError, InvalidRequestError
from ..errors.quoted_values import quoted
from ..errors.suggestions import did_you_mean
from ..types.checks import check_callable
from ..types.endpoint import EndpointRequest
from ..types.uploads import UploadFile
from .chat_request import as_request, check_headers
from .keywords import unknown_keyword
from .params import ROUTING, RoutingParams

for _endpoint in ENDPOINTS.values():
    msgspec.json.Decoder(_endpoint[1])  # not in several threads at once: see `messages.py`

_FILES = ("file", "image", "mask")


class EndpointParams(RoutingParams, total=False):
    """Keywords that every endpoint takes."""

    extra_body: Mapping[str, Any] | None
    extra_headers: Mapping[str, str] | None


def check_endpoint(operation: str, params: Mapping[str, Any]) -> EndpointRequest:
    """
    Return the request for the keywords of a method; each attempt sets its model.

    Raises:
        TypeError: a keyword is unknown or missing.
        InvalidRequestError: no provider takes a value; the message names the field.
    """
    method, kind, required, _ = ENDPOINTS[operation]
    own = [name for name in kind.__struct_fields__ if name != "model"]
    given: dict[str, Any] = {}
    for name, value in params.items():
        if name in own:
            if value is not None:
                given[name] = list(value) if isinstance(value, tuple) and name not in _FILES else value
        elif name not in ROUTING:
            raise unknown_keyword(name, (*own, *ROUTING), method)
    for name in required:
        if name not in given:
            raise TypeError(f"{method}() needs {name}=…")
    if "extra_headers" in given:
        check_headers(given["extra_headers"])
    if operation == "embeddings":
        _check_input(given["input"])
    for name in ("input", "prompt", "voice"):
        if name in required and isinstance(given[name], str) and not given[name].strip():
            raise InvalidRequestError(f"{name} is empty")
    for name in _FILES:
        if name in given:
            given[name] = _files(given[name], name)
    check_callable("progress", given.get("progress"))
    return as_request(given, kind)


def _files(given: Any, name: str) -> UploadFile | list[UploadFile]:
    """Return the files of a keyword; `image` may be a list of them."""
    if name != "image":
        return given if isinstance(given, UploadFile) else UploadFile(given, name)
    several = given if isinstance(given, list) else [given]
    if not several:
        raise InvalidRequestError("image is empty: give at least one image")
    return [one if isinstance(one, UploadFile) else UploadFile(one, name) for one in several]


def _check_input(given: object) -> None:
    """
    Raises:
        InvalidRequestError: the input is not a text, a list of texts, a list of tokens, or a list of such lists.
    """
    if isinstance(given, str):
        return
    if not isinstance(given, list):
        raise InvalidRequestError(f"input must be a text or a list of texts, not {type(given).__name__}")
    if not given:
        raise InvalidRequestError("input is empty: give at least one text")
    kinds = {type(one) for one in given}
    if len(kinds) > 1 or not kinds <= {str, int, list}:
        names = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise InvalidRequestError(f"input must hold texts alone, or tokens alone, not {names}")
    for index, one in enumerate(given):
        if one == [] or (isinstance(one, str) and not one.strip()):
            raise InvalidRequestError(f"input[{index}] is empty")
        if isinstance(one, list) and not all(type(token) is int for token in one):
            raise InvalidRequestError(f"input[{index}] must hold tokens (whole numbers) alone")


def check_operation(operation: object) -> None:
    """
    Raises:
        ConfigurationError: there is no such endpoint, which is not chat.
    """
    if not isinstance(operation, str) or operation not in ENDPOINTS:
        hint = did_you_mean(operation, ENDPOINTS, f"; known: {', '.join(('chat', *ENDPOINTS))}")
        raise ConfigurationError(f"there is no operation {quoted(operation)}{hint}")


def request_to_explain(operation: str, params: Mapping[str, Any]) -> EndpointRequest:
    """
    Return an empty request of an endpoint, to explain its plan.

    Raises:
        ConfigurationError: there is no such endpoint.
        TypeError: a keyword is not about routing.
    """
    check_operation(operation)
    for name in params:
        if name not in ROUTING:
            raise unknown_keyword(name, ROUTING, "explain")
    return EndpointRequest()
