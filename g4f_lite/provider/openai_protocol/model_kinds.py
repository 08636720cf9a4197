"""
What a list of models says about what each of them does: whether it can chat. No I/O.

Source: the lists of llama.cpp, LM Studio, Ollama, LocalAI, Lemonade, Xinference and LiteLLM; of Mistral, Together,
Fireworks, Cohere, OpenRouter and Hugging Face.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_ONE_KIND = ("type", "model_type", "mode", "task", "pipeline_tag", "category", "categories", "output_modalities")
_SEVERAL = ("capabilities", "endpoints", "supported_endpoints", "labels", "tags", "supports_chat")
"""Fields of a listed model, or of its `architecture` or `metadata`: what it is, and what it can do among others."""
_CHATS = frozenset(
    "chat chat_completion chat_completions completion completions completion_chat supports_chat conversational "
    "generate generation language llm text text_generation text2text_generation image_text_to_text vlm".split()
)
_EMBEDS = "embed|rerank|sentence_similarity|feature_extraction"
_OTHERS = {
    _ONE_KIND: re.compile(f"{_EMBEDS}|classif|moderat|speech|transcri|translat|audio|image|video|^(?:tts|stt|asr)$"),
    _SEVERAL: re.compile(_EMBEDS),  # one that takes images may chat
}


def says_it_chats(model: Any) -> bool | None:
    """Return whether a listed model can chat; None if the list does not say."""
    if not isinstance(model, dict):
        return None
    owners = [model, *(one for name in ("architecture", "metadata") if isinstance(one := model.get(name), dict))]
    answers: list[bool] = []
    does_something_else = False
    for fields, others in _OTHERS.items():
        for word, holds in (word for owner in owners for field in fields for word in _words(owner.get(field), field)):
            if word in _CHATS:
                answers.append(holds)
            elif holds and others.search(word):
                does_something_else = True
    return any(answers) if answers else False if does_something_else else None


def _words(value: Any, field: str) -> Iterator[tuple[str, bool]]:
    """Yield the words in a field, each with whether it holds: `["chat"]`, `"chat"`, `{"chat": true}`."""
    if isinstance(value, bool):
        yield field, value
    elif isinstance(value, str):
        yield re.sub(r"[^a-z0-9]+", "_", value.lower()[:64]), True
    elif isinstance(value, list):
        for one in value[:20]:
            if isinstance(one, str):
                yield from _words(one, field)
    elif isinstance(value, dict):
        for name, holds in list(value.items())[:40]:
            if isinstance(holds, bool):
                yield name.lower(), holds
