"""Services with models of many makers."""

from __future__ import annotations

from typing import Any

from ..error_bodies import nvidia
from .told import (
    CONTENT,
    CONTEXT,
    DENIED,
    KEY,
    LARGE,
    LATER,
    LOADING,
    MODEL,
    PARAMETER,
    QUOTA,
    RATE,
    SERVER,
    TOOL,
    Told,
    openai,
)


def openrouter(code: int, message: str, **metadata: Any) -> Any:
    return {"error": {"code": code, "message": message, **({"metadata": metadata} if metadata else {})}, "user_id": "u"}


def limits(**more: str) -> dict[str, str]:
    return {"X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{LATER}000", **more}


def cerebras(code: str, message: str, type: str = "invalid_request_error") -> Any:
    return {"message": message, "type": type, "param": "quota", "code": code}


def novita(code: int, reason: str, message: str) -> Any:
    return {"code": code, "reason": reason, "message": message, "metadata": {}}


def siliconflow(code: int | None, message: str) -> Any:
    return {**({"code": code} if code else {}), "message": message, "data": None}


def scaleway(status: int, error: str, message: str) -> Any:
    return {"error": error, "status": status, "message": message}


def vllm(code: int, type: str, message: str) -> Any:
    return {"message": message, "type": type, "code": code}


SLOW = "too_many_requests_error"
RAW = "meta-llama/x:free is temporarily rate-limited upstream. Please retry shortly."

