"""The exception that an error response means, in the forms of all services."""

from __future__ import annotations

import json
import pickle
from typing import Any, NamedTuple

import pytest
from helpers.error_bodies import anthropic, cloudflare, google, nvidia, openai, openrouter, quota, retry_info
from helpers.growth import is_linear
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_lite.errors import exceptions as e
from g4f_lite.errors.classify import classify
from g4f_lite.errors.reply import ErrorReply

NOW = 1_790_000_000.0


class Case(NamedTuple):
    name: str
    status: int
    body: Any
    kind: type[e.ProviderError]
    message: str
    """A part of the message."""
    code: str | None = None
    wait: float | None = None
    headers: dict[str, str] = {}


EXCEEDED = "You exceeded your current quota, please check your plan and billing details."
TPM = "Request too large for model `x` on tokens per minute (TPM): Limit 6000, Requested 14368, please reduce"
TPD = "Rate limit reached on tokens per day (TPD): Limit 100000, Used 97050. Please try again in 9m38.016s."
NO_MODEL = "The model `x` does not exist or you do not have access to it."
LONG = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."
CASES = [
    # OpenAI
    Case("a wrong key", 401, openai("Incorrect API key provided.", "invalid_api_key"), e.AuthenticationError,
         "Incorrect API key", "invalid_api_key"),
    Case("no money", 429, openai(EXCEEDED, "insufficient_quota", "insufficient_quota"), e.QuotaExceededError,
         "exceeded", "insufficient_quota"),
    Case("a limit per minute", 429, openai("Rate limit reached. Try again in 20s.", "rate_limit_exceeded", "requests"),
         e.RateLimitError, "Rate limit", "rate_limit_exceeded", 20.0),
    Case("a limit with ms", 429, openai("Slow down.", "rate_limit_exceeded"), e.RateLimitError, "Slow down.",
         "rate_limit_exceeded", 0.5, {"retry-after-ms": "500", "retry-after": "1"}),
    Case("more than a minute's tokens", 429, openai(TPM, "rate_limit_exceeded", "tokens"), e.RequestTooLargeError,
         "Requested 14368", "rate_limit_exceeded"),
    Case("a long prompt", 400, openai(LONG, "context_length_exceeded"), e.ContextWindowError, "8192",
         "context_length_exceeded"),
    Case("a parameter of older models", 400, openai("Unsupported parameter: 'max_tokens'", "unsupported_parameter"),
         e.UnsupportedParameterError, "max_tokens", "unsupported_parameter"),
    Case("a temperature", 400, openai("'temperature' does not support 0.5 with this model.", "unsupported_value"),
         e.UnsupportedParameterError, "0.5", "unsupported_value"),
    Case("odd messages", 400, openai("Invalid 'messages[3]'.", "invalid_value", param="messages[3]"),
         e.InvalidRequestError, "messages[3]", "invalid_value"),
    Case("a parameter named", 400, openai("Invalid 'top_p'.", "invalid_value", param="top_p"),
         e.UnsupportedParameterError, "top_p", "invalid_value"),
    Case("refused content", 400, openai("Rejected by our safety system.", "content_policy_violation"),
         e.ContentFilterError, "safety system", "content_policy_violation"),
    Case("a country", 403, openai("Country not supported", "unsupported_country_region_territory"),
         e.PermissionDeniedError, "Country", "unsupported_country_region_territory"),
    Case("a crash", 500, openai("The server had an error", type="server_error"), e.ServerError, "server had",
         "server_error"),
    Case("an overload", 503, openai("The engine is overloaded", type="server_error"), e.ServerError, "overloaded",
         "server_error"),
    # Servers on one's own machine
    Case("vLLM: tools", 400, {"object": "error", "type": "BadRequestError", "code": 400, "message":
         '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'},
         e.UnsupportedParameterError, "tool choice", "BadRequestError"),
    Case("vLLM: images", 400, {"object": "error", "code": 400, "message":
         "At most 0 image(s) may be provided in one prompt."}, e.UnsupportedParameterError, "At most 0"),
    Case("vLLM: no template", 400, {"error": {"message": "As of transformers v4.44, default chat template is no longer "
         "allowed, so you must provide a chat template", "code": 400}}, e.UnsupportedParameterError, "template"),
    Case("vLLM: turns", 400, {"error": {"message":
         "Conversation roles must alternate user/assistant/user/assistant/...", "code": 400}},
         e.UnsupportedParameterError, "alternate"),
    Case("SGLang: tools", 400, {"object": "error", "message": "Please start the server with --tool-call-parser"},
         e.UnsupportedParameterError, "parser"),
    Case("LM Studio: json_object", 400, {"error": "'response_format.type' must be 'json_schema' or 'text'"},
         e.UnsupportedParameterError, "json_schema"),
    Case("LM Studio: a named tool", 400, {"error": "Invalid tool_choice type: 'object'. Supported string values: none, "
         "auto, required"}, e.UnsupportedParameterError, "tool_choice"),
    Case("LM Studio: images", 400, {"error": "Vision add-on is not loaded, but images were provided for processing"},
         e.UnsupportedParameterError, "Vision"),
    Case("LM Studio: a tool's image", 400, {"error": {"type": "invalid_request_error", "message":
         "Only text tool_result blocks are supported when tool_result.content is an array."}},
         e.UnsupportedParameterError, "tool_result", "invalid_request_error"),
    Case("LM Studio: a template", 400, {"error": 'Error rendering prompt with jinja template: "Unknown filter"'},
         e.UnsupportedParameterError, "jinja"),
    Case("LM Studio: no model", 400, {"error": "No models loaded. Please load a model in the developer page"},
         e.ModelUnavailableError, "No models"),
    Case("llama.cpp: tools", 500, openai("tools param requires --jinja flag", type="server_error"),
         e.UnsupportedParameterError, "--jinja", "server_error"),
    Case("llama.cpp: tools, long ago", 500, openai("Unsupported param: tools", type="server_error"),
         e.UnsupportedParameterError, "tools", "server_error"),
    Case("llama.cpp: images", 500, openai("image input is not supported - hint: if this is unexpected, you may need to "
         "provide the mmproj", type="server_error"), e.UnsupportedParameterError, "mmproj", "server_error"),
    Case("llama.cpp: embeddings", 501, openai("This server does not support embeddings. Start it with `--embeddings`",
         type="not_supported_error"), e.ModelUnavailableError, "--embeddings", "not_supported_error"),
    Case("llama.cpp: something else", 501, openai("This feature is not there", type="not_supported_error"),
         e.UnsupportedParameterError, "feature", "not_supported_error"),
    Case("Ollama: images", 500, {"error": "this model is missing data required for image input"},
         e.UnsupportedParameterError, "image"),
    Case("Hugging Face: a template", 422, {"error": "Template error: unknown filter: filter fromjson is unknown",
         "error_type": "template_error"}, e.UnsupportedParameterError, "filter"),
    Case("Azure: an older version", 400, openai("Model x is enabled only for api versions 2025-03-01 and later"),
         e.UnsupportedParameterError, "enabled only", "invalid_request_error"),
    Case("DeepSeek: a format", 400, openai("This response_format type is unavailable now"),
         e.UnsupportedParameterError, "response_format", "invalid_request_error"),
    Case("a crash that names an option", 500, openai("CUDA error: compile with --debug", type="server_error"),
         e.ServerError, "CUDA", "server_error"),
    # Groq
    Case("Groq: no such model", 404, openai(NO_MODEL, "model_not_found"), e.ModelUnavailableError, "does not exist",
         "model_not_found"),
    Case("Groq: a retired model", 400, openai("The model `x` has been decommissioned", "model_decommissioned"),
         e.ModelUnavailableError, "decommissioned", "model_decommissioned"),
    Case("Groq: a failed tool call", 400,
         openai("Tool call validation failed: did not match schema", "tool_use_failed", failed_generation="{}"),
         e.ToolCallError, "did not match", "tool_use_failed"),
    Case("Groq: failed JSON", 400, openai("Failed to generate JSON", "json_validate_failed"), e.ToolCallError,
         "JSON", "json_validate_failed"),
    Case("Groq: too large", 413, openai(TPM, "rate_limit_exceeded", "tokens"), e.RequestTooLargeError, "6000",
         "rate_limit_exceeded"),
    Case("Groq: a limit per day", 429, openai(TPD, "rate_limit_exceeded", "tokens"), e.QuotaExceededError, "TPD",
         "rate_limit_exceeded", 578.016),
    Case("Groq: full", 498, openai("Flex tier is full", "capacity_exceeded"), e.ServerError, "full",
         "capacity_exceeded"),
    Case("Groq: too many tokens asked for", 400,
         openai("`max_tokens` must be less than or equal to `16384`", param="max_tokens"),
         e.UnsupportedParameterError, "16384", "invalid_request_error"),
    Case("Groq: a message's name", 400, openai("'messages.0' : property 'name' is unsupported"),
         e.UnsupportedParameterError, "name", "invalid_request_error"),
    Case("Groq: a semantic error", 422, openai("Unprocessable"), e.InvalidRequestError, "Unproc",
         "invalid_request_error"),
    Case("Groq: a dependency failed", 424, openai("Failed dependency"), e.ServerError, "dep", "invalid_request_error"),
    # flat and other shapes
    Case("Together: flat", 429, {"error": "Too many requests", "request_id": "1"}, e.RateLimitError, "Too many"),
    Case("Together: flat with a type", 400, {"error": LONG, "type": "invalid_request_error"}, e.ContextWindowError,
         "8192", "invalid_request_error"),
    Case("Fireworks: a fault", 401, {"fault": {"faultstring": "Invalid ApiKey", "detail": {"errorcode": "o.a"}}},
         e.AuthenticationError, "Invalid ApiKey", "o.a"),
    Case("Fireworks: not deployed", 404, openai("Model not found, inaccessible, and/or not deployed", "NOT_FOUND"),
         e.ModelUnavailableError, "not deployed", "NOT_FOUND"),
    Case("DeepInfra: a detail", 422, {"detail": [{"loc": ["body", "messages"], "msg": "field required", "type": "v"}]},
         e.InvalidRequestError, "body.messages: field required"),
    Case("DeepInfra: a nested detail", 401, {"detail": {"error": "Not authenticated"}}, e.AuthenticationError,
         "Not authenticated"),
    Case("DeepSeek: no balance", 402, openai("Insufficient Balance", type="unknown_error"), e.QuotaExceededError,
         "Balance", "unknown_error"),
    Case("Mistral: a field too many", 422,
         {"object": "error", "type": "invalid_request_error", "param": None, "code": None, "message": {
             "detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]}},
         e.UnsupportedParameterError, "body.seed: Extra inputs", "invalid_request_error"),
    Case("Mistral: the newer shape", 422,
         {"object": "Error", "code": 3001, "detail": [{"loc": ["body", "n"], "msg": "bad"}], "message": [{"msg": "bad"}]},
         e.UnsupportedParameterError, "bad", "3001"),
    Case("Mistral: no such model", 400,
         {"object": "error", "message": "Invalid model: x", "type": "invalid_model", "code": "1500"},
         e.ModelUnavailableError, "Invalid model", "1500"),
    Case("xAI: a wrong key is a 400", 400,
         {"code": "Client specified an invalid argument", "error": "Incorrect API key provided: xa***."},
         e.AuthenticationError, "Incorrect API key", "Client specified an invalid argument"),
    Case("xAI: no credits is a 403", 403,
         {"code": "The caller does not have permission", "error": "Your team doesn't have any credits or licenses yet."},
         e.QuotaExceededError, "any credits", "The caller does not have permission"),
    Case("xAI: credits used up", 429,
         {"code": "exhausted", "error": "Your team has used all available credits or reached its spending limit."},
         e.QuotaExceededError, "spending limit", "exhausted"),
    Case("xAI: a parameter", 400, {"code": "c", "error": "Argument not supported on this model: stop"},
         e.UnsupportedParameterError, "stop", "c"),
    Case("OpenRouter: no credits", 402, openrouter(402, "This request requires more credits, or fewer max_tokens."),
         e.QuotaExceededError, "fewer max_tokens"),
    Case("OpenRouter: the service behind it", 429,
         openrouter(429, "Provider returned error", provider_name="X", raw="x is temporarily rate-limited upstream"),
         e.RateLimitError, "Provider returned error: x is temporarily rate-limited"),
    Case("OpenRouter: free calls per day", 429, openrouter(429, "Rate limit exceeded: free-models-per-day"),
         e.QuotaExceededError, "per-day", None, 30.5,
         {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1790000030500"}),
    Case("OpenRouter: no such model", 400, openrouter(400, "x/y is not a valid model ID"), e.ModelUnavailableError,
         "x/y"),
    Case("OpenRouter: flagged", 403, openrouter(403, "Your input was flagged as violence"), e.ContentFilterError,
         "flagged"),
    Case("OpenRouter: inside a 200", 200, openrouter(502, "Upstream failed"), e.ServerError, "Upstream failed"),
    Case("NVIDIA: no such function", 404, nvidia(404, "Not Found", "Function 'f': Not found for account"),
         e.ModelUnavailableError, "Function 'f'"),
    Case("NVIDIA: gone", 410, nvidia(410, "Gone"), e.ModelUnavailableError, "Gone"),
    Case("NVIDIA: slow down", 429, nvidia(429, "Too Many Requests"), e.RateLimitError, "Too Many Requests"),
    Case("NVIDIA: forbidden", 403, nvidia(403, "Forbidden", "Authorization failed"), e.PermissionDeniedError,
         "Authorization failed"),
    Case("SambaNova: a removed model", 410, {**openai("Model removed"), "request_id": "1"}, e.ModelUnavailableError,
         "Model removed", "invalid_request_error"),
    Case("Scaleway: a title, and the message beside it", 400,
         {"error": "Bad Request", "status": 400, "message": "You exceeded maximum context window"}, e.ContextWindowError,
         "Bad Request: You exceeded"),
    Case("Hugging Face: a text", 503, {"error": "Service Unavailable"}, e.ServerError, "Service Unavailable"),
    Case("Hugging Face: no provider", 400, openai("The model 'x' is not supported by any", "model_not_supported"),
         e.ModelUnavailableError, "not supported", "model_not_supported"),
    Case("Azure: filtered", 400, openai("triggering Azure's content management policy", "content_filter"),
         e.ContentFilterError, "policy", "content_filter"),
    Case("Azure: no deployment", 404, openai("The API deployment for this does not exist.", "DeploymentNotFound"),
         e.ModelUnavailableError, "deployment", "DeploymentNotFound"),
    # Google
    Case("Google: a wrong key is a 400", 400, [google(400, "INVALID_ARGUMENT", "API key not valid. Please pass one.")],
         e.AuthenticationError, "API key not valid", "INVALID_ARGUMENT"),
    Case("Google: an unknown name", 400, google(400, "INVALID_ARGUMENT", 'Unknown name "seed": Cannot find field.'),
         e.UnsupportedParameterError, "seed", "INVALID_ARGUMENT"),
    Case("Google: a bad argument", 400, google(400, "INVALID_ARGUMENT", "contents is empty"), e.InvalidRequestError,
         "contents", "INVALID_ARGUMENT"),
    Case("Google: a long prompt", 400,
         google(400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum"), e.ContextWindowError,
         "token count", "INVALID_ARGUMENT"),
    Case("Google: a limit per minute", 429,
         google(429, "RESOURCE_EXHAUSTED", EXCEEDED, quota("RequestsPerMinutePerProject"), retry_info("37s")),
         e.RateLimitError, "exceeded", "RESOURCE_EXHAUSTED", 37.0),
    Case("Google: a limit per day", 429,
         [google(429, "RESOURCE_EXHAUSTED", EXCEEDED, quota("RequestsPerDayPerProject"), retry_info("37s"))],
         e.QuotaExceededError, "exceeded", "RESOURCE_EXHAUSTED", 37.0),
    Case("Google: overloaded", 503, google(503, "UNAVAILABLE", "The model is overloaded."), e.ServerError,
         "overloaded", "UNAVAILABLE"),
    Case("Google: no permission", 403, google(403, "PERMISSION_DENIED", "Not allowed"), e.PermissionDeniedError,
         "Not allowed", "PERMISSION_DENIED"),
    Case("Google: no such model", 404, google(404, "NOT_FOUND", "models/x is not found or is not supported"),
         e.ModelUnavailableError, "models/x", "NOT_FOUND"),
    # Cloudflare
    Case("Cloudflare: the daily allocation", 429, cloudflare(3036, "You have used up your daily free allocation"),
         e.QuotaExceededError, "daily", "3036"),
    Case("Cloudflare: no capacity", 429, cloudflare(3040, "Capacity temporarily exceeded, please try again."),
         e.ServerError, "Capacity", "3040"),
    Case("Cloudflare: no such model", 400, cloudflare(5007, "No such model @cf/x or task"), e.ModelUnavailableError,
         "No such model", "5007"),
    Case("Cloudflare: an unknown task", 404, cloudflare(3042, "Unknown"), e.ModelUnavailableError, "Unknown", "3042"),
    Case("Cloudflare: too large", 413, cloudflare(3006, "Too large"), e.RequestTooLargeError, "Too large", "3006"),
    # self-hosted servers, and Cohere
    Case("Cohere", 404, {"id": "1", "message": "model 'x' not found"}, e.ModelUnavailableError, "model 'x' not found"),
    Case("Ollama", 404, {"error": "model 'x' not found, try pulling it first"}, e.ModelUnavailableError, "pulling"),
    Case("Ollama: a key", 401, {"error": "unauthorized", "signin_url": "https://x"}, e.AuthenticationError,
         "unauthorized"),
    Case("LM Studio: a wrong path is a 200", 200, {"error": "Unexpected endpoint or method. (POST /chat)"},
         e.ServerError, "(POST /chat); is the base URL right?"),
    Case("vLLM: a long prompt", 400,
         {"object": "error", "message": LONG, "type": "BadRequestError", "param": None, "code": 400},
         e.ContextWindowError, "8192", "BadRequestError"),
    Case("vLLM: no such model", 404,
         {"object": "error", "message": "The model `x` does not exist.", "type": "NotFoundError", "code": 404},
         e.ModelUnavailableError, "does not exist", "NotFoundError"),
    Case("llama.cpp: a long prompt", 400,
         {"error": {"code": 400, "message": "the request exceeds it", "type": "exceed_context_size_error", "n_ctx": 9}},
         e.ContextWindowError, "exceeds", "exceed_context_size_error"),
    Case("llama.cpp: loading", 503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}},
         e.ServerError, "Loading", "unavailable_error"),
    # Anthropic
    *(Case(f"Anthropic: {type}", status, anthropic(type, "so it is"), kind, "so it is", type)
      for status, type, kind in (
          (400, "invalid_request_error", e.InvalidRequestError), (401, "authentication_error", e.AuthenticationError),
          (402, "billing_error", e.QuotaExceededError), (403, "permission_error", e.PermissionDeniedError),
          (404, "not_found_error", e.ModelUnavailableError), (413, "request_too_large", e.RequestTooLargeError),
          (429, "rate_limit_error", e.RateLimitError), (500, "api_error", e.ServerError),
          (504, "timeout_error", e.ServerError), (529, "overloaded_error", e.ServerError))),
    Case("Anthropic: no credit is a 400", 400, anthropic("invalid_request_error", "Your credit balance is too low"),
         e.QuotaExceededError, "credit balance", "invalid_request_error"),
    Case("Anthropic: a long prompt", 400, anthropic("invalid_request_error", "prompt is too long: 9 > 8"),
         e.ContextWindowError, "too long", "invalid_request_error"),
    *(Case(f"Anthropic: {message[:30]}", 400, anthropic("invalid_request_error", message), kind, message, "invalid_request_error")
      for message, kind in (
          ("input length and `max_tokens` exceed context limit: 9 + 9 > 10", e.ContextWindowError),
          ("You have reached your specified API usage limits.", e.QuotaExceededError),
          ("max_tokens: 64000 > 8192, which is the maximum allowed number of output tokens", e.UnsupportedParameterError),
          ("`temperature` is deprecated for this model.", e.UnsupportedParameterError),
          ("`temperature` and `top_p` cannot both be specified for this model.", e.UnsupportedParameterError),
          ("Thinking may not be enabled when tool_choice forces tool use.", e.UnsupportedParameterError),
          ("messages.1.content.0.type: Expected `thinking`, but found `tool_use`.", e.UnsupportedParameterError),
          ("messages.1.content.0: Invalid `signature` in `thinking` block", e.UnsupportedParameterError),
          ("output_config.format.schema: 'additionalProperties' must be false", e.UnsupportedParameterError),
          ("Could not process image", e.InvalidRequestError))),
    *(Case(f"Google: {message[:30]}", 400, google(400, status, message), kind, message, status)
      for status, message, kind in (
          ("FAILED_PRECONDITION", "User location is not supported for the API use.", e.PermissionDeniedError),
          ("INVALID_ARGUMENT", "Logprobs is not enabled for models/x", e.UnsupportedParameterError),
          ("INVALID_ARGUMENT", "Budget 0 is invalid. This model only works in thinking mode.", e.UnsupportedParameterError),
          ("INVALID_ARGUMENT", "Function call is missing a thought_signature", e.UnsupportedParameterError),
          ("INVALID_ARGUMENT", "Corrupted thought signature.", e.UnsupportedParameterError),
          ("INVALID_ARGUMENT", "Cannot fetch content from the provided URL.", e.UnsupportedParameterError))),
    Case("Cohere: a limit per minute", 429, {"message": "a Trial key is limited to 40 API calls / minute"},
         e.RateLimitError, "40 API calls"),
    Case("Cohere: a limit per month", 429, {"message": "a Trial key is limited to 1000 API calls / month"},
         e.QuotaExceededError, "1000 API calls"),
    Case("Cohere: a wrong key", 401, {"id": "1", "message": "invalid api token"}, e.AuthenticationError, "invalid api token"),
    Case("Cohere: a long prompt", 400, {"message": "too many tokens: size limit exceeded by 9"}, e.ContextWindowError, "by 9"),
    Case("Anthropic: overloaded in a stream", 200, anthropic("overloaded_error", "Overloaded"), e.ServerError,
         "Overloaded", "overloaded_error"),
    # no readable body
    Case("an empty body", 500, b"", e.ServerError, "no explanation"),
    Case("an empty object", 429, {}, e.RateLimitError, "no explanation", None, 9.0, {"retry-after": "9"}),
    Case("a null error", 403, {"error": None, "message": "No."}, e.PermissionDeniedError, "No."),
    Case("a plain text", 502, b"Bad Gateway\n", e.ServerError, "Bad Gateway"),
    Case("a web page", 403, b"<!DOCTYPE html><html><head><title>Just a\nmoment...</title>", e.PermissionDeniedError,
         "a web page instead of an answer: Just a moment..."),
    *(Case(f"something else at this address: {body!r}", 404, body, e.ModelUnavailableError, message)
      for body, message in (
          (b"<html><head><title>404 Not Found</title>", "a web page instead of an answer: 404 Not Found; is the base URL right?"),
          (b"404 page not found", "404 page not found; is the base URL right?"),
          (b"", "no explanation in the answer; is the base URL right?"),
          ({"detail": "Not Found"}, "Not Found; is the base URL right?"),
          ({"message": "no Route matched with those values"}, "values; is the base URL right?"))),
    Case("OpenAI: a wrong path", 404, openai("Invalid URL (POST /v1/chat/chat)"), e.ModelUnavailableError,
         "chat); is the base URL right?", "invalid_request_error"),
    Case("a web page for another method", 405, b"<html>Not Allowed", e.InvalidRequestError, "is the base URL right?"),
    Case("bytes", 500, bytes(range(256)), e.ServerError, "!\"#$%"),
    Case("a JSON text", 400, b'"no"', e.InvalidRequestError, "no"),
    Case("a mark of UTF-8", 400, b'\xef\xbb\xbf{"error": {"message": "no", "code": "invalid_api_key"}}', e.AuthenticationError, "no",
         "invalid_api_key"),
    Case("a list of texts", 422, {"errors": ["temperature must be at most 1"]}, e.UnsupportedParameterError, "temperature must"),
]  # fmt: skip


REFUSALS: list[tuple[type[e.ProviderError], int, str]] = [
    (e.PermissionDeniedError, 400, "Your account has been suspended"),
    (e.PermissionDeniedError, 401, "Account deactivated: this workspace has been disabled"),
    (e.PermissionDeniedError, 400, "This account has been closed for violating the terms."),
    (e.PermissionDeniedError, 400, "Your organization is locked. Contact support."),
    (e.PermissionDeniedError, 400, "Your account requires verification before using the API"),
    (e.PermissionDeniedError, 400, "Organization is not verified"),
    (e.PermissionDeniedError, 400, "The user has been banned"),
    (e.PermissionDeniedError, 400, "The API is not available in your region"),
    (e.PermissionDeniedError, 451, "Unavailable for legal reasons"),
    (e.AuthenticationError, 400, "API Key not found. Please pass a valid API key."),
    (e.AuthenticationError, 403, "This API key has been revoked"),
    (e.ModelUnavailableError, 403, "You do not have access to the model x"),
    (e.ModelUnavailableError, 400, "You don't have access to the model with the specified model ID."),
    (e.ModelUnavailableError, 400, "The model x has been discontinued"),
    (e.ModelUnavailableError, 403, "Model x requires a paid plan"),
    (e.ModelUnavailableError, 400, "Unavailable model: x"),
    (e.ModelUnavailableError, 400, "This model is only available to users of the Pro plan"),
    (e.ModelUnavailableError, 403, "Please accept the terms of this model first"),
    (e.QuotaExceededError, 403, "You've run out of funds. Please top up your balance"),
    (e.QuotaExceededError, 400, "Account x is suspended, possibly due to reaching the monthly spending limit"),
    (e.QuotaExceededError, 429, "Weekly usage limit reached"),
    (e.ContextWindowError, 400, "The decoder prompt (length 9) is longer than the maximum model length of 8."),
    (e.ContextWindowError, 400, "Range of input length should be [1, 30720]"),
    (e.ContextWindowError, 422, "`inputs` must have less than 4096 tokens"),
    (e.ContentFilterError, 400, "Input data may contain inappropriate content"),
    (e.ServerError, 429, "The model is overloaded"),
    (e.ServerError, 429, "This model is at capacity"),
    (e.RateLimitError, 429, "Your account is over its rate limit"),
    (e.UnsupportedParameterError, 400, "invalid top_p: only 0.95 is allowed for this model"),
    (
        e.UnsupportedParameterError,
        400,
        "`max_tokens` must be less than or equal to `16384`, less than the `context_window`",
    ),
    (e.UnsupportedParameterError, 400, "temperature must be between 0 and 1 inclusive"),
    (e.UnsupportedParameterError, 400, "Invalid content type. image_url is only supported by certain models."),
    (e.UnsupportedParameterError, 400, "Reasoning is mandatory for this endpoint and cannot be disabled."),
    # the same words about the request itself
    (e.InvalidRequestError, 400, "user messages are limited to text; the account field is missing"),
    (e.InvalidRequestError, 400, "This model requires a higher number of messages"),
    (e.InvalidRequestError, 400, "The field accepts no license plates"),
    (e.InvalidRequestError, 400, "messages.1: restricted to one system message"),
    (e.InvalidRequestError, 400, "max_tokens exceeds the model's output token limit of 8192"),
    (e.ContentFilterError, 403, "Your input was flagged for violence. No credits were charged."),
    (e.ContentFilterError, 400, "The user prompt has been blocked by the content filter"),
    (e.InvalidRequestError, 400, "This model requires a prompt"),
    (e.InvalidRequestError, 400, "Invalid token at position 5 of the grammar"),
    (e.UnsupportedParameterError, 400, "model x: `temperature` is deprecated for this model"),
    # a limit of time, not of one request
    (e.QuotaExceededError, 403, "You have exceeded your monthly token limit"),
    (e.QuotaExceededError, 400, "Exceeded the daily token limit"),
    (e.RateLimitError, 429, "Too many tokens, please wait before trying again."),
]


@pytest.mark.parametrize(("kind", "status", "message"), REFUSALS)
def test_a_refusal_is_recognised_by_its_words(kind: type[e.ProviderError], status: int, message: str) -> None:
    assert type(classify(ErrorReply(status=status, body=json.dumps(openai(message)).encode()))) is kind


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_error_response_means_its_exception(case: Case) -> None:
    body = case.body if isinstance(case.body, bytes) else json.dumps(case.body).encode()
    error = classify(ErrorReply(status=case.status, headers=case.headers, body=body), now=NOW)
    inside = {"OpenRouter: inside a 200": 502}.get(case.name, None if case.status == 200 else case.status)
    assert (type(error), error.code, error.retry_after, error.status) == (case.kind, case.code, case.wait, inside)
    assert case.message in error.message


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (openai("did not call a tool", "tool_use_failed", status_code=400), e.ToolCallError, 400),
        (openrouter(429, "slow down"), e.RateLimitError, 429),
        (anthropic("permission_error", "not for you"), e.PermissionDeniedError, None),
        (anthropic("billing_error", "pay first"), e.QuotaExceededError, None),
        (anthropic("request_too_large", "too much"), e.RequestTooLargeError, None),
        (openrouter(301, "odd"), e.ServerError, None),
        (openai("The model `x` has been decommissioned", "model_decommissioned"), e.ModelUnavailableError, None),
        ({"code": 500, "message": "failed to decode"}, e.ServerError, 500),
        ({"error": "anything"}, e.ServerError, None),
        # LiteLLM's proxy sends the status as a string
        (openai("litellm.RateLimitError: x", "429", "None"), e.RateLimitError, 429),
        (openai("litellm.AuthenticationError: x", "401", "auth_error"), e.AuthenticationError, 401),
        ({"error": {"message": "no"}, "status": 401}, e.AuthenticationError, 401),
        ({"error": "no", "statusCode": 429.0}, e.RateLimitError, 429),
        ({"error": {"message": "no", "code": "1234"}}, e.ServerError, None),
        # nothing but words
        ({"error": "Rate limit exceeded, try again in 2s"}, e.RateLimitError, None),
        ({"detail": "Too many requests"}, e.RateLimitError, None),
        ({"error": {"message": "slow down", "type": "TooManyRequests"}}, e.RateLimitError, None),
        ({"error": {"message": '{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}'}}, e.RateLimitError, None),
        ({"error": "Rate limit exceeded: 50 requests per day"}, e.QuotaExceededError, None),
        # words that say more, and words that say something else
        ({"error": "maximum context length is 8192 tokens; see x/docs/rate-limits"}, e.ContextWindowError, None),
        ({"error": "Invalid API key. Such calls are rate limited."}, e.AuthenticationError, None),
        ({"error": "it exceeds the separate limit"}, e.ServerError, None),
    ],
)
def test_an_error_inside_a_200_or_a_stream_is_classified_by_its_content(
    body: object, kind: type[e.ProviderError], status: int | None
) -> None:
    for outside in (None, 200, 202):
        error = classify(ErrorReply(status=outside, body=json.dumps(body).encode(), in_stream=True))
        assert (type(error), error.status) == (kind, status)


@pytest.mark.parametrize("code", ["api_error", "server_error"])
@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (404, 'Error from provider: {"error":{"message":"no such path","code":404}}', e.ModelUnavailableError),
        (429, "Error from provider(429): RESOURCE_EXHAUSTED", e.RateLimitError),
        (401, "no", e.AuthenticationError),
        (400, "Error from provider(400): prompt is too long: 9 tokens > 8 maximum", e.ContextWindowError),
        (400, "it broke", e.ServerError),
        (500, "it broke", e.ServerError),
    ],
)
def test_a_code_that_says_only_that_something_failed_gives_way_to_the_status_and_the_words(
    status: int, message: str, kind: type[e.ProviderError], code: str
) -> None:
    body = openai(message, "provider_response_error", code)
    assert type(classify(ErrorReply(status=status, body=json.dumps(body).encode()))) is kind


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, openai("Budget has been exceeded! Current cost: 1.0, Max budget: 0.5", "400", "budget_exceeded")),
        (429, openai("Budget has been exceeded! Current cost: 1.0, Max budget: 0.5", "429", "budget_exceeded")),
        (403, openai("user quota is not enough", "insufficient_user_quota", "one_api_error")),
    ],
)
def test_a_gateway_that_anybody_may_run_says_that_its_budget_is_spent(status: int, body: Any) -> None:
    assert type(classify(ErrorReply(status=status, body=json.dumps(body).encode()))) is e.QuotaExceededError


