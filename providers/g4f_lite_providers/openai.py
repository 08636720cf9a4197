"""OpenAI: the template's protocol, except that reasoning models take no sampling parameters."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from g4f_lite import OpenaiTemplate, Provider, UnsupportedParameterError, hookimpl

from .catalogue.constants import FOREIGN, REASONING, SHORT_ID

_REASONING_MODEL = re.compile(r"(?:ft:)?(?:o\d|gpt-(?:[5-9]|\d\d)(?!.*-chat))")
_SAMPLING = {"temperature": (1,), "top_p": (1,), "logprobs": (False,), "top_logprobs": (0,)}
"""Sampling parameters with their default values."""


class OpenAI(OpenaiTemplate):
    """
    api.openai.com.

    A reasoning model takes no `temperature`, `top_p` or `logprobs` unless `reasoning_effort="none"` disables
    reasoning (which not every model allows): such a call fails over to another leg.

    Source: OpenAI's page on the latest model; litellm 1.106, `gpt_5_transformation.py`; for endpoints other than chat,
    the models that genai-prices lists in November 2026.
    """

    name = "openai"
    label = "OpenAI"
    url = "https://openai.com"
    login_url = "https://platform.openai.com/settings/organization/api-keys"
    api_base = "https://api.openai.com/v1"
    api_key_env = ("OPENAI_API_KEY",)
    default_model = "gpt-6-luna"
    fallback_models = ("gpt-6.1-sol", "gpt-6-sol", "gpt-5.6-luna")
    default_models = {
        "embeddings": "text-embedding-3-small",
        "transcription": ("gpt-4o-mini-transcribe", "whisper-1"),
        "translation": "whisper-1",
        "speech": "gpt-4o-mini-tts",
        "images": ("gpt-image-2", "gpt-image-1"),
    }
    capabilities = OpenaiTemplate.capabilities | {"vision", "audio", *default_models}
    renamed_parameters = {"max_tokens": "max_completion_tokens"}  # reasoning models refuse the older name
    renamed_roles = {}
    dropped_message_fields = frozenset({"annotations"}) | REASONING
    foreign_fields = FOREIGN
    known_fields = frozenset()
    tool_call_id_form = SHORT_ID

    def adapt_body(self, body: dict[str, Any]) -> None:
        if body.get("reasoning_effort") == "none" or not _REASONING_MODEL.match(body["model"]):
            return
        for parameter, harmless in _SAMPLING.items():
            if body.get(parameter, harmless[0]) not in harmless:
                raise UnsupportedParameterError(
                    f"{body['model']} takes no {parameter} while it reasons; reasoning_effort='none' may allow it"
                )


@hookimpl
def register_providers(register: Callable[[type[Provider] | Provider], None]) -> None:
    register(OpenAI)
