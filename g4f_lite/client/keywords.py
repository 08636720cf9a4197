"""Errors for keywords that a client or a method does not have: what was meant, or where the keyword belongs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..errors.suggestions import did_you_mean
from .params import CreateParams
from .settings import ClientSettings

OF_CREATE = frozenset(CreateParams.__annotations__) | {"messages", "stream"}
OF_CLIENTS = frozenset(ClientSettings.__annotations__) | {"proxy", "ssl_context"}

_HINTS = {
    "timeout": "; to bound each call as a whole, use deadline=",
    "provider": "; use routes=[…], or provider= of each call",
    "providers": "; use routes=[…], or provider= of each call",
    "model": "; use routes=['PROVIDER:MODEL'], or model= of each call",
    **dict.fromkeys(("api_base", "endpoint", "azure_endpoint"), "; did you mean 'base_url'?"),
    **dict.fromkeys(("fallbacks", "model_list"), "; use routes=[…]"),
    **dict.fromkeys(("callbacks", "hooks"), "; use plugins=[…]"),
    **dict.fromkeys(("organization", "project", "default_headers"), "; use extra_headers= of each call"),
    "http_client": "; g4f_lite.openai.OpenAI has it",
    "hedge_after": "; AsyncClient has it",
    "verify": "; use ssl_context=",
}
_HINTS_OF_CHAT = {
    "hedge_after": _HINTS["hedge_after"],
    "system": "; use a message with the role 'system'",
    **dict.fromkeys(
        ("prompt", "query", "question", "input", "text"), "; use messages=[{'role': 'user', 'content': …}]"
    ),
    **dict.fromkeys(("engine", "deployment", "deployment_id", "model_name"), "; use model="),
    "custom_llm_provider": "; use provider=",
    "format": "; use response_format= or response_model=",
    "schema": "; use response_model=",
    "stop_sequences": "; use stop=",
    **dict.fromkeys(("max_new_tokens", "num_predict"), "; use max_tokens="),
    **dict.fromkeys(("think", "thinking"), "; use reasoning_effort=, or what the service takes in extra_body="),
    **dict.fromkeys(("callbacks", "hooks"), "; use Client(plugins=[…])"),
}
"""What other libraries call it, where the nearest name is no help."""
_NO_OTHER = ("extra_query", "options", "repetition_penalty", "top_k")
"""What only services have, and what must not be taken for the nearest name."""


def check_settings(client: str, settings: Mapping[str, Any], *own: str) -> None:
    """
    Args:
        own: the keywords that only this client takes.

    Raises:
        TypeError: a keyword is unknown; the message says what was meant.
    """
    known = (*ClientSettings.__annotations__, *own)
    for name in settings:
        if name not in known:
            raise unknown_keyword(name, known, client)


def unknown_keyword(
    name: str, known: Collection[str] = OF_CREATE, method: str = "create", owners: Iterable[str] = ()
) -> TypeError:
    """
    Return the error for a keyword that a client or a method does not have.

    Args:
        owners: the providers whose service has a parameter of this name.
    """
    message = f"{method}() has no parameter {name!r}"
    if whose := " and ".join(owners):
        return TypeError(f"{message}: it is one of {whose} alone and goes into extra_body={{{name!r}: …}}")
    of_call = "routes" not in known
    if name in (OF_CLIENTS if of_call else OF_CREATE) and name not in _HINTS:
        return TypeError(f"{message}; it belongs to {'Client(…)' if of_call else 'each call'}")
    hints = _HINTS_OF_CHAT if "messages" in known else {} if of_call else _HINTS
    if name in hints:
        return TypeError(message + hints[name])
    if "extra_body" in known:
        hint = "." if name in _NO_OTHER else did_you_mean(name, sorted(known), ".")
        return TypeError(f"{message}{hint} A provider's own parameters go into extra_body")
    return TypeError(message + did_you_mean(name, sorted(known), f"; it has {', '.join(known)}"))
