"""Makers of models."""

from __future__ import annotations

from ..row import Row
from .constants import ANY_TOOL, CHAT, EMBEDDINGS, OLD_LIMIT, REASONING, UNASKED, UNSPOKEN, VISION
from .schemas import TOLD

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
        dropped_message_fields=frozenset({"annotations", "name", "refusal"}) | REASONING,
        tool_call_id_form="[a-zA-Z0-9]{9}",  # else 400, code 3280
        refuses_empty_answers=True,
        system_first=True,  # else 400, code 3230
        bridge_after_tool="Done.",  # the same
        prefill_field="prefix",
        error_codes={
            "1500": "ModelUnavailableError",
            "unknown_model": "ModelUnavailableError",
            "3505": "RateLimitError",  # "service tier capacity": the tier of the caller
        },
        usage_fields={
            "num_cached_tokens": "prompt_tokens_details.cached_tokens",
            "prompt_audio_seconds": "audio_seconds",
        },
        thinking_models="magistral",
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
        dropped_message_fields=frozenset({"annotations"}),
        plain_text_content=True,
        reasoning_field="reasoning_content",  # a model that thinks demands it in each answer
        missing_reasoning=UNSPOKEN,
        error_words={
            "content exists risk": "ContentFilterError",
            "response_format type is unavailable": "UnsupportedParameterError",
            "must be passed back": "UnsupportedParameterError",  # reasoning that another service did not give
        },
        usage_fields={"prompt_cache_hit_tokens": "prompt_tokens_details.cached_tokens"},
        working_comments=("keep-alive",),
        schema_rules=TOLD,
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
        # Its models have fixed values for sampling, and refuse all others.
        allowed_values={
            "temperature": (1, 0.6),  # 0.6 with thinking disabled
            "top_p": (0.95,),
            "n": (1,),
            "presence_penalty": (0,),
            "frequency_penalty": (0,),
            "tool_choice": ("auto", "none"),
        },
        thinking_models=r"kimi-(?:.*thinking|k2\.[5-9]|k[3-9])",
        renamed_parameters=OLD_LIMIT,
        reasoning_field="reasoning_content",  # a model that thinks demands it in each answer with tool calls
        missing_reasoning=UNSPOKEN,
        refuses_empty_answers=True,
        prefill_field="partial",
        error_codes={
            "access_terminated_error": "PermissionDeniedError",
            "engine_overloaded_error": "ServerError",
            "exceeded_current_quota_error": "QuotaExceededError",
            "invalid_authentication_error": "AuthenticationError",
            "incorrect_api_key_error": "AuthenticationError",
            "permission_denied_error": "PermissionDeniedError",
            "rate_limit_reached_error": "RateLimitError",
            "resource_not_found_error": "ModelUnavailableError",
        },
        error_words={"reached your usage limit": "QuotaExceededError"},  # a 403: of a billing cycle
        usage_fields={"cached_tokens": "prompt_tokens_details.cached_tokens"},
    ),
    "zai": Row(
        label="Z.AI",
        url="https://z.ai",
        login_url="https://z.ai/manage-apikey/apikey-list",
        api_base="https://api.z.ai/api/paas/v4",
        api_key_env=("ZAI_API_KEY", "Z_AI_API_KEY", "ZHIPUAI_API_KEY", "ZHIPU_API_KEY"),
        default_model="glm-5.3",
        fallback_models=("glm-5.3-flash", "glm-5.2"),
        thinking_models=r"glm-(?:4\.[5-9]|[5-9])",
        capabilities=UNASKED | VISION,
        allowed_values={"tool_choice": ("auto",)},
        renamed_parameters=OLD_LIMIT,
        plain_text_content=True,  # its models without vision refuse lists
        reasoning_field="reasoning_content",
        error_codes={
            **dict.fromkeys(("1000", "1001", "1002", "1003", "1004", "1100", "1111"), "AuthenticationError"),
            **dict.fromkeys(("1110", "1112", "1121", "1220", "1300", "1313"), "PermissionDeniedError"),
            **dict.fromkeys(("1113", "1304", "1308", "1309", "1310"), "QuotaExceededError"),
            **dict.fromkeys(("1211", "1221", "1222", "1311"), "ModelUnavailableError"),
            **dict.fromkeys(("1212", "1215"), "UnsupportedParameterError"),
            **dict.fromkeys(("1120", "1200", "1230", "1234", "1312"), "ServerError"),
            **dict.fromkeys(("1302", "1303"), "RateLimitError"),
            "1261": "ContextWindowError",
            "1301": "ContentFilterError",
        },
        schema_rules=TOLD,
    ),
    "dashscope": Row(
        label="Alibaba Cloud Model Studio",
        url="https://www.alibabacloud.com/product/modelstudio",
        login_url="https://modelstudio.console.alibabacloud.com",
        api_base="https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        api_key_env=("DASHSCOPE_API_KEY",),
        default_model="qwen3.8-flash",
        fallback_models=("qwen3.8-max", "qwen3.7-plus"),
        default_models={"embeddings": "text-embedding-v4"},
        capabilities=CHAT | VISION | EMBEDDINGS,
        renamed_parameters=OLD_LIMIT,
        reasoning_field="reasoning_content",
        thinking_models=r"qwen3\.[5-9]|qwq|.*(?:thinking|-r1\b)",  # the others are told to
        error_codes={
            "accessdenied.unpurchased": "ModelUnavailableError",
            "arrearage": "QuotaExceededError",
            "allocationquota.freetieronly": "QuotaExceededError",
            "insufficient_quota": "RateLimitError",  # tokens per minute; who does not pay gets Arrearage
            "throttling.allocationquota": "RateLimitError",
            "data_inspection_failed": "ContentFilterError",
            "datainspectionfailed": "ContentFilterError",
            "model.accessdenied": "ModelUnavailableError",
            "modelnotfound": "ModelUnavailableError",
        },
        error_words={
            "only support stream": "UnsupportedParameterError",
            "for non-streaming calls": "UnsupportedParameterError",
        },
    ),
}
