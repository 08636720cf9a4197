"""MiniMax: OpenAI's protocol, with thoughts apart from the text, and errors in `base_resp`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from g4f_lite import (
    AuthenticationError,
    ChatCompletion,
    ChatCompletionChunk,
    ChatRequest,
    ContentFilterError,
    ContextWindowError,
    ErrorReply,
    HTTPResponse,
    ModelUnavailableError,
    OpenaiTemplate,
    Provider,
    QuotaExceededError,
    RateLimitError,
    ReplyError,
    ServerError,
    ServerSentEvent,
    StreamParser,
    hookimpl,
)


class MiniMax(OpenaiTemplate):
    """
    api.minimax.io; a key of mainland China needs `MINIMAX_API_BASE=https://api.minimaxi.com/v1`.

    Parameters that the service ignores are refused, so that such a call goes elsewhere.

    Source: platform.minimax.io, "Compatible OpenAI API" and "Error codes"; litellm 1.106, `minimax/chat`; issues.
    """

    name = "minimax"
    label = "MiniMax"
    url = "https://www.minimax.io"
    login_url = "https://platform.minimax.io/user-center/basic-information/interface-key"
    api_base = "https://api.minimax.io/v1"
    api_key_env = ("MINIMAX_API_KEY",)
    default_model = "MiniMax-M3"
    fallback_models = ("MiniMax-M2.7", "MiniMax-M2.5")
    model_aliases = {"minimax-m3": "MiniMax-M3", "minimax-m2.7": "MiniMax-M2.7"}
    capabilities = OpenaiTemplate.capabilities | {"vision"}
    unsupported_parameters = frozenset(
        {"frequency_penalty", "presence_penalty", "logit_bias", "functions", "function_call"}
    )
    allowed_values = {"n": (1,)}
    thinking_models = r"MiniMax-M[2-9]"
    renamed_parameters = {"max_tokens": "max_completion_tokens"}
    error_codes = {
        "1000": ServerError,
        "1001": ServerError,
        "1002": RateLimitError,
        "1004": AuthenticationError,
        "1008": QuotaExceededError,
        "insufficient_balance_error": QuotaExceededError,
        "1024": ServerError,
        "1026": ContentFilterError,
        "1027": ContentFilterError,
        "1033": ServerError,
        "1039": ContextWindowError,
        "1041": RateLimitError,
        "2049": AuthenticationError,
        "2056": QuotaExceededError,
        "2061": ModelUnavailableError,
    }
    # Beside other statuses the number stands at the end of the message, and the code may be a mere `api_error`.
    error_words = {f"({code})": kind for code, kind in error_codes.items() if code.isdigit()}

    def adapt_body(self, body: dict[str, Any]) -> None:
        body["reasoning_split"] = True  # else the text begins with <think>…</think>

    def parse_response(self, response: HTTPResponse) -> ChatCompletion:
        if (error := _error_in(response.body)) is not None:
            raise ReplyError(ErrorReply(status=response.status, headers=response.headers, body=error))
        body = _with_reasoning(response.body)
        return super().parse_response(HTTPResponse(status=response.status, headers=response.headers, body=body))

    def new_stream(self, request: ChatRequest) -> StreamParser:
        return _MiniMaxStream(super().new_stream(request))


class _MiniMaxStream:
    def __init__(self, inner: StreamParser) -> None:
        self._inner = inner

    @property
    def done(self) -> bool:
        return bool(getattr(self._inner, "done", False))

    def feed(self, event: ServerSentEvent) -> Iterable[ChatCompletionChunk]:
        if (error := _error_in(event.data)) is not None:
            raise ReplyError(ErrorReply(status=200, body=error, in_stream=True))
        return self._inner.feed(ServerSentEvent(data=_with_reasoning(event.data), event=event.event))

    def close(self) -> Iterable[ChatCompletionChunk]:
        return self._inner.close()


class _Outcome(msgspec.Struct):
    status_code: int = 0
    status_msg: str = ""


class _Answer(msgspec.Struct):
    base_resp: _Outcome | None = None


_decoder = msgspec.json.Decoder(_Answer)
_INVALID = 2013


def _error_in(body: bytes) -> bytes | None:
    """Return the error in an answer of status 200 as OpenAI's JSON; 0 means that there is none."""
    if b'"base_resp"' not in body:
        return None
    try:
        outcome = _decoder.decode(body).base_resp
    except msgspec.MsgspecError:
        return None  # the template says what is wrong with it
    if outcome is None or outcome.status_code == 0:
        return None
    error: dict[str, Any] = {"message": outcome.status_msg, "code": str(outcome.status_code)}
    if outcome.status_code == _INVALID:
        error["status_code"] = 400  # the words say what is invalid
    return msgspec.json.encode({"error": error})


def _with_reasoning(body: bytes) -> bytes:
    """Copy the text of `reasoning_details` to `reasoning_content`, which only some answers have beside it."""
    if b'"reasoning_details"' not in body or b'"reasoning_content"' in body:
        return body
    try:
        answer = msgspec.json.decode(body)
        for choice in answer["choices"]:
            said = choice.get("message") or choice.get("delta") or {}
            if details := said.get("reasoning_details"):
                said["reasoning_content"] = "".join(one.get("text") or "" for one in details)
        return msgspec.json.encode(answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, AttributeError, KeyError, TypeError):
        return body  # of another shape: the template reads what it can


@hookimpl
def register_providers(register: Callable[[type[Provider] | Provider], None]) -> None:
    register(MiniMax)