def test_a_very_long_message_is_classified_in_linear_time() -> None:
    def work(size: int) -> None:
        # each word starts a match of a pattern with a gap
        body = json.dumps(openai("model " * size)).encode()
        assert len(classify(ErrorReply(status=400, body=body)).message) <= 300

    assert is_linear(work, 20_000)


# -- arbitrary input ---------------------------------------------------------------


NAMES = (
    *(
        "error",
        "errors",
        "message",
        "msg",
        "loc",
        "type",
        "code",
        "status",
        "status_code",
        "detail",
        "details",
        "title",
    ),
    *("metadata", "raw", "fault", "faultstring", "param", "retryDelay", "invalid_api_key", "not_found", "37s"),
)
WORDS = st.sampled_from(NAMES)
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text() | WORDS
)
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5))
BODIES = st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()) | st.text().map(str.encode)
HEADERS = st.dictionaries(st.sampled_from(["location", "retry-after", "content-type"]), st.text(max_size=20))


@pytest.mark.no_cover
@settings(deadline=None, max_examples=400)
@given(st.none() | st.integers(100, 999), HEADERS, BODIES)
def test_every_response_means_some_provider_error(status: int | None, headers: dict[str, str], body: bytes) -> None:
    error = classify(ErrorReply(status=status, headers=headers, body=body), now=NOW)
    assert isinstance(error, e.ProviderError)
    assert type(error) is not e.ProviderError
    assert error.message.isprintable()
    assert 0 < len(error.message) <= 500
    assert error.code is None or len(error.code) <= 300
    assert error.retry_after is None or error.retry_after >= 0


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"error":' * 50_000], ids=["lists", "objects"])
def test_a_body_of_only_brackets_is_classified_by_its_status(body: bytes) -> None:
    assert type(classify(ErrorReply(status=500, body=body))) is e.ServerError


