"""
The check of what stands inside the collections that a provider declares. Data only.

A name that is close to a known one is refused; any other may be one that only the service has.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

from ..errors.exceptions import ConfigurationError
from ..errors.quoted_values import quoted
from ..errors.suggestions import closest, did_you_mean
from ..types.chat_request import ChatRequest
from ..types.usage import TokenDetails

ENDPOINTS = ("embeddings", "transcription", "translation", "speech", "images", "image_edits")
CAPABILITIES = ("streaming", "tools", "json_schema", "vision", "audio", "prefill", "stream_usage", *ENDPOINTS)
_CLOSE = 0.85
"""How similar a name must be to a known one to be taken for it: `logitbias` is, `max_new_tokens` is not."""


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _are_choices(value: object) -> bool:
    return isinstance(value, (Sequence, Set)) and not isinstance(value, (str, bytes))


def _is_set(value: object) -> bool:
    return isinstance(value, Set) and all(map(_is_text, value))


def _are_models(value: object) -> bool:
    return _is_text(value) or (isinstance(value, (tuple, list)) and all(map(_is_text, value)))


def _are_words(value: object) -> bool:
    return isinstance(value, Mapping) and all(map(_is_text, value))


def _are_parameters(value: object) -> bool:
    return _are_words(value) and all(
        one is None or _is_text(one) or _are_choices(one)
        for one in value.values()  # type: ignore[attr-defined]  # a mapping
    )


def _is_amount(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]  # a number


_PLAIN = (_is_text, "texts to texts")
_CONTENTS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "model_aliases": _PLAIN,
    "default_models": (_are_models, "capabilities to a model, or to a tuple of models"),
    "model_capabilities": (_is_set, "models to sets of texts, such as frozenset({'vision'})"),
    "renamed_parameters": _PLAIN,
    "renamed_roles": _PLAIN,
    "reasoning_parts": _PLAIN,
    "allowed_values": (_are_choices, "parameters to the values that the service takes, such as (1, 2)"),
    "renamed_values": (_are_words, "parameters to mappings, such as {'required': 'any'}"),
    "endpoint_parameters": (_are_parameters, "endpoints to mappings of parameters to a name, values or None"),
    "usage_costs": (_is_amount, "numbers of the service's usage to USD for one unit"),
    "usage_fields": (_is_text, "the service's names to places in Usage, such as {'hits': 'prompt_tokens'}"),
}
"""What the mappings map texts to."""

_ALL_ENDPOINTS = (*ENDPOINTS, "models")
_NAMES: Mapping[str, Sequence[str]] = {
    "capabilities": CAPABILITIES,
    "default_models": CAPABILITIES,
    "unsupported_parameters": ChatRequest.__struct_fields__,
    "allowed_values": ChatRequest.__struct_fields__,
    "renamed_parameters": ChatRequest.__struct_fields__,
    "renamed_values": ChatRequest.__struct_fields__,
    "endpoint_parameters": _ALL_ENDPOINTS,
}
_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens", "web_searches", "audio_seconds", "cost")
_DETAILS = ("prompt_tokens_details", "completion_tokens_details")
PLACES = frozenset(_COUNTS) | {
    f"{owner}.{name}"
    for owner in _DETAILS
    for name in TokenDetails.__struct_fields__
    if name != "cached_tokens_details"
}
"""Where in `Usage` a number can go."""


def check_contents(provider: Any, attributes: Sequence[str]) -> None:
    """
    Check what stands inside these attributes, whose own types are right.

    Raises:
        ConfigurationError: an entry cannot work, or has nearly the name that it should have.
    """
    for attribute in attributes:
        if not (value := getattr(provider, attribute)):
            continue
        if (known := _NAMES.get(attribute)) is not None:
            _check_names(provider.name, attribute, value, known)
        if (content := _CONTENTS.get(attribute)) is not None:
            fits, wanted = content
            for name, one in value.items():
                if not (isinstance(name, str) and fits(one)):
                    raise ConfigurationError(
                        f"{provider.name}'s {attribute} must map {wanted}; got {quoted(name)}: {quoted(one)}"
                    )
        if attribute == "model_capabilities":
            for names in value.values():
                _check_names(provider.name, attribute, names, CAPABILITIES)
        if attribute == "usage_fields":
            _check_places(provider.name, value)


def _check_names(name: str, attribute: str, given: Any, known: Sequence[str]) -> None:
    """
    Raises:
        ConfigurationError: one of the given names is nearly a known one.
    """
    for one in given:
        if one not in known and closest(one, known, cutoff=0.8 if known is CAPABILITIES else _CLOSE):
            raise ConfigurationError(f"{name}'s {attribute} has {quoted(one)}{did_you_mean(one, known)}")


def check_endpoints(name: str, paths: Mapping[str, str]) -> None:
    """
    Raises:
        ConfigurationError: `endpoint_paths` has an endpoint that there is not.
    """
    for one in paths:
        if one not in ENDPOINTS:
            hint = did_you_mean(
                one, ENDPOINTS, f"; there are {', '.join(ENDPOINTS)}; chat_path and models_path are apart"
            )
            raise ConfigurationError(f"{name}'s endpoint_paths has {quoted(one)}{hint}")


def _check_places(name: str, fields: Mapping[str, str]) -> None:
    for place in fields.values():
        if place not in PLACES:
            known = f"; there are {', '.join(_COUNTS)}, and the counts in {' and '.join(_DETAILS)}"
            raise ConfigurationError(
                f"{name}'s usage_fields must map the service's names to places in Usage, where there is no"
                f" {quoted(place)}{did_you_mean(place, PLACES, known, cutoff=0.8)}"
            )
