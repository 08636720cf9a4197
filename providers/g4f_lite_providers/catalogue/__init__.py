"""
The catalogue: all bundled providers, in the order in which a call without a provider tries them. Data only.

A provider that speaks OpenAI's protocol is a row of constants; one with code of its own is the name of its
module. As of November 2026: docs/providers.md.
"""

from __future__ import annotations

from ..row import Row
from .clouds import CLOUDS
from .gateways import GATEWAYS
from .hosts import HOSTS
from .makers import MAKERS
from .own_servers import OWN_SERVERS
from .retired import RETIRED

_PACKAGE = "g4f_lite_providers"
_MODULES = (
    "groq",
    "openai",
    "anthropic",
    "gemini",
    "xai",
    "cohere",
    "minimax",
    "bedrock",
    "vertex",
    "vertex-openai",
    "local",
)
_ORDER = """
    groq cerebras
    openai anthropic gemini mistral deepseek xai cohere moonshot zai dashscope minimax
    openrouter together fireworks deepinfra sambanova nvidia huggingface nebius novita siliconflow baseten
    friendli scaleway vercel bedrock vertex vertex-openai cloudflare cloudflare-gateway pollinations
    azure hyperbolic ovhcloud ollama lmstudio vllm llamacpp
    perplexity github
    local
"""
"""Fast and with a free tier; makers of models; services with models of many makers; used only when named; gone."""

_ENTRIES: dict[str, str | Row] = {
    **{name: f"{_PACKAGE}.{name.replace('-', '_')}" for name in _MODULES},
    **MAKERS,
    **GATEWAYS,
    **HOSTS,
    **CLOUDS,
    **OWN_SERVERS,
    **RETIRED,
}
BUNDLED: dict[str, str | Row] = {name: _ENTRIES[name] for name in _ORDER.split()}
