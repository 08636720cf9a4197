"""What a provider declares about its service's errors and limits, and the check of it. Data only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors.exceptions import ConfigurationError, ProviderError

# Source: OpenAI, Groq, xAI, Cerebras.
COMMON_LIMIT_HEADERS: Mapping[str, tuple[str, str]] = {
    limit: (f"x-ratelimit-remaining-{limit}", f"x-ratelimit-reset-{limit}") for limit in ("requests", "tokens")
}


# Source: llama.cpp ("Loading model"), Hugging Face ("Model x is currently loading"), Fireworks (DEPLOYMENT_SCALING_UP),
# Triton ("is not ready"), TEI, NIM and serverless hosts.
COMMON_NOT_READY = (
    r"^loading model|\bis (?:currently |still |now |being )?load(?:ing|ed into)\b|(?:currently|still) loading"
    r"|is being loaded|model_loading\b|warm(?:ing)?[ -]up|(?:scaling|starting|booting|spinning)[ _]up"
    r"|scaled (?:down )?to zero|cold[ -]start|not (?:yet ready|ready yet)|is (?:still )?initiali[sz]ing"
    r"|(?:model|server|service)(?:_not_ready\b|\b.{0,80} is not ready)"
)


def check_declarations(name: str, error_codes: Any, limit_headers: Any, not_ready: Any) -> None:
    """
    Check `error_codes`, `limit_headers` and `not_ready` of a `Provider`, which are read where a mistake would break a
    call.

    Raises:
        ConfigurationError: says which entry is wrong.
    """
    for attribute, declared in (("error_codes", error_codes), ("limit_headers", limit_headers)):
        if not isinstance(declared, Mapping):
            raise ConfigurationError(f"{name}'s {attribute} must be a mapping, not {type(declared).__name__}")
    try:
        re.compile(not_ready)
    except (re.error, TypeError) as mistake:
        raise ConfigurationError(f"{name}'s not_ready must be a regular expression: {mistake}") from None
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
