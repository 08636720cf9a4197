"""
Translates answers and streams of Anthropic's Messages into OpenAI's form.

Source: docs.claude.com/en/api/messages, …/streaming; recorded answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

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
    ToolCall,
    ToolCallDelta,
    Usage,
)

from ..translation.answers import (
    Parts,
    arguments_of,
    decode_body,
    decode_event,
    message_of,
    no_answer,
    only_choice,
    refuse_error,
)
from ..translation.turns import JSONObject
from .blocks import MOST_BLOCKS, OpenBlock, kept
from .usage import ClaudeUsage

FINISHES = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
    # Paused on purpose, to be continued by another request: the answer is not complete.
    "pause_turn": "length",
    "compaction": "length",
}

K = TypeVar("K", bound=Struct)


class _Block(Struct):
    """What is shown of a block of content; blocks of other types are only kept for the next request."""

    type: str = ""
    id: str | None = None
    name: str | None = None
    text: str | None = None
    thinking: str | None = None


class _WholeBlock(_Block):
    input: Raw = Raw()


class _Message(Struct):
    id: str = ""
    model: str = ""
    content: Parts[Raw] | None = None
    container: JSONObject | None = None
    stop_reason: str | None = None
    usage: ClaudeUsage | None = None


class _Delta(Struct):
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    container: JSONObject | None = None
    stop_reason: str | None = None


class _Event(Struct):
    type: str = ""
    index: int | None = None
    message: _Message | None = None
    content_block: JSONObject | None = None
    delta: JSONObject | None = None
    usage: ClaudeUsage | None = None


_message_decoder = msgspec.json.Decoder(_Message)
_block_decoder = msgspec.json.Decoder(_WholeBlock)
_event_decoder = msgspec.json.Decoder(_Event)


def completion(response: HTTPResponse) -> ChatCompletion:
    """
    Raises:
        ReplyError, MalformedResponseError: as `decode_body`.
    """
    answer = decode_body(response, _message_decoder)
    if answer.content is None:
        raise no_answer(response, "the answer has no content")
    written = _written(answer.content)
    blocks = [_block(one, raw) for one, raw in zip(written, answer.content, strict=True)]
    texts = [block.text or "" for block in blocks if block.type in ("text", "")]
    thoughts = [block.thinking or "" for block in blocks if block.type == "thinking"]
    calls = tuple(
        ToolCall(id=block.id or "", function=FunctionCall(name=block.name or "", arguments=arguments_of(block.input)))
        for block in blocks
        if isinstance(block, _WholeBlock) and block.type == "tool_use"
    )
    extra = kept(written, answer.stop_reason, answer.container)
    message = message_of(texts, thoughts, calls, extra)
    finish = _finish(answer.stop_reason)
    counts = answer.usage or ClaudeUsage()
    return only_choice(
        message,
        finish,
        id=answer.id,
        model=answer.model,
        usage=counts.to_openai(),
        service_tier=counts.service_tier,
    )


class AnthropicStream:
    """
    Events have names; pieces belong to blocks by their index; usage comes at the start and at the end.

    The finish reason is in `message_delta`; the stream is complete after `message_stop`.
    """

    def __init__(self) -> None:
        self.done = False
        self._id = self._model = ""
        self._written: list[OpenBlock] = []
        self._latest: dict[int, OpenBlock] = {}
        """The last block of each index: some gateways give several the same."""
        self._last = 0
        """The index of the block that began last: some servers say none."""
        self._calls = 0
        self._container: JSONObject | None = None
        self._counts = ClaudeUsage()

    def feed(self, event: ServerSentEvent) -> Iterable[ChatCompletionChunk]:
        if event.event == "ping":
            return ()
        decoded = decode_event(event, _event_decoder)
        kind = decoded.type or event.event
        if kind == "content_block_delta" and decoded.delta is not None:
            return self._piece(decoded.index, decoded.delta)
        if kind == "content_block_start" and decoded.content_block is not None:
            return self._begin(decoded.index, decoded.content_block)
        if kind == "content_block_stop":
            return self._end(decoded.index)
        if not kind:
            refuse_error(event.data)
        if not kind and (decoded.delta or decoded.content_block or decoded.message):
            raise MalformedResponseError("an event has no type")
        if kind == "message_start" and decoded.message is not None:
            if self._written:  # of a gateway that has begun again: the texts of two answers are not one
                raise ServerError("a second message begins")
            self._id, self._model = decoded.message.id, decoded.message.model
            self._count(decoded.message.usage)
            return (self._chunk(Delta(role="assistant")),)
        if kind == "message_delta":
            self._count(decoded.usage)
            return self._finished(_typed(decoded.delta or {}, _Delta))
        if kind == "message_stop":
            self.done = True
        return ()

    def close(self) -> Iterable[ChatCompletionChunk]:
        return ()

    # -- blocks ----------------------------------------------------------------------------

    def _begin(self, index: int | None, written: JSONObject) -> Iterable[ChatCompletionChunk]:
        block = _typed(written, _Block)
        opened = OpenBlock(written, self._calls)
        index = len(self._written) if index is None else index
        if (before := self._latest.get(index)) is not None and before.is_repeated_by(written):
            return ()
        ended = self._end(index)
        self._latest[index], self._last = opened, index
        self._written.append(opened)
        if len(self._written) > MOST_BLOCKS:
            raise MalformedResponseError(f"a message has more than {MOST_BLOCKS} blocks")
        if opened.type != "tool_use":
            return (*ended, *self._said(opened, _Delta(text=block.text, thinking=block.thinking)))
        self._calls += 1
        function = FunctionCallDelta(name=block.name or "", arguments="")
        call = ToolCallDelta(index=opened.call, id=block.id or "", type="function", function=function)
        return (*ended, self._chunk(Delta(tool_calls=(call,))))

    def _piece(self, index: int | None, written: JSONObject) -> Iterable[ChatCompletionChunk]:
        opened = self._latest.get(self._last if index is None else index)
        if opened is None:
            raise MalformedResponseError(f"a piece of block {index}, which has not begun")
        delta = _typed(written, _Delta)
        opened.add(written)
        return self._said(opened, delta)

    def _said(self, opened: OpenBlock, delta: _Delta) -> Iterable[ChatCompletionChunk]:
        """Return what is shown of a piece: nothing of the service's own tools, and of types that are not known."""
        kind, text, thinking, arguments = opened.type, delta.text, delta.thinking, delta.partial_json
        if kind in ("text", ""):
            said, lost = text and Delta(content=text), thinking or arguments
        elif kind == "thinking":
            said, lost = thinking and Delta(reasoning=thinking), text or arguments
        elif kind == "tool_use":
            said, lost = arguments and _arguments(opened, arguments), text or thinking
        else:
            return ()
        if lost:
            raise MalformedResponseError(f"a piece of another type in a block of type {kind!r}")
        return (self._chunk(said),) if said else ()

    def _end(self, index: int | None) -> Iterable[ChatCompletionChunk]:
        opened = self._latest.get(self._last if index is None else index)
        if opened is None or opened.ended:
            return ()
        opened.ended = True
        if opened.type != "tool_use" or opened.has_arguments:
            return ()
        # A call without arguments has no pieces.
        arguments = msgspec.json.encode(opened.written.get("input") or {}).decode()
        return (self._chunk(_arguments(opened, arguments)),)

    # -- the end ---------------------------------------------------------------------------

    def _finished(self, delta: _Delta) -> Iterable[ChatCompletionChunk]:
        self._container = delta.container or self._container
        if delta.stop_reason is None:
            return ()
        blocks = [opened.whole() for opened in self._written]
        extra = kept(blocks, delta.stop_reason, self._container)
        usage, tier = self._counts.to_openai(), self._counts.service_tier
        return (self._chunk(Delta(extra_content=extra), _finish(delta.stop_reason), usage, tier),)

    def _count(self, usage: ClaudeUsage | None) -> None:
        if usage is not None:
            self._counts.update(usage)

    def _chunk(
        self, delta: Delta, finish: str | None = None, usage: Usage | None = None, tier: str | None = None
    ) -> ChatCompletionChunk:
        choice = ChunkChoice(delta=delta, finish_reason=finish)
        return ChatCompletionChunk(id=self._id, model=self._model, choices=(choice,), usage=usage, service_tier=tier)


