"""What a provider declares about its service's errors, limits and schemas, and the check of it. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors.exceptions import ConfigurationError, ProviderError
from .schema_rules import rules_of

# Source: OpenAI, Groq, xAI, Cerebras.
COMMON_LIMIT_HEADERS: Mapping[str, tuple[str, str]] = {
    limit: (f"x-ratelimit-remaining-{limit}", f"x-ratelimit-reset-{limit}") for limit in ("requests", "tokens")
}


def check_declarations(name: str, error_codes: Any, limit_headers: Any, schema_rules: Any) -> None:
    """
    Check these attributes of a provider, which are read where a mistake would break a call.

    Raises:
        ConfigurationError: says which entry is wrong.
    """
    for attribute, declared in (
        ("error_codes", error_codes),
        ("limit_headers", limit_headers),
        ("schema_rules", schema_rules),
    ):
        if not isinstance(declared, Mapping):
            raise ConfigurationError(f"{name}'s {attribute} must be a mapping, not {type(declared).__name__}")
    if schema_rules:
        rules_of(schema_rules)
    for code, error in error_codes.items():
        if not (_is_lower(code) and isinstance(error, type) and issubclass(error, ProviderError)):
            raise ConfigurationError(
                f"{name}'s error_codes must map codes in lower case to ProviderErrors; got {code!r}: {error!r}"
            )
    for limit, headers in limit_headers.items():
        if not (isinstance(headers, tuple) and len(headers) == 2 and all(map(_is_lower, (limit, *headers)))):
            raise ConfigurationError(
                f"{name}'s limit_headers must map a limit to two header names in lower case, "
                f"(remaining, reset); got {limit!r}: {headers!r}"
            )


def _is_lower(text: object) -> bool:
    return isinstance(text, str) and text == text.lower() != ""
