"""Servers on the caller's own machine."""

from __future__ import annotations

from ..row import Row
from .constants import CHAT, EMBEDDINGS, OLD_LIMIT, VISION
from .schemas import GRAMMAR

_SERVER = "a server on this computer"

OWN_SERVERS: dict[str, Row] = {
    "ollama": Row(
        label="Ollama",
        url="https://ollama.com",
        api_base="http://127.0.0.1:11434/v1",
        api_key_env=("OLLAMA_API_KEY",),
        needs_auth=False,
        notice=_SERVER,
        capabilities=CHAT | VISION | EMBEDDINGS,
        renamed_parameters=OLD_LIMIT,
        error_words={
            "maximum pending requests": "RateLimitError",  # its queue is full
            "requires more system memory": "ModelUnavailableError",  # a 500
        },
        schema_rules=GRAMMAR,
    ),
    "lmstudio": Row(
        label="LM Studio",
        url="https://lmstudio.ai",
        api_base="http://127.0.0.1:1234/v1",
        api_key_env=("LM_API_TOKEN", "LM_STUDIO_API_KEY"),
        needs_auth=False,
        notice=_SERVER,
        capabilities=CHAT | VISION | EMBEDDINGS,
        renamed_parameters=OLD_LIMIT,
        # A 400 each, of a model that is gone for the moment.
        error_words=dict.fromkeys(
            ("channel error", "model has crashed", "model reloaded", "model unloaded"), "ServerError"
        ),
        schema_rules=GRAMMAR,
    ),
    "vllm": Row(
        label="vLLM",
        url="https://docs.vllm.ai",
        api_base="http://127.0.0.1:8000/v1",
        api_key_env=("VLLM_API_KEY",),
        needs_auth=False,
        notice=_SERVER,
        capabilities=CHAT | VISION | EMBEDDINGS,
    ),
    "llamacpp": Row(
        label="llama.cpp server",
        url="https://github.com/ggml-org/llama.cpp",
        api_base="http://127.0.0.1:8080/v1",
        api_key_env=("LLAMA_API_KEY",),
        needs_auth=False,
        notice=_SERVER,
        capabilities=CHAT | VISION | EMBEDDINGS,
        renamed_parameters=OLD_LIMIT,
        schema_rules=GRAMMAR,
    ),
}
