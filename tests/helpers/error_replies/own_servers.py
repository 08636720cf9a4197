"""Servers on the caller's own machine, which give no limits and take no money."""

from __future__ import annotations

from typing import Any

from .told import CONTEXT, KEY, LOADING, MODEL, PARAMETER, RATE, SERVER, Told, openai


def vllm(code: int, type: str, message: str) -> Any:
    return {"object": "error", "message": message, "type": type, "param": None, "code": code}


OWN_SERVERS: dict[str, list[Told]] = {
    # Ollama's page on errors; issue reports
    "ollama": [
        Told(401, {"error": "unauthorized", "signin_url": "https://ollama.com/connect"}, KEY),
        Told(404, {"error": {"message": "model 'x' not found", "type": "not_found_error", "param": None, "code": None}}, MODEL),
        Told(400, openai("prompt too long; exceeded max context length by 9 tokens"), CONTEXT),
        Told(400, openai("registry.ollama.ai/library/x does not support tools"), PARAMETER),
        Told(503, {"error": "server busy, please try again.  maximum pending requests exceeded"}, RATE),
        Told(500, openai("model requires more system memory (8.4 GiB) than is available (5.1 GiB)", type="api_error"), MODEL),
        Told(500, {"error": {"message": "llm server loading model", "type": "api_error"}}, LOADING),
    ],
    # LM Studio's bug tracker
    "lmstudio": [
        Told(404, openai("Model x not found", "model_not_found"), MODEL),
        Told(400, {"error": "The number of tokens to keep from the initial prompt is greater than the context length."}, CONTEXT),
        Told(200, {"error": "Unexpected endpoint or method. (POST /chat/completions)"}, SERVER),
        Told(400, {"error": "The model has crashed without additional information. (Exit code: 6)"}, SERVER),
        Told(400, {"error": "Model unloaded."}, SERVER),
        Told(400, {"error": "Channel Error"}, SERVER),
    ],
    # vLLM's source; issue reports
    "vllm": [
        Told(401, {"error": "Unauthorized"}, KEY),
        Told(404, vllm(404, "NotFoundError", "The model `x` does not exist."), MODEL),
        Told(404, {"error": vllm(404, "NotFoundError", "The model `x` does not exist.")}, MODEL),
        Told(400, vllm(400, "BadRequestError", "This model's maximum context length is 4096 tokens."), CONTEXT),
        Told(400, vllm(400, "BadRequestError", "The decoder prompt (length 5000) is longer than the maximum model length of 4096."), CONTEXT),
        Told(503, vllm(503, "ServiceUnavailableError", "The engine is dead"), SERVER),
    ],
    # llama.cpp's server, README and source
    "llamacpp": [
        Told(401, {"error": {"code": 401, "message": "Invalid API Key", "type": "authentication_error"}}, KEY),
        Told(404, {"error": {"code": 404, "message": "model 'x' not found", "type": "not_found_error"}}, MODEL),
        Told(400, {"error": {"code": 400, "message": "the request exceeds it", "type": "exceed_context_size_error", "n_ctx": 9}}, CONTEXT),
        Told(501, {"error": {"code": 501, "message": "This server does not support it", "type": "not_supported_error"}}, PARAMETER),
        Told(503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}, LOADING),
    ],
}  # fmt: skip
