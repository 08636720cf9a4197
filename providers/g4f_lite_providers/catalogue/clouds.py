"""The clouds: an address of the caller's own account."""

from __future__ import annotations

from ..row import Row
from .constants import AUDIO, CHAT, EMBEDDINGS, MAKERS_THAT_THINK, OLD_LIMIT, REASONING, SHORT_ID, VISION
from .schemas import STRICT

_WORKERS_AI = {
    **dict.fromkeys(("3039", "3041", "3042", "5007", "5016", "5018"), "ModelUnavailableError"),
    **dict.fromkeys(("3007", "3008", "3040"), "ServerError"),
    "3006": "RequestTooLargeError",
    "3023": "PermissionDeniedError",
    "7003": "PermissionDeniedError",  # no such account
    "3036": "QuotaExceededError",
    "5005": "UnsupportedParameterError",
    "6003": "AuthenticationError",  # a 400: the key has not the form of a token
    "10000": "AuthenticationError",
}

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
        plain_text_content=True,  # a list is 400 for most of its models
        error_codes=_WORKERS_AI,
    ),
    "cloudflare-gateway": Row(
        label="Cloudflare AI Gateway",
        url="https://developers.cloudflare.com/ai-gateway",
        login_url="https://dash.cloudflare.com/?to=/:account/ai/ai-gateway",
        api_base="https://gateway.ai.cloudflare.com/v1/{CLOUDFLARE_ACCOUNT_ID}/{CLOUDFLARE_GATEWAY_ID}/compat",
        api_key_env=("CF_AIG_TOKEN", "CLOUDFLARE_API_TOKEN"),
        auth_header=("cf-aig-authorization", "Bearer "),
        notice="set CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_GATEWAY_ID, too",
        default_model="openai/gpt-5.5",
        fallback_models=("anthropic/claude-sonnet-5", "openai/gpt-5.4"),
        model_aliases={
            "gpt-oss-120b": "workers-ai/@cf/openai/gpt-oss-120b",
            "gpt-oss-20b": "workers-ai/@cf/openai/gpt-oss-20b",
            "glm-4.7-flash": "workers-ai/@cf/zai-org/glm-4.7-flash",
        },
        capabilities=CHAT | VISION,
        # It passes on what OpenAI refuses.
        dropped_message_fields=frozenset({"annotations"}) | REASONING,
        tool_call_id_form=SHORT_ID,
        thinking_models=MAKERS_THAT_THINK,
        schema_rules=STRICT,  # of whichever service answers
        error_codes={
            **_WORKERS_AI,
            "2001": "PermissionDeniedError",  # no such gateway
            "2009": "AuthenticationError",
            "2016": "ContentFilterError",  # guardrails: of the prompt, of the answer
            "2017": "ContentFilterError",
        },
        error_words={"invalid provider": "ModelUnavailableError"},
    ),
    "azure": Row(
        label="Azure OpenAI",
        url="https://azure.microsoft.com/products/ai-services/openai-service",
        login_url="https://portal.azure.com",
        api_base="{AZURE_OPENAI_ENDPOINT}/openai/v1",
        api_key_env=("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN", "AZURE_API_KEY"),
        auth_header=("api-key", ""),
        automatic=False,
        notice="set AZURE_OPENAI_ENDPOINT, too; a model is the name of your deployment",
        capabilities=CHAT | VISION | EMBEDDINGS | AUDIO,
        dropped_message_fields=frozenset({"annotations"}) | REASONING,
        tool_call_id_form=SHORT_ID,
        error_codes={
            "deploymentnotfound": "ModelUnavailableError",
            "operationnotsupported": "ModelUnavailableError",  # the deployment's model does not chat
            "responsibleaipolicyviolation": "ContentFilterError",
        },
        error_words={"temporarily blocked": "PermissionDeniedError"},  # the resource, for earlier content
        thinking_models=r"o\d|gpt-(?:[5-9]|\d\d)(?!.*-chat)",  # if the deployment has the name of its model
        # Source: learn.microsoft.com, structured outputs.
        schema_rules={**STRICT, "max_properties": 100, "max_depth": 5},
    ),
}