def _arguments(opened: OpenBlock, piece: str) -> Delta:
    return Delta(tool_calls=(ToolCallDelta(index=opened.call, function=FunctionCallDelta(arguments=piece)),))


def _block(written: JSONObject | None, raw: Raw) -> _WholeBlock | _Block:
    """Return what is shown of a block. Its texts are those that are written, so that none is in memory twice."""
    if isinstance(written, dict) and written.get("type") != "tool_use":
        return _typed(written, _Block)
    try:
        return _block_decoder.decode(raw)  # with the arguments of a call as they were written
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _misshapen(error) from None


def _typed(value: JSONObject, kind: type[K]) -> K:
    try:
        typed = msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _misshapen(error) from None
    if isinstance(typed, _Block) and not typed.type and typed.text is None and value:
        raise MalformedResponseError("a block of the answer has no type")
    return typed


def _misshapen(error: Exception) -> MalformedResponseError:
    return MalformedResponseError(f"the answer has not the service's shape: {str(error)[:80]}")


def _written(blocks: Iterable[Raw]) -> list[JSONObject | None]:
    try:
        return [msgspec.json.decode(block) for block in blocks]
    except RecursionError:  # arguments of a million brackets
        return [None]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _misshapen(error) from None


def _finish(stop_reason: str | None) -> str | None:
    if stop_reason == "error":  # of servers that only speak the protocol
        raise MalformedResponseError("the answer ended with an error")
    return None if stop_reason is None else FINISHES.get(stop_reason, stop_reason)
