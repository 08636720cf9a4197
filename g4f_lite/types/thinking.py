"""Whether a request asks a model to think before it answers: by OpenAI's parameter, or by a service's own setting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .chat_request import ChatRequest

_NO = frozenset({"none", "minimal", "disabled", "off", "false", "no", ""})
"""The words for little or no thinking. Source: OpenAI, Gemini, Anthropic, DeepSeek, Z.AI."""

# In lower case and without underscores: Google's names are written in two ways.
_SETTINGS = frozenset(
    """
    reasoningeffort reasoning thinking think enablethinking enablereasoning thinkingbudget thinkingconfig thinkinglevel
    thinkingmode reasoningbudget promptmode
    """.split()
)
"""
Source: the references of OpenRouter and Together (`reasoning`), Anthropic, DeepSeek, Moonshot, Z.AI and Cohere
(`thinking`), Ollama (`think`), Alibaba and SiliconFlow (`enable_thinking`, `thinking_budget`), Google
(`thinking_config`), Mistral (`prompt_mode`), NVIDIA (`reasoning_budget`).
"""
_WRAPPERS = frozenset({"extrabody", "google", "generationconfig", "chattemplatekwargs", "parameters"})
"""Objects in which services take such settings: Google's endpoints, vLLM and SGLang, Alibaba."""
_AMOUNTS = frozenset(
    """
    type enabled effort level mode budget budgettokens maxtokens tokenbudget thinkingbudget thinkinglevel
    """.split()
)
"""What says, inside a setting, whether to think."""


def asks_to_think(request: ChatRequest) -> bool | None:
    """Return whether a request asks for thinking above minimal; None if it says nothing about it."""
    said = None if request.extra_body is None else _found(request.extra_body, _SETTINGS)
    if said is None and request.reasoning_effort is not None:
        return _means(request.reasoning_effort)
    return said  # `extra_body` goes into the body last


def _found(settings: Mapping[str, Any], names: frozenset[str], depth: int = 3) -> bool | None:
    """Return what the named settings say: False if any of them turns thinking off."""
    said: list[bool | None] = []
    for name, value in settings.items():
        plain = name.replace("_", "").lower() if isinstance(name, str) else ""
        if plain in names:
            said.append(_means(value))
        elif plain in _WRAPPERS and isinstance(value, Mapping) and depth:
            said.append(_found(value, names, depth - 1))
    return False if False in said else True if True in said else None


def _means(value: Any) -> bool | None:
    if isinstance(value, Mapping):
        return _found(value, _AMOUNTS, depth=0)
    if isinstance(value, str):
        return value.strip().lower() not in _NO
    return None if value is None else bool(value)  # a budget of -1 is one that the model chooses
