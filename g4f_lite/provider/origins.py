"""
What goes back to the service that sent it, and to no other: signatures, and reasoning in a form of its own.

A message that holds such fields names the service that sent it. The name is in its JSON too, so it survives a database.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ..types.chat import EXTRA, ORIGIN, ChatCompletion, Choice
from ..value import JSONObject

PRIVATE_FIELDS = frozenset({"reasoning_details", "extra_content"})
"""Fields of messages and tool calls that mean something only to the service that sent them."""
_OURS = frozenset({ORIGIN, EXTRA})
MARKS = PRIVATE_FIELDS | _OURS


@functools.lru_cache(maxsize=1024)
def origin_of(name: str, address: str) -> str:
    """Return what a message says of the service that sent it: the provider's name, and a digest of its address."""
    return f"{name}@{hashlib.sha256(address.encode()).hexdigest()[:8]}"


def with_origin(completion: ChatCompletion, name: str, address: str) -> ChatCompletion:
    """Return the completion of a provider with the origin of the messages that hold private fields."""
    for choice in completion.choices:
        message = choice.message
        if message.extra_content or message.reasoning_details or message.origin or message.tool_calls:
            break
    else:
        return completion
    choices = tuple(_with_origin(choice, origin_of(name, address)) for choice in completion.choices)
    return msgspec.structs.replace(completion, choices=choices)


def _with_origin(choice: Choice, origin: str) -> Choice:
    message = choice.message
    is_private = bool(message.extra_content or message.reasoning_details)
    if not is_private:
        is_private = any(call.extra_content for call in message.tool_calls or ())
    found = origin if is_private else None
    if message.origin == found:
        return choice
    return msgspec.structs.replace(choice, message=msgspec.structs.replace(message, origin=found))


def own_messages(messages: Sequence[JSONObject], origin: str, known: frozenset[str]) -> Sequence[JSONObject]:
    """
    Return the messages without private fields that another service sent; see `Provider.own_messages`.

    Args:
        known: as `Provider.known_fields`.
    """
    return [_own(message, origin, known) for message in messages]


def _own(message: JSONObject, origin: str, known: frozenset[str]) -> JSONObject:
    sent_by = message.get(ORIGIN)
    if sent_by == origin:
        return {name: value for name, value in message.items() if name not in _OURS}
    if isinstance(sent_by, str):  # at another address of the same provider, only what names its maker is the same
        known = known - PRIVATE_FIELDS if sent_by.partition("@")[0] == origin.partition("@")[0] else frozenset()
    own = _without_private(message, known)
    if isinstance(calls := own.get("tool_calls"), (list, tuple)):
        own["tool_calls"] = [_without_private(call, known) if isinstance(call, Mapping) else call for call in calls]
    return own


def _without_private(owner: Mapping[str, Any], known: frozenset[str]) -> JSONObject:
    own = {name: value for name, value in owner.items() if name not in MARKS or name in known}
    extra = owner.get("extra_content")
    if isinstance(extra, dict) and (kept := {vendor: extra[vendor] for vendor in known & extra.keys()}):
        own["extra_content"] = kept
    return own
