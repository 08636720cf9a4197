"""What a provider's code tells before a call: the models that it lists, and why it cannot be used. No I/O."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence, Set
from typing import Any

from .base import Provider
from .boundary import reason_to_skip, without_own_keys
from .checked import shown

log = logging.getLogger("g4f_lite")
CHOOSING = "while its legs were chosen"
"""What the code of a provider does, for the message that it failed."""


_READ: Mapping[str, tuple[Any, Any]] = {
    "automatic": (bool, False),
    "needs_auth": (bool, True),
    "lists_models": (bool, False),
    "fallback_models": ((tuple, list), ()),
    "model_aliases": (Mapping, {}),
    "capabilities": (Set, frozenset()),
    "model_capabilities": (Mapping, {}),
    "default_models": (Mapping, {}),
    "own_parameters": (Set, frozenset()),
    "limit_headers": (Mapping, {}),
    "thinking_models": ((str, re.Pattern), "(?!)"),
}
"""Attributes, each with its type, and what it counts as if it cannot be read."""


def declared(provider: Provider, attribute: str) -> Any:
    """
    Return an attribute, which may be a property of a plugin: it was checked when the provider was made, but is computed
    anew. If its code fails, the log says it, and the provider counts as one without.
    """
    kind, absent = _READ[attribute]
    try:
        value = getattr(provider, attribute)
        if isinstance(value, kind):
            return value
        reason = f"the provider's code returns {shown(value)}"
    except BaseException as error:  # the plugin border
        reason = reason_to_skip(error, CHOOSING, provider)
    log.warning("%s's %s cannot be read: %s", provider.name, attribute, reason)
    return absent


def listed_models(provider: Provider, operation: str = "chat") -> Sequence[str]:
    """Return the model ids that a provider lists for an operation; none if its code fails, which the log says."""
    method = "models" if operation == "chat" else "models_for"
    try:
        listed = provider.models() if operation == "chat" else provider.models_for(operation)
        if isinstance(listed, (tuple, list)) and all(isinstance(one, str) for one in listed):
            return [*map(str.__str__, listed)]  # not members of an Enum, or other texts of their own kind
        reason = f"the provider's code returns {shown(listed)}, not a tuple of texts (in {method})"
    except BaseException as error:  # the plugin border
        reason = reason_to_skip(error, CHOOSING, provider, method)
    log.warning("%s lists no models: %s", provider.name, reason)
    return ()


def obstacle_to(provider: Provider) -> str | None:
    """Return why a provider cannot be used: what it says itself, or how its code fails."""
    try:
        reason = provider.unavailable_reason()
    except BaseException as error:  # the plugin border
        return reason_to_skip(error, CHOOSING, provider, "unavailable_reason")
    if reason is None:
        return None
    if isinstance(reason, str):
        return without_own_keys(reason, provider)
    return f"the provider's code returns {shown(reason)}, not a text (in unavailable_reason)"