HOSTS: dict[str, list[Told]] = {
    # Groq's pages on errors, spend limits and flex processing; recorded exchanges; issue reports
    "groq": [
        Told(401, openai("Invalid API Key", "invalid_api_key"), KEY),
        Told(400, openai("Organization has been restricted. Please reach out to support.", "organization_restricted"), DENIED),
        Told(403, openai("Forbidden"), DENIED),
        Told(403, openai("Access denied. Please check your network settings."), DENIED),
        Told(400, openai("The model `x` requires terms acceptance.", "model_terms_required"), MODEL),
        Told(403, openai("The model `x` is blocked at the project level.", "model_permission_blocked_project"), MODEL),
        Told(403, openai("The model `x` is blocked at the organization level.", "model_permission_blocked_org"), MODEL),
        Told(404, openai("The model `x` does not exist or you do not have access to it.", "model_not_found"), MODEL),
        Told(400, openai("The model `x` has been decommissioned", "model_decommissioned"), MODEL),
        Told(400, openai("Your organization has blocked API access.", "blocked_api_access"), QUOTA),
        Told(400, openai("A limit is exceeded.", "spend_limit_exceeded"), QUOTA),
        Told(400, openai("The model `x` is not active. Please choose another model."), MODEL),
        Told(400, openai("API access is blocked: a spend limit is reached.", "spend_limit_reached"), QUOTA),
        Told(429, openai("Rate limit reached on tokens per minute (TPM). Please try again in 7.66s.", "rate_limit_exceeded", "tokens"), RATE, 7.66),
        Told(429, openai("Rate limit reached on tokens per day (TPD). Please try again in 9m38.016s.", "rate_limit_exceeded", "tokens"),
             QUOTA, 578.016),
        Told(413, openai("Request too large for model `x` on tokens per minute (TPM)", "rate_limit_exceeded", "tokens"), LARGE),
        Told(400, openai("Please reduce the length of the messages or completion.", "context_length_exceeded"), CONTEXT),
        Told(400, openai("Failed to call a function.", "tool_use_failed"), TOOL),
        Told(400, openai("Failed to generate JSON.", "json_validate_failed"), TOOL),
        Told(400, openai("Parsing failed.", "output_parse_failed"), TOOL),
        Told(400, openai("'messages.0' : property 'x' is unsupported"), PARAMETER),
        Told(498, openai("The flex tier has no capacity.", "capacity_exceeded"), SERVER),
        Told(503, openai("Service Unavailable"), SERVER),
        Told(200, {"error": {"message": "Tool choice is required", "code": "tool_use_failed", "status_code": 400}}, TOOL),
    ],
    # Cerebras' page on error codes; issue reports of the codes
    "cerebras": [
        Told(401, cerebras("wrong_api_key", "Wrong API Key"), KEY),
        Told(402, cerebras("payment_required", "Payment required"), QUOTA),
        Told(404, cerebras("model_not_found", "Model x does not exist or you do not have access to it.", "not_found_error"), MODEL),
        Told(429, cerebras("request_quota_exceeded", "Requests per minute limit exceeded - too many requests sent.", SLOW), RATE),
        Told(429, cerebras("token_quota_exceeded", "Tokens per minute limit exceeded - too many tokens processed.", SLOW), RATE, 12.5,
             headers={"x-ratelimit-remaining-tokens-minute": "0", "x-ratelimit-reset-tokens-minute": "12.5"}),
        Told(429, cerebras("token_quota_exceeded", "Tokens per day limit exceeded - too many tokens processed.", SLOW), QUOTA, 3600,
             headers={"x-ratelimit-remaining-tokens-day": "0", "x-ratelimit-reset-tokens-day": "3600"}),
        Told(429, cerebras("queue_exceeded", "We're experiencing high traffic right now! Please try again soon.", SLOW), SERVER),
        Told(400, cerebras("context_length_exceeded", "Please reduce the length. Current length is 9000 while limit is 8192"), CONTEXT),
        Told(400, cerebras("wrong_api_format", "property 'logit_bias' is unsupported"), PARAMETER),
        Told(503, cerebras("unavailable", "The server is overloaded"), SERVER),
    ],
    # OpenRouter's page on errors and debugging; issue reports
    "openrouter": [
        Told(401, openrouter(401, "No auth credentials found"), KEY),
        Told(402, openrouter(402, "Insufficient credits"), QUOTA),
        Told(403, openrouter(403, "Key limit exceeded (monthly limit)"), QUOTA),
        Told(402, openrouter(402, "Too many requests in flight; retry in 120 s", error_type="in_flight_budget_exhausted"), RATE, 120),
        Told(429, openrouter(429, "Provider returned error", raw='{"error":{"message":"You exceeded your current quota, please check your plan. '
             'Please retry in 12.5s."}}'), RATE, 12.5),
        Told(429, openrouter(429, "Provider returned error", raw='{"error":{"message":"You exceeded your current quota. Quota exceeded for metric: '
             'generate_requests_per_model_per_day. Please retry in 12.5s."}}'), QUOTA, 12.5),
        Told(404, openrouter(404, "No endpoints found for x/y."), MODEL),
        Told(404, openrouter(404, "No endpoints found matching your data policy."), MODEL),
        Told(404, openrouter(404, "No allowed providers are available for the selected model."), MODEL),
        Told(404, openrouter(404, "No endpoints found that support tool use."), PARAMETER),
        Told(404, openrouter(404, "No endpoints found that support image input"), PARAMETER),
        Told(404, openrouter(404, "No endpoints found that can handle the requested parameters."), PARAMETER),
        Told(400, openrouter(400, "x/y is not a valid model ID"), MODEL),
        Told(429, openrouter(429, "Rate limit exceeded: free-models-per-min.", headers=limits()), RATE, until=LATER),
        Told(429, openrouter(429, "Rate limit exceeded: free-models-per-day.", headers=limits()), QUOTA, until=LATER),
        Told(200, openrouter(429, "Rate limit exceeded: free-models-per-min.", headers=limits()), RATE, until=LATER),
        Told(429, openrouter(429, "Provider returned error", raw=RAW, retry_after_seconds=17, headers={"Retry-After": "17"}), RATE, 17),
        Told(429, openrouter(429, "Provider returned error", raw=RAW, retry_after_seconds=17), RATE, 17),
        Told(400, openrouter(400, "This endpoint's maximum context length is 131072 tokens."), CONTEXT),
        Told(400, openrouter(400, "Provider returned error", raw='{"error":{"code":"context_length_exceeded"}}'), CONTEXT),
        Told(400, openrouter(400, "Provider returned error", error_type="token_limit_exceeded"), CONTEXT),
        Told(403, openrouter(403, "Input was flagged", reasons=["violence"], flagged_input="x"), CONTENT),
        Told(403, openrouter(403, "x requires moderation on Y. Your input was flagged for \"violence\". No credits were charged."), CONTENT),
        Told(403, openrouter(403, "Blocked by a guardrail of this key"), DENIED),
        Told(402, openrouter(402, "Too many requests in flight", limit_source="openrouter_in_flight_budget"), RATE, 9, headers={"retry-after": "9"}),
        Told(400, openrouter(400, "Provider returned error", raw={"error": {"message": "prompt is too long"}}), CONTEXT),
        Told(400, openrouter(400, "Provider returned error", error_type="content_policy_violation"), CONTENT),
        Told(502, openrouter(502, "Provider returned error", error_type="provider_unavailable"), SERVER),
        Told(200, openrouter(502, "Upstream failed"), SERVER),
        Told(503, openrouter(503, "There is no available model provider that meets your routing requirements"), SERVER),
    ],
    # Together's page on error codes; issue reports of the codes
    "together": [
        Told(401, openai("Invalid API key provided", "invalid_api_key"), KEY),
        Told(402, openai("Credit limit exceeded. Please add credit or upgrade your plan.", type="credit_limit"), QUOTA),
        Told(400, openai("Unable to access non-serverless model x. Please create a new dedicated endpoint.", "model_not_available"), MODEL),
        Told(400, {"error": "Unable to access non-serverless model x."}, MODEL),
        Told(400, openai("The dedicated endpoint is not running.", "dedicated_endpoint_not_running"), MODEL),
        Told(403, openai("This model requires Build Tier 3 or above."), MODEL),
        Told(404, {"error": "Unable to access model gpt-4", "request_id": "x"}, MODEL),
        Told(400, openai("This model supports streaming only.", "streaming_required"), PARAMETER),
        Told(403, openai("Input token count + `max_tokens` must be less than the context length of the model."), CONTEXT),
        Told(422, openai("Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097"), CONTEXT),
        Told(429, openai("You have been rate limited", type="rate_limit"), RATE, 3,
             headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": "3"}),
        Told(503, openai("The server is overloaded"), SERVER),
    ],
    # Fireworks' page on inference error codes; issue reports of the 412
    "fireworks": [
        Told(401, {"fault": {"faultstring": "Invalid ApiKey", "detail": {"errorcode": "oauth.v2.InvalidApiKey"}}}, KEY),
        Told(402, openai("Your account is not on a paid plan.", "PAYMENT_REQUIRED", "error"), QUOTA),
        Told(412, openai("Account a is suspended, possibly due to reaching the monthly spending limit.", "PRECONDITION_FAILED", "error"), QUOTA),
        Told(412, openai("Account a is suspended.", "PRECONDITION_FAILED", "error"), QUOTA),
        Told(404, openai("Model not found, inaccessible, and/or not deployed", "NOT_FOUND", "error"), MODEL),
        Told(404, {"fault": {"faultstring": "gone", "detail": {"errorcode": "NOT_FOUND"}}}, MODEL),
        Told(400, openai("The prompt is too long: 140000, model maximum context length: 131071"), CONTEXT),
        Told(400, openai("Extra inputs are not permitted, field: 'x'"), PARAMETER),
        Told(400, openai("Requests with max_tokens > 4096 must have stream=true"), PARAMETER),
        Told(429, openai("Request was rejected: too many requests", "RATE_LIMIT_EXCEEDED", "error"), RATE),
        Told(503, openai("Service overloaded"), SERVER),
    ],
    # DeepInfra's API reference; issue reports
    "deepinfra": [
        Told(401, {"detail": {"error": "Not authenticated"}}, KEY),
        Told(402, {"detail": {"error": "inference prohibited, please add a payment method"}}, QUOTA),
        Told(403, {"detail": {"error": "inference prohibited, balance is too low"}}, QUOTA),
        Told(404, {"detail": {"error": "Model is not available"}}, MODEL),
        Told(429, openai("Model busy, retry later", "engine_overloaded"), SERVER),
        Told(429, {"detail": {"error": "Model busy, retry later"}}, SERVER),
        Told(429, {"detail": {"error": "Rate limited"}}, RATE),
        Told(400, {"detail": {"error": "Requested input length 5000 exceeds maximum input length 4095"}}, CONTEXT),
        Told(422, {"detail": [{"loc": ["body", "top_p"], "msg": "extra fields not permitted", "type": "value_error.extra"}]}, PARAMETER),
        Told(500, {"detail": {"error": "inference failed"}}, SERVER),
    ],
    # SambaNova's page on API error codes
    "sambanova": [
        Told(401, openai("Invalid API key"), KEY),
        Told(402, openai("A payment method is required."), QUOTA),
        Told(410, openai("Model x has been removed"), MODEL),
        Told(404, openai("Model not found", "model_not_found"), MODEL),
        Told(400, openai("The token counts exceed the context limit.", "context_length_exceeded"), CONTEXT),
        Told(400, openai("But the maximum supported sequence length is just 4096!"), CONTEXT),
        Told(400, openai("Decimal above maximum value.", "decimal_above_max_value", param="top_p"), PARAMETER),
        Told(429, openai("Rate limit exceeded"), RATE, 30, headers={"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "30"}),
        Told(408, openai("Request timeout"), SERVER), Told(503, openai("Under maintenance"), SERVER), Told(504, openai("Queue expired"), SERVER),
    ],
    # NVIDIA's forum and API reference; issue reports
    "nvidia": [
        Told(401, nvidia(401, "Unauthorized", "Authentication failed"), KEY),
        Told(403, nvidia(403, "Forbidden", "Authorization failed"), DENIED),
        Told(402, nvidia(402, "Payment Required", "Account 'a': Cloud credits expired"), QUOTA),
        Told(404, nvidia(404, "Not Found", "Function 'f': Not found for account 'a'"), MODEL),
        Told(410, nvidia(410, "Gone", "The model 'x' has reached its end of life on 2026-05-01"), MODEL),
        Told(400, nvidia(400, "Bad Request", "Function id 'f': DEGRADED function cannot be invoked"), SERVER),
        Told(400, openai("This model's maximum context length is 8192 tokens.", 400, "BadRequestError"), CONTEXT),
        Told(429, nvidia(429, "Too Many Requests"), RATE),
        Told(500, nvidia(500, "Internal Server Error", "Inference error"), SERVER),
    ],
    # Hugging Face's Inference Providers pages; issue reports
    "huggingface": [
        Told(401, {"error": "Invalid username or password."}, KEY),
        Told(402, {"error": "You have exceeded your monthly included credits for Inference Providers."}, QUOTA),
        Told(403, {"error": "This authentication method does not have sufficient permissions to call Inference Providers"}, DENIED),
        Told(403, {"error": "You must accept the license of this model"}, MODEL),
        Told(403, {"error": "Access to model x is restricted. You must have access to it and be authenticated"}, MODEL),
        Told(400, openai("The requested model 'x' is not supported by any provider you have enabled.", "model_not_supported"), MODEL),
        Told(404, openai("The model `x` does not exist", "model_not_found"), MODEL),
        Told(422, {"error": "Input validation error: `inputs` must have less than 4096 tokens. Given: 5000"}, CONTEXT),
        Told(429, {"error": "Too Many Requests"}, RATE, 17, headers={"ratelimit": '"api";r=0;t=17', "ratelimit-policy": '"api";q=500;w=300'}),
        Told(429, {"error": "Too Many Requests"}, RATE, headers={"ratelimit": '"api";r=2;t=17'}),
        Told(503, {"error": "Model x is currently loading", "estimated_time": 20.5}, LOADING, 20.5),
    ],
    # Nebius runs vLLM, with FastAPI's errors
    "nebius": [
        Told(401, {"detail": "Could not validate credentials"}, KEY),
        Told(402, {"detail": "Insufficient funds"}, QUOTA),
        Told(404, {"detail": "The model `x` does not exist."}, MODEL),
        Told(400, {"detail": "This model's maximum context length is 32768 tokens."}, CONTEXT),
        Told(422, {"detail": [{"loc": ["body", "x"], "msg": "Extra inputs are not permitted", "type": "extra_forbidden"}]}, PARAMETER),
        Told(429, {"detail": "Rate limit exceeded"}, RATE),
    ],
    # Novita's pages on error codes
    "novita": [
        Told(401, novita(401, "FAILED_TO_AUTH", "failed to authenticate API key"), KEY),
        Told(403, novita(403, "NOT_ENOUGH_BALANCE", "not enough balance"), QUOTA),
        Told(403, novita(403, "MODEL_ACCESS_DENIED", "the key may not call this model"), MODEL),
        Told(403, novita(403, "FORBIDDEN", "identity verification is required"), DENIED),
        Told(404, novita(404, "MODEL_NOT_FOUND", "model: x not found"), MODEL),
        Told(400, novita(400, "INVALID_REQUEST_BODY", "The input is longer than the model's context length"), CONTEXT),
        Told(400, novita(400, "INVALID_REQUEST_BODY", "json: unknown field \"x\""), PARAMETER),
        Told(429, novita(429, "RATE_LIMIT_EXCEEDED", "requests per minute"), RATE),
        Told(429, novita(429, "SERVER_OVERLOADED", "busy"), SERVER),
        Told(503, novita(503, "SERVICE_NOT_AVAILABLE", "service is not available"), SERVER),
    ],
    # Pollinations' API page; issue reports
    "pollinations": [
        Told(401, {"success": False, "error": {"message": "Authentication required.", "code": "UNAUTHORIZED"}, "status": 401}, KEY),
        Told(402, {"success": False, "error": {"message": "Insufficient pollen balance", "code": "PAYMENT_REQUIRED"}, "status": 402}, QUOTA),
        Told(402, {"error": "Model not found or tier not high enough. Your tier: anonymous, required tier: seed.", "status": 402}, MODEL),
        Told(403, {"success": False, "error": {"message": "Access denied", "code": "FORBIDDEN"}, "status": 403}, DENIED),
        Told(429, {"error": "Too Many Requests", "status": 429}, RATE),
        Told(500, {"success": False, "error": {"message": "Upstream failed", "code": "INTERNAL_ERROR"}, "status": 500}, SERVER),
    ],
    # Hyperbolic runs vLLM
    "hyperbolic": [
        Told(401, {"detail": "Could not validate credentials"}, KEY),
        Told(402, {"object": "error", "message": "Insufficient funds for this request.", "type": "invalid_request_error", "code": None}, QUOTA),
        Told(404, {"object": "error", "message": "The model `x` does not exist.", "type": "NotFoundError", "code": 404}, MODEL),
        Told(400, {"object": "error", "message": "This model's maximum context length is 8192 tokens.", "type": "BadRequestError", "code": 400}, CONTEXT),
        Told(429, {"detail": "Rate limit exceeded"}, RATE),
    ],
    # OVHcloud's page on AI Endpoints
    "ovhcloud": [
        Told(401, {"message": "Unauthorized"}, KEY),
        Told(404, {"message": "Model x not found"}, MODEL),
        Told(400, {"message": "This model's maximum context length is 8192 tokens."}, CONTEXT),
        Told(429, {"message": "Rate limit exceeded"}, RATE),
        Told(503, {"message": "Service Unavailable"}, SERVER),
    ],
    # SiliconFlow's page on error codes and its API reference; issue reports of Chatbox, Continue, Cherry Studio
    "siliconflow": [
        Told(401, "Invalid token", KEY),
        Told(403, siliconflow(30001, "Sorry, your account balance is insufficient"), QUOTA),
        Told(403, siliconflow(None, "The model requires real-name verification"), DENIED),
        Told(400, siliconflow(20012, "Model does not exist. Please check it carefully."), MODEL),
        Told(400, siliconflow(20015, "length of prompt_tokens (68957) must be less than max_seq_len (65536)."), CONTEXT),
        Told(400, siliconflow(20015, "max_total_tokens (33802) must be less than or equal to max_seq_len (32768)"), CONTEXT),
        Told(429, siliconflow(None, "Request was rejected due to rate limiting. Details: TPM limit reached."), RATE),
        Told(429, siliconflow(None, "Request was rejected due to rate limiting. Details: RPD limit reached."), QUOTA),
        Told(503, siliconflow(50505, "Model service overloaded. Please try again later."), SERVER),
        Told(504, "gateway timeout", SERVER),
    ],
    # Scaleway's pages on errors and common issues
    "scaleway": [
        Told(401, scaleway(401, "Unauthorized", "the authorization header is missing"), KEY),
        Told(403, scaleway(403, "Forbidden", "insufficient permissions to access the resource"), DENIED),
        Told(422, scaleway(422, "Model Not Found", "the model x was not found"), MODEL),
        Told(400, scaleway(400, "Bad Request", "You exceeded maximum context window for this model"), CONTEXT),
        Told(416, scaleway(416, "Range Not Satisfiable", "max_completion_tokens is limited for this model"), PARAMETER),
        Told(400, {"object": "error", "message": "After the optional system message, conversation roles must alternate", "type": "BadRequestError",
             "param": None, "code": 400}, PARAMETER),
        Told(429, scaleway(429, "Too Many Requests", "You exceeded your current quota of tokens per minute"), RATE),
        Told(429, scaleway(429, "Too Many Requests", "You exceeded your current threshold of concurrent requests"), RATE),
        Told(504, scaleway(504, "Gateway Timeout", "the query is too long to process"), SERVER),
    ],
    # Baseten's pages on inference errors and on limits; an issue report of Pi. The engine's own answers pass through.
    "baseten": [
        Told(401, {"error": "Unauthorized"}, KEY),
        Told(402, {"error": "Payment required"}, QUOTA),
        Told(403, {"error": "Forbidden"}, DENIED),
        Told(404, {"error": "Model not found"}, MODEL),
        Told(400, vllm(400, "Bad Request", "This model's maximum context length is 131072 tokens."), CONTEXT),
        Told(400, vllm(400, "Bad Request", "Invalid request: ['max_tokens (1032161): Input should be less than or equal to 384000']"), PARAMETER),
        Told(413, {"error": "Request body too large"}, LARGE),
        Told(429, {"error": "Too Many Requests"}, RATE),
        Told(502, {"error": "Error making prediction"}, SERVER), Told(503, {"error": "no healthy upstream"}, SERVER),
    ],
    # Friendli's page on rate limits; the rest is OpenAI's form, which its API follows
    "friendli": [
        Told(401, openai("Unauthorized", "invalid_api_key"), KEY),
        Told(403, openai("Forbidden"), DENIED),
        Told(404, openai("The model `x` does not exist", "model_not_found"), MODEL),
        Told(400, openai("This model's maximum context length is 131072 tokens."), CONTEXT),
        Told(429, openai("Too many requests"), RATE, 12, headers={"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "12"}),
        Told(429, openai("Too many requests"), RATE, 7.5, headers={"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "7.5s"}),
        Told(503, openai("Service unavailable"), SERVER),
    ],
}  # fmt: skip
