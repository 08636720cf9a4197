"""
Copies of requests: code that changes one in place changes no other.

Each attempt has its own, and the call's is none of the caller's objects. Lists and mappings are copied, in C; texts,
which make up most of a long prompt, are shared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from .chat_request import ChatRequest

if TYPE_CHECKING:
    from .endpoint import EndpointRequest

R = TypeVar("R", bound="ChatRequest | EndpointRequest")


def copied(request: R, **changed: Any) -> R:
    """Return a copy of a request, with some fields changed."""
    if isinstance(request, ChatRequest):
        try:
            fields = msgspec.to_builtins(request)
        except TypeError:  # it holds what can be encoded, but not copied in this way: msgspec.Raw
            fields = _each_copied(request)
        fields["messages"] = tuple(fields["messages"])
    else:
        fields = _each_copied(request)
    return type(request)(**{**fields, **changed})


def copied_value(value: Any) -> Any:
    """Return JSON whose lists and mappings are its own."""
    try:
        return msgspec.to_builtins(value)
    except TypeError:
        pass
    if isinstance(value, dict):
        return {name: copied_value(item) for name, item in value.items()}
    return [copied_value(item) for item in value] if isinstance(value, (list, tuple)) else value


def _each_copied(request: msgspec.Struct) -> dict[str, Any]:
    fields = msgspec.structs.asdict(request)
    return {name: copied_value(one) if isinstance(one, (dict, list, tuple)) else one for name, one in fields.items()}
