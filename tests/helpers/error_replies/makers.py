"""Makers of models."""

from __future__ import annotations

from typing import Any

from ..error_bodies import anthropic, google, quota, retry_info
from .told import (
    CONTENT,
    CONTEXT,
    DENIED,
    INVALID,
    KEY,
    LARGE,
    LATER,
    MODEL,
    PARAMETER,
    QUOTA,
    RATE,
    SERVER,
    TOOL,
    Told,
    openai,
)


def xai(code: str, error: str) -> Any:
    return {"code": code, "error": error}


def mistral(message: Any, type: str, code: str | None = None) -> Any:
    return {"object": "error", "message": message, "type": type, "param": None, "code": code}


def info(reason: str) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}


def invalid(message: str) -> Any:
    return anthropic("invalid_request_error", message)


FREE_TIER = "You exceeded your current quota. * Quota exceeded for metric: generate_content_free_tier_requests, limit: "


def minimax(type: str, message: str, **more: str) -> Any:
    return {"type": "error", "error": {"type": type, "message": message, **more}, "request_id": "r"}


MAKERS: dict[str, list[Told]] = {
    # OpenAI's page on error codes; issue reports of the messages
    "openai": [
        Told(401, openai("Incorrect API key provided: sk-x.", "invalid_api_key"), KEY),
        Told(401, openai("You must be a member of an organization to use the API."), KEY),
        Told(401, openai("Your IP is not authorized.", "ip_not_authorized"), DENIED),
        Told(401, openai("Your account has been deactivated.", "account_deactivated"), DENIED),
        Told(403, openai("Country, region, or territory not supported", "unsupported_country_region_territory"), DENIED),
        Told(403, openai("Your organization must be verified to use the model `gpt-image-2`."), DENIED),
        Told(400, openai("Your organization must be verified to stream this model.", "unsupported_value", param="stream"), DENIED),
        Told(403, openai("Project `p` does not have access to model `m`", "model_not_found"), MODEL),
        Told(404, openai("The model `m` has been deprecated", "model_not_found"), MODEL),
        Told(404, openai("This is not a chat model and thus not supported in the v1/chat/completions endpoint.", param="model"), MODEL),
        Told(429, openai("You exceeded your current quota", "insufficient_quota", "insufficient_quota"), QUOTA),
        Told(429, openai("Prepaid credits are used.", "credit_balance_exhausted", "insufficient_quota"), QUOTA),
        Told(429, openai("A spend limit is reached.", "organization_spend_limit_exceeded"), QUOTA),
        Told(429, openai("A spend limit is reached.", "project_spend_limit_exceeded"), QUOTA),
        Told(429, openai("A usage limit is reached.", "organization_usage_limit_exceeded"), QUOTA),
        Told(429, openai("Your account is not active, please check your billing details.", "billing_not_active"), QUOTA),
        Told(400, openai("Billing hard limit has been reached", "billing_hard_limit_reached"), QUOTA),
        Told(429, openai("Rate limit reached on requests per min. Please try again in 20s.", "rate_limit_exceeded", "requests"), RATE, 20),
        Told(503, openai("Slow down", "slow_down", "rate_limit_error"), RATE),
        Told(429, openai("Request too large for gpt on tokens per min", "rate_limit_exceeded", "tokens"), LARGE),
        Told(400, openai("Your input exceeds the context window of this model.", "context_length_exceeded"), CONTEXT),
        Told(400, openai("Input tokens exceed the configured limit of 272000 tokens."), CONTEXT),
        Told(400, openai("Unsupported parameter: 'max_tokens'", "unsupported_parameter", param="max_tokens"), PARAMETER),
        Told(400, openai("Requested service tier is not allowed for this project.", param="service_tier"), PARAMETER),
        Told(400, openai("Timeout while downloading the image.", "invalid_image_url"), PARAMETER),
        Told(400, openai("Limited access to this content for safety reasons.", "invalid_prompt"), CONTENT),
        Told(400, openai("Flagged for a risk.", "cyber_policy"), CONTENT),
        Told(400, openai("Your request was rejected by the safety system.", "moderation_blocked"), CONTENT),
        Told(503, openai("The engine is currently overloaded", "server_is_overloaded", "service_unavailable_error"), SERVER),
        Told(400, openai("Invalid 'messages[0].content'", "invalid_value", param="messages[0].content"), INVALID),
    ],
    # Anthropic's pages on errors and rate limits; issue reports of the 400s
    "anthropic": [
        Told(400, invalid("This organization has been disabled."), DENIED),
        Told(400, invalid("This credential is only authorized for use with Claude Code."), DENIED),
        Told(403, anthropic("permission_error", "Your account does not have access to Claude."), DENIED),
        Told(401, anthropic("authentication_error", "invalid x-api-key"), KEY),
        Told(404, anthropic("not_found_error", "model: claude-x"), MODEL),
        Told(402, anthropic("billing_error", "Check your payment."), QUOTA),
        Told(400, invalid("Your credit balance is too low to access the Anthropic API."), QUOTA),
        Told(400, invalid("You have reached your specified API usage limits. You will regain access on 2096-10-02 at 07:06 UTC."), QUOTA,
             until=LATER - 40),
        Told(400, invalid("You have reached your specified workspace API usage limits."), QUOTA),
        Told(429, {"type": "error", "error": {"type": "rate_limit_error", "message": "Spend limit reached.",
             "details": {"error_code": "enforced_spend_limit_reached"}}}, QUOTA),
        Told(429, anthropic("rate_limit_error", "This would exceed the rate limit of your organization"), RATE, 7, headers={"retry-after": "7"}),
        Told(400, invalid("Your organization does not have access to this feature"), DENIED),
        Told(400, invalid("Third-party apps now draw from your extra usage, not your plan limits."), QUOTA),
        Told(400, invalid("prompt is too long: 213462 tokens > 200000 maximum"), CONTEXT),
        Told(400, invalid("input length and `max_tokens` exceed context limit: 9 + 9 > 10"), CONTEXT),
        Told(413, anthropic("request_too_large", "Request exceeds the maximum size"), LARGE),
        Told(400, invalid("`temperature` is deprecated for this model."), PARAMETER),
        Told(400, invalid("Output blocked by content filtering policy"), CONTENT),
        Told(529, anthropic("overloaded_error", "Overloaded"), SERVER),
        Told(200, anthropic("overloaded_error", "Overloaded"), SERVER),
        Told(500, anthropic("api_error", "Internal server error"), SERVER),
        Told(400, invalid("messages: roles must alternate"), PARAMETER),
    ],
    # Gemini's troubleshooting page, its forum, issue reports
    "gemini": [
        Told(400, google(400, "INVALID_ARGUMENT", "API key not valid.", info("API_KEY_INVALID")), KEY),
        Told(400, google(400, "INVALID_ARGUMENT", "API key expired. Please renew the API key.", info("API_KEY_INVALID")), KEY),
        Told(403, google(403, "PERMISSION_DENIED", "Your API key was reported as leaked."), KEY),
        Told(403, google(403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers."), KEY),
        Told(403, google(403, "PERMISSION_DENIED", "Consumer 'api_key:x' has been suspended.", info("CONSUMER_SUSPENDED")), DENIED),
        Told(403, google(403, "PERMISSION_DENIED", "The API has not been used in project 1.", info("SERVICE_DISABLED")), DENIED),
        Told(403, google(403, "PERMISSION_DENIED", "Your project has been denied access."), DENIED),
        Told(400, google(400, "FAILED_PRECONDITION", "User location is not supported for the API use."), DENIED),
        Told(400, google(400, "FAILED_PRECONDITION", "The free tier is not available in your country."), DENIED),
        Told(404, google(404, "NOT_FOUND", "models/x is not found for API version v1beta"), MODEL),
        Told(404, google(404, "NOT_FOUND", "This model models/x is no longer available to new users."), MODEL),
        Told(429, google(429, "RESOURCE_EXHAUSTED", FREE_TIER + "0, model: gemini-2.5-pro Please retry in 30s.", retry_info("30s")), MODEL, 30),
        Told(429, google(429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted."), QUOTA),
        Told(403, google(403, "PERMISSION_DENIED", "This API method requires billing to be enabled.", info("BILLING_DISABLED")), QUOTA),
        Told(429, google(429, "RESOURCE_EXHAUSTED", "Your project has exceeded its monthly spending cap."), QUOTA),
        Told(429, google(429, "RESOURCE_EXHAUSTED", FREE_TIER + "20, model: x", quota("RequestsPerDayPerModel"), retry_info("37s")), QUOTA, 37),
        Told(429, google(429, "RESOURCE_EXHAUSTED", FREE_TIER + "10, model: x", quota("RequestsPerMinute"), retry_info("37s")), RATE, 37),
        Told(400, google(400, "INVALID_ARGUMENT", "The input token count (1196265) exceeds the maximum number of tokens allowed"), CONTEXT),
        Told(400, google(400, "INVALID_ARGUMENT", "The input token count is 1200000 but model only supports up to 1048576"), CONTEXT),
        Told(400, google(400, "INVALID_ARGUMENT", "Invalid JSON payload received. Unknown name \"seed\": Cannot find field."), PARAMETER),
        Told(400, google(400, "INVALID_ARGUMENT",
             "* GenerateContentRequest.generation_config.temperature: temperature must be in the range [0.0, 2.0]."), PARAMETER),
        Told(400, google(400, "INVALID_ARGUMENT", "Developer instruction is not enabled for models/x"), PARAMETER),
        Told(503, google(503, "UNAVAILABLE", "This model is currently experiencing high demand."), SERVER),
        Told(504, google(504, "DEADLINE_EXCEEDED", "The request timed out."), SERVER),
        Told(200, {"error": {"code": "malformed_function_call", "message": "MALFORMED_FUNCTION_CALL"}}, TOOL),
    ],
    # Mistral's error glossary; recorded exchanges; issue reports of the codes
    "mistral": [
        Told(401, {"message": "Unauthorized", "request_id": "r"}, KEY),
        Told(402, mistral("Payment required", "invalid_request_error"), QUOTA),
        Told(403, mistral("This model is not available on your subscription tier", "invalid_request_error"), MODEL),
        Told(400, mistral("Invalid model: x", "invalid_model", "1500"), MODEL),
        Told(404, mistral("No such model", "invalid_request_error", "unknown_model"), MODEL),
        Told(429, mistral("Service tier capacity exceeded for this model.", "service_tier_capacity_exceeded", "3505"), RATE),
        Told(429, {"message": "Requests rate limit exceeded", "type": "rate_limited", "code": "1300"}, RATE),
        Told(400, mistral("Prompt contains 65673 tokens, too large for model with 32768 maximum context length",
             "invalid_request_prompt", "3051"), CONTEXT),
        Told(400, mistral("Image input is not enabled for this model", "invalid_request_prompt", "3051"), PARAMETER),
        Told(422, mistral({"detail": [{"type": "extra_forbidden", "loc": ["body", "metadata"], "msg": "Extra inputs are not permitted"}]},
             "invalid_request_error"), PARAMETER),
        Told(422, {"detail": [{"type": "less_than_equal", "loc": ["body", "temperature"], "msg": "Input should be less than or equal to 1.5"}]},
             PARAMETER),
        Told(422, mistral({"detail": [{"type": "less_than_equal", "loc": ["body", "top_p"], "msg": "Input should be less than or equal to 1"}]},
             "invalid_request_error"), PARAMETER),
        Told(422, {"detail": [{"type": "missing", "loc": ["body", "messages"], "msg": "Field required"}]}, INVALID),
        Told(503, mistral("Service unavailable.", "internal_server_error"), SERVER),
        Told(400, mistral("Expected last role User or Tool", "invalid_request_message_order", "3230"), INVALID),
    ],
    # DeepSeek's page on error codes; issue reports of the messages
    "deepseek": [
        Told(401, openai("Authentication Fails (governor)", "invalid_request_error", "authentication_error"), KEY),
        Told(402, openai("Insufficient Balance", "invalid_request_error", "unknown_error"), QUOTA),
        Told(400, openai("Model Not Exist", "invalid_request_error"), MODEL),
        Told(400, openai("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]"), PARAMETER),
        Told(400, openai("Content Exists Risk", "invalid_request_error"), CONTENT),
        Told(400, openai("This model's maximum context length is 131072 tokens. However, you requested 900000 tokens", "invalid_request_error"), CONTEXT),
        Told(400, openai("The `reasoning_content` in the thinking mode must be passed back to the API."), PARAMETER),
        Told(400, openai("This response_format type is unavailable now"), PARAMETER),
        Told(422, openai("Failed to deserialize the JSON body: messages[0].role: unknown variant `developer`"), PARAMETER),
        Told(429, openai("Rate limit reached"), RATE),
        Told(503, openai("The server is overloaded due to high traffic."), SERVER),
    ],
    # xAI's debugging page; issue reports
    "xai": [
        Told(400, xai("Client specified an invalid argument", "Incorrect API key provided: xa***."), KEY),
        Told(403, xai("The caller does not have permission", "Your newly created team doesn't have any credits or licenses yet."), QUOTA),
        Told(429, xai("Some resource has been exhausted",
             "Your team x has either used all available credits or reached its monthly spending limit."), QUOTA),
        Told(403, xai("permission-denied", "API error: your team has used all available credits or reached its monthly spending limit."), QUOTA),
        Told(403, xai("The caller does not have permission", "Team is not authorized to perform this action."), DENIED),
        Told(403, xai("The caller does not have permission", "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_X"), CONTENT),
        Told(404, xai("Some requested entity was not found", "The model grok-x does not exist or your team t does not have access to it."), MODEL),
        Told(400, xai("Client specified an invalid argument",
             "This model's maximum prompt length is 131072 but the request contains 537812 tokens."), CONTEXT),
        Told(400, xai("Client specified an invalid argument", "Model grok-4.3 does not support parameter presencePenalty."), PARAMETER),
        Told(410, xai("The requested resource is gone", "Live search is deprecated."), PARAMETER),
        Told(429, xai("Some resource has been exhausted", "Too many requests for team t and model m."), RATE),
        Told(503, xai("The service is currently unavailable", "The model is at capacity."), SERVER),
    ],
    # Cohere's page on errors
    "cohere": [
        Told(401, {"id": "1", "message": "invalid api token"}, KEY),
        Told(402, {"id": "1", "message": "Your account has reached its billing limit."}, QUOTA),
        Told(403, {"id": "1", "message": "Your account is blocked."}, DENIED),
        Told(404, {"id": "1", "message": "model 'x' was removed on September 15, 2025."}, MODEL),
        Told(400, {"id": "1", "message": "too many tokens: total number of tokens in the prompt cannot exceed 4081"}, CONTEXT),
        Told(400, {"id": "1", "message": "tools are not supported by the provided model"}, PARAMETER),
        Told(400, {"id": "1", "message": "invalid request: cannot specify both frequency_penalty and presence_penalty."}, PARAMETER),
        Told(400, {"id": "1", "message": "too many tokens: max tokens must be less than or equal to 4096, the maximum output for this model"},
             PARAMETER),
        Told(400, {"id": "1", "message": "invalid request: model 'x' is not supported by the generate API"}, MODEL),
        Told(400, {"id": "1", "message": "invalid request: response_format is not supported by the model 'x'"}, PARAMETER),
        Told(400, {"id": "1", "message": "invalid request: logprobs is not supported by the chat API"}, PARAMETER),
        Told(429, {"message": "You are using a Trial key, which is limited to 40 API calls / minute."}, RATE),
        Told(429, {"message": "You are using a Trial key, which is limited to 1000 API calls / month."}, QUOTA),
        Told(503, {"message": "service unavailable"}, SERVER),
    ],
    # Kimi's pages on API error codes and models; issue reports
    "moonshot": [
        Told(401, openai("Invalid Authentication", type="invalid_authentication_error"), KEY),
        Told(403, openai("You have no permission to access this resource.", type="permission_denied_error"), DENIED),
        Told(403, openai("Access terminated", type="access_terminated_error"), DENIED),
        Told(403, anthropic("permission_error", "You've reached your usage limit for this billing cycle."), QUOTA),
        Told(404, openai("Not found the model kimi-x or Permission denied", type="resource_not_found_error"), MODEL),
        Told(429, openai("Your account is suspended due to insufficient balance, please recharge your account",
             type="exceeded_current_quota_error"), QUOTA),
        Told(429, openai("Your account reached organization max RPM: 3, please try again after 1 seconds", type="rate_limit_reached_error"), RATE, 1),
        Told(429, openai("Your account reached organization TPD rate limit, current: 1500002, limit: 1500000", type="rate_limit_reached_error"), QUOTA),
        Told(429, openai("The engine is currently overloaded, please try again later", type="engine_overloaded_error"), SERVER),
        Told(400, openai("Invalid request: Your request exceeded model token limit: 262144 (requested: 269030)"), CONTEXT),
        Told(400, openai("Input token length too long"), CONTEXT),
        Told(400, openai("invalid temperature: only 1 is allowed for this model"), PARAMETER),
        Told(400, openai("tool_choice 'required' is incompatible with thinking enabled"), PARAMETER),
        Told(400, openai("The request was rejected because it was considered high risk", type="content_filter"), CONTENT),
        Told(503, openai("Service unavailable", type="server_unavailable"), SERVER),
    ],
    # Z.AI's and BigModel's pages on error codes
    "zai": [
        *(Told(status, {"error": {"code": code, "message": message}}, means) for status, code, message, means in (
            (401, "1000", "Authentication Failed", KEY), (401, "1002", "Authentication Token is illegal", KEY),
            (429, "1110", "Your account is inactive", DENIED), (429, "1112", "Your account is locked", DENIED),
            (429, "1113", "Insufficient balance or no resource package. Please recharge.", QUOTA),
            (429, "1121", "The account has violations and is locked", DENIED),
            (400, "1211", "Unknown Model, please check the model code.", MODEL),
            (400, "1212", "Current model does not support this calling method", PARAMETER),
            (400, "1215", "n and stop cannot be set at the same time", PARAMETER),
            (403, "1220", "You do not have permission to access the API", DENIED), (404, "1221", "API taken offline", MODEL),
            (400, "1234", "Network error, please contact customer service", SERVER),
            (400, "1261", "Prompt exceeds max length", CONTEXT),
            (400, "1301", "Potentially unsafe or sensitive content detected in input or generation.", CONTENT),
            (429, "1302", "High concurrency usage of this API", RATE), (429, "1303", "High frequency usage of this API", RATE),
            (429, "1304", "Daily call limit for this API reached", QUOTA), (429, "1305", "The API has triggered a rate limit", RATE),
            (429, "1305", "The service may be temporarily overloaded, please try again later", SERVER),
            (429, "1308", "Usage limit reached for 5 hour. Your limit will reset at 2026-09-21 18:55:29", QUOTA),
            (429, "1309", "Your GLM Coding Plan has expired", QUOTA), (429, "1311", "The plan does not include this model", MODEL),
            (429, 1302, "a number", RATE), (434, "1220", "No API permission", DENIED), (400, 1113, "a number", QUOTA),
            (429, "1312", "The model has too much traffic, please try again later", SERVER),
            (429, "1313", "Your usage does not comply with the fair use policy", DENIED),
        )),
        Told(200, {"code": 1113, "msg": "Insufficient balance", "success": False}, QUOTA),
    ],
    # Alibaba Cloud's page on error codes; issue reports of Qwen Code and others
    "dashscope": [
        Told(401, openai("Incorrect API key provided.", "invalid_api_key"), KEY),
        Told(401, openai("invalid access token or token expired"), KEY),
        Told(403, openai("Access denied.", "access_denied"), DENIED),
        Told(404, openai("The model `x` does not exist or you do not have access to it.", "model_not_found"), MODEL),
        Told(403, openai("Model access denied.", "Model.AccessDenied"), MODEL),
        Told(403, openai("Access to model denied. Please make sure you are eligible for using the model.", "AccessDenied.Unpurchased"), MODEL),
        Told(400, openai("Access denied, please make sure your account is in good standing.", "Arrearage", "Arrearage"), QUOTA),
        Told(403, openai("The free tier of the model has been exhausted.", "AllocationQuota.FreeTierOnly"), QUOTA),
        Told(429, openai("You exceeded your current quota, please check your plan and billing details.", "insufficient_quota", "insufficient_quota"),
             RATE),
        Told(429, openai("Requests rate limit exceeded, please try again later.", "Throttling.RateQuota"), RATE),
        Told(429, openai("Allocated quota exceeded, please increase your quota limit.", "Throttling.AllocationQuota"), RATE),
        Told(400, openai("<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 983616]", "invalid_parameter_error"), CONTEXT),
        Told(400, openai("Output data may contain inappropriate content.", "data_inspection_failed"), CONTENT),
        Told(400, openai("Input data may contain inappropriate content.", "DataInspectionFailed"), CONTENT),
        Told(400, openai("<400> InternalError.Algo.InvalidParameter: The tool_choice parameter does not support being set to required or object "
             "in thinking mode", "invalid_parameter_error"), PARAMETER),
        Told(400, openai("This model only support stream mode, please enable the stream parameter.", "invalid_parameter_error"), PARAMETER),
        Told(400, openai("parameter.enable_thinking must be set to false for non-streaming calls", "invalid_parameter_error"), PARAMETER),
        Told(503, openai("Too many requests. Your requests are being throttled due to system capacity limits.", "ServiceUnavailable"), SERVER),
    ],
    # MiniMax's page on error codes; issue reports. The number at the end of a message is the surest sign.
    "minimax": [
        Told(401, minimax("authentication_error", "invalid api key"), KEY),
        Told(401, minimax("authentication_error", "login fail: Please carry the API secret key (1004)"), KEY),
        Told(402, minimax("insufficient_balance_error", "insufficient balance (1008)"), QUOTA),
        Told(429, minimax("insufficient_balance_error", "insufficient balance (1008)"), QUOTA),
        Told(500, minimax("insufficient_balance_error", "insufficient balance (1008)", http_code="429"), QUOTA),
        Told(500, minimax("api_error", "insufficient balance (1008)"), QUOTA),
        Told(429, minimax("rate_limit_error", "usage limit exceeded, 5-hour usage limit reached for Token Plan Starter (0/0 used), "
             "resets at 2096-10-02T07:06:40Z (2056)"), QUOTA, until=LATER),
        Told(429, minimax("rate_limit_error", "rate limit exceeded (1002)"), RATE),
        Told(400, minimax("bad_request_error", "invalid params, unknown model (2013)", http_code="400"), MODEL),
        Told(500, minimax("api_error", "your current token plan not support model, MiniMax-M2.7-highspeed (2061)"), MODEL),
        Told(400, minimax("invalid_request_error", "invalid params, context window exceeds limit (2013)"), CONTEXT),
        Told(400, minimax("bad_request_error", "invalid params, tool result's tool id(call_1) not found (2013)"), INVALID),
        Told(400, minimax("bad_request_error", "input new_sensitive (1026)"), CONTENT),
        Told(529, minimax("overloaded_error", "the server cluster is under high load"), SERVER),
        *(Told(200, {"base_resp": {"status_code": code, "status_msg": "no"}}, means) for code, means in (
            (1000, SERVER), (1001, SERVER), (1002, RATE), (1004, KEY), (1008, QUOTA), (1024, SERVER), (1026, CONTENT), (1027, CONTENT),
            (1033, SERVER), (1039, CONTEXT), (1041, RATE), (2049, KEY), (2056, QUOTA), (2061, MODEL),
        )),
    ],
}  # fmt: skip
