"""Services with models of many makers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..row import Row
from .constants import ANY_TOOL, CHAT, EMBEDDINGS, OLD_LIMIT, UNASKED, UNSPOKEN, VISION
from .schemas import NUMBERS, STRICT, UNIONS

# Source: inference-docs.cerebras.ai/capabilities/structured-outputs; refused keywords as users report them.
_CEREBRAS: Mapping[str, Any] = {
    **STRICT,
    "keywords": UNIONS | NUMBERS | {"const"},
    "recursion": "none",
    "max_properties": 500,
    "max_enum": 500,
    "max_characters": 5000,
}
# Source: docs.fireworks.ai, structured response formatting.
_FIREWORKS: Mapping[str, Any] = {"applies": "always", "keywords": UNIONS | NUMBERS | {"const", "default", "format"}}

HOSTS: dict[str, Row] = {
    "cerebras": Row(
        label="Cerebras",
        url="https://www.cerebras.ai",
        login_url="https://cloud.cerebras.ai",
        api_base="https://api.cerebras.ai/v1",
        api_key_env=("CEREBRAS_API_KEY",),
        default_model="gpt-oss-120b",
        fallback_models=("qwen-3.8-27b",),
        model_aliases={"qwen3.8-27b": "qwen-3.8-27b"},
        capabilities=CHAT | VISION,
        unsupported_parameters=frozenset(
            {"frequency_penalty", "presence_penalty", "logit_bias", "parallel_tool_calls", "service_tier"}
        ),
        dropped_message_fields=frozenset({"annotations"}),
        reasoning_field="reasoning",
        error_codes={"wrong_api_key": "AuthenticationError", "queue_exceeded": "ServerError"},
        limit_headers={
            "requests": ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
            "tokens": ("x-ratelimit-remaining-tokens-minute", "x-ratelimit-reset-tokens-minute"),
            "requests per day": ("x-ratelimit-remaining-requests-day", "x-ratelimit-reset-requests-day"),
        },
        schema_rules=_CEREBRAS,
    ),
    "together": Row(
        label="Together AI",
        url="https://www.together.ai",
        login_url="https://api.together.ai",
        api_base="https://api.together.ai/v1",
        api_key_env=("TOGETHER_API_KEY", "TOGETHERAI_API_KEY"),
        default_model="openai/gpt-oss-120b",
        fallback_models=("zai-org/GLM-5.3-Flash", "deepseek-ai/DeepSeek-V4.1-Flash", "Qwen/Qwen3.8-Flash"),
        model_aliases={
            "gpt-oss-120b": "openai/gpt-oss-120b",
            "glm-5.3-flash": "zai-org/GLM-5.3-Flash",
            "deepseek-v4.1-flash": "deepseek-ai/DeepSeek-V4.1-Flash",
            "qwen3.8-flash": "Qwen/Qwen3.8-Flash",
        },
        capabilities=UNASKED | VISION | EMBEDDINGS,
        renamed_parameters=OLD_LIMIT,
        error_codes={
            "credit_limit": "QuotaExceededError",
            "dedicated_endpoint_not_running": "ModelUnavailableError",
            "streaming_required": "UnsupportedParameterError",
        },
        error_words={"build tier": "ModelUnavailableError"},
        usage_fields={"cached_tokens": "prompt_tokens_details.cached_tokens"},
        limit_headers={"requests": ("x-ratelimit-remaining", "x-ratelimit-reset")},
    ),
    "fireworks": Row(
        label="Fireworks AI",
        url="https://fireworks.ai",
        login_url="https://app.fireworks.ai",
        api_base="https://api.fireworks.ai/inference/v1",
        api_key_env=("FIREWORKS_API_KEY",),
        default_model="accounts/fireworks/models/glm-5p3-flash",
        fallback_models=(
            "accounts/fireworks/models/deepseek-v4p1-flash",
            "accounts/fireworks/models/minimax-m3",
            "accounts/fireworks/models/kimi-k3",
        ),
        model_aliases={
            "glm-5.3-flash": "accounts/fireworks/models/glm-5p3-flash",
            "deepseek-v4.1-flash": "accounts/fireworks/models/deepseek-v4p1-flash",
            "minimax-m3": "accounts/fireworks/models/minimax-m3",
            "kimi-k3": "accounts/fireworks/models/kimi-k3",
        },
        capabilities=CHAT | VISION | EMBEDDINGS,
        renamed_parameters=OLD_LIMIT,
        renamed_values=ANY_TOOL,
        reasoning_field="reasoning_content",  # it refuses `reasoning`
        error_words={
            "is suspended": "QuotaExceededError",  # a 412, for bills or the spending limit
            "must have stream=true": "UnsupportedParameterError",  # a long answer
        },
        schema_rules=_FIREWORKS,
    ),
    "deepinfra": Row(
        label="DeepInfra",
        url="https://deepinfra.com",
        login_url="https://deepinfra.com/dash/api_keys",
        api_base="https://api.deepinfra.com/v1/openai",
        api_key_env=("DEEPINFRA_API_KEY", "DEEPINFRA_TOKEN", "DEEPINFRA_API_TOKEN"),
        default_model="openai/gpt-oss-120b",
        fallback_models=(
            "deepseek-ai/DeepSeek-V4.1-Flash",
            "zai-org/GLM-5.2",
            "meta-llama/Llama-3.3-70B-Instruct-Turbo",
        ),
        model_aliases={
            "gpt-oss-120b": "openai/gpt-oss-120b",
            "gpt-oss-20b": "openai/gpt-oss-20b",
            "deepseek-v4.1-flash": "deepseek-ai/DeepSeek-V4.1-Flash",
            "glm-5.2": "zai-org/GLM-5.2",
            "llama-3.3-70b": "meta-llama/Llama-3.3-70B-Instruct-Turbo",
        },
        capabilities=CHAT | VISION | EMBEDDINGS,
        allowed_values={"tool_choice": ("auto", "none")},
        renamed_parameters=OLD_LIMIT,
        error_words={"inference prohibited": "QuotaExceededError"},
        usage_costs={"estimated_cost": 1},
    ),
    "sambanova": Row(
        label="SambaNova",
        url="https://sambanova.ai",
        login_url="https://cloud.sambanova.ai/apis",
        api_base="https://api.sambanova.ai/v1",
        api_key_env=("SAMBANOVA_API_KEY",),
        default_model="gpt-oss-120b",
        fallback_models=("Meta-Llama-3.3-70B-Instruct", "MiniMax-M2.7", "DeepSeek-V3.1"),
        model_aliases={
            "llama-3.3-70b": "Meta-Llama-3.3-70B-Instruct",
            "minimax-m2.7": "MiniMax-M2.7",
            "deepseek-v3.1": "DeepSeek-V3.1",
        },
        capabilities=CHAT,
        renamed_parameters=OLD_LIMIT,
        plain_text_content=True,
        limit_headers={
            "requests": ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
            "requests per day": ("x-ratelimit-remaining-requests-day", "x-ratelimit-reset-requests-day"),
        },
    ),
    "nvidia": Row(
        label="NVIDIA NIM",
        url="https://build.nvidia.com",
        login_url="https://build.nvidia.com/settings/api-keys",
        api_base="https://integrate.api.nvidia.com/v1",
        api_key_env=("NVIDIA_API_KEY", "NVIDIA_NIM_API_KEY", "NGC_API_KEY"),
        default_model="openai/gpt-oss-120b",
        fallback_models=("nvidia/nemotron-3-super-120b-a12b", "meta/llama-3.3-70b-instruct", "minimaxai/minimax-m3"),
        model_aliases={
            "gpt-oss-120b": "openai/gpt-oss-120b",
            "nemotron-3-super-120b": "nvidia/nemotron-3-super-120b-a12b",
            "llama-3.3-70b": "meta/llama-3.3-70b-instruct",
            "minimax-m3": "minimaxai/minimax-m3",
        },
        capabilities=CHAT | VISION | EMBEDDINGS,
        renamed_parameters=OLD_LIMIT,
        plain_text_content=True,  # some of its models want it
        error_words={
            "degraded function": "ServerError",  # a 400
            "credits expired": "QuotaExceededError",
        },
    ),
    "nebius": Row(
        label="Nebius Token Factory",
        url="https://nebius.com",
        login_url="https://tokenfactory.nebius.com",
        api_base="https://api.tokenfactory.nebius.com/v1",
        api_key_env=("NEBIUS_API_KEY",),
        default_model="openai/gpt-oss-120b",
        fallback_models=(
            "zai-org/GLM-5.3-Flash",
            "deepseek-ai/DeepSeek-V4.1-Flash",
            "Qwen/Qwen3-235B-A22B-Instruct-2507",
        ),
        model_aliases={
            "gpt-oss-120b": "openai/gpt-oss-120b",
            "glm-5.3-flash": "zai-org/GLM-5.3-Flash",
            "deepseek-v4.1-flash": "deepseek-ai/DeepSeek-V4.1-Flash",
            "qwen3-235b": "Qwen/Qwen3-235B-A22B-Instruct-2507",
        },
        capabilities=CHAT | VISION | EMBEDDINGS,
        renamed_parameters=OLD_LIMIT,
    ),
    "novita": Row(
        label="Novita AI",
        url="https://novita.ai",
        login_url="https://novita.ai/settings/key-management",
        api_base="https://api.novita.ai/openai/v1",
        api_key_env=("NOVITA_API_KEY",),
        default_model="openai/gpt-oss-120b",
        fallback_models=("zai-org/glm-5.3", "deepseek/deepseek-v4-flash", "minimax/minimax-m3"),
        model_aliases={
            "gpt-oss-120b": "openai/gpt-oss-120b",
            "gpt-oss-20b": "openai/gpt-oss-20b",
            "glm-5.3": "zai-org/glm-5.3",
            "deepseek-v4-flash": "deepseek/deepseek-v4-flash",
            "minimax-m3": "minimax/minimax-m3",
        },
        capabilities=CHAT | VISION | EMBEDDINGS,
        renamed_parameters=OLD_LIMIT,
        error_codes={
            "failed_to_auth": "AuthenticationError",
            "model_access_denied": "ModelUnavailableError",
            "not_enough_balance": "QuotaExceededError",  # a 403
            "server_overloaded": "ServerError",
            "service_not_available": "ServerError",
        },
    ),
    "siliconflow": Row(
        label="SiliconFlow",
        url="https://www.siliconflow.com",
        login_url="https://cloud.siliconflow.com/account/ak",
        api_base="https://api.siliconflow.com/v1",
        api_key_env=("SILICONFLOW_API_KEY",),
        default_model="openai/gpt-oss-120b",
        fallback_models=("zai-org/GLM-5.2", "deepseek-ai/DeepSeek-V4-Flash", "Qwen/Qwen3.6-27B"),
        model_aliases={
            "gpt-oss-120b": "openai/gpt-oss-120b",
            "gpt-oss-20b": "openai/gpt-oss-20b",
            "glm-5.2": "zai-org/GLM-5.2",
            "deepseek-v4-flash": "deepseek-ai/DeepSeek-V4-Flash",
            "qwen3.6-27b": "Qwen/Qwen3.6-27B",
        },
        default_models={"embeddings": "Qwen/Qwen3-Embedding-8B"},
        capabilities=UNASKED | VISION | EMBEDDINGS,
        renamed_parameters=OLD_LIMIT,
        reasoning_field="reasoning_content",
        error_codes={"20012": "ModelUnavailableError", "30001": "QuotaExceededError"},
        error_words={"max_seq_len": "ContextWindowError"},
    ),
    "baseten": Row(
        label="Baseten",
        url="https://www.baseten.co",
        login_url="https://app.baseten.co/settings/api_keys",
        api_base="https://inference.baseten.co/v1",
        api_key_env=("BASETEN_API_KEY",),
        default_model="openai/gpt-oss-120b",
        fallback_models=("zai-org/GLM-5.3-Flash", "deepseek-ai/DeepSeek-V4.1-Flash", "moonshotai/Kimi-K3"),
        model_aliases={
            "gpt-oss-120b": "openai/gpt-oss-120b",
            "glm-5.2": "zai-org/GLM-5.2",
            "glm-5.3": "zai-org/GLM-5.3",
            "glm-5.3-flash": "zai-org/GLM-5.3-Flash",
            "deepseek-v4.1-flash": "deepseek-ai/DeepSeek-V4.1-Flash",
            "kimi-k3": "moonshotai/Kimi-K3",
        },
        capabilities=CHAT,
        unsupported_parameters=frozenset(
            """
            audio function_call functions logit_bias logprobs metadata modalities n parallel_tool_calls prediction
            prompt_cache_key safety_identifier service_tier store top_logprobs verbosity web_search_options
            """.split()
        ),
        renamed_parameters=OLD_LIMIT,
        reasoning_field="reasoning_content",
        missing_reasoning=UNSPOKEN,  # its DeepSeek demands it in each answer
        error_words={"max_tokens (": "UnsupportedParameterError"},  # the limit of a model
    ),
    "friendli": Row(
        label="Friendli",
        url="https://friendli.ai",
        login_url="https://friendli.ai/suite/setting/tokens",
        api_base="https://api.friendli.ai/serverless/v1",
        api_key_env=("FRIENDLI_TOKEN",),
        default_model="zai-org/GLM-5.3-Flash",
        fallback_models=("zai-org/GLM-5.3", "google/gemma-4-31B-it"),
        model_aliases={
            "glm-5.2": "zai-org/GLM-5.2",
            "glm-5.3": "zai-org/GLM-5.3",
            "glm-5.3-flash": "zai-org/GLM-5.3-Flash",
            "gemma-4-31b": "google/gemma-4-31B-it",
        },
        capabilities=CHAT,
        renamed_parameters=OLD_LIMIT,
        reasoning_field="reasoning_content",
    ),
    "scaleway": Row(
        label="Scaleway",
        url="https://www.scaleway.com/en/generative-apis",
        login_url="https://console.scaleway.com/iam/api-keys",
        api_base="https://api.scaleway.ai/v1",
        api_key_env=("SCALEWAY_API_KEY", "SCW_SECRET_KEY"),
        default_model="gpt-oss-120b",
        fallback_models=("qwen3.6-35b-a3b", "llama-3.3-70b-instruct", "mistral-small-3.2-24b-instruct-2506"),
        model_aliases={"gemma-4-26b": "gemma-4-26b-a4b-it", "llama-3.3-70b": "llama-3.3-70b-instruct"},
        default_models={"embeddings": "qwen3-embedding-8b"},
        capabilities=CHAT | VISION | EMBEDDINGS,
        unsupported_parameters=frozenset({"frequency_penalty", "n", "top_logprobs", "logit_bias", "user"}),
        renamed_parameters=OLD_LIMIT,
        error_words={
            "exceeded your current quota": "RateLimitError",  # of a minute
            "max_completion_tokens is limited": "UnsupportedParameterError",  # a 416
        },
    ),
    "pollinations": Row(
        label="Pollinations",
        url="https://pollinations.ai",
        login_url="https://enter.pollinations.ai",
        api_base="https://gen.pollinations.ai/v1",
        api_key_env=("POLLINATIONS_API_KEY",),
        default_model="openai",
        fallback_models=("openai-fast", "deepseek"),
        capabilities=UNASKED | VISION,
        error_words={"tier not high enough": "ModelUnavailableError"},  # a 402
        schema_rules=STRICT,
    ),
    "hyperbolic": Row(
        label="Hyperbolic",
        url="https://www.hyperbolic.ai",
        login_url="https://app.hyperbolic.ai",
        api_base="https://api.hyperbolic.xyz/v1",
        api_key_env=("HYPERBOLIC_API_KEY",),
        automatic=False,
        notice="it has had no new model since mid-2025, and so is used only when named",
        default_model="meta-llama/Llama-3.3-70B-Instruct",
        fallback_models=("deepseek-ai/DeepSeek-V3-0324", "Qwen/Qwen2.5-72B-Instruct"),
        model_aliases={
            "llama-3.3-70b": "meta-llama/Llama-3.3-70B-Instruct",
            "deepseek-v3": "deepseek-ai/DeepSeek-V3-0324",
            "qwen2.5-72b": "Qwen/Qwen2.5-72B-Instruct",
        },
        capabilities=CHAT,
        renamed_parameters=OLD_LIMIT,
    ),
    "ovhcloud": Row(
        label="OVHcloud AI Endpoints",
        url="https://www.ovhcloud.com",
        login_url="https://www.ovh.com/manager",
        api_base="https://oai.endpoints.kepler.ai.cloud.ovh.net/v1",
        api_key_env=("OVHCLOUD_API_KEY", "OVH_AI_ENDPOINTS_ACCESS_TOKEN"),
        needs_auth=False,
        notice="works without a key, within limits, and so is used only when named",
        default_model="gpt-oss-120b",
        fallback_models=("Meta-Llama-3_3-70B-Instruct", "gpt-oss-20b"),
        model_aliases={"llama-3.3-70b": "Meta-Llama-3_3-70B-Instruct"},
        default_models={"embeddings": "Qwen3-Embedding-8B"},
        capabilities=CHAT | EMBEDDINGS,
        renamed_parameters=OLD_LIMIT,
    ),
}
