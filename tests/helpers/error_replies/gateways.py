"""Gateways: their own errors, and those of the services behind them."""

from __future__ import annotations

from typing import Any

from ..error_bodies import cloudflare
from .told import CONTENT, CONTEXT, DENIED, KEY, MODEL, QUOTA, RATE, SERVER, Told, openai


def gateway(code: int | None, message: str) -> Any:
    return {"success": False, "result": [], "messages": [], "error": [{"code": code, "message": message}]}


def vercel(type: str, message: str, name: str = "GatewayError") -> Any:
    return {"error": {"message": message, "type": type, "param": {"name": name}}, "providerMetadata": {"gateway": {}}}


GATEWAYS: dict[str, list[Told]] = {
    # Vercel's page on rate limits, @ai-sdk/gateway, Vercel's forum, issue reports of vercel/ai and Aider
    "vercel": [
        Told(401, vercel("authentication_error", "Invalid API key"), KEY),
        Told(402, vercel("insufficient_funds", "Insufficient funds. Please add credits to your account."), QUOTA),
        Told(403, vercel("customer_verification_required", "AI Gateway requires a valid credit card on file to service requests. "
             "Please add a card to unlock your free credits."), DENIED),
        Told(403, vercel("no_providers_available", "Free tier users do not have access to this model. Upgrade to paid credits for unrestricted access.",
             "RestrictedModelsError"), MODEL),
        Told(403, vercel("no_providers_available", "Free credits temporarily have restricted access due to abuse. "
             "Paid credits continue to have unrestricted access.", "RestrictedModelsError"), MODEL),
        Told(403, vercel("free_tier_model_not_available", "The model is not on the free tier."), MODEL),
        Told(404, vercel("model_not_found", "Model 'x' not found"), MODEL),
        Told(400, openai("This model's maximum context length is 131072 tokens.", "context_length_exceeded"), CONTEXT),
        Told(429, vercel("rate_limit_exceeded", "Free tier requests on this model are rate-limited."), RATE),
        Told(429, vercel("rate_limit_exceeded", "Free credits temporarily have rate limits in place due to abuse. Try again later, "
             "or pay for credits which continue to have unrestricted access."), RATE),
        Told(429, vercel("AI_APICallError", "Insufficient balance or no resource package. Please recharge."), SERVER),
        Told(500, vercel("internal_server_error", "Internal server error"), SERVER),
    ],
    # Cloudflare's pages on AI Gateway (guardrails, spend limits, credentials); issue reports of cloudflare/ai, OpenCode
    "cloudflare-gateway": [
        Told(401, gateway(2009, "Unauthorized"), KEY),
        Told(401, {"name": "AiGatewayError", "internalCode": 2009, "message": "Unauthorized"}, KEY),
        Told(401, openai("You didn't provide an API key."), KEY),
        Told(402, gateway(None, "Payment error"), QUOTA),
        Told(400, gateway(2001, "Please configure AI Gateway in the Cloudflare dashboard"), DENIED),
        Told(400, gateway(2008, "Invalid provider"), MODEL),
        Told(404, openai("The model `x` does not exist or you do not have access to it.", "model_not_found"), MODEL),
        Told(400, cloudflare(5007, "AiError: No such model @cf/x or task"), MODEL),
        Told(403, cloudflare(5016, "AiError: User has not agreed to the terms of the model"), MODEL),
        Told(400, openai("This model's maximum context length is 8192 tokens.", "context_length_exceeded"), CONTEXT),
        Told(424, gateway(2016, "Prompt blocked due to security configurations"), CONTENT),
        Told(424, gateway(2017, "Response blocked due to security configurations"), CONTENT),
        Told(429, gateway(2003, "Rate limited"), RATE),
        Told(429, gateway(None, "Spend limit exceeded"), QUOTA),
        Told(429, cloudflare(3036, "AiError: you have used up your daily free allocation of neurons"), QUOTA),
        Told(429, cloudflare(3040, "AiError: no more data centers to forward the request to"), SERVER),
        Told(503, openai("overloaded", "server_error"), SERVER),
    ],
}  # fmt: skip
