"""
One attempt that streams. No I/O, no waiting.

The driver goes through it in this order:

    with StreamAttempt(call) as attempt:          as in attempt.py
        [attempt.looked_up(response)]
        attempt.open(status, headers)             the headers of the response have arrived
        while attempt.awaits_content:
            chunks += attempt.feed(piece)
        chunks = attempt.begin(chunks)            the first content: from here on, failures interrupt the stream

and, as the caller iterates, until the stream ends:

    while not attempt.closed:
        chunks = attempt.feed(piece)              between `resume()` and `pause()`: the caller's time does not count
    attempt.check()                               raises if the stream is closed but not complete
    attempt.complete_stream()                     ends attempt and call; or
    attempt.hands_over(error)                     ends the attempt: does another leg take the stream over?
    attempt.close()                               the caller, or the client for an abandoned stream, ends it early
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from ..errors.exceptions import ProviderError, StreamInterruptedError, ToolCallError
from ..types.chat import ChatCompletion, ChatCompletionChunk
from ..value import JSONObject
from .attempt import ActiveAttempt
from .call import Call
from .chunk_reader import ChunkReader


class StreamAttempt(ActiveAttempt):
    """A streaming attempt under way."""

    reader: ChunkReader

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self._continues = False

    def _added_messages(self) -> Sequence[JSONObject]:
        """As in `ActiveAttempt`; to continue an interrupted stream, its text as the beginning of the answer."""
        call, interrupted = self.call, self.call.interrupted
        if (correction := super()._added_messages()) or interrupted is None:
            return correction
        self._continues = (
            call.plan.policy.on_interrupt == "continue"
            and "prefill" in self.leg.provider.capabilities
            and interrupted.only_text
            and call.response_model is None  # a complete text that violates the schema cannot be continued
        )
        return ({"role": "assistant", "content": interrupted.text},) if self._continues else ()

    # -- up to the first content -----------------------------------------------------------

    def open(self, status: int | None, headers: Mapping[str, str]) -> None:
        """Make the reader for the response whose headers have arrived."""
        self.reader = ChunkReader(self.leg, self.request, self.limit, self.classify, status=status, headers=headers)
        if self._continues and self.call.interrupted is not None:
            self.reader.prefix = self.call.interrupted
        self.notes = self.reader.notes

    @property
    def awaits_content(self) -> bool:
        """Whether neither content nor the end has come."""
        return not (self.reader.has_content or self.reader.closed)

    @property
    def closed(self) -> bool:
        """Whether nothing more will come."""
        return self.reader.closed

    def feed(self, piece: bytes | ChatCompletionChunk | ProviderError) -> list[ChatCompletionChunk]:
        """Return the chunks that a piece of the response completes; as `ChunkReader.feed`."""
        return self.reader.feed(piece)

    def begin(self, chunks: list[ChatCompletionChunk]) -> list[ChatCompletionChunk]:
        """
        Return the chunks up to the first content, the first one marked if the answer starts over.

        Raises:
            ProviderError: the stream ended without content.
        """
        reader, call = self.reader, self.call
        if not reader.has_content:
            reader.check()
        call.plan.first_content(self.state)
        self.limit.pause()
        if call.interrupted is not None and not self._continues and chunks:
            return [msgspec.structs.replace(chunks[0], restarted=True), *chunks[1:]]
        return chunks

    # -- the end ---------------------------------------------------------------------------

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
        self.call.interrupted = self.reader
        return isinstance(error, StreamInterruptedError) and not self.call.plan.finished

    def complete_stream(self) -> None:
        """
        End the attempt and the call: the stream is complete.

        Raises:
            StreamInterruptedError: its text violates the schema of the response model.
        """
        reader = self.reader
        parsed: ChatCompletion | None = None
        if self.call.response_model is not None:
            try:
                parsed = self._parse_text(reader.completion(), self.call.response_model, reader.status)
            except ToolCallError as error:
                raise reader.interrupted(error) from error
        self.succeed(reader.status, reader.headers, reader.notes)
        trail = self.call.finish()
        self.call.completion = lambda: msgspec.structs.replace(self._sign(parsed or reader.completion()), trail=trail)

    def close(self) -> None:
        """End the attempt and the call early, if they have not ended."""
        if self.ended:
            return
        if (failure := self.reader.failure) is not None:  # it was interrupted, though the caller has not seen it
            self.end(failure)
        else:
            self.succeed(self.reader.status, self.reader.headers, ["closed by the caller before its end"])
        self.call.finish()
