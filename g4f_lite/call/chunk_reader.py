"""
The bytes of one stream into chunks, and what its end means. No I/O.

Rules: a stream is complete if each of its choices has a finish reason. Anything else is an interruption, even if the
connection was closed in an orderly way. An event that cannot be read may have held text: it ends the stream, unless it
is known to mean nothing but that the service lives.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from ..errors.exceptions import MalformedResponseError, ProviderError, ReplyError, StreamInterruptedError, ToolCallError
from ..errors.reply import BEFORE_JSON, MAX_ERROR_BODY, ErrorReply
from ..provider.boundary import PluginBoundary
from ..provider.checked import check, check_chunks, check_parser
from ..provider.leg import Leg
from ..types.assembly import Assembly
from ..types.call_ids import StreamedIds
from ..types.chat import ChatCompletion
from ..types.chat_request import ChatRequest
from ..types.chunks import ChatCompletionChunk
from ..types.http import HTTPResponse, ServerSentEvent
from ..types.memory_estimate import check_memory, small
from ..types.size_limits import MAX_CHOICES, beyond, check_json_size, event_limit, stream_limit
from ..types.time_limit import TimeLimit
from .answer_checks import check_choices, check_content, check_reasons, is_failed_end, settled_reason
from .changed_chunks import OnlyChoice, with_raw
from .framings import framing_of
from .joined_events import Joiner
from .sse_events import is_heartbeat
from .surrogates import SurrogateJoiner

_KEPT = 4096
"""Chunks that are kept as they are. The oldest are assembled, some at a time, which takes a tenth of the memory."""
_TEXT_SHARE = 1.5
"""How many times `max_response_bytes` the memory of what a stream has said may take."""


class ChunkReader:
    """
    Reads one stream.

    Args:
        classify: returns the exception for an error reply.
        limit: extended whenever content arrives, and by default when something shows that the service works.
    """

    def __init__(
        self,
        leg: Leg,
        request: ChatRequest,
        limit: TimeLimit,
        classify: Callable[[ErrorReply], ProviderError],
        *,
        status: int | None,
        headers: Mapping[str, str],
    ) -> None:
        self.leg, self.status, self.headers = leg, status, headers
        self.joiner: Joiner | None = None
        """Makes one chunk of events that came together and differ in text alone."""
        self.has_content = self.closed = False
        """Content has been seen; nothing more will come."""
        self._has_calls = self._new_content = False
        """A tool call has been seen; the last piece had content."""
        self.notes: list[str] = []
        self.chunks: list[ChatCompletionChunk] = []
        self.prefix: ChunkReader | None = None
        """The interrupted stream that this one continues."""
        self._older: Assembly | None = None
        self._added = 0
        """How many of the chunks are in the assembly."""
        self._request, self._limit, self._classify = request, limit, classify
        self._call_ids = StreamedIds(request.messages)
        self._finished: dict[int, str] = {}
        self._unfinished: set[int] = set()
        self._resumed: set[int] = set()
        """The choices that had content after their finish reason, so that it was not their end."""
        self._only = OnlyChoice() if request.choices == 1 else None
        self._asks_for_usage = bool((request.stream_options or {}).get("include_usage"))
        self._bare = False
        """A chunk without choices has come."""
        self._surrogates = SurrogateJoiner()
        self._kept_from = 0
        """About where in the body the kept chunks begin."""
        self.failure: ProviderError | None = None
        self._body: bytearray | None = None
        self.size = 0
        """Bytes of the body so far."""
        self._most = stream_limit(limit.max_bytes)
        self._small = small(limit.max_bytes)
        """Bytes of events that are kept with their chunks."""
        self._sniffed = False
        if not leg.streams or (status is not None and not 200 <= status < 300):
            self._body, self._sniffed = bytearray(), True
        if leg.streams and not leg.is_local:
            self._decoder = framing_of(leg.provider, leg.key, event_limit(limit.max_bytes))
            with PluginBoundary(leg.key, "starting a stream", leg.provider, "new_stream", reads=False):
                self._parser = leg.provider.new_stream(request)
                check_parser(self._parser)
                self._feed_all = getattr(self._parser, "feed_all", None)

    # -- feeding ---------------------------------------------------------------------------

    def feed(self, piece: bytes | ChatCompletionChunk | ProviderError) -> list[ChatCompletionChunk]:
        """
        Return the chunks that a piece completes.

        Args:
            piece: of a body (b"" is its end), a chunk of an in-process completion, or the error that reading raised.

        Chunks without choices, which report the usage, are returned only if the caller asked for them. A failure comes
        after the chunks before it: the reader is closed then, and `check` raises the failure.
        """
        if full := bool(self.chunks) and (len(self.chunks) > _KEPT or self.size - self._kept_from > self._small):
            oldest = max(1, len(self.chunks) // 4, len(self.chunks) - _KEPT)
            self._assembled(oldest)
            del self.chunks[:oldest]
            self._added -= oldest
            self._kept_from = max(self._kept_from + self._small // 4, self.size - self._small)
        before = len(self.chunks)
        try:
            try:
                if full:
                    self._check_older()
                self._take(piece)
            except ReplyError as error:
                raise self._classify(error.reply) from None
        except ProviderError as error:
            self.closed, self._feed_all = True, None
            vars(self).pop("_parser", None)  # what it keeps is not for the memory of the next leg
            self.chunks[before:] = [one for one in self.chunks[before:] if not is_failed_end(one)]
            self.failure = self.interrupted(error)
        chunks = self.chunks[before:]
        return [chunk for chunk in chunks if chunk.choices] if self._bare and not self._asks_for_usage else chunks

    def check(self) -> None:
        """
        Raises:
            ProviderError: the stream is closed, and not complete.
        """
        if self.failure is not None:
            raise self.failure

    def _take(self, piece: bytes | ChatCompletionChunk | ProviderError) -> None:
        if isinstance(piece, ChatCompletionChunk):
            self._new_content = False
            self._accept((piece,))
            if not self._new_content:
                self._limit.on_sign_of_work()
        elif isinstance(piece, ProviderError):
            self._parse_last(self._surrogates.close())
            self.closed = True
            if not self._all_finished():  # else the stream is complete, however the connection ended
                raise piece
            self._check_end()
        elif not piece:
            self.closed = True
            self._end()
        elif (size := self.size + len(piece)) > self._most:
            if (rest := self._most - self.size) and not self.closed:
                self.size = self._most
                self._read(piece[:rest])
            if not self.closed:
                self._take(beyond("the stream", self._most, self.status))
        else:
            self.size = size
            self._read(piece)

    def _read(self, piece: bytes) -> None:
        if not self._sniffed and (start := piece.lstrip(BEFORE_JSON)):
            self._sniffed = True
            if start[:1] in self._decoder.whole_if:
                self._body, piece = bytearray(), start
        if self._body is not None:
            self._collect(self._body, piece)
            return
        self._new_content = False
        quick = self._feed_all is not None and not self._surrogates.waiting
        plain = self._decoder.feed_plain(piece) if quick else None
        if plain is None:
            self._parse(self._surrogates.add_all(self._decoder.feed(piece)))
        else:
            self._parse_all(plain)
        if self.has_content and not self._new_content and (plain or self._decoder.has_worked):
            self._limit.on_sign_of_work()
        if self.closed:
            self._check_end()

    def _end(self) -> None:
        if self._body is not None:
            body, self._body = bytes(self._body), bytearray()  # so that it is in memory once
            self._accept(self._whole(body))
        elif not self.leg.is_local:
            self._parse_last([*self._surrogates.add_all(self._decoder.close()), *self._surrogates.close()])
            with PluginBoundary(self.leg.key, "ending a stream", self._parser, "close"):
                last = check_chunks(self._parser.close(), "close")
            self._accept(last)
        self._check_end(getattr(vars(self).get("_decoder"), "stray", ""))

    def _check_end(self, stray: str = "") -> None:
        if not self.finished:
            cause = "the stream ended without a finish reason" if self.chunks or self._older else "the stream is empty"
            raise MalformedResponseError(cause + stray, status=self.status)
        if not self.has_content or self._has_calls or len(self._finished) > 1:
            check_content(self.completion(), self.status, self._request.choices)
        check_choices(self._finished, self._request, self.status)

    @property
    def finished(self) -> bool:
        """Whether each choice that has begun ends with its finish reason."""
        return bool(self._finished) and not self._unfinished and not self._resumed

    def _all_finished(self) -> bool:
        """Tell whether each choice of the request has its finish reason, so that the answer is whole, come what may."""
        return self.finished and len(self._finished) >= self._request.choices

    def interrupted(self, cause: ProviderError) -> ProviderError:
        """Return what a failure is at this point: before the first content its cause, then an interruption."""
        if not self.has_content or isinstance(cause, StreamInterruptedError):
            return cause
        complete = isinstance(cause, ToolCallError) and cause.code != "length"
        what = "it is complete, but" if complete else "the stream was interrupted:"
        error = StreamInterruptedError(f"{what} {cause.message}", status=self.status)
        error.partial_text = self.text
        error.body = cause.body
        error.__cause__ = cause
        return error

    def completion(self) -> ChatCompletion:
        """Return the completion assembled from all chunks so far."""
        return self._assembled().whole()

    def outline(self) -> ChatCompletion:
        """Return the completion so far without its messages and extra fields: what observers learn of a stream."""
        return (self._older or Assembly()).outline(self.chunks[self._added :])

    def _assembled(self, oldest: int | None = None) -> Assembly:
        """Return the assembly once all chunks, or at least that many of the oldest, have been added."""
        if self._older is None:
            self._older = Assembly()
            if self.prefix is not None:
                # A copy: if this leg fails before its first content, the next one continues the same stream.
                self._older = copy.deepcopy(self.prefix._assembled())
                self._older.begin_next_leg()
        count = len(self.chunks) if oldest is None else oldest
        self._older.add(self.chunks[self._added : count])
        self._added = max(self._added, count)
        return self._older

    def legs(self) -> Iterator[tuple[str, ChatCompletion]]:
        """Yield the provider and the answer so far of each leg of this stream, the last one first."""
        reader: ChunkReader | None = self
        while reader is not None:
            completion = reader.completion()
            model = completion.model or reader._request.model
            yield reader.leg.provider.name, msgspec.structs.replace(completion, model=model)
            reader = reader.prefix

    @property
    def text(self) -> str:
        """The text of the first choice so far; it takes a hundredth of the time of a completion."""
        return self._assembled(0).text(self.chunks[self._added :])

    @property
    def only_text(self) -> bool:
        """Whether the completion so far is one choice of text alone, which another leg can continue."""
        choices = self.completion().choices
        message = choices[0].message if len(choices) == 1 else None
        return message is not None and bool(message.content) and not (message.tool_calls or message.images)

    # -- reading ---------------------------------------------------------------------------

    def _parse_all(self, events: Sequence[bytes]) -> None:
        """As `_parse`, for events that have data only, all at once if the parser can do that."""
        assert self._feed_all is not None
        few = events if self.joiner is None else self.joiner.joined(events)
        with PluginBoundary(self.leg.key, "reading a stream", self._parser, "feed_all"):
            chunks = None if b"{}" in events else self._feed_all(few)  # a heartbeat, which would be a chunk
            if chunks is not None:
                chunks = check_chunks(chunks, "feed_all")
                done = bool(getattr(self._parser, "done", False))
        if chunks is None:
            ordinary = [ServerSentEvent(data=data) for data in events if data and not data.isspace()]
            self._parse(self._surrogates.add_all(ordinary))
            return
        self._accept(chunks)
        if done:
            self._close()

    def _close(self) -> None:
        """Take what the parser says: it is the end, also of choices that had content after their finish reason."""
        self.closed = True
        self._resumed.clear()

    def _parse_last(self, events: Sequence[ServerSentEvent]) -> None:
        """As `_parse`, at the end of the body, which may have cut the last event: that is no malformed event."""
        if events:
            try:
                self._parse(events)
            except MalformedResponseError as error:
                self.notes.append(f"the end of the body cut an event: {error.message[:80]}")

    def _parse(self, events: Sequence[ServerSentEvent]) -> None:
        feed = self._parser.feed
        for event in events:
            data = event.data
            if is_heartbeat(event):
                continue
            try:
                if len(data) > self._small:
                    check_json_size(data)
                    check_memory("an event of the stream", data, self._limit.max_bytes, share=1)
                with PluginBoundary(self.leg.key, "reading a stream", self._parser, "feed"):
                    chunks = [with_raw(chunk, data) for chunk in check_chunks(feed(event), "feed")]
                    done = bool(getattr(self._parser, "done", False))
            except (ProviderError, ReplyError) as error:
                if not self._all_finished():
                    raise
                failure = self._classify(error.reply) if isinstance(error, ReplyError) else error
                self.notes.append(f"after the end of the answer: {failure.message[:80]}")
                if isinstance(error, MalformedResponseError):
                    continue
                done, chunks = True, []
            self._accept(chunks)
            if done:  # what follows [DONE] is ignored
                self._close()
                return

    def _accept(self, chunks: Iterable[ChatCompletionChunk]) -> None:  # noqa: PLR0912  # a call costs more than a branch
        content = False
        if self._only is not None:
            chunks = self._only.renumbered(list(chunks))
            self._only = None if self._only.index == 0 else self._only
        finished, unfinished = self._finished, self._unfinished
        for chunk in chunks:
            self.chunks.append(chunk)
            if not chunk.choices:
                self._bare = True
            content = content or chunk.has_content()
            calls = False
            for choice in chunk.choices:
                calls = calls or choice.delta.tool_calls is not None
                index = choice.index
                if choice.finish_reason and (reason := settled_reason(choice)):  # "" of Ollama and SGLang is none
                    finished[index] = reason
                    unfinished.discard(index)
                    if self._resumed:
                        self._resumed.discard(index)
                elif index in unfinished:
                    continue
                elif index in finished:
                    if choice.delta.has_content():
                        self._resumed.add(index)
                else:
                    unfinished.add(index)
                if len(finished) + len(unfinished) > MAX_CHOICES:
                    raise MalformedResponseError(f"the stream has more than {MAX_CHOICES} choices", status=self.status)
            if calls:
                self._has_calls = True
                self.chunks[-1] = self._call_ids.mended(chunk)
        if content:
            self.has_content = self._new_content = True
            self._limit.on_content()
        if finished:
            check_reasons(finished.values())

    def _check_older(self) -> None:
        assert self._older is not None
        most = int(_TEXT_SHARE * self._limit.max_bytes)
        if self._older.settle() > most:
            raise beyond("the memory of what the stream has said", most, self.status)
        if self._older.most_calls > MAX_CHOICES:
            raise MalformedResponseError(f"a message has more than {MAX_CHOICES} tool calls", status=self.status)

    def _collect(self, body: bytearray, piece: bytes) -> None:
        failed = self.status is not None and not 200 <= self.status < 300
        if len(body) + len(piece) <= (MAX_ERROR_BODY if failed else self._limit.max_bytes):
            body += piece
        elif failed:
            self.closed = True
            self._end()
        else:
            raise beyond("the answer", self._limit.max_bytes, self.status)

    def _whole(self, body: bytes) -> list[ChatCompletionChunk]:
        """Read a body that is not a stream: an error, or a completion in one piece."""
        if self.status is not None and not 200 <= self.status < 300:
            raise self._classify(ErrorReply(status=self.status, headers=self.headers, body=body))
        check_memory("the answer", body, self._limit.max_bytes)
        check_json_size(body)
        with PluginBoundary(self.leg.key, "reading an answer", self.leg.provider, "parse_response"):
            completion = self.leg.provider.parse_response(
                HTTPResponse(status=self.status or 200, headers=dict(self.headers), body=body)
            )
            check(completion, ChatCompletion, "parse_response")
        return [self._assembled().expect(msgspec.structs.replace(completion, raw_json=body))]
