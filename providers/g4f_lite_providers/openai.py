"""OpenAI: the template's protocol, except that reasoning models take no sampling parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from g4f_lite import (
    ContentFilterError,
    HTTPRequest,
    OpenaiTemplate,
    PermissionDeniedError,
    Provider,
    QuotaExceededError,
    RateLimitError,
    UnsupportedParameterError,
    hookimpl,
)

from .catalogue.constants import FOREIGN, REASONING, SHORT_ID
from .catalogue.schemas import FORMATS, LOOKAROUND, NUMBERS, STRICT, UNIONS

if TYPE_CHECKING:
    from g4f_lite import EndpointRequest, TranscriptionRequest

_REASONING_MODEL = re.compile(r"(?:ft:)?(?:o\d|gpt-(?:[5-9]|\d\d)(?!.*-chat))")
_SAMPLING = {"temperature": (1,), "top_p": (1,), "logprobs": (False,), "top_logprobs": (0,)}
"""Sampling parameters with their default values."""
_RULES: Mapping[str, Any] = {
    **STRICT,
    "keywords": UNIONS | NUMBERS | {"const", "format", "maxItems", "minItems", "pattern"},
    "formats": FORMATS,
    "refused_patterns": LOOKAROUND,
    "max_characters": 120_000,
}


class OpenAI(OpenaiTemplate):
    """
    api.openai.com.

    A reasoning model takes no `temperature`, `top_p` or `logprobs` unless `reasoning_effort="none"` disables
    reasoning (which not every model allows): such a call fails over to another leg.

    Source: OpenAI's pages on the latest model, on error codes and on structured outputs; litellm 1.106,
    `gpt_5_transformation.py`; for endpoints other than chat, the models that genai-prices lists in November 2026.
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
        "transcription": ("gpt-4o-mini-transcribe", "whisper-1", "gpt-4o-transcribe-diarize"),
        "translation": "whisper-1",
        "speech": "gpt-4o-mini-tts",
        "images": ("gpt-image-2", "gpt-image-1"),
        "image_edits": ("gpt-image-2", "gpt-image-1"),
    }
    capabilities = OpenaiTemplate.capabilities | {"vision", "audio", *default_models}
    renamed_parameters = {"max_tokens": "max_completion_tokens"}  # reasoning models refuse the older name
    renamed_roles = {}
    dropped_message_fields = frozenset({"annotations"}) | REASONING
    foreign_fields = FOREIGN
    known_fields = frozenset()
    tool_call_id_form = SHORT_ID
    error_codes = {
        **dict.fromkeys(
            (
                "billing_not_active",
                "credit_balance_exhausted",
                "organization_spend_limit_exceeded",
                "organization_usage_limit_exceeded",
                "project_spend_limit_exceeded",
            ),
            QuotaExceededError,
        ),
        **dict.fromkeys(("access_terminated", "account_deactivated", "ip_not_authorized"), PermissionDeniedError),
        **dict.fromkeys(
            ("bio_policy", "cyber_policy", "invalid_prompt", "misalignment_policy_violation", "moderation_blocked"),
            ContentFilterError,
        ),
        "slow_down": RateLimitError,
        "resource_unavailable": UnsupportedParameterError,  # a 429 of the tier flex
        "invalid_image_url": UnsupportedParameterError,  # another service may be able to fetch it
    }
    error_words = {"organization must be verified": PermissionDeniedError}
    thinking_models = _REASONING_MODEL.pattern

    schema_rules = _RULES

    def schema_rules_for(self, model: str) -> Mapping[str, Any]:
        # Fine-tuned models take no restrictions of values.
        return STRICT if model.startswith("ft:") and self.schema_rules is _RULES else self.schema_rules

    def build_operation(self, request: EndpointRequest, *, key: str | None) -> HTTPRequest:
        from g4f_lite import (  # imported late: chats do not need them
            ImageEditRequest,
            ImageRequest,
            TranscriptionRequest,
        )

        if isinstance(request, TranscriptionRequest):
            request = _fit_transcription(request)
        elif (
            isinstance(request, (ImageRequest, ImageEditRequest))
            and request.model.startswith("gpt-image")
            and request.response_format
        ):
            if request.response_format == "url":
                raise UnsupportedParameterError(f"{request.model} takes response_format='b64_json' only")
            request = msgspec.structs.replace(request, response_format=None)  # it knows the value, not the parameter
        return super().build_operation(request, key=key)

    def adapt_body(self, body: dict[str, Any]) -> None:
        if body.keys().isdisjoint(_SAMPLING):
            return
        if body.get("reasoning_effort") == "none" or not _REASONING_MODEL.match(body["model"]):
            return
        for parameter, harmless in _SAMPLING.items():
            if body.get(parameter, harmless[0]) not in harmless:
                raise UnsupportedParameterError(
                    f"{body['model']} takes no {parameter} while it reasons; reasoning_effort='none' may allow it"
                )


def _fit_transcription(request: TranscriptionRequest) -> TranscriptionRequest:
    """
    Return a request that its model takes, so that no file is sent in vain.

    Raises:
        UnsupportedParameterError: the model does not have this form of answer.

    Source: OpenAI's API reference: `response_format`, and `chunking_strategy`, which long recordings need.
    """
    wanted, model = request.response_format, request.model
    formats: tuple[str, ...]
    if "diarize" in model:
        formats, takes_speakers = ("json", "text", "diarized_json"), True
    elif "transcribe" in model:
        formats, takes_speakers = ("json", "text"), False
    elif model.startswith("whisper"):
        formats, takes_speakers = ("json", "text", "srt", "verbose_json", "vtt"), False
    else:
        return request
    if wanted is not None and wanted not in formats:
        raise UnsupportedParameterError(f"{model} gives no {wanted}")
    if not takes_speakers:
        if request.known_speaker_names or request.known_speaker_references:
            raise UnsupportedParameterError(f"{model} tells no speakers apart")
        return request
    if request.prompt is not None:
        raise UnsupportedParameterError(f"{model} takes no prompt")
    return msgspec.structs.replace(request, chunking_strategy=request.chunking_strategy or "auto")


@hookimpl
def register_providers(register: Callable[[type[Provider] | Provider], None]) -> None:
    register(OpenAI)
