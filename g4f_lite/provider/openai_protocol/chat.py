"""
OpenAI's chat protocol, for every service that speaks it. No I/O.

A provider for such a service sets attributes, and adds code only for quirks that no attribute describes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from ...errors.exceptions import MalformedResponseError, ReplyError, UnsupportedParameterError
from ...errors.reply import ErrorReply
from ...forks import preload_before_fork
from ...types.chat import ChatCompletion, ChatRequest
from ...types.http import HTTPRequest, HTTPResponse
from ...types.size_limits import MAX_OBJECTS, decode_bounded, decode_or_none
from ...value import NOT_JSON, JSONObject
from ..base import Provider, StreamParser
from .completing import complete
from .lenient import REASONING_PARTS, describe_body, error_in, loose_completion
from .stream import OpenaiStreamParser

if TYPE_CHECKING:
    from ...types.endpoint import Answer, EndpointRequest

preload_before_fork("g4f_lite.provider.openai_protocol.endpoints")

_completion_decoder = msgspec.json.Decoder(ChatCompletion)
_encoder = msgspec.json.Encoder()


class OpenaiTemplate(Provider):
    """
    A provider with OpenAI's `POST {api_base}/chat/completions`.

    It also has code for OpenAI's other endpoints (endpoints.py); `capabilities` says which of them the service has.
    """

    lists_models = True
    capabilities = frozenset({"streaming", "tools", "json_schema", "stream_usage"})
    unsupported_parameters: frozenset[str] = frozenset()
    """Parameters of `create` that the service refuses; a request that sets one fails over to another leg."""
    allowed_values: Mapping[str, Sequence[Any]] = {}
    """Parameters for which the service accepts only these values; a request with another value fails over."""
    renamed_parameters: Mapping[str, str] = {}
    """Parameters that have another name there: `{"seed": "random_seed"}`."""
    renamed_values: Mapping[str, Mapping[str, str]] = {}
    """Values that have another name there, by parameter: `{"tool_choice": {"required": "any"}}`."""
    renamed_roles: Mapping[str, str] = {"developer": "system"}
    """Roles of messages that have another name there; few services but OpenAI know `developer`."""
    dropped_message_fields: frozenset[str] = frozenset()
    """Fields of messages that the service refuses, and that can be omitted without changing its answer."""
    plain_text_content: bool = False
    """Whether a message's list of text parts is sent as one string."""
    reasoning_parts: Mapping[str, str] = REASONING_PARTS
    """Parts of an answer's `content` that are reasoning: a part's type to its field with the text, or with parts."""

    done_is_enough: bool = False
    """Whether a stream that ends with `[DONE]` is complete, because the service never sends a finish reason."""

    def build_request(self, request: ChatRequest, *, key: str | None, stream: bool) -> HTTPRequest:
        body = request.to_body()
        self._refuse_unsupported(request, body)
        if body["messages"] is request.messages:
            body["messages"] = _without_extra_content(request.messages)
        self._fit(body)
        if not stream:
            body.pop("stream_options", None)
        else:
            body["stream"] = True
            if "stream_usage" in self.capabilities:  # it is sent only if requested
                body.setdefault("stream_options", {"include_usage": True})
            else:
                body.pop("stream_options", None)
        self.adapt_body(body)
        if extra := request.extra_body:  # unchanged, as the caller wrote it
            body.update({**extra, "stream": True} if stream else extra)  # we read a stream, whatever it says
        headers = {"content-type": "application/json", "accept": "text/event-stream" if stream else "application/json"}
        if key is not None:
            headers["authorization"] = f"Bearer {key}"
        if request.extra_headers:  # in lower case, so that one replaces ours instead of being sent twice
            headers |= {name.lower(): value for name, value in request.extra_headers.items()}
        return HTTPRequest(url=f"{self.api_base}/chat/completions", headers=headers, body=_encoder.encode(body))

    def _refuse_unsupported(self, request: ChatRequest, body: JSONObject) -> None:
        for parameter in self.unsupported_parameters & body.keys():
            if request.asks_for(parameter):
                raise UnsupportedParameterError(f"{self.name} does not support the parameter {parameter!r}")
            del body[parameter]  # its value is the default
        for parameter, allowed in self.allowed_values.items():
            if parameter in body and body[parameter] not in allowed:
                choices = " or ".join(map(repr, allowed))
                raise UnsupportedParameterError(f"{self.name} takes {parameter}={choices} only")

    def _fit(self, body: JSONObject) -> None:
        """Rename what has another name at this service."""
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
        """Return the message as this service accepts it; nulls, which some refuse, mean something only in `content`."""
        if None in message.values() or not self.dropped_message_fields.isdisjoint(message):
            message = {
                name: value
                for name, value in message.items()
                if name not in self.dropped_message_fields and (value is not None or name == "content")
            }
        if "audio" in message and "audio" not in self.capabilities:  # of an answer with sound
            message = {name: value for name, value in message.items() if name != "audio"}
        if (role := self.renamed_roles.get(message.get("role", ""))) is not None:
            message = {**message, "role": role}
        if self.plain_text_content and isinstance(parts := message.get("content"), list):
            texts = [part["text"] for part in parts if part.get("type") == "text" and "text" in part]
            if len(texts) == len(parts):  # other parts, such as an image, are left to the service
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
            except msgspec.DecodeError:
                answer = decode_bounded(body)
        except NOT_JSON:
            raise MalformedResponseError(describe_body(response), status=response.status) from None
        if completion is not None:
            answer = decode_or_none(body) if body[MAX_OBJECTS:] else msgspec.json.decode(body)
        # Quotes inside JSON strings are escaped, so these bytes can only be a name or a complete string.
        if (completion is None or not completion.choices or b'"error"' in body) and (error := error_in(answer)):
            raise ReplyError(ErrorReply(status=response.status, headers=response.headers, body=error))
        if completion is None:
            completion = loose_completion(answer, self.reasoning_parts, body)
        elif completion.choices and answer is not None:
            complete(completion, answer)
        if not completion.choices:
            raise MalformedResponseError("the answer has no choices", status=response.status)
        return completion

    def new_stream(self, request: ChatRequest) -> StreamParser:
        return OpenaiStreamParser(self.reasoning_parts, done_is_enough=self.done_is_enough)

    def build_operation(self, request: EndpointRequest, *, key: str | None) -> HTTPRequest:
        from .endpoints import build

        return build(self.api_base, request, key)

    def parse_operation(self, request: EndpointRequest, response: HTTPResponse) -> Answer:
        from .endpoints import parse

        return parse(request, response)


def _without_extra_content(messages: Sequence[JSONObject]) -> Sequence[JSONObject]:
    """Omit what another service needs back: many services refuse fields that they do not know."""
    if not any("extra_content" in message or message.get("tool_calls") for message in messages):
        return messages
    own = []
    for message in messages:
        kept = {name: value for name, value in message.items() if name != "extra_content"}
        if isinstance(calls := kept.get("tool_calls"), (list, tuple)):
            kept["tool_calls"] = [
                {name: value for name, value in call.items() if name != "extra_content"}
                if isinstance(call, dict)
                else call
                for call in calls
            ]
        own.append(kept)
    return own
