"""
OpenAI's chat protocol, for every service that speaks it.

Such a provider is its attributes, plus code for the quirks that it really has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
_NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # the last for a body of a million brackets


class OpenaiTemplate(Provider):
    """A provider with OpenAI's `POST {api_base}/chat/completions`."""

    capabilities = frozenset({"streaming", "tools", "json_schema", "stream_usage"})
    unsupported_parameters: frozenset[str] = frozenset()
    """Parameters of `create` that the service answers with an error; a request that sets one goes elsewhere."""
    allowed_values: Mapping[str, Sequence[Any]] = {}
    """Parameters of which the service takes these values only; a request with another one goes elsewhere."""
    renamed_parameters: Mapping[str, str] = {}
    """Parameters that the service knows by another name: `{"seed": "random_seed"}`."""
    renamed_values: Mapping[str, Mapping[str, str]] = {}
    """Words that it knows by another name, by parameter: `{"tool_choice": {"required": "any"}}`."""
    renamed_roles: Mapping[str, str] = {"developer": "system"}
    """Roles of messages; `developer` is known to few but OpenAI."""
    dropped_message_fields: frozenset[str] = frozenset()
    """Fields of messages that the service answers with an error, and that its answer does not depend on."""
    plain_text_content: bool = False
    """Whether a message's list of text parts is sent as one string."""

    def build_request(self, request: ChatRequest, *, key: str | None, stream: bool) -> HTTPRequest:
        self._refuse_unsupported(request)
        body = request.to_body()
        self._fit(body)
        if not stream:
            body.pop("stream_options", None)
        else:
            body["stream"] = True
            if "stream_usage" in self.capabilities:  # the usage comes only to those who ask
                body.setdefault("stream_options", {"include_usage": True})
            else:
                body.pop("stream_options", None)
        self.adapt_body(body)
        headers = {"content-type": "application/json", "accept": "text/event-stream" if stream else "application/json"}
        if key is not None:
            headers["authorization"] = f"Bearer {key}"
        if request.extra_headers:  # in lower case, so that one replaces ours instead of going beside it
            headers |= {name.lower(): value for name, value in request.extra_headers.items()}
        return HTTPRequest(url=f"{self.api_base}/chat/completions", headers=headers, body=_encoder.encode(body))

    def _refuse_unsupported(self, request: ChatRequest) -> None:
        for parameter in self.unsupported_parameters:
            if getattr(request, parameter) is not None:
                raise UnsupportedParameterError(f"{self.name} does not support the parameter {parameter!r}")
        for parameter, allowed in self.allowed_values.items():
            if (value := getattr(request, parameter)) is not None and value not in allowed:
                told = " or ".join(map(repr, allowed))
                raise UnsupportedParameterError(f"{self.name} takes {parameter}={told} only")

    def _fit(self, body: JSONObject) -> None:
        """Say the same in the words that this service knows."""
        for name, its_name in self.renamed_parameters.items():
            if name in body:
                body.setdefault(its_name, body.pop(name))
        for name, words in self.renamed_values.items():
            if isinstance(value := body.get(name), str):
                body[name] = words.get(value, value)
        if body.get("tools") == []:  # an error with OpenAI and Mistral
            del body["tools"]
        body["messages"] = [self._fit_message(message) for message in body["messages"]]

    def _fit_message(self, message: JSONObject) -> JSONObject:
        """Return the message as this service takes it; nulls, which some refuse, say nothing outside of `content`."""
        if None in message.values() or not self.dropped_message_fields.isdisjoint(message):
            message = {
                name: value
                for name, value in message.items()
                if name not in self.dropped_message_fields and (value is not None or name == "content")
            }
        if (role := self.renamed_roles.get(message.get("role", ""))) is not None:
            message = {**message, "role": role}
        if self.plain_text_content and isinstance(parts := message.get("content"), list):
            texts = [part["text"] for part in parts if part.get("type") == "text" and "text" in part]
            if len(texts) == len(parts):  # what else there is, such as an image, is for the service to judge
                message = {**message, "content": "\n".join(texts)}
        return message

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
            raise MalformedResponseError(_what_is(response), status=response.status) from None
        # Inside JSON text a quote is escaped, so these bytes can only be a name or a whole string.
        if completion is not None and (not completion.choices or b'"error"' in body):
            answer = _decode(body)
        if (error := _error_in(answer)) is not None:
            raise ReplyError(ErrorReply(status=response.status, headers=response.headers, body=error))
        completion = completion or loose_completion(answer)
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
            error = data if event.event == "error" else _error_in(_decode(data))
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


def _error_in(answer: Any) -> bytes | None:
    """
    Return the JSON of the error that an answer of status 200 is after all, None if it is none.

    Shapes: `{"error": …}` (also in a list, or beside choices), `{"object": "error", …}` (vLLM, Mistral),
    `{"detail": …}` or `{"errors": …}` without choices, and a choice with `error` or the finish
    reason `error` (a gateway that lost the service behind it).
    """
    if isinstance(answer, list) and answer:
        answer = answer[0]
    if not isinstance(answer, dict):
        return None
    choices = answer.get("choices")
    if answer.get("error") or answer.get("object") in ("error", "Error"):
        return _encoder.encode(answer)
    if not choices and (answer.get("detail") or answer.get("errors")):
        return _encoder.encode(answer)
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict) and (choice.get("error") or choice.get("finish_reason") == "error"):
            return _encoder.encode({"error": choice.get("error") or "the answer ended with an error"})
    return None


def _what_is(response: HTTPResponse) -> str:
    start = response.body[:200].strip()
    if not start:
        return "the answer is empty"
    if start.startswith(b"<"):
        return "the answer is a web page, not JSON; is the base URL right?"
    return f"the answer is not JSON: {start[:60].decode('utf-8', 'replace')!r}"
