"""
What the finish reasons of services mean, whatever their words. No I/O; a result keeps the word as it came.

Source: OpenAI, Anthropic, Mistral (`model_length`), Z.AI (`sensitive`), Gemini, Cohere and Bedrock through gateways,
vLLM and SGLang (`abort`, `repetition`), DeepSeek (`insufficient_system_resource`).
"""

from __future__ import annotations

_CUT = frozenset(
    ("length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded", "repetition")
)
_WITHHELD = frozenset(
    """
    content_filter contentfilter content_filtered sensitive safety refusal recitation blocklist prohibited_content spii
    guardrail_intervened
    """.split()
)
_FAILED = frozenset(("error", "abort", "timeout", "insufficient_system_resource", "network_error"))
_NONE = frozenset(("null", "none", "undefined"))
"""Source of the first: DashScope's own protocol, which gateways pass on."""
USUAL = frozenset(("stop", "tool_calls"))
"""None of what these functions ask for: most answers need no call of them."""


def is_none(reason: str | None) -> bool:
    """Return whether the answer has not ended yet, though a word stands in the place of its reason."""
    return _plain(reason) in _NONE


def is_cut(reason: str | None) -> bool:
    """Return whether the answer ended at a limit: its text, or the arguments of its last call, may be incomplete."""
    return _plain(reason) in _CUT


def is_withheld(reason: str | None) -> bool:
    """Return whether the service withheld the answer, or the rest of it."""
    return _plain(reason) in _WITHHELD


def is_failed(reason: str | None) -> bool:
    """Return whether the service could not end the answer."""
    return _plain(reason) in _FAILED


def _plain(reason: str | None) -> str:
    return (reason or "").lower().replace("-", "_")
