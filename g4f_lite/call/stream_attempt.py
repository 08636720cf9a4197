"""
One attempt that streams. No I/O, no waiting.

The driver goes through it in this order:

    with StreamAttempt(call) as attempt:          as in attempt.py
        [attempt.got_key(key)]                    as in attempt.py
        [attempt.looked_up(response)]
        attempt.open(status, headers)             the headers of the response have arrived
        while attempt.awaits_content:
            attempt.feed_early(piece)
        chunks = attempt.begin()                  the first content: from here on, failures interrupt the stream

and, as the caller iterates, until the stream ends:

    while not attempt.closed:
        chunks = attempt.feed(piece)              between `resume()` and `pause()`: the caller's time does not count
    attempt.check()                               raises if the stream is closed but not complete
    attempt.complete_stream()                     ends attempt and call; or
    attempt.hands_over(error)                     ends the attempt: does another leg take the stream over?
    attempt.close()                               the caller, or the client for an abandoned stream, ends it early
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from functools import partial
from traceback import clear_frames
from typing import TYPE_CHECKING

import msgspec

from ..errors.exceptions import ProviderError, StreamInterruptedError, ToolCallError, may_end_body
from ..errors.reply import ErrorReply
from ..provider.self_description import declared
from ..records.trail import EMPTY_TRAIL, Trail
from ..types.chat import ChatCompletion
from ..types.chunks import ChatCompletionChunk
from ..types.size_limits import MAX_SENT_BACK
from ..value import JSONObject
from .attempt import ActiveAttempt, complete_chat, signed
from .call import Call
from .chunk_reader import ChunkReader
from .joined_events import Joiner

if TYPE_CHECKING:
    from ..provider.leg import Leg
    from ..types.chat_request import ChatRequest

_KEPT_EARLY = 512
"""
Chunks without content that are handed out before the first content: this many from the beginning, where the role is,
and as many from the end, where a finish reason and the usage are. Some services send an empty chunk for each hidden
token of reasoning: that is no fault, so more chunks do not fail the attempt. A note in the trail counts them. Once they
have a 16th of `max_response_bytes`, large ones are not kept either.
"""


class StreamAttempt(ActiveAttempt):
    """A streaming attempt under way."""

    reader: ChunkReader

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self._continues = False
        self._early: list[ChatCompletionChunk] = []
        self._left_out = 0

    def _added_messages(self) -> Sequence[JSONObject]:
        """As in `ActiveAttempt`; to continue an interrupted stream, its text as the beginning of the answer."""
        call, interrupted = self.call, self.call.interrupted
        if (correction := super()._added_messages()) or interrupted is None:
            return correction
        self._continues = (
            "prefill" in declared(self.leg.provider, "capabilities")
            and interrupted.only_text
            and call.response_model is None  # a complete text that violates the schema cannot be continued
        )
        return ({"role": "assistant", "content": interrupted.text},) if self._continues else ()

    # -- up to the first content -----------------------------------------------------------

    def open(self, status: int | None, headers: Mapping[str, str]) -> None:
        """Make the reader for the response whose headers have arrived."""
        own = weakref.ref(self)  # whose reader this is

        def classify(reply: ErrorReply) -> ProviderError:
            attempt = own()
            assert attempt is not None
            return attempt.classify(reply)

        self.reader = ChunkReader(self.leg, self.request, self.limit, classify, status=status, headers=headers)
        if self.call.plan.policy.join_events:
            self.reader.joiner = Joiner()
        if self._continues and self.call.interrupted is not None:
            self.reader.prefix = self.call.interrupted
        self.notes, self.headers = self.reader.notes, headers

    @property
    def awaits_content(self) -> bool:
        """Whether neither content nor the end has come."""
        return not (self.reader.has_content or self.reader.closed)

    @property
    def closed(self) -> bool:
        """Whether nothing more will come."""
        return self.reader.closed

    def feed_early(self, piece: bytes | ChatCompletionChunk | ProviderError) -> None:
        """Take a piece of the response that may have the first content; `begin` returns its chunks."""
        if isinstance(piece, ProviderError) and may_end_body(self.reader.status, piece):
            piece = b""
        early = self._early
        if self.reader.size > (most := self.limit.max_bytes >> 4):
            kept = [chunk for chunk in early if len(chunk.raw_json or b"") <= most >> 12]
            self._left_out += len(early) - len(kept)
            self._early = early = kept
        if (surplus := len(early) - 2 * _KEPT_EARLY) > 0:
            del early[_KEPT_EARLY:-_KEPT_EARLY]
            self._left_out += surplus
        early += self.reader.feed(piece)

    def begin(self) -> list[ChatCompletionChunk]:
        """
        Return the chunks up to the first content, the first one marked if the answer starts over.

        Raises:
            ProviderError: the stream ended without content.
        """
        reader, call = self.reader, self.call
        if not reader.has_content:
            reader.check()
        call.plan.first_content(self.state, reader.headers)
        if self.holding is not None:
            self.holding.works()
        self.limit.pause()
        if self._left_out:
            self.reader.notes.append(
                f"{self._left_out} chunks without content, before the first content, were not handed out"
            )
        chunks, self._early = self._early, []
        if call.was_interrupted and not self._continues and chunks:
            return [msgspec.structs.replace(chunks[0], restarted=True), *chunks[1:]]
        return chunks

    # -- after the first content, and the end ----------------------------------------------

    def feed(self, piece: bytes | ChatCompletionChunk | ProviderError) -> list[ChatCompletionChunk]:
        """Return the chunks that a piece of the response completes; as `ChunkReader.feed`."""
        return self.reader.feed(piece)

    def check(self) -> None:
        """
        Raises:
            ProviderError: the stream is closed, and not complete.
        """
        self.reader.check()

    def hands_over(self, error: BaseException) -> bool:
        """End the attempt with this error; tell whether another leg takes the stream over."""
        if self.ended:
            return False
        self.end(error)
        self.call.was_interrupted = True
        nothing_said = isinstance(error, ProviderError) and not self.reader.has_content
        if self.call.plan.finished or not (nothing_said or isinstance(error, StreamInterruptedError)):
            return False
        # Each leg may say all that the limit allows, and the call holds the errors of all: so no more is kept.
        text = getattr(error, "partial_text", "")
        may_continue = self.call.plan.policy.on_interrupt == "continue" and len(text) <= MAX_SENT_BACK
        self.call.interrupted = self.reader if may_continue else None
        if isinstance(error, StreamInterruptedError):
            error.partial_text = text[:MAX_SENT_BACK]
        return True

    def complete_stream(self) -> None:
        """
        End the attempt and the call: the stream is complete.

        Raises:
            StreamInterruptedError: its text violates the schema of the response model.
            ToolCallError: it was cut at a limit of tokens before any text.
        """
        reader = self.reader
        parsed: ChatCompletion | None = None
        if self.call.response_model is not None:
            try:
                parsed = self._parse_text(
                    complete_chat(reader.completion(), self.leg, self.request), self.call.response_model, reader.status
                )
            except ToolCallError as error:
                raise reader.interrupted(error)  # noqa: B904  # it has its cause, and may be this error itself
        answer = reader.outline() if self.call.observed or self.holding is not None else None
        self.succeed(reader.status, reader.headers, reader.notes, answer=answer)
        whole = partial(_whole, reader, self.leg, self.request, parsed)
        if self.call.observed and self.call.hooks.wants("call_answered"):
            self.call.answered(whole(EMPTY_TRAIL))
        self.call.completion = partial(whole, self.call.finish())
        self.call.let_go(self)

    def end(self, error: BaseException) -> None:
        """As in `ActiveAttempt`."""
        super().end(error)
        if error.__cause__ is not None:
            clear_frames(error.__cause__.__traceback__)
        if "reader" in vars(self):
            self.reader.failure = None  # its traceback refers to the reader, which would wait for a collector

    def close(self) -> None:
        """End the attempt and the call early, if they have not ended."""
        if not self.ended:
            self._end_early()
        elif not self.call.ended:  # a signal has interrupted this, or the call's end
            self.call.finish("closed")
        self.call.let_go(self)

    def _end_early(self) -> None:
        if (failure := self.reader.failure) is not None:  # it was interrupted, though the caller has not seen it
            self.end(failure)
            self.call.finish(type(failure).__name__)
            return
        if self.holding is not None:
            self.holding.spends = "presumed"  # its usage, if it has one, may be that of a part
        answer = self.reader.outline() if self.call.observed else None
        self.succeed(self.reader.status, self.reader.headers, ["closed by the caller before its end"], answer=answer)
        self.call.finish("closed")


def _whole(
    reader: ChunkReader, leg: Leg, request: ChatRequest, parsed: ChatCompletion | None, trail: Trail
) -> ChatCompletion:
    """Return the completion. If several legs made it, its cost is the sum of theirs, as far as they are known."""
    whole = parsed or complete_chat(reader.completion(), leg, request)
    completion: ChatCompletion = msgspec.structs.replace(signed(whole, leg, request.model), trail=trail)
    if reader.prefix is None or completion.usage is None or completion.cost is None:
        return completion
    parts = [msgspec.structs.replace(part, provider=who, trail=trail) for who, part in reader.legs()]
    total = sum(cost for part in parts if (cost := part.cost) is not None)
    return msgspec.structs.replace(completion, usage=msgspec.structs.replace(completion.usage, cost=total))
