"""What a provider declares about its service, and the check of the types of its attributes. Data only."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from typing import Any

from ..errors.exceptions import ConfigurationError, ProviderError
from ..errors.quoted_values import quoted, shortened
from ..errors.suggestions import did_you_mean
from .declared_contents import check_contents, check_endpoints
from .schema_rules import check_rules
from .streaming import FRAMINGS

# Source: OpenAI, Groq, xAI, Cerebras.
COMMON_LIMIT_HEADERS: Mapping[str, tuple[str, str]] = {
    limit: (f"x-ratelimit-remaining-{limit}", f"x-ratelimit-reset-{limit}") for limit in ("requests", "tokens")
}

ERROR_FIELDS = ("message", "code", "type", "param")
"""OpenAI's fields of an error that a provider can locate."""

_HEADER = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")

NAMED_THINKING = r"(?i).*(?:(?<!non[-_])(?<!non)(?:thinking|reason(?:ing|er)\b)|\br1\b|\bqwq)"
"""Models whose ids say that they think: Kimi, Qwen, Phi, DeepSeek and others, at whichever service."""

# Source: llama.cpp and Ollama ("loading model"), Hugging Face ("Model x is currently loading"), Fireworks
# (DEPLOYMENT_SCALING_UP), Triton ("is not ready"), TEI, NIM and serverless hosts.
COMMON_NOT_READY = (
    r"^(?:llm server )?loading model"
    r"|\bis (?:currently |still |now |being )?load(?:ing|ed into)\b|(?:currently|still) loading"
    r"|is being loaded|model_loading\b|warm(?:ing)?[ -]up|(?:scaling|starting|booting|spinning)[ _]up"
    r"|scaled (?:down )?to zero|cold[ -]start|not (?:yet ready|ready yet)|is (?:still )?initiali[sz]ing"
    r"|(?:model|server|service)(?:_not_ready\b|\b.{0,80} is not ready)"
)


def check_pattern(name: str, attribute: str, pattern: Any) -> None:
    """
    Check a regular expression that a provider declares.

    Raises:
        ConfigurationError: it is none.
    """
    try:
        if not isinstance(re.compile(pattern).pattern, str):
            raise TypeError("it is of bytes, and not of text")
    except (TypeError, re.error) as error:
        raise ConfigurationError(f"{name}'s {attribute} must be a regular expression: {error}") from None


_KINDS: Mapping[str, tuple[Any, str]] = {
    "texts": ((tuple, list), "a tuple of texts, such as ('one',) with its comma"),
    "set": (Set, "a set of texts, such as frozenset({'one'})"),
    "mapping": (Mapping, "a mapping, such as {'one': 'other'}"),
    "text": (str, "a text"),
    "switch": (bool, "True or False"),
}
_OF_TEXTS = ("texts", "set")
KINDS: Mapping[str, Sequence[str]] = {
    "key": ("api_key",),
    "text": ("label", "url", "login_url", "notice", "api_base", "default_model"),
    "switch": ("working", "needs_auth", "automatic", "lists_models"),
    "texts": ("api_key_env", "fallback_models", "working_comments"),
    "set": ("capabilities", "known_fields"),
    "mapping": ("model_aliases", "default_models", "model_capabilities"),
}
"""Attributes of `Provider`, by what they must be."""
OPENAI_KINDS: Mapping[str, Sequence[str]] = {
    "text": ("reasoning_field", "missing_reasoning", "bridge_after_tool", "prefill_field"),
    "switch": ("plain_text_content", "refuses_empty_answers", "system_first", "done_is_enough"),
    "set": (
        "unsupported_parameters",
        "own_parameters",
        "dropped_message_fields",
        "foreign_fields",
        "returned_fields",
    ),
    "mapping": (
        "allowed_values",
        "renamed_parameters",
        "renamed_values",
        "endpoint_parameters",
        "renamed_roles",
        "reasoning_parts",
        "usage_fields",
        "usage_costs",
    ),
}
"""The same of `OpenaiTemplate`."""


def check_kinds(provider: Any, kinds: Mapping[str, Sequence[str]]) -> None:
    """
    Check the attributes of these kinds. The value is not shown: it may be a key in the wrong place.

    A property that has a text is not asked: it may find it out later.

    Raises:
        ConfigurationError: one is of another kind, such as `("NAME")`, which is a text, or an entry cannot work.
    """
    for kind, attributes in kinds.items():
        if kind == "key":
            _check_key(provider.name, getattr(provider, attributes[0]))
            continue
        right, wanted = _KINDS[kind]
        for attribute in attributes:
            if kind == "text" and hasattr(getattr(type(provider), attribute), "__get__"):
                continue
            value = getattr(provider, attribute)
            if isinstance(value, right) and (kind not in _OF_TEXTS or all(isinstance(one, str) for one in value)):
                continue
            found = _kind_of(value)
            found += " of other things" if isinstance(value, right) else ""
            raise ConfigurationError(f"{provider.name}'s {attribute} must be {wanted}; it is {found}")
        if kind in ("set", "mapping"):
            check_contents(provider, attributes)


