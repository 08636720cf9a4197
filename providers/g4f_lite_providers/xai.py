"""xAI: OpenAI's protocol, except for tools and a few parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from g4f_lite import ContentFilterError, OpenaiTemplate, Provider, UnsupportedParameterError, hookimpl

from .catalogue.constants import FOREIGN
from .catalogue.schemas import NUMBERS, UNIONS


class XAI(OpenaiTemplate):
    """
    api.x.ai, the home of Grok.

    Source: docs.x.ai, …/developers/cost-tracking; litellm 1.106, `xai/chat/transformation.py`.
    """

    name = "xai"
    label = "xAI"
    url = "https://x.ai"
    login_url = "https://console.x.ai"
    api_base = "https://api.x.ai/v1"
    api_key_env = ("XAI_API_KEY",)
    default_model = "grok-4.3"
    fallback_models = ("grok-4.20-non-reasoning", "grok-4.6", "grok-4.7")
    capabilities = OpenaiTemplate.capabilities | {"vision", "audio"}
    unsupported_parameters = frozenset({"stop", "frequency_penalty", "presence_penalty"})  # an error since Grok 4
    dropped_message_fields = frozenset({"annotations", "name"})
    foreign_fields = FOREIGN
    known_fields = frozenset()
    reasoning_field = "reasoning_content"
    error_words = {  # its codes are sentences
        "content violates usage guidelines": ContentFilterError,
        "live search is deprecated": UnsupportedParameterError,
    }
    usage_costs = {"cost_in_usd_ticks": 1e-10}
    thinking_models = r"grok-(?!.*non-reasoning)(?:[4-9]|\d\d|3-mini|code)"
    schema_rules = {
        "applies": "always",
        "keywords": UNIONS | NUMBERS | {"const", "default", "format", "pattern"},
    }

    def adapt_body(self, body: dict[str, Any]) -> None:
        if "tools" in body:
            body["tools"] = [_without_strict(tool) for tool in body["tools"]]


def _without_strict(tool: dict[str, Any]) -> dict[str, Any]:
    function = tool.get("function")
    if not isinstance(function, dict) or "strict" not in function:
        return tool
    return {**tool, "function": {name: value for name, value in function.items() if name != "strict"}}


@hookimpl
def register_providers(register: Callable[[type[Provider] | Provider], None]) -> None:
    register(XAI)
