"""Clouds with an account of the caller's own."""

from __future__ import annotations

from typing import Any

from ..error_bodies import cloudflare, google, retry_info
from .told import (
    CONTENT,
    CONTEXT,
    DENIED,
    INVALID,
    KEY,
    LARGE,
    LOADING,
    MODEL,
    PARAMETER,
    QUOTA,
    RATE,
    SERVER,
    Told,
    openai,
)


def azure(code: str, message: str, **more: Any) -> Any:
    return {"error": {"code": code, "message": message, **more}}


def aws(status: int, kind: str, message: str, means: Any, field: str = "message") -> Told:
    headers = {"x-amzn-errortype": f"{kind}:http://internal.amazon.com/coral/com.amazon.bedrock/"} if kind else {}
    return Told(status, {field: message}, means, headers=headers)


def reason(name: str) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": name, "domain": "googleapis.com"}


FILTERED = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"hate": {"filtered": True}}}

# Google Cloud's page on API errors; issue reports of python-genai, Gemini CLI, litellm, uni-api, Genkit
VERTEX = [
    Told(401, google(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.", reason("ACCESS_TOKEN_EXPIRED")), KEY),
    Told(401, google(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.", reason("ACCESS_TOKEN_TYPE_UNSUPPORTED")), KEY),
    Told(403, google(403, "PERMISSION_DENIED", "Permission 'aiplatform.endpoints.predict' denied on resource '//aiplatform.googleapis.com/projects/p' "
         "(or it may not exist).", reason("IAM_PERMISSION_DENIED")), DENIED),
    Told(403, google(403, "PERMISSION_DENIED", "Vertex AI API has not been used in project p before or it is disabled.", reason("SERVICE_DISABLED")),
         DENIED),
    Told(403, google(403, "PERMISSION_DENIED", "This API method requires billing to be enabled.", reason("BILLING_DISABLED")), QUOTA),
    Told(404, google(404, "NOT_FOUND", "Publisher Model `projects/p/locations/l/publishers/google/models/x` was not found or your project "
         "does not have access to it."), MODEL),
    Told(400, google(400, "FAILED_PRECONDITION", "Project `1` is not allowed to use Publisher Model `projects/p/models/x`"), MODEL),
    Told(400, google(400, "INVALID_ARGUMENT", "The input token count (25270) exceeds the maximum number of tokens allowed (4000)."), CONTEXT),
    Told(400, google(400, "INVALID_ARGUMENT", "The input token count exceeds the maximum number of tokens allowed 1048576."), CONTEXT),
    Told(429, google(429, "RESOURCE_EXHAUSTED", "Resource exhausted. Please try again later."), RATE),
    Told(429, google(429, "RESOURCE_EXHAUSTED", "Quota exceeded for aiplatform.googleapis.com/online_prediction_requests_per_base_model with "
         "base model: x. Please submit a quota increase request.", retry_info("9s")), RATE, 9),
    Told(499, google(499, "CANCELLED", "The operation was cancelled."), SERVER),
    Told(503, google(503, "UNAVAILABLE", "The service is currently unavailable."), SERVER),
    Told(504, google(504, "DEADLINE_EXCEEDED", "The request timed out."), SERVER),
]  # fmt: skip

CLOUDS: dict[str, list[Told]] = {
    # Cloudflare's page on the errors of Workers AI
    "cloudflare": [
        *(Told(status, cloudflare(code, "AiError: so it is"), means) for status, code, means in (
            (400, 5007, MODEL), (404, 3042, MODEL), (403, 5018, MODEL), (403, 3041, MODEL), (403, 5016, MODEL), (400, 3039, MODEL),
            (403, 3023, DENIED), (405, 5005, PARAMETER), (413, 3006, LARGE), (408, 3007, SERVER), (408, 3008, SERVER),
            (429, 3036, QUOTA), (429, 3040, SERVER), (400, 7003, DENIED), (401, 10000, KEY), (403, 10000, KEY), (400, 5004, INVALID),
        )),
        Told(400, cloudflare(6003, "Invalid request headers"), KEY),
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
    # AWS's page on the error codes of Bedrock; issue reports of Cline, Continue, Crush, Dyad, Manifest
    "bedrock": [
        aws(403, "", "Authentication failed: Please make sure your API Key is valid.", KEY, "Message"),
        aws(403, "", "Bearer Token has expired", KEY, "Message"),
        aws(403, "ExpiredTokenException", "The security token is expired", KEY),
        aws(403, "UnrecognizedClientException", "The security token included in the request is invalid", KEY),
        aws(403, "InvalidClientTokenId", "The key does not exist in AWS's records", KEY),
        aws(403, "", "User: arn:aws:iam::1:user/u is not authorized to perform: bedrock:InvokeModel", DENIED, "Message"),
        aws(403, "AccessDeniedException", "You do not have sufficient permissions", DENIED),
        aws(400, "NotAuthorized", "You do not have permission to perform this action", DENIED),
        aws(403, "AccessDeniedException", "You don't have access to the model with the specified model ID.", MODEL),
        aws(403, "AccessDeniedException", "Model access is denied due to INVALID_PAYMENT_INSTRUMENT: A valid payment instrument must be provided.", MODEL),
        aws(403, "MPAgreementBeingCreated", "Your subscription of the model is still being processed", MODEL),
        aws(404, "FTUFormNotFilled", "Model use case details have not been submitted for this account", MODEL),
        aws(404, "ResourceNotFoundException", "Could not resolve the foundation model from the model identifier: x", MODEL),
        aws(400, "ValidationException", "The provided model identifier is invalid.", MODEL, "Message"),
        aws(400, "ValidationException", "Invocation of model ID x with on-demand throughput isn't supported.", MODEL),
        Told(404, openai("no such model", "model_not_found"), MODEL),
        Told(400, openai("The model 'anthropic.claude-sonnet-5' does not support the '/v1/chat/completions' API", "validation_error"), MODEL),
        aws(400, "ValidationException", "Input is too long for requested model.", CONTEXT),
        aws(400, "ValidationException", "The maximum tokens you requested exceeds the model limit of 32768", PARAMETER),
        aws(400, "ValidationException", "The model is unsupported for streaming.", PARAMETER),
        aws(400, "ValidationException", "messages: text content blocks must be non-empty", INVALID),
        aws(400, "ServiceQuotaExceededException", "Your request exceeds the service quota for your account", QUOTA),
        aws(429, "ThrottlingException", "Too many requests, please wait before trying again.", RATE),
        aws(429, "ThrottlingException", "Too many tokens, please wait before trying again.", RATE),
        aws(429, "", "Too many tokens per day, please wait before trying again.", QUOTA),
        aws(429, "ThrottlingException", "Too many tokens per day, please wait before trying again.", QUOTA),
        aws(424, "ModelErrorException", "the model failed", SERVER),
        aws(429, "ModelNotReadyException", "The model is not ready for inference", LOADING),
        aws(503, "ServiceUnavailableException", "Too many connections, please wait before trying again.", SERVER),
    ],
    "vertex": VERTEX,
    # Google sends a list of one error here
    "vertex-openai": [told._replace(body=[told.body]) for told in VERTEX],
}  # fmt: skip
