"""
OpenAI's chat protocol, for every service that speaks it. No I/O.

A provider for such a service sets attributes, and adds code only for quirks that no attribute describes.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from ...errors.exceptions import MalformedResponseError, ReplyError, UnsupportedParameterError
from ...errors.reply import BOM, ErrorReply
from ...forks import preload_before_fork
from ...types.chat import ChatCompletion
from ...types.chat_request import ChatRequest
from ...types.http import COST_HEADER, HTTPRequest, HTTPResponse
from ...types.size_limits import decode_bounded, decode_or_none
from ...types.usage import Usage
from ...value import NOT_JSON, JSONObject
from ..base import Provider
from ..checked import shown
from ..declarations import OPENAI_KINDS, check_auth_header, check_kinds, check_paths
from ..streaming import StreamParser
from .completing import complete
from .conversation import (
    check_id_form,
    fit_calls,
    fit_parts,
    fit_tools,
    in_order,
    is_empty_answer,
    is_not_system,
    with_paired_ids,
    with_reasoning,
    without_fields,
)
from .lenient import REASONING_PARTS, describe_body, error_in, error_signs, loose_completion
from .stream import OpenaiStreamParser

if TYPE_CHECKING:
    from ...types.endpoint import Answer, EndpointRequest

preload_before_fork(
    "g4f_lite.provider.openai_protocol.endpoints",
    "g4f_lite.provider.openai_protocol.returned",
    "g4f_lite.provider.openai_protocol.usage",
)

_completion_decoder = msgspec.json.Decoder(ChatCompletion)
_encoder = msgspec.json.Encoder()
_LARGE = 1 << 16
"""Bytes of an answer that is decoded only once."""
_OF_ANSWERS = frozenset({"images"})
"""Fields that a message of the assistant has in an answer only."""


class OpenaiTemplate(Provider):
    """
    A provider with OpenAI's `POST {api_base}/chat/completions`.

    It also has code for OpenAI's other endpoints (endpoints.py); `capabilities` says which of them the service has.
    """

    _decodes = True
    lists_models = True
    capabilities = frozenset({"streaming", "tools", "json_schema", "stream_usage"})
    unsupported_parameters: frozenset[str] = frozenset()
    """Parameters of `create` that the service refuses; a request that sets one fails over to another leg."""
    allowed_values: Mapping[str, Sequence[Any]] = {}
    """Parameters for which the service accepts only these values; a request with another value fails over."""
    own_parameters: frozenset[str] = frozenset()
    """Parameters that only this service has. They go into `extra_body`, which the error for one given directly says."""
    renamed_parameters: Mapping[str, str] = {}
    """Parameters that have another name there: `{"seed": "random_seed"}`."""
    renamed_values: Mapping[str, Mapping[str, str]] = {}
    """Values that have another name there, by parameter: `{"tool_choice": {"required": "any"}}`."""
    endpoint_parameters: Mapping[str, Mapping[str, str | Sequence[Any] | None]] = {}
    """
    Parameters that differ at endpoints other than chat, by endpoint: the name that the service has for one, the values
    that it takes, or None if it takes none: `{"embeddings": {"dimensions": "output_dimension", "user": None}}`.
    """
    renamed_roles: Mapping[str, str] = {"developer": "system"}
    """Roles of messages that have another name there; few services but OpenAI know `developer`."""
    dropped_message_fields: frozenset[str] = frozenset()
    """Fields of messages that the service refuses, and that can be omitted without changing its answer."""
    auth_header: tuple[str, str] = ("authorization", "Bearer ")
    """
    The header that carries the key, and what stands before the key in it.

    If nothing does, as in Azure's `("api-key", "")`, a token (a JWT) is still sent as `Authorization: Bearer`.
    """
    chat_path: str = "/chat/completions"
    """The path of the chat below `api_base`."""
    models_path: str = "/models"
    """The path of the list of models below `api_base`."""
    endpoint_paths: Mapping[str, str] = {}
    """Paths of other endpoints that differ from OpenAI's: `{"embeddings": "/embed"}`."""
    foreign_fields: frozenset[str] = frozenset()
    """As `dropped_message_fields`, and also of the parts of a content, of tool calls and of tools: `cache_control`."""
    plain_text_content: bool = False
    """Whether a message's list of text parts is sent as one string."""
    reasoning_field: str = ""
    """The field of an assistant's message that takes its reasoning, whichever service it comes from; "": unchanged."""
    missing_reasoning: str = ""
    """What stands in `reasoning_field` if an answer has no reasoning and the service demands some; "": nothing."""
    tool_call_id_form: str = ""
    """
    A regular expression that the ids of tool calls must match as a whole; others are replaced in call and result.

    It must match nine letters and digits, the form of the ids that are made. "": any id is accepted.
    """
    refuses_empty_answers: bool = False
    """Whether messages of the assistant without text and tool calls, such as reasoning alone, are left out."""
    system_first: bool = False
    """Whether system messages are moved to the front, because the service refuses them elsewhere."""
    bridge_after_tool: str = ""
    """What the assistant says between a tool's result and a user's message, if the service demands it; "": nothing."""
    prefill_field: str = ""
    """The field that is set to True in a last message of the assistant, which the service goes on from: `prefix`."""
    known_fields = frozenset({"reasoning_details"})
    returned_fields: frozenset[str] = frozenset()
    """Further fields of an answer's message that the service needs back; no other service gets them."""
    reasoning_parts: Mapping[str, str] = REASONING_PARTS
    """Parts of an answer's `content` that are reasoning: a part's type to its field with the text, or with parts."""
    usage_fields: Mapping[str, str] = {}
    """
    Numbers of the service's usage that OpenAI has in another place, each with its place in `Usage`:
    `{"cache.hits": "prompt_tokens_details.cached_tokens"}` for `{"usage": {"cache": {"hits": 7}}}`.

    Only what is inside `usage` is found; a dot leads into an object.
    """
    usage_costs: Mapping[str, float] = {}
    """Numbers of the service's usage that say what it charges, and USD for one of their units: `{"cost": 1}`."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = OpenaiTemplate
        cls._needs_address = cls.build_request is own.build_request
        cls._decodes = (cls.parse_response, cls.parse_operation) == (own.parse_response, own.parse_operation)

    def _set(self, attributes: Mapping[str, Any]) -> None:
        super()._set(attributes)
        check_kinds(self, OPENAI_KINDS)
        check_id_form(self.name, self.tool_call_id_form)
        check_auth_header(self.name, self.auth_header)
        check_paths(self.name, self.chat_path, self.models_path, self.endpoint_paths)

    done_is_enough: bool = False
    """Whether a stream that ends with `[DONE]` is complete, because the service never sends a finish reason."""

    def build_request(self, request: ChatRequest, *, key: str | None, stream: bool) -> HTTPRequest:
        if request.response_format is not None or request.tools:
            request = self.fit_schemas(request)
        body = request.to_body()
        self._refuse_unsupported(request, body)
        if body["messages"] is request.messages:
            messages = self.own_messages(request)
            # They are the caller's own only if there are no tool calls in them.
            body["messages"] = (
                messages if messages is request.messages else with_paired_ids(messages, self.tool_call_id_form)
            )
        self._fit(body)
        if not stream:
            body.pop("stream_options", None)
        else:
            body["stream"] = True
            if "stream_usage" in self.capabilities:  # it is sent only if requested
                body.setdefault("stream_options", {"include_usage": True})
            else:
                body.pop("stream_options", None)
        changed: object = self.adapt_body(body)  # type: ignore[func-returns-value]  # as a plugin's code may
        if changed is not None and changed is not body:
            _check_adapted(changed)
        if extra := request.extra_body:  # unchanged, as the caller wrote it
            body.update({**extra, "stream": True} if stream else extra)  # we read a stream, whatever it says
        headers = {"content-type": "application/json", "accept": "text/event-stream" if stream else "application/json"}
        if key is not None:
            name, before = self._auth_header(key)
            headers[name] = before + key
        if request.extra_headers:  # in lower case, so that one replaces ours instead of being sent twice
            headers |= {name.lower(): value for name, value in request.extra_headers.items()}
        return HTTPRequest(url=self.api_base + self.chat_path, headers=headers, body=_encoder.encode(body))

    def _auth_header(self, key: str) -> tuple[str, str]:
        is_token = not self.auth_header[1] and key.startswith("eyJ") and key.count(".") == 2  # eyJ is {" in base64
        return OpenaiTemplate.auth_header if is_token else self.auth_header

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
        if "tools" in body:
            if body["tools"] == []:  # an error with OpenAI and Mistral
                del body["tools"]
            elif self.foreign_fields:
                body["tools"] = fit_tools(body["tools"], self.foreign_fields)
        messages = [self._fit_message(message) for message in body["messages"]]
        if self.refuses_empty_answers:
            messages = [message for message in messages if not is_empty_answer(message)]
        if self.system_first:
            messages.sort(key=is_not_system)
        if self.bridge_after_tool or self.prefill_field:
            messages = in_order(messages, self.bridge_after_tool, self.prefill_field)
        body["messages"] = messages

    def _fit_message(self, message: JSONObject) -> JSONObject:
        """Return the message as this service accepts it; nulls, which some refuse, mean something only in `content`."""
        if self.returned_fields:
            from .returned import put_back

            message = put_back(message, self.name, self.returned_fields)
        dropped = self.dropped_message_fields | self.foreign_fields | _OF_ANSWERS
        if message.get("role") == "function":  # which has a name in place of an id
            dropped -= {"name"}
        if None in message.values() or not dropped.isdisjoint(message):
            message = without_fields(message, dropped)
        if "audio" in message and "audio" not in self.capabilities:  # of an answer with sound
            message = {name: value for name, value in message.items() if name != "audio"}
        if (role := self.renamed_roles.get(message.get("role", ""))) is not None:
            message = {**message, "role": role}
        if (self.foreign_fields or self.plain_text_content) and isinstance(parts := message.get("content"), list):
            message = {**message, "content": fit_parts(parts, self.foreign_fields, as_text=self.plain_text_content)}
        if "tool_calls" in message and isinstance(calls := message["tool_calls"], (list, tuple)):
            message = {**message, "tool_calls": fit_calls(calls, self.foreign_fields)}
        if self.reasoning_field and message.get("role") == "assistant":
            message = with_reasoning(message, self.reasoning_field, self.missing_reasoning)
        return message

    def adapt_body(self, body: JSONObject) -> None:
        """Change the body in place where the service differs from OpenAI. Override for quirks."""

    def parse_response(self, response: HTTPResponse) -> ChatCompletion:
        body = response.body.removeprefix(BOM)
        completion: ChatCompletion | None = None
        answer: Any = decode_or_none(body) if body[_LARGE : _LARGE + 1] else None
        try:
            try:
                # What is in memory once need not be decoded again: its texts are shared.
                completion = _completion_decoder.decode(body) if answer is None else _converted(answer)
            except msgspec.DecodeError:
                answer = decode_bounded(body) if answer is None else answer
        except NOT_JSON:
            raise MalformedResponseError(describe_body(response), status=response.status) from None
        if completion is not None and not body[_LARGE : _LARGE + 1]:
            try:
                answer = msgspec.json.decode(body)
            except NOT_JSON:  # in a field that the types do not have, and that is skipped unread
                answer = decode_or_none(body)
        # Quotes inside JSON strings are escaped, so these bytes can only be a name or a complete string.
        odd = completion is None or not completion.choices or b'"error"' in body
        odd = odd or (bool(self.error_fields) and any(sign in body for sign in error_signs(self.error_fields)))
        if odd and (error := error_in(answer, body, self.error_fields)):
            raise ReplyError(ErrorReply(status=response.status, headers=response.headers, body=error))
        if completion is None:
            completion = loose_completion(answer, self.reasoning_parts, body)
        elif completion.choices and answer is not None:
            complete(completion, answer)
        if not completion.choices:
            raise MalformedResponseError("the answer has no choices", status=response.status)
        if completion.usage is not None and (self.usage_fields or self.usage_costs):
            completion = msgspec.structs.replace(completion, usage=self._own_usage(completion.usage, body))
        if completion.usage is not None and COST_HEADER in response.headers:
            from .usage import with_reported_cost

            usage = with_reported_cost(completion.usage, response.headers[COST_HEADER])
            completion = msgspec.structs.replace(completion, usage=usage)
        if self.returned_fields:
            from .returned import with_returned

            completion = with_returned(completion, body, self.name, self.returned_fields)
        return completion

    def new_stream(self, request: ChatRequest) -> StreamParser:
        own_usage = self._own_usage if self.usage_fields or self.usage_costs else None
        parser = OpenaiStreamParser(
            self.reasoning_parts, own_usage, done_is_enough=self.done_is_enough, error_fields=self.error_fields
        )
        if not self.returned_fields:
            return parser
        from .returned import ReturnedFieldsParser

        return ReturnedFieldsParser(parser, self.name, self.returned_fields)

    def _own_usage(self, usage: Usage, body: bytes) -> Usage:
        from .usage import with_own_fields

        return with_own_fields(usage, body, self.usage_fields, self.usage_costs)

    def build_operation(self, request: EndpointRequest, *, key: str | None) -> HTTPRequest:
        from .endpoints import PATHS, build

        headers = {}
        if key is not None:
            name, before = self._auth_header(key)
            headers[name] = before + key
        operation = request.operation
        path = self.models_path if operation == "models" else self.endpoint_paths.get(operation) or PATHS[operation]
        return build(self.api_base + path, request, headers, self.name, self.endpoint_parameters.get(operation, {}))

    def parse_operation(self, request: EndpointRequest, response: HTTPResponse) -> Answer:
        from .endpoints import parse

        return parse(request, response, self.error_fields)


def _check_adapted(changed: object) -> None:
    """
    Raises:
        TypeError: `adapt_body` has changed nothing, but made something that may.
    """
    copied = isinstance(changed, dict) and "messages" in changed
    if copied or isinstance(changed, (types.CoroutineType, types.GeneratorType, types.AsyncGeneratorType)):
        what = "another dict" if copied else shown(changed)
        raise TypeError(f"adapt_body changes the body in place, but returns {what}")


def _converted(answer: Any) -> ChatCompletion:
    """
    Raises:
        msgspec.ValidationError: it has another shape.
    """
    return msgspec.convert(answer, ChatCompletion)
