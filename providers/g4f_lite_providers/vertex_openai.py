"""Vertex AI: OpenAI's protocol in a project of Google Cloud, also for models of other makers."""

from __future__ import annotations

from collections.abc import Callable

from g4f_lite import OpenaiTemplate, Provider, QuotaExceededError, hookimpl

from .google_cloud import API_BASE, InProject


class VertexOpenai(InProject, OpenaiTemplate):
    """
    The endpoint `openapi` of a project, with a token of Google Cloud.

    Parameters that it ignores are refused, so that such a call goes elsewhere.

    Source: Google Cloud's page on OpenAI libraries with Vertex AI; model ids: litellm 1.106.
    """

    name = "vertex-openai"
    label = "Vertex AI, OpenAI's protocol"
    api_base = f"{API_BASE}/endpoints/openapi"
    default_model = "google/gemini-3.8-flash"
    fallback_models = ("google/gemini-3.5-flash-lite", "openai/gpt-oss-120b-maas")
    model_aliases = {
        "gpt-oss-120b": "openai/gpt-oss-120b-maas",
        "glm-5.2": "zai-org/glm-5.2-maas",
        "deepseek-v4.1-flash": "deepseek-ai/deepseek-v4.1-flash-maas",
    }
    lists_models = False
    thinking_models = r"google/gemini-(?:2\.5|[3-9]|\d\d)(?!.*(?:flash-lite|image))"
    known_fields = frozenset({"google"})  # signatures of thoughts
    error_codes = {"billing_disabled": QuotaExceededError}
    capabilities = OpenaiTemplate.capabilities | {"vision"}
    unsupported_parameters = frozenset(
        """
        logit_bias metadata modalities parallel_tool_calls prediction prompt_cache_key safety_identifier service_tier
        store user verbosity
        """.split()
    )


@hookimpl
def register_providers(register: Callable[[type[Provider] | Provider], None]) -> None:
    register(VertexOpenai)
