"""From the keywords of `chat.completions.create` to a checked request, before any I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from ..errors.exceptions import InvalidRequestError
from ..errors.quoted_values import quoted, shortened
from ..provider.boundary import FRAMING, is_header
from ..types.chat_request import ChatRequest
from ..types.json_values import check_json, find_fault
from .keywords import OF_CREATE, unknown_keyword
from .messages import check_messages

if TYPE_CHECKING:
    from ..types.endpoint import EndpointRequest
    from ..value import JSONObject

R = TypeVar("R", bound="ChatRequest | EndpointRequest")

_encoder = msgspec.json.Encoder()
msgspec.json.Decoder(ChatRequest)  # not in several threads at once: see `messages.py`
_REQUEST = frozenset(ChatRequest.__struct_fields__) - {"model"}
_SCHEMAS = frozenset({"input_schema", "inputSchema"})
_NOT_SENT = frozenset({"extra_headers", "file", "image", "mask", "progress"})


def check_request(
    params: Mapping[str, Any], owners: Callable[[str], Iterable[str]] = lambda name: (), method: str = "create"
) -> ChatRequest:
    """
    Return the request for the keywords of `create`; each attempt sets its model.

    Args:
        owners: returns the providers whose service has a parameter of this name.
        method: `explain`, which takes `operation` as well, if that was called.

    Raises:
        TypeError: a keyword is unknown; the message has the nearest one.
        InvalidRequestError: no provider takes a value; the message names the field.
    """
    if "messages" not in params:
        raise TypeError("create() needs messages=[…]")
    given: dict[str, Any] = {}
    for name, value in params.items():
        if name in _REQUEST:
            if value is not None:
                given[name] = _tools(value) if name == "tools" else value
        elif name not in OF_CREATE:
            known = (*OF_CREATE, "operation") if method == "explain" else OF_CREATE
            raise unknown_keyword(name, known, method, owners(name))
    given["messages"] = check_messages(params["messages"])
    if "extra_headers" in given:
        check_headers(given["extra_headers"])
    if "logit_bias" in given and isinstance(
        bias := given["logit_bias"], Mapping
    ):  # tokens are numbers, and names in JSON
        given["logit_bias"] = {str(name) if type(name) is int else name: value for name, value in bias.items()}
    return as_request(given, ChatRequest)


def _tools(tools: Any) -> Any:
    if not isinstance(tools, (list, tuple)):
        if callable(tools):
            raise InvalidRequestError("tools must be a list, such as [the_function]")
        return tools
    if any(map(callable, tools)):
        from .tools.functions import as_tools

        tools = as_tools(tools)
    for index, tool in enumerate(tools):
        if isinstance(tool, dict) and "function" not in tool and _is_function(tool):
            right = "{'type': 'function', 'function': {'name': …, 'parameters': {…}}}"
            raise InvalidRequestError(f"tools[{index}]: write {right}, or give the function itself")
    return tools


def _is_function(tool: JSONObject) -> bool:
    """Return whether this tool without `function` describes one: as OpenAI's responses, Anthropic or MCP write it."""
    return tool.get("type") == "function" or not _SCHEMAS.isdisjoint(tool)


_UNWRITABLE = (AttributeError, TypeError, ValueError, OverflowError, RecursionError, SystemError)
"""The first of a range; the last of an integer that no float can hold, of msgspec 0.19."""


def as_request(given: dict[str, Any], kind: type[R]) -> R:
    """
    Return the parameters as a request.

    Raises:
        InvalidRequestError: a parameter has the wrong type, or cannot be written as JSON.
    """
    sent = given if _NOT_SENT.isdisjoint(given) else {name: given[name] for name in given if name not in _NOT_SENT}
    try:
        request = msgspec.convert(given, kind)
        fault = check_json(sent, _encoder.encode(sent))
    except msgspec.ValidationError as error:
        form = given.get("response_format") if kind is ChatRequest else None
        if isinstance(form, type):
            raise InvalidRequestError("response_format is a class; give it as response_model=…") from None
        if (fault := find_fault(sent)) is not None:
            raise InvalidRequestError(fault) from None
        text, _, path = str(error).partition(" - at `$.")
        name = path.rstrip("`")
        got = "" if ", got " in text or name not in given else f", got {quoted(given[name])}"
        if isinstance(form, str) and name == "response_format":
            got += "; write {'type': 'json_object'}"
        raise InvalidRequestError(f"{name} {shortened(text).replace('Expected', 'must be')}{got}") from None
    except _UNWRITABLE as error:
        fault = find_fault(sent) or f"the request cannot be written as JSON: {error.__cause__ or error}"
    if fault is not None:
        plain = {name: _plain(value) for name, value in given.items()}
        if any(plain[name] is not value for name, value in given.items()):
            return as_request(plain, kind)
        raise InvalidRequestError(fault)
    return request


def _plain(value: Any) -> Any:
    """Return a parameter with dictionaries in place of other mappings, which its type allows: not those inside."""
    if isinstance(value, Mapping):
        return value if isinstance(value, dict) else dict(value)
    if isinstance(value, (list, tuple)) and any(
        isinstance(one, Mapping) and not isinstance(one, dict) for one in value
    ):
        return [_plain(one) for one in value]
    return value


def check_extra_body(request: ChatRequest | EndpointRequest, *, stream: bool = False) -> None:
    """
    Refuse what the call itself decides: other code than the service relies on it.

    Raises:
        InvalidRequestError: `extra_body` names another model, prompt, or form of answer than the call.
    """
    extra = request.extra_body
    if not extra:
        return
    for name in ("model", "messages", "input", "prompt", "file", "image", "mask"):
        if name in extra and (name == "model" or hasattr(request, name)):
            raise InvalidRequestError(f"extra_body must not hold {quoted(name)}; give {name}=… to the method")
    if extra.get("stream") is not None and extra["stream"] is not stream:
        raise InvalidRequestError(
            f"extra_body says stream={quoted(extra['stream'])}; give stream=… to the method instead"
        )


def check_headers(headers: object) -> None:
    if type(headers) is not dict and not isinstance(headers, Mapping):
        raise InvalidRequestError("extra_headers must be a mapping of strings")
    for name, value in headers.items():
        if is_header(name, value):
            continue
        if isinstance(name, str) and name.lower() in FRAMING:
            raise InvalidRequestError(f"extra_headers[{quoted(name)}] follows from the body; leave it out")
        raise InvalidRequestError(
            f"extra_headers[{quoted(name)}] cannot be sent as a header; it must be printable ASCII"
        )
