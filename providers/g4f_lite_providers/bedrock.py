"""Amazon Bedrock: OpenAI's protocol, with the errors of AWS."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from g4f_lite import (
    AuthenticationError,
    ErrorReply,
    ModelUnavailableError,
    NotReadyError,
    OpenaiTemplate,
    PermissionDeniedError,
    Provider,
    ProviderError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    UnsupportedParameterError,
    hookimpl,
)

from .catalogue.schemas import STRICT

_OF_THE_MODEL = ("model identifier", "on-demand throughput", "access to the model", "Model access is denied")


class Bedrock(OpenaiTemplate):
    """
    The OpenAI-compatible endpoint of Bedrock's runtime in one region, with an API key of Bedrock.

    Its other endpoint, `bedrock-mantle`, has more models: `BEDROCK_API_BASE=https://bedrock-mantle.REGION.api.aws/v1`.

    Source: Amazon Bedrock's user guide, "Endpoints", "Chat Completions" and "OpenAI models"; its API reference for the
    names of errors; issue reports for the messages about keys.
    """

    name = "bedrock"
    label = "Amazon Bedrock"
    url = "https://aws.amazon.com/bedrock"
    login_url = "https://console.aws.amazon.com/bedrock/home#/api-keys"
    api_base = "https://bedrock-runtime.{AWS_REGION|AWS_DEFAULT_REGION}.amazonaws.com/openai/v1"
    api_key_env = ("AWS_BEARER_TOKEN_BEDROCK",)
    notice = "set AWS_REGION, too"
    default_model = "openai.gpt-oss-120b-1:0"
    fallback_models = ("openai.gpt-oss-20b-1:0",)
    model_aliases = {"gpt-oss-120b": "openai.gpt-oss-120b-1:0", "gpt-oss-20b": "openai.gpt-oss-20b-1:0"}
    # Source: Amazon Bedrock's user guide, "Structured outputs".
    schema_rules = {**STRICT, "recursion": "none"}
    error_codes = {
        "accessdeniedexception": PermissionDeniedError,
        "ftuformnotfilled": ModelUnavailableError,
        "invalidclienttokenid": AuthenticationError,
        "mpagreementbeingcreated": ModelUnavailableError,
        "notauthorized": PermissionDeniedError,
        "expiredtokenexception": AuthenticationError,
        "internalserverexception": ServerError,
        "modelerrorexception": ServerError,
        "modelnotreadyexception": NotReadyError,
        "modeltimeoutexception": ServerError,
        "resourcenotfoundexception": ModelUnavailableError,
        "servicequotaexceededexception": QuotaExceededError,
        "serviceunavailableexception": ServerError,
        "throttlingexception": RateLimitError,
        "unrecognizedclientexception": AuthenticationError,
    }

    error_words = {
        "does not support the '/v1/": ModelUnavailableError,  # it has another API only
        "maximum tokens you requested": UnsupportedParameterError,
    }

    def classify_error(self, reply: ErrorReply) -> ProviderError:
        body = reply.json()
        if not isinstance(body, dict) or "error" in body:
            return super().classify_error(reply)
        # AWS's own form: the code in a header, before a colon and an address; the message with a capital or without.
        code = reply.headers.get("x-amzn-errortype", "").partition(":")[0]
        message = str(body.get("message") or body.get("Message") or "")
        if "API Key is valid" in message or "Token has expired" in message:
            code = "ExpiredTokenException"  # sent with 403, as AccessDeniedException or without a code
        elif any(sign in message for sign in _OF_THE_MODEL):
            code = "ResourceNotFoundException"  # sent as ValidationException or AccessDeniedException
        as_openai = msgspec.json.encode({"error": {"message": message, "code": code}})
        return super().classify_error(msgspec.structs.replace(reply, body=as_openai))


@hookimpl
def register_providers(register: Callable[[type[Provider] | Provider], None]) -> None:
    register(Bedrock)
