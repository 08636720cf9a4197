"""
What LiteLLM's prefixes of models stand for, and why a setting has no counterpart.

Source: docs.litellm.ai, "All settings" and "Providers".
"""

from __future__ import annotations

SERVICES = {
    **{
        name: name
        for name in (
            "openai azure anthropic gemini bedrock groq mistral deepseek xai cohere moonshot zai dashscope minimax "
            "openrouter deepinfra sambanova huggingface nebius novita cerebras siliconflow baseten scaleway ollama "
            "vllm cloudflare hyperbolic ovhcloud"
        ).split()
    },
    "cohere_chat": "cohere", "custom_openai": "openai", "fireworks_ai": "fireworks", "friendliai": "friendli",
    "hosted_vllm": "vllm", "llamafile": "llamacpp", "lm_studio": "lmstudio", "nvidia_nim": "nvidia",
    "ollama_chat": "ollama", "openai_like": "openai", "together_ai": "together", "vercel_ai_gateway": "vercel",
    "vertex_ai": "vertex", "xinference": "openai",
}  # fmt: skip
"""Ours, by theirs."""
GUESSED = (("gpt-", "openai"), ("o1", "openai"), ("o3", "openai"), ("o4", "openai"), ("chatgpt-", "openai"),
           ("text-embedding-", "openai"), ("whisper-", "openai"), ("dall-e-", "openai"), ("tts-", "openai"),
           ("claude-", "anthropic"), ("gemini-", "vertex"), ("command-", "cohere"))  # fmt: skip
"""Ours, by how a model without a prefix begins."""
STRATEGIES = {
    "simple-shuffle": "weighted", "least-busy": "least_busy", "latency-based-routing": "fastest",
    "cost-based-routing": "cheapest",
}  # fmt: skip
"""Ours, by theirs; the first one is theirs if nothing is said."""
ADDRESSES = {"azure": "/openai/v1", "ollama": "/v1", "lmstudio": "/v1", "vllm": "/v1", "llamacpp": "/v1"}
"""What our address of a service ends with, where theirs may not."""

_NOTHING = "there is nothing like it here"
_LOGS = "the log has a line of JSON for each call; for traces and metrics see docs/observability.md"
_CACHE = "answers are not cached"
_DATABASE = "there is no database; keys and what they have used are in files, or in Redis"
_LEARNED = "the limits of a service are learned from its answers; what you know of them goes into [client] limits"
_RESTS = "how long a failing route rests is said by [client] breaker"
_BUDGET = "set budget of a key or a team, or [client] budget for all of them"
REASONS = {
    "litellm_params.rpm": _LEARNED,
    "litellm_params.tpm": _LEARNED,
    "litellm_params.api_version": "the service's newer interface has no versions",
    "litellm_params.max_tokens": "set max_tokens of the model; it bounds what callers may ask for, too",
    "litellm_params.weight": "the routes of a model are taken equally often",
    "litellm_params.order": "write the routes one behind the other, not in one list",
    "litellm_params.litellm_credential_name": "name the variable of the key in [providers] or [client] keys",
    "litellm_params.timeout": "[client] timeouts are for all calls",
    "litellm_params.stream_timeout": "[client] timeouts are for all calls",
    "litellm_params.max_retries": "[client] retries is for all calls",
    **dict.fromkeys(
        ("litellm_params.aws_region_name", "litellm_params.vertex_project", "litellm_params.vertex_location",
         "litellm_params.aws_access_key_id", "litellm_params.aws_secret_access_key", "litellm_params.aws_session_token",
         "litellm_params.vertex_credentials"),
        "address and key of this service come from the environment: `g4f-lite serve --check` names the variables",
    ),
    "credential_list": "name the variable of the key in [providers] or [client] keys",
    "model_info": "prices and capabilities come from the tables of the library; "
    "a service of your own has no price: see unknown_price",
    "routing_strategy_args": "the strategies have no arguments",
    "include": "the files that it names are not read: import each",
    "retry_policy": "which failure is retried, and how often, is fixed: docs/failover.md",
    "allowed_fails": _RESTS,
    "allowed_fails_policy": _RESTS,
    "cooldown_time": _RESTS,
    "disable_cooldowns": _RESTS,
    "enable_pre_call_checks": "the next route is tried if a prompt is too long; put one with a larger window behind",
    "context_window_fallbacks": "there is one order of routes for all failures: put them behind those of the model",
    "content_policy_fallbacks": "there is one order of routes for all failures: put them behind those of the model",
    "drop_params": "a parameter that a model does not take leads to the next route, or is an error",
    "cache": _CACHE, "cache_params": _CACHE, "cache_responses": _CACHE,
    "callbacks": _LOGS, "success_callback": _LOGS, "failure_callback": _LOGS, "service_callbacks": _LOGS,
    "json_logs": _LOGS, "set_verbose": _LOGS, "turn_off_message_logging": "nothing that is said is ever logged",
    "database_url": "virtual keys are in that database, as hashes: make new ones with `g4f-lite gateway keys new`",
    "database_connection_pool_limit": _DATABASE, "store_model_in_db": _DATABASE, "disable_spend_logs": _DATABASE,
    "redis_password": "write it into [server] shared = \"redis://:PASSWORD@HOST:PORT/0\"",
    "max_parallel_requests": "set parallel of a key, or [server] max_in_flight",
    "global_max_parallel_requests": "set [server] max_in_flight",
    "max_budget": _BUDGET,
    "budget_duration": _BUDGET,
    "background_health_checks": "health checks ask no service",
    "health_check_interval": "health checks ask no service",
    "environment_variables": "set it in the environment of the gateway",
}  # fmt: skip
"""By a setting's own name, or that of its table and its own."""


def reason(path: tuple[str, ...]) -> str:
    """Return why a setting is not carried over."""
    names = (".".join(path[-2:]), path[-1], *reversed(path))
    return next((REASONS[name] for name in names if name in REASONS), _NOTHING)
