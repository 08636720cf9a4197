"""Vertex AI: Gemini's protocol in a project of Google Cloud."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from g4f_lite import ChatRequest, Provider, hookimpl

from .gemini import Gemini
from .google_cloud import API_BASE, InProject
from .translation.turns import JSONObject


class Vertex(InProject, Gemini):
    """
    Gemini at `{api_base}/models/{model}:generateContent`, with a token of Google Cloud or an API key of Vertex AI.

    Source: Google Cloud's reference of Vertex AI; litellm 1.106, `vertex_ai`, for the ids of calls.
    """

    name = "vertex"
    label = "Vertex AI"
    api_base = f"{API_BASE}/publishers/google"
    default_models: Mapping[str, str] = {}
    capabilities = Gemini.capabilities - {"embeddings"}  # its request for them is another one
    error_words = InProject.error_words | Gemini.error_words
    fallback_models = ("gemini-3.5-flash-lite", "gemini-3.5-flash", "gemini-3.1-flash-lite")

    def _body(self, request: ChatRequest) -> JSONObject:
        body = super()._body(request)
        if re.search(r"gemini-[12]\b", request.model):  # with these, Vertex AI refuses the ids of calls
            for content in body["contents"]:
                for part in content["parts"]:
                    for call in ("functionCall", "functionResponse"):
                        part.get(call, {}).pop("id", None)
        return body

    def _key_header(self, key: str | None) -> dict[str, str | None]:
        if key is None or key.startswith(("AIza", "AQ.")):  # an API key
            return {"x_goog_api_key": key}
        return {"authorization": f"Bearer {key}"}


@hookimpl
def register_providers(register: Callable[[type[Provider] | Provider], None]) -> None:
    register(Vertex)
