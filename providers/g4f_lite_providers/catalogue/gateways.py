"""Gateways: one key for the services of others."""

from __future__ import annotations

from ..row import Row
from .constants import CHAT, EMBEDDINGS, MAKERS_THAT_THINK, OLD_LIMIT, SHORT_ID, VISION
from .schemas import STRICT

GATEWAYS: dict[str, Row] = {
    "openrouter": Row(
        label="OpenRouter",
        url="https://openrouter.ai",
        login_url="https://openrouter.ai/settings/keys",
        api_base="https://openrouter.ai/api/v1",
        api_key_env=("OPENROUTER_API_KEY",),
        default_model="openrouter/auto",
        fallback_models=("openrouter/free", "openai/gpt-oss-20b:free", "google/gemma-4-31b-it:free"),
        model_aliases={
            "gpt-oss-120b": "openai/gpt-oss-120b",
            "gpt-oss-20b": "openai/gpt-oss-20b:free",
            "gemma-4-31b": "google/gemma-4-31b-it:free",
        },
        capabilities=CHAT | VISION | EMBEDDINGS,
        foreign_fields=frozenset(),
        known_fields=frozenset({"reasoning_details"}),
        reasoning_field="reasoning",
        error_codes={
            **dict.fromkeys(("provider_overloaded", "provider_unavailable"), "ServerError"),
            **dict.fromkeys(("token_limit_exceeded", "string_too_long"), "ContextWindowError"),
            "authentication": "AuthenticationError",
            "in_flight_budget_exhausted": "RateLimitError",
            "openrouter_in_flight_budget": "RateLimitError",
            "max_tokens_exceeded": "UnsupportedParameterError",
            "refusal": "ContentFilterError",
        },
        error_words={
            "can only afford 0.": "QuotaExceededError",
            "can only afford": "RequestTooLargeError",  # a 402: the credits are enough for a shorter answer
            "prompt tokens limit exceeded": "RequestTooLargeError",  # likewise, for a shorter prompt
            "no endpoints found that support": "UnsupportedParameterError",  # such as tools or images
            "no endpoints found that can handle": "UnsupportedParameterError",  # the parameters of this request
            "no endpoints found": "ModelUnavailableError",
            "no allowed providers": "ModelUnavailableError",
            "no endpoints available": "ModelUnavailableError",  # the privacy settings leave none
            "providers have been ignored": "ModelUnavailableError",
            "key limit exceeded": "QuotaExceededError",
            "input was flagged": "ContentFilterError",
        },
        usage_fields={"server_tool_use_details.web_search_requests": "web_searches"},
        usage_costs={"cost": 1},
        thinking_models=MAKERS_THAT_THINK,
        working_comments=("OPENROUTER PROCESSING",),
        schema_rules=STRICT,  # of whichever service answers
    ),
    "huggingface": Row(
        label="Hugging Face",
        url="https://huggingface.co",
        login_url="https://huggingface.co/settings/tokens",
        api_base="https://router.huggingface.co/v1",
        api_key_env=(
            "HF_TOKEN",
            "HUGGING_FACE_HUB_TOKEN",
            "HUGGINGFACE_HUB_TOKEN",
            "HUGGINGFACEHUB_API_TOKEN",
            "HUGGINGFACE_API_KEY",
        ),
        default_model="openai/gpt-oss-120b",
        fallback_models=("deepseek-ai/DeepSeek-V4-Flash", "zai-org/GLM-5.2", "Qwen/Qwen3.6-27B"),
        model_aliases={
            "gpt-oss-120b": "openai/gpt-oss-120b",
            "deepseek-v4-flash": "deepseek-ai/DeepSeek-V4-Flash",
            "glm-5.2": "zai-org/GLM-5.2",
            "qwen3.6-27b": "Qwen/Qwen3.6-27B",
        },
        capabilities=CHAT | VISION,
        renamed_parameters=OLD_LIMIT,
        error_words={"access to model": "ModelUnavailableError"},  # it is gated
        schema_rules=STRICT,  # of whichever service answers
    ),
    "vercel": Row(
        label="Vercel AI Gateway",
        url="https://vercel.com/ai-gateway",
        login_url="https://vercel.com/dashboard/ai",
        api_base="https://ai-gateway.vercel.sh/v1",
        api_key_env=("AI_GATEWAY_API_KEY", "VERCEL_OIDC_TOKEN"),
        default_model="openai/gpt-oss-120b",
        fallback_models=("google/gemini-3.5-flash", "deepseek/deepseek-v4-flash", "anthropic/claude-sonnet-5"),
        model_aliases={
            "gpt-oss-120b": "openai/gpt-oss-120b",
            "gpt-oss-20b": "openai/gpt-oss-20b",
            "deepseek-v4-flash": "deepseek/deepseek-v4-flash",
            "gemma-4-31b": "google/gemma-4-31b-it",
        },
        default_models={"embeddings": "openai/text-embedding-3-small"},
        capabilities=CHAT | VISION | EMBEDDINGS,
        known_fields=frozenset({"reasoning_details"}),
        reasoning_field="reasoning",
        tool_call_id_form=SHORT_ID,  # for OpenAI's models
        thinking_models=MAKERS_THAT_THINK,
        schema_rules=STRICT,  # of whichever service answers
        error_codes={
            "customer_verification_required": "PermissionDeniedError",
            "free_tier_model_not_available": "ModelUnavailableError",
            "no_providers_available": "ModelUnavailableError",  # a 403: not with free credits
        },
        error_words={"no resource package": "ServerError"},  # the gateway's own account at a service is empty
    ),
}
