"""Makers of models."""

from __future__ import annotations

from ..row import Row
from .constants import ANY_TOOL, CHAT, EMBEDDINGS, OLD_LIMIT, UNASKED, VISION

MAKERS: dict[str, Row] = {
    "mistral": Row(
        label="Mistral",
        url="https://mistral.ai",
        login_url="https://console.mistral.ai/api-keys",
        api_base="https://api.mistral.ai/v1",
        api_key_env=("MISTRAL_API_KEY",),
        default_model="mistral-small-latest",
        default_models={"embeddings": "mistral-embed"},
        fallback_models=("mistral-medium-latest", "mistral-large-latest", "ministral-8b-latest"),
        capabilities=UNASKED | VISION | EMBEDDINGS,
        # It refuses every field that it does not know.
        unsupported_parameters=frozenset(
            """
            audio function_call functions logit_bias logprobs metadata modalities prompt_cache_key
            safety_identifier service_tier store top_logprobs user verbosity web_search_options
            """.split()
        ),
        renamed_parameters=OLD_LIMIT | {"seed": "random_seed"},
        endpoint_parameters={"embeddings": {"dimensions": "output_dimension", "user": None}},
        renamed_values=ANY_TOOL,
        dropped_message_fields=frozenset({"annotations", "name", "reasoning", "reasoning_content", "refusal"}),
    ),
    "deepseek": Row(
        label="DeepSeek",
        url="https://www.deepseek.com",
        login_url="https://platform.deepseek.com/api_keys",
        api_base="https://api.deepseek.com",
        api_key_env=("DEEPSEEK_API_KEY",),
        default_model="deepseek-v4-flash",
        fallback_models=("deepseek-v4-pro",),
        capabilities=UNASKED | VISION,
        renamed_parameters=OLD_LIMIT,
        # reasoning_content stays: it must be sent back to a model that thinks.
        dropped_message_fields=frozenset({"annotations", "reasoning"}),
    ),
    "moonshot": Row(
        label="Moonshot AI",
        url="https://www.moonshot.ai",
        login_url="https://platform.moonshot.ai",
        api_base="https://api.moonshot.ai/v1",
        api_key_env=("MOONSHOT_API_KEY", "KIMI_API_KEY"),
        default_model="kimi-k3",
        fallback_models=("kimi-k2.6",),
        capabilities=CHAT | VISION,
        unsupported_parameters=frozenset({"functions", "function_call"}),
        renamed_parameters=OLD_LIMIT,
    ),
    "zai": Row(
        label="Z.AI",
        url="https://z.ai",
        login_url="https://z.ai/manage-apikey/apikey-list",
        api_base="https://api.z.ai/api/paas/v4",
        api_key_env=("ZAI_API_KEY", "Z_AI_API_KEY", "ZHIPUAI_API_KEY", "ZHIPU_API_KEY"),
        default_model="glm-5.3",
        fallback_models=("glm-5.3-flash", "glm-5.2"),
        capabilities=UNASKED - {"json_schema"} | VISION,
        renamed_parameters=OLD_LIMIT,
    ),
}
