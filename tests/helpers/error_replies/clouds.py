"""Clouds with an account of the caller's own."""

from __future__ import annotations

from typing import Any

from ..error_bodies import cloudflare
from .told import CONTENT, CONTEXT, DENIED, INVALID, KEY, LARGE, MODEL, PARAMETER, QUOTA, RATE, SERVER, Told, openai


def azure(code: str, message: str, **more: Any) -> Any:
    return {"error": {"code": code, "message": message, **more}}


FILTERED = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"hate": {"filtered": True}}}

CLOUDS: dict[str, list[Told]] = {
    # Cloudflare's page on the errors of Workers AI
    "cloudflare": [
        *(Told(status, cloudflare(code, "AiError: so it is"), means) for status, code, means in (
            (400, 5007, MODEL), (404, 3042, MODEL), (403, 5018, MODEL), (403, 3041, MODEL), (403, 5016, MODEL), (400, 3039, MODEL),
            (403, 3023, DENIED), (405, 5005, PARAMETER), (413, 3006, LARGE), (408, 3007, SERVER), (408, 3008, SERVER),
            (429, 3036, QUOTA), (429, 3040, SERVER), (400, 7003, DENIED), (401, 10000, KEY), (403, 10000, KEY), (400, 5004, INVALID),
        )),
        Told(413, cloudflare(5021, "The estimated number of tokens exceeded this model context window limit"), LARGE),
        Told(400, cloudflare(5021, "The estimated number of tokens exceeded this model context window limit"), CONTEXT),
        Told(429, cloudflare(10429, "Too many requests"), RATE),
    ],
    # Azure's pages on errors and content filters; issue reports
    "azure": [
        Told(401, azure("401", "Access denied due to invalid subscription key or wrong API endpoint."), KEY),
        Told(403, azure("403", "Access denied due to Virtual Network/Firewall rules."), DENIED),
        Told(403, azure("403", "Your resource has been temporarily blocked because we detected behavior that may violate our content policy."),
             DENIED),
        Told(404, azure("DeploymentNotFound", "The API deployment for this resource does not exist."), MODEL),
        Told(400, azure("OperationNotSupported", "The chatCompletion operation does not work with the specified model."), MODEL),
        Told(410, azure("ModelDeprecated", "The model of this deployment is retired."), MODEL),
        Told(400, openai("This model's maximum context length is 8192 tokens.", "context_length_exceeded"), CONTEXT),
        Told(400, azure("content_filter", "The response was filtered", innererror=FILTERED), CONTENT),
        Told(400, azure("BadRequest", "The prompt was rejected", innererror=FILTERED), CONTENT),
        Told(400, azure("unsupported_parameter", "Unsupported parameter: 'max_tokens'"), PARAMETER),
        Told(429, azure("429", "Requests have exceeded call rate limit. Please retry after 15 seconds."), RATE, 15),
        Told(429, azure("RateLimitReached", "Your requests exceeded the token rate limit. Please wait 6 seconds."), RATE, 6),
        Told(424, azure("FailedDependency", "x"), SERVER), Told(503, azure("503", "overloaded"), SERVER),
    ],
}  # fmt: skip
