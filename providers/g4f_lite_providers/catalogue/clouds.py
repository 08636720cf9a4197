"""The clouds: an address of the caller's own account."""

from __future__ import annotations

from ..row import Row
from .constants import AUDIO, CHAT, EMBEDDINGS, OLD_LIMIT, VISION

CLOUDS: dict[str, Row] = {
    "cloudflare": Row(
        label="Cloudflare Workers AI",
        url="https://developers.cloudflare.com/workers-ai",
        login_url="https://dash.cloudflare.com",
        api_base="https://api.cloudflare.com/client/v4/accounts/{CLOUDFLARE_ACCOUNT_ID}/ai/v1",
        # Cloudflare's own tools read an older kind of key, which needs an e-mail address, from CLOUDFLARE_API_KEY.
        api_key_env=("CLOUDFLARE_API_TOKEN", "CF_API_TOKEN", "CLOUDFLARE_API_KEY"),
        default_model="@cf/openai/gpt-oss-120b",
        fallback_models=("@cf/zai-org/glm-4.7-flash", "@cf/google/gemma-4-26b-a4b-it"),
        model_aliases={
            "gpt-oss-120b": "@cf/openai/gpt-oss-120b",
            "gpt-oss-20b": "@cf/openai/gpt-oss-20b",
            "glm-4.7-flash": "@cf/zai-org/glm-4.7-flash",
            "gemma-4-26b": "@cf/google/gemma-4-26b-a4b-it",
        },
        default_models={"embeddings": "@cf/qwen/qwen3-embedding-0.6b"},
        notice="set CLOUDFLARE_ACCOUNT_ID, too; without max_tokens its answers are short",
        capabilities=CHAT | VISION | EMBEDDINGS,
        renamed_parameters=OLD_LIMIT,
    ),
    "azure": Row(
        label="Azure OpenAI",
        url="https://azure.microsoft.com/products/ai-services/openai-service",
        login_url="https://portal.azure.com",
        api_base="{AZURE_OPENAI_ENDPOINT}/openai/v1",
        api_key_env=("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN", "AZURE_API_KEY"),
        automatic=False,
        notice="set AZURE_OPENAI_ENDPOINT, too; a model is the name of your deployment",
        capabilities=CHAT | VISION | EMBEDDINGS | AUDIO,
        dropped_message_fields=frozenset({"annotations", "reasoning", "reasoning_content"}),
    ),
}
