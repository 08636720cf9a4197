"""The keys that a row of the catalogue may have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Required, TypedDict

if TYPE_CHECKING:
    from g4f_lite import ProviderError


class Row(TypedDict, total=False):
    """Attributes of an `OpenaiTemplate`; its name is the key of the row."""

    label: Required[str]
    url: Required[str]
    login_url: str
    api_base: Required[str]
    api_key_env: Sequence[str]
    needs_auth: bool
    automatic: bool
    working: bool
    notice: str
    default_model: str
    fallback_models: Sequence[str]
    model_aliases: Mapping[str, str]
    default_models: Mapping[str, str | Sequence[str]]
    capabilities: frozenset[str]
    model_capabilities: Mapping[str, frozenset[str]]
    unsupported_parameters: frozenset[str]
    allowed_values: Mapping[str, Sequence[Any]]
    renamed_parameters: Mapping[str, str]
    renamed_values: Mapping[str, Mapping[str, str]]
    dropped_message_fields: frozenset[str]
    plain_text_content: bool
    error_codes: Mapping[str, type[ProviderError]]
    limit_headers: Mapping[str, tuple[str, str]]
    reasoning_parts: Mapping[str, str]
    done_is_enough: bool
