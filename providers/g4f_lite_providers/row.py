"""The keys that a row of the catalogue may have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Required, TypedDict


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
    endpoint_parameters: Mapping[str, Mapping[str, str | Sequence[Any] | None]]
    renamed_values: Mapping[str, Mapping[str, str]]
    dropped_message_fields: frozenset[str]
    auth_header: tuple[str, str]
    chat_path: str
    models_path: str
    endpoint_paths: Mapping[str, str]
    foreign_fields: frozenset[str]
    known_fields: frozenset[str]
    returned_fields: frozenset[str]
    plain_text_content: bool
    reasoning_field: str
    missing_reasoning: str
    tool_call_id_form: str
    refuses_empty_answers: bool
    system_first: bool
    bridge_after_tool: str
    prefill_field: str
    error_codes: Mapping[str, str]
    """As `Provider.error_codes`, with the name of the exception, so that the catalogue loads nothing."""
    error_words: Mapping[str, str]
    """As `Provider.error_words`, likewise."""
    limit_headers: Mapping[str, tuple[str, str]]
    not_ready: str
    reasoning_parts: Mapping[str, str]
    usage_fields: Mapping[str, str]
    usage_costs: Mapping[str, float]
    thinking_models: str
    working_comments: Sequence[str]
    schema_rules: Mapping[str, Any]
    done_is_enough: bool
