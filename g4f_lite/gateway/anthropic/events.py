"""From chunks to the events of a stream of Anthropic's."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from ...errors.exceptions import StreamInterruptedError
from ...types.call_pieces import OpenCall, OpenCalls
from ...types.chunks import ChatCompletionChunk, ToolCallDelta
from ...types.usage import Usage
from ...value import JSONObject
from .answers import message_id, stop_reason, usage_of

PING = b'event: ping\ndata: {"type":"ping"}\n\n'


def event(kind: str, **data: Any) -> bytes:
    """Return one event."""
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), msgspec.json.encode({"type": kind, **data}))


class MessageEvents:
    """
    The events of one message, in order.

    The block with the thinking stays open until the end, because its signature comes with the last chunk. Of others,
    one is open at a time: what comes before the arguments of its call are whole waits.

    Args:
        asked_for: the model that the caller has asked for, if the chunks name none.
    """

    def __init__(self, asked_for: str) -> None:
        self._asked_for = asked_for
        self._begun = False
        self._count = 0
        self._open: int | None = None
        """The index of the block that is written to."""
        self._call: OpenCall | None = None
        """That of this block; None for text."""
        self._thinking: int | None = None
        self._calls = OpenCalls()
        self._waiting: deque[OpenCall | str] = deque()
        """Calls and text that come in later blocks."""
        self._finish: str | None = None
        self._usage: Usage | None = None

    def of(self, chunk: ChatCompletionChunk) -> bytes:
        """
        Return the events of a chunk; there may be none.

        Raises:
            StreamInterruptedError: another leg starts the answer over, which no event can say.
        """
        if chunk.restarted and self._begun:
            raise StreamInterruptedError("the stream was interrupted, and another leg would start the answer over")
        return b"".join(self._events(chunk))

    def of_all(self, chunks: Iterable[ChatCompletionChunk]) -> bytes:
        """Return the events of chunks that have come together. Raises as `of`."""
        return b"".join([self.of(chunk) for chunk in chunks])

    def end(self) -> bytes:
        """Return the events at the end of a complete stream."""
        return b"".join(self._end())

    def _events(self, chunk: ChatCompletionChunk) -> Iterator[bytes]:
        if not self._begun:
            self._begun = True
            message: JSONObject = {
                "id": message_id(chunk.id), "type": "message", "role": "assistant", "content": [],
                "model": chunk.model or self._asked_for, "stop_reason": None, "stop_sequence": None,
                "usage": usage_of(chunk.usage),
            }  # fmt: skip
            yield event("message_start", message=message)
        self._usage = chunk.usage or self._usage
        for choice in chunk.choices[:1]:
            delta = choice.delta
            if delta.reasoning:
                yield from self._think(delta.reasoning)
            if delta.content and self._call is None and not self._waiting:
                yield from self._say(delta.content)
            elif delta.content:
                self._waiting.append(delta.content)
                yield from self._go_on()
            for piece in delta.tool_calls or ():
                yield from self._add(piece)
            if delta.extra_content:
                yield from self._sign(delta.extra_content)
            self._finish = choice.finish_reason or self._finish

    def _think(self, text: str) -> Iterator[bytes]:
        if self._thinking is None:
            self._thinking = self._count
            self._count += 1
            block = {"type": "thinking", "thinking": "", "signature": ""}
            yield event("content_block_start", index=self._thinking, content_block=block)
        delta = {"type": "thinking_delta", "thinking": text}
        yield event("content_block_delta", index=self._thinking, delta=delta)

    def _say(self, text: str) -> Iterator[bytes]:
        if self._open is None or self._call is not None:
            yield from self._start(None, {"type": "text", "text": ""})
        yield event("content_block_delta", index=self._open, delta={"type": "text_delta", "text": text})

    def _add(self, piece: ToolCallDelta) -> Iterator[bytes]:
        known = len(self._calls)
        call, arguments = self._calls.take(piece)
        if len(self._calls) > known:
            self._waiting.append(call)
        elif arguments and call is self._call:
            yield self._arguments(arguments)
        yield from self._go_on()

    def _go_on(self, *, at_the_end: bool = False) -> Iterator[bytes]:
        """Begin the blocks of what waits, as far as the one before is whole, and the name of a call is known."""
        while self._waiting and (at_the_end or self._call is None or self._call.is_whole()):
            first = self._waiting[0]
            if isinstance(first, OpenCall) and not first.name and not at_the_end:
                return
            self._waiting.popleft()
            if isinstance(first, str):
                yield from self._say(first)
                continue
            yield from self._start(first, {"type": "tool_use", "id": first.sent_id, "name": first.name, "input": {}})
            if first.arguments:
                yield self._arguments("".join(first.arguments))

    def _arguments(self, text: str) -> bytes:
        delta = {"type": "input_json_delta", "partial_json": text}
        return event("content_block_delta", index=self._open, delta=delta)

    def _start(self, call: OpenCall | None, block: JSONObject) -> Iterator[bytes]:
        yield from self._stop()
        self._open, self._call = self._count, call
        self._count += 1
        yield event("content_block_start", index=self._open, content_block=block)

    def _stop(self) -> Iterator[bytes]:
        if self._open is not None:
            yield event("content_block_stop", index=self._open)
            self._open = None

    def _sign(self, extra: Any) -> Iterator[bytes]:
        """Add the signature of the thinking, without which Anthropic does not take it back."""
        own = extra.get("anthropic") if isinstance(extra, dict) else None
        blocks = own.get("content") if isinstance(own, dict) else None
        for block in blocks if isinstance(blocks, list) else ():
            if self._thinking is not None and block.get("type") == "thinking" and block.get("signature"):
                delta = {"type": "signature_delta", "signature": block["signature"]}
                yield event("content_block_delta", index=self._thinking, delta=delta)
                return

    def _end(self) -> Iterator[bytes]:
        yield from self._go_on(at_the_end=True)
        yield from self._stop()
        if self._thinking is not None:
            yield event("content_block_stop", index=self._thinking)
        delta = {"stop_reason": stop_reason(self._finish) or "end_turn", "stop_sequence": None}
        yield event("message_delta", delta=delta, usage=usage_of(self._usage))
        yield event("message_stop")