@pytest.mark.parametrize(
    ("body", "of_model"),
    [
        (openai("Rate limit reached for model `openai/gpt-oss-20b` in organization `org_1` on tokens per day (TPD): Limit 9"), True),
        (openai("Rate limit reached for gpt-5 in organization org-1 on requests per day (RPD): Limit 200"), True),
        (openai("The model `m` has exceeded its daily quota"), True),
        (openai("Model m: daily request quota exhausted"), True),
        (openai("Quota exceeded for the limit 'Requests per day per model'"), True),
        (openai(TPD), False),
        (openai("Rate limit exceeded: free-models-per-day. Credits unlock 1000 free model requests per day"), False),
        ([google(429, "RESOURCE_EXHAUSTED", EXCEEDED, quota("RequestsPerDayPerProjectPerModel-FreeTier"))], True),
        ([google(429, "RESOURCE_EXHAUSTED", EXCEEDED, quota("RequestsPerDayPerProject"))], False),
        (openai("You exceeded your current quota for the model", "insufficient_quota"), False),
    ],
)  # fmt: skip
def test_a_quota_that_names_a_model_is_of_that_model(body: Any, of_model: bool) -> None:
    error = classify(ErrorReply(status=429, headers={}, body=json.dumps(body).encode()))
    assert isinstance(error, e.QuotaExceededError)
    assert error.of_model is of_model
    assert pickle.loads(pickle.dumps(error)).of_model is of_model
