"""
OpenAI's chat protocol, for every service that speaks it.

Such a provider is its attributes, plus code for the quirks that it really has.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from .errors import MalformedResponseError, ReplyError, UnsupportedParameterError
from .http import ErrorReply, HTTPRequest, HTTPResponse, ServerSentEvent
from .openai_wire import error_in, loose_chunk, loose_completion, what_is
from .provider import Provider, StreamParser
from .types import ChatCompletion, ChatCompletionChunk, ChatRequest, JSONObject

if TYPE_CHECKING:
    from .endpoints import Answer, EndpointRequest

_completion_decoder = msgspec.json.Decoder(ChatCompletion)
_chunk_decoder = msgspec.json.Decoder(ChatCompletionChunk)
_encoder = msgspec.json.Encoder()
_NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # the last for a body of a million brackets


class OpenaiTemplate(Provider):
    """
    A provider with OpenAI's `POST {api_base}/chat/completions`.

    It has code for OpenAI's other endpoints too (openai_endpoints.py); `capabilities` says which of them there are.
    """

    lists_models = True
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
        if request.extra_headers:  # in lower case, so that one replaces ours instead of going beside it
            headers |= {name.lower(): value for name, value in request.extra_headers.items()}
        return HTTPRequest(url=f"{self.api_base}/chat/completions", headers=headers, body=_encoder.encode(body))

    def adapt_body(self, body: JSONObject) -> None:
        """Change the body in place where the service differs from OpenAI. Override for quirks."""

    def parse_response(self, response: HTTPResponse) -> ChatCompletion:
        body = response.body
        completion: ChatCompletion | None = None
        answer: Any = None
        try:
            try:
                completion = _completion_decoder.decode(body)
            except msgspec.ValidationError:
                answer = msgspec.json.decode(body)
        except _NOT_JSON:
            raise MalformedResponseError(what_is(response), status=response.status) from None
        # Inside JSON text a quote is escaped, so these bytes can only be a name or a whole string.
        if completion is not None and (not completion.choices or b'"error"' in body):
            answer = _decode(body)
        if (error := error_in(answer)) is not None:
            raise ReplyError(ErrorReply(status=response.status, headers=response.headers, body=error))
        completion = completion or loose_completion(answer)
        if not completion.choices:
            raise MalformedResponseError("the answer has no choices", status=response.status)
        return completion

    def new_stream(self, request: ChatRequest) -> StreamParser:
        return OpenaiStreamParser()

    def build_operation(self, request: EndpointRequest, *, key: str | None) -> HTTPRequest:
        from .openai_endpoints import build

        return build(self.api_base, request, key)

    def parse_operation(self, request: EndpointRequest, response: HTTPResponse) -> Answer:
        from .openai_endpoints import parse

        return parse(request, response)


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
            error = data if event.event == "error" else error_in(_decode(data))
            if error is not None:
                raise ReplyError(ErrorReply(status=200, body=error, in_stream=True))
        try:
            try:
                return (_chunk_decoder.decode(data),)
            except msgspec.ValidationError:
                return (loose_chunk(msgspec.json.decode(data)),)
        except _NOT_JSON:
            raise MalformedResponseError(f"an event is not JSON: {data[:40]!r}") from None

    def close(self) -> Iterable[ChatCompletionChunk]:
        return ()


def _decode(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except _NOT_JSON:
        return None
