"""The requests of the suites, and what the service answers."""

from __future__ import annotations

import base64
from typing import Any

from ...provider.base import Provider
from ...types.chat_request import ChatRequest
from ..shapes import Said

PROMPT = "Which day is it? Grüße, 北京 😀"
TEXT = Said(("Sun", "day\u2028 it", " ist schön ", "日曜日 ", "😀"))
CAPPED = Said(("Sunday it", " is"), finish="length")
HALF = Said(("Sunday ", "it "), finish=None)

TOKENS = (1234, 1237)
"""Completion tokens of `THOUGHT`: protocols count its three words of reasoning with the text, or apart."""
THOUGHT = Said(("Sunday " * 1231, "it is ", "so"), reasoning="Zwischen Samstag und")

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather now",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CALLS = Said(
    finish="tool_calls",
    tool_calls=(
        {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Oslo"}'}},
        {"id": "call_2", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "北京"}'}},
    ),
)

_PIXEL = base64.b64encode(b"a very small picture").decode()
_SOUND = base64.b64encode(b"a very short sound").decode()

CAPABILITIES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "tools": ({"tools": [WEATHER]}, ("get_weather", "city")),
    "json_schema": (
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {
                    "name": "day",
                    "schema": {"type": "object", "properties": {"weekday": {"type": "string"}}},
                },
            }
        },
        ("weekday",),
    ),
    "vision": (
        {
            "messages": (
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": PROMPT},
                        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{_PIXEL}"}},
                    ],
                },
            )
        },
        (PROMPT, _PIXEL),
    ),
    "audio": (
        {
            "messages": (
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": PROMPT},
                        {"type": "input_audio", "input_audio": {"data": _SOUND, "format": "wav"}},
                    ],
                },
            )
        },
        (PROMPT, _SOUND),
    ),
    "prefill": (
        {"messages": ({"role": "user", "content": PROMPT}, {"role": "assistant", "content": "It is Sun"})},
        (PROMPT, "It is Sun"),
    ),
}
"""For each capability that changes a request: parameters of the request, and texts that must be sent."""

PARAMETERS: dict[str, tuple[Any, str]] = {
    "temperature": (0.375, "0.375"),
    "top_p": (0.625, "0.625"),
    "max_tokens": (321, "321"),
    "max_completion_tokens": (322, "322"),
    "stop": ("\u23f9here", "\u23f9here"),
    "seed": (7654321, "7654321"),
    "presence_penalty": (0.125, "0.125"),
    "frequency_penalty": (0.0625, "0.0625"),
    "extra_body": ({"conformance_extra": "in-the-body"}, "in-the-body"),
}
"""For each parameter: a value, and its text in the body."""


def model_of(provider: Provider) -> str:
    """Return the default model, or any id for a provider without one, whose callers must name a model."""
    return provider.get_model_name() or "conformance-model"


def ask(provider: Provider, *prompts: str, **params: Any) -> ChatRequest:
    """Return a checked request for the provider's default model."""
    messages = (
        {"role": "system", "content": "Answer in one word."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Good day!"},
        *({"role": "user", "content": prompt} for prompt in prompts or (PROMPT,)),
    )
    return ChatRequest(**{"messages": messages, "model": model_of(provider), **params})
