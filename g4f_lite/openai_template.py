"""
OpenAI's chat protocol, for every service that speaks it.

Such a provider is its attributes, plus code for the quirks that it really has.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from .errors import MalformedResponseError, ReplyError, UnsupportedParameterError
from .http import ErrorReply, HTTPRequest, HTTPResponse, ServerSentEvent
from .openai_wire import loose_chunk, loose_completion
from .provider import Provider, StreamParser
from .types import ChatCompletion, ChatCompletionChunk, ChatRequest, JSONObject

_completion_decoder = msgspec.json.Decoder(ChatCompletion)
_chunk_decoder = msgspec.json.Decoder(ChatCompletionChunk)
_encoder = msgspec.json.Encoder()


class OpenaiTemplate(Provider):
    """A provider with OpenAI's `POST {api_base}/chat/completions`."""

    capabilities = frozenset({"streaming", "tools", "json_schema", "stream_usage"})
    unsupported_parameters: frozenset[str] = frozenset()
    """Parameters of `create` that the service answers with an error; a request that sets one goes elsewhere."""

    def build_request(self, request: ChatRequest, *, key: str | None, stream: bool) -> HTTPRequest:
        for parameter in self.unsupported_parameters:
            if getattr(request, parameter) is not None:
                raise UnsupportedParameterError(f"{self.name} does not support the parameter {parameter!r}")
        body = request.to_body()
        if stream:
            body["stream"] = True
            if "stream_usage" in self.capabilities:  # the usage comes only to those who ask
                body.setdefault("stream_options", {"include_usage": True})
        self.adapt_body(body)
        headers = {"content-type": "application/json", "accept": "text/event-stream" if stream else "application/json"}
        if key is not None:
            headers["authorization"] = f"Bearer {key}"
        return HTTPRequest(
            url=f"{self.api_base}/chat/completions",
            headers={**headers, **request.extra_headers} if request.extra_headers else headers,
            body=_encoder.encode(body),
        )

    def adapt_body(self, body: JSONObject) -> None:
        """Change the body in place where the service differs from OpenAI. Override for quirks."""

    def parse_response(self, response: HTTPResponse) -> ChatCompletion:
        body = response.body
        try:
            completion = _completion_decoder.decode(body)
        except msgspec.ValidationError:
            completion = loose_completion(_decode(body))
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise MalformedResponseError(_what_is(response), status=response.status) from None
        # Inside JSON text a quote is escaped, so these bytes can only be a name or a whole string.
        failed = b'"error"' in body and _says_error(_decode(body))
        if failed or (not completion.choices and _has_error_shape(body)):
            raise ReplyError(ErrorReply(status=response.status, headers=response.headers, body=body))
        if not completion.choices:
            raise MalformedResponseError("the answer has no choices", status=response.status)
        return completion

    def new_stream(self, request: ChatRequest) -> StreamParser:
        return OpenaiStreamParser()


class OpenaiStreamParser:
    """
    Chunks are decoded straight into their public type.

    Empty-choices chunks (usage, filter results) pass through; after `[DONE]` nothing is awaited.
    """

    def __init__(self) -> None:
        self.done = False

    def feed(self, event: ServerSentEvent) -> Iterable[ChatCompletionChunk]:
        data = event.data
        if data == b"[DONE]":
            self.done = True
            return ()
        if event.event == "error" or b'"error"' in data:
            self._raise_error(event)
        try:
            return (_chunk_decoder.decode(data),)
        except msgspec.ValidationError:
            return (loose_chunk(_decode(data)),)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise MalformedResponseError(f"an event is not JSON: {data[:40]!r}") from None

    def close(self) -> Iterable[ChatCompletionChunk]:
        return ()

    def _raise_error(self, event: ServerSentEvent) -> None:
        if event.event == "error" or _says_error(_decode(event.data)):
            raise ReplyError(ErrorReply(status=200, body=event.data, in_stream=True))


def _decode(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _says_error(answer: Any) -> bool:
    return isinstance(answer, dict) and bool(answer.get("error"))


def _has_error_shape(body: bytes) -> bool:
    """True for error bodies without an `error`: `{"detail": …}`, `{"object": "error", …}`, a list with one."""
    answer = _decode(body)
    if isinstance(answer, list) and answer:
        return _says_error(answer[0])
    return isinstance(answer, dict) and (
        answer.get("object") in ("error", "Error") or bool(answer.get("detail") or answer.get("errors"))
    )


def _what_is(response: HTTPResponse) -> str:
    start = response.body[:200].strip()
    if not start:
        return "the answer is empty"
    if start.startswith(b"<"):
        return "the answer is a web page, not JSON; is the base URL right?"
    return f"the answer is not JSON: {start[:60].decode('utf-8', 'replace')!r}"