def _kind_of(value: object) -> str:
    kind = type(value).__name__
    return "None" if value is None else f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _check_key(name: str, key: object) -> None:
    if not (key is None or isinstance(key, str) or callable(key)):
        raise ConfigurationError(
            f"{name}'s api_key must be a text, or a function that returns one; it is {_kind_of(key)}"
        )


def check_framing(name: str, framing: Any) -> None:
    """
    Check `Provider.stream_framing`.

    Raises:
        ConfigurationError: there is no such framing.
    """
    if not isinstance(framing, str) or framing not in FRAMINGS:
        hint = did_you_mean(framing, FRAMINGS, "; override new_framing for one of your own")
        raise ConfigurationError(
            f"{name}'s stream_framing is one of {', '.join(FRAMINGS)}, not {quoted(framing)}{hint}"
        )


def check_auth_header(name: str, header: Any) -> None:
    """
    Check `OpenaiTemplate.auth_header`.

    Raises:
        ConfigurationError: it is no header in lower case with a text before the key.
    """
    if not (isinstance(header, tuple) and len(header) == 2 and all(isinstance(one, str) for one in header)):
        raise ConfigurationError(
            f"{name}'s auth_header must be like ('authorization', 'Bearer '), not {quoted(header)}"
        )
    if not _HEADER.fullmatch(header[0]):
        raise ConfigurationError(f"{name}'s auth_header must name a header in lower case, not {quoted(header[0])}")


def check_paths(name: str, chat: Any, models: Any, others: Any) -> None:
    """
    Check the paths of an `OpenaiTemplate`.

    Raises:
        ConfigurationError: one does not begin with a slash.
    """
    if not isinstance(others, Mapping):
        raise ConfigurationError(f"{name}'s endpoint_paths must be a mapping, not {quoted(others)}")
    for endpoint, path in {**others, "chat": chat, "models": models}.items():
        if not isinstance(endpoint, str):
            raise ConfigurationError(f"{name}'s endpoint_paths must map endpoints to paths; got {quoted(endpoint)}")
        if not (isinstance(path, str) and path.startswith("/") and path.isprintable()):
            raise ConfigurationError(
                f"{name}'s path of {shortened(endpoint)} must begin with a slash, not {quoted(path)}"
            )
    check_endpoints(name, others)


_DECLARED = ("error_codes", "error_words", "error_fields", "limit_headers", "schema_rules")


def check_declarations(provider: Any) -> None:
    """
    Check what a provider declares: `error_codes`, `error_words`, `error_fields`, `limit_headers` and
    `schema_rules`.

    They are read where a mistake would break a call.

    Raises:
        ConfigurationError: says which entry is wrong.
    """
    name, declarations = provider.name, {attribute: getattr(provider, attribute) for attribute in _DECLARED}
    for attribute, declared in declarations.items():
        if not isinstance(declared, Mapping):
            raise ConfigurationError(f"{name}'s {attribute} must be a mapping, not {type(declared).__name__}")
    if declarations["schema_rules"]:
        check_rules(name, declarations["schema_rules"])
    for attribute in ("error_codes", "error_words"):
        for sign, error in declarations[attribute].items():
            if not (_is_lower(sign) and isinstance(error, type) and issubclass(error, ProviderError)):
                raise ConfigurationError(
                    f"{name}'s {attribute} must map texts in lower case to ProviderErrors;"
                    f" got {quoted(sign)}: {quoted(error)}"
                )
    for field, path in declarations["error_fields"].items():
        if field not in ERROR_FIELDS or not (isinstance(path, str) and path):
            raise ConfigurationError(
                f"{name}'s error_fields must map {', '.join(ERROR_FIELDS)} to a field of the service, such as "
                f"'problem.text'; got {quoted(field)}: {quoted(path)}"
            )
    for limit, headers in declarations["limit_headers"].items():
        if not (isinstance(headers, tuple) and len(headers) == 2 and all(map(_is_lower, (limit, *headers)))):
            raise ConfigurationError(
                f"{name}'s limit_headers must map a limit to two header names in lower case, "
                f"(remaining, reset); got {quoted(limit)}: {quoted(headers)}"
            )


def _is_lower(text: object) -> bool:
    return isinstance(text, str) and text == text.lower() != ""
