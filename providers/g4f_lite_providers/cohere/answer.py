"""
Translates answers and streams of Cohere's chat, version 2, into OpenAI's form.

Source: docs.cohere.com/reference/chat, …/reference/chat-stream; recorded answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import msgspec
from msgspec import Struct

from g4f_lite import (
    ChatCompletion,
    ChatCompletionChunk,
    ChunkChoice,
    Delta,
    FunctionCall,
    FunctionCallDelta,
    HTTPResponse,
    MalformedResponseError,
    ServerError,
    ServerSentEvent,
    TokenDetails,
    ToolCall,
    ToolCallDelta,
    Usage,
)

from ..translation.answers import (
    Parts,
    decode_body,
    decode_event,
    failure,
    message_of,
    no_answer,
    only_choice,
    refuse_error,
    usage_of,
)
from ..translation.turns import made_id

FINISHES = {"COMPLETE": "stop", "STOP_SEQUENCE": "stop", "MAX_TOKENS": "length", "TOOL_CALL": "tool_calls"}
"""Any other finish reason (ERROR, TIMEOUT, future ones) is an error."""


P = TypeVar("P")


class _Tokens(Struct):
    input_tokens: float = 0
    output_tokens: float = 0


class _Usage(Struct):
    billed_units: _Tokens | None = None
    tokens: _Tokens | None = None
    cached_tokens: float | None = None


class _Function(Struct):
    name: str | None = None
    arguments: str | None = None


class _Call(Struct):
    id: str | None = None
    function: _Function | None = None


class _Part(Struct):
    type: str = ""
    text: str | None = None
    thinking: str | None = None


class _Message(Struct):
    content: Parts[_Part] | None = None
    tool_plan: str | None = None
    tool_calls: Parts[_Call] | None = None


class _Answer(Struct):
    id: str = ""
    finish_reason: str | None = None
    message: _Message | str | None = None
    """A string is the message of an error."""
    usage: _Usage | None = None


class _Piece(Struct):
    """The message of an event: one part or one call, not a list of them."""

    content: _Part | Parts[_Part] | None = None
    tool_plan: str | None = None
    tool_calls: _Call | Parts[_Call] | None = None


class _Delta(Struct):
    message: _Piece | None = None
    finish_reason: str | None = None
    usage: _Usage | None = None
    error: str | None = None


class _Event(Struct):
    type: str = ""
    id: str | None = None
    index: int | None = None
    delta: _Delta | None = None
    message: str | None = None
    """The message of an error."""


_answer_decoder = msgspec.json.Decoder(_Answer)
_event_decoder = msgspec.json.Decoder(_Event)


def completion(response: HTTPResponse) -> ChatCompletion:
    """
    Raises:
        ReplyError, MalformedResponseError: as `decode_body`; also for an answer that ended in an error.
    """
    answer = decode_body(response, _answer_decoder)
    if isinstance(answer.message, str):
        raise failure({"message": answer.message}, status=response.status, in_stream=False)
    if answer.message is None:
        raise no_answer(response, "the answer has no message")
    parts = answer.message.content or []
    texts = [part.text or "" for part in parts]
    thoughts = [answer.message.tool_plan or "", *(part.thinking or "" for part in parts)]
    calls = tuple(
        ToolCall(
            id=call.id or made_id(answer.id, index),
            function=FunctionCall(name=function.name or "", arguments=function.arguments or "{}"),
        )
        for index, call in enumerate(answer.message.tool_calls or ())
        for function in (call.function or _Function(),)  # a call without a name is refused
    )
    finish = _finish(answer.finish_reason, None, in_stream=False)
    return only_choice(message_of(texts, thoughts, calls), finish, id=answer.id, model="", usage=_usage(answer.usage))


class CohereStream:
    """Events have a `type`; the finish reason and the usage are in `message-end`."""

    def __init__(self) -> None:
        self.done = False
        self._id = ""
        self._has_content = False
        self._calls: dict[int, bool] = {}
        """By the index of the event: whether arguments have arrived."""

    def feed(self, event: ServerSentEvent) -> Iterable[ChatCompletionChunk]:
        if event.data == b"[DONE]":
            self.done = True
            return ()
        decoded = decode_event(event, _event_decoder)
        if decoded.message is not None:
            raise failure({"message": decoded.message}, in_stream=True)
        delta = decoded.delta or _Delta()
        message = delta.message or _Piece()
        kind = decoded.type or event.event
        if not kind:
            refuse_error(event.data)
        if not kind and decoded.delta is not None:
            raise MalformedResponseError("an event has no type")
        if kind.startswith(("content-", "tool-")):
            self._has_content = True
        if kind == "message-start":
            if self._has_content:  # of a gateway that has begun again: the texts of two answers are not one
                raise ServerError("a second message begins")
            self._id = decoded.id or ""
            return (self._chunk(Delta(role="assistant")),)
        if kind in ("content-start", "content-delta"):
            parts = [part for part in _listed(message.content) if part.text or part.thinking]
            return [self._chunk(Delta(content=part.text or None, reasoning=part.thinking or None)) for part in parts]
        if kind == "tool-plan-delta" and message.tool_plan:
            return (self._chunk(Delta(reasoning=message.tool_plan)),)
        if kind.startswith("tool-call-"):
            calls = _listed(message.tool_calls) or [_Call()]
            if len(calls) > 1:
                raise MalformedResponseError("an event has several tool calls")
            return self._call(kind, decoded.index, calls[0])
        if kind == "message-end":
            self.done = True
            finish = _finish(delta.finish_reason, delta.error, in_stream=True)
            return (self._chunk(Delta(), finish, _usage(delta.usage)),)
        return ()

    def close(self) -> Iterable[ChatCompletionChunk]:
        return ()

    def _call(self, kind: str, index: int | None, call: _Call) -> Iterable[ChatCompletionChunk]:
        function = call.function or _Function()
        if index is None:  # the next call, or the last one that has begun
            index = len(self._calls) if kind == "tool-call-start" else next(reversed(self._calls), 0)
        if kind == "tool-call-start":
            self._calls[index] = bool(function.arguments)
            begun = FunctionCallDelta(name=function.name or "", arguments=function.arguments or "")
            id = call.id or made_id(self._id, index)
            return self._piece(ToolCallDelta(index=index, id=id, type="function", function=begun))
        if index not in self._calls:
            raise MalformedResponseError(f"a piece of tool call {index}, which has not begun")
        arguments = function.arguments
        if kind == "tool-call-end" and not self._calls[index]:
            arguments = "{}"  # a call without arguments has no pieces
        if not arguments:
            return ()
        self._calls[index] = True
        return self._piece(ToolCallDelta(index=index, function=FunctionCallDelta(arguments=arguments)))

    def _piece(self, call: ToolCallDelta) -> Iterable[ChatCompletionChunk]:
        return (self._chunk(Delta(tool_calls=(call,))),)

    def _chunk(self, delta: Delta, finish: str | None = None, usage: Usage | None = None) -> ChatCompletionChunk:
        return ChatCompletionChunk(id=self._id, choices=(ChunkChoice(delta=delta, finish_reason=finish),), usage=usage)


def _listed(given: P | list[P] | None) -> list[P]:
    return given if isinstance(given, list) else [] if given is None else [given]


def _finish(reason: str | None, error: str | None, *, in_stream: bool) -> str | None:
    if reason is None and error is None:
        return None
    word = str(reason).upper()  # as Gemini's
    if word not in FINISHES:
        message = error or f"the answer ended with {reason}"
        raise failure({"message": message, "type": str(reason).lower()}, in_stream=in_stream)
    return FINISHES[word]


def _usage(usage: _Usage | None) -> Usage | None:
    """Prefer the billed units: `tokens` includes the service's own template."""
    counts = (usage.billed_units or usage.tokens) if usage is not None else None
    if usage is None or counts is None:
        return None
    cached = None if usage.cached_tokens is None else int(usage.cached_tokens)
    return usage_of(int(counts.input_tokens), int(counts.output_tokens), of_prompt=TokenDetails(cached_tokens=cached))
