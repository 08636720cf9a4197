"""
Translates answers and streams of Anthropic's Messages into OpenAI's form.

Source: docs.claude.com/en/api/messages, …/streaming; recorded answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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
    ServerSentEvent,
    ToolCall,
    ToolCallDelta,
    Usage,
)

from ..translation.answers import decode_body, decode_event, message_of, only_choice, usage_of
from ..translation.turns import JSONObject

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
THINKING = ("thinking", "redacted_thinking")


class _OutputDetails(Struct):
    thinking_tokens: int | None = None


class _Usage(Struct):
    """Counts of a message; in a stream the last value of each counts, and may come late."""

    input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens: int | None = None
    output_tokens_details: _OutputDetails | None = None


class _Block(Struct):
    """A block of content of any type; blocks of unknown types are skipped."""

    type: str = ""
    id: str | None = None
    name: str | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    input: Raw = Raw()


class _Message(Struct):
    id: str = ""
    model: str = ""
    content: list[_Block] | None = None
    stop_reason: str | None = None
    usage: _Usage | None = None


class _Delta(Struct):
    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None


class _Event(Struct):
    type: str = ""
    index: int = 0
    message: _Message | None = None
    content_block: _Block | None = None
    delta: _Delta | None = None
    usage: _Usage | None = None


_message_decoder = msgspec.json.Decoder(_Message)
_event_decoder = msgspec.json.Decoder(_Event)


def completion(response: HTTPResponse) -> ChatCompletion:
    """
    Raises:
        ReplyError, MalformedResponseError: as `decode_body`.
    """
    answer = decode_body(response, _message_decoder)
    if answer.content is None:
        raise MalformedResponseError("the answer has no content", status=response.status)
    blocks = answer.content
    texts = [block.text or "" for block in blocks if block.type == "text"]
    thoughts = [block.thinking or "" for block in blocks if block.type == "thinking"]
    calls = tuple(
        ToolCall(id=block.id or "", function=FunctionCall(name=block.name or "", arguments=_json(block.input)))
        for block in blocks
        if block.type == "tool_use"
    )
    message = message_of(texts, thoughts, calls, _to_give_back(blocks))
    finish = _finish(answer.stop_reason)
    return only_choice(message, finish, id=answer.id, model=answer.model, usage=_usage(answer.usage))


class AnthropicStream:
    """
    Events have names; pieces belong to blocks by their index; usage comes at the start and at the end.

    The finish reason is in `message_delta`; the stream is complete after `message_stop`.
    """

    def __init__(self) -> None:
        self.done = False
        self._id = self._model = ""
        self._blocks: dict[int, _Open] = {}
        self._calls = 0
        self._counts = _Usage()

    def feed(self, event: ServerSentEvent) -> Iterable[ChatCompletionChunk]:
        if event.event == "ping":
            return ()
        decoded = decode_event(event, _event_decoder)
        if decoded.type == "content_block_delta" and decoded.delta is not None:
            return self._piece(decoded.index, decoded.delta)
        if decoded.type == "content_block_start" and decoded.content_block is not None:
            return self._begin(decoded.index, decoded.content_block)
        if decoded.type == "content_block_stop":
            return self._end(decoded.index)
        if decoded.type == "message_start" and decoded.message is not None:
            self._id, self._model = decoded.message.id, decoded.message.model
            self._count(decoded.message.usage)
            return (self._chunk(Delta(role="assistant")),)
        if decoded.type == "message_delta":
            self._count(decoded.usage)
            return self._finished(decoded.delta.stop_reason if decoded.delta is not None else None)
        if decoded.type == "message_stop":
            self.done = True
        return ()

    def close(self) -> Iterable[ChatCompletionChunk]:
        return ()

    # -- blocks ----------------------------------------------------------------------------

    def _begin(self, index: int, block: _Block) -> Iterable[ChatCompletionChunk]:
        opened = self._blocks[index] = _Open(block)
        if block.type != "tool_use":
            return self._piece(index, _Delta(text=block.text, thinking=block.thinking))
        opened.call, self._calls = self._calls, self._calls + 1
        function = FunctionCallDelta(name=block.name or "", arguments="")
        call = ToolCallDelta(index=opened.call, id=block.id or "", type="function", function=function)
        return (self._chunk(Delta(tool_calls=(call,))),)

    def _piece(self, index: int, delta: _Delta) -> Iterable[ChatCompletionChunk]:
        opened = self._blocks.get(index)
        if opened is None:
            raise MalformedResponseError(f"a piece of block {index}, which has not begun")
        if opened.block.type == "tool_use":
            if not delta.partial_json:
                return ()
            opened.json.append(delta.partial_json)
            return (self._arguments(opened, delta.partial_json),)
        if opened.block.type not in ("text", *THINKING):
            return ()  # the service's own tools at work
        opened.said.append(delta.text or delta.thinking or "")
        opened.signature += delta.signature or ""
        if delta.text:
            return (self._chunk(Delta(content=delta.text)),)
        return (self._chunk(Delta(reasoning=delta.thinking)),) if delta.thinking else ()

    def _end(self, index: int) -> Iterable[ChatCompletionChunk]:
        opened = self._blocks.get(index)
        if opened is None or opened.block.type != "tool_use" or opened.json:
            return ()
        opened.json.append(_json(opened.block.input))  # a call without arguments has no pieces
        return (self._arguments(opened, opened.json[0]),)

    def _arguments(self, opened: _Open, piece: str) -> ChatCompletionChunk:
        call = ToolCallDelta(index=opened.call, function=FunctionCallDelta(arguments=piece))
        return self._chunk(Delta(tool_calls=(call,)))

    # -- the end ---------------------------------------------------------------------------

    def _finished(self, stop_reason: str | None) -> Iterable[ChatCompletionChunk]:
        if stop_reason is None:
            return ()
        blocks = [opened.whole() for _, opened in sorted(self._blocks.items())]
        delta = Delta(extra_content=_to_give_back(blocks))
        return (self._chunk(delta, _finish(stop_reason), _usage(self._counts)),)

    def _count(self, usage: _Usage | None) -> None:
        """Zeros alone, which gateways have sent after the true numbers of the prompt or the answer, correct nothing."""
        if usage is None:
            return
        usage.output_tokens = usage.output_tokens or self._counts.output_tokens
        if not (usage.input_tokens or usage.cache_read_input_tokens or self._counts.input_tokens is None):
            usage.input_tokens = usage.cache_read_input_tokens = usage.cache_creation_input_tokens = None
        for name in _Usage.__struct_fields__:
            if (count := getattr(usage, name)) is not None:
                setattr(self._counts, name, count)

    def _chunk(self, delta: Delta, finish: str | None = None, usage: Usage | None = None) -> ChatCompletionChunk:
        choice = ChunkChoice(delta=delta, finish_reason=finish)
        return ChatCompletionChunk(id=self._id, model=self._model, choices=(choice,), usage=usage)


class _Open:
    """A block of a stream, and its pieces so far."""

    def __init__(self, block: _Block) -> None:
        self.block = block
        self.call = 0
        self.said: list[str] = []
        self.json: list[str] = []
        self.signature = block.signature or ""

    def whole(self) -> _Block:
        block, said = self.block, "".join(self.said)
        return _Block(
            type=block.type, id=block.id, name=block.name, text=said, thinking=said, signature=self.signature,
            data=block.data, input=Raw("".join(self.json).encode()),
        )  # fmt: skip


def _to_give_back(blocks: Sequence[_Block]) -> JSONObject | None:
    """
    Return the blocks for `extra_content` if there is thinking: after a tool call, Claude needs its thinking
    back, with the signature and in the same place.
    """
    if not any(block.type in THINKING for block in blocks):
        return None
    written: list[JSONObject] = []
    for block in blocks:
        if block.type == "text" and block.text:
            written.append({"type": "text", "text": block.text})
        elif block.type == "thinking":
            written.append({"type": "thinking", "thinking": block.thinking or "", "signature": block.signature or ""})
        elif block.type == "redacted_thinking":
            written.append({"type": "redacted_thinking", "data": block.data or ""})
        elif block.type == "tool_use":
            try:
                arguments = msgspec.json.decode(_json(block.input))
            except (msgspec.DecodeError, RecursionError):  # cut by max_tokens: the service would refuse it
                return None
            written.append({"type": "tool_use", "id": block.id, "name": block.name, "input": arguments})
    return {"anthropic": {"content": written}}


def _finish(stop_reason: str | None) -> str | None:
    return None if stop_reason is None else FINISHES.get(stop_reason, stop_reason)


def _json(value: Raw) -> str:
    text = bytes(value).decode()
    return text if text not in ("", "null") else "{}"


def _usage(usage: _Usage | None) -> Usage | None:
    """`input_tokens` excludes what was read from and written to the cache; OpenAI counts the whole prompt."""
    if usage is None or usage.input_tokens is None:
        return None
    cached, written = usage.cache_read_input_tokens, usage.cache_creation_input_tokens
    details = usage.output_tokens_details or _OutputDetails()
    return usage_of(
        usage.input_tokens + (written or 0) + (cached or 0),
        usage.output_tokens or 0,
        cached=cached,
        written=written,
        thinking=details.thinking_tokens,
    )
