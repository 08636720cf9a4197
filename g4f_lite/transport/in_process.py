"""Answers of in-process providers, behind the same interface as HTTP, in the caller's thread."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping

from ..errors.exceptions import MalformedResponseError, ProviderError
from ..provider.boundary import PluginBoundary
from ..provider.checked import check, check_iterable
from ..provider.leg import InProcessRequest
from ..types.chat import ChatCompletion
from ..types.chunks import ChatCompletionChunk
from ..types.size_limits import MAX_STREAM
from ..types.time_limit import TimeLimit

log = logging.getLogger("g4f_lite")


class Cancellation:
    """Returns True once the limit is reached or `requested` is set."""

    def __init__(self, limit: TimeLimit) -> None:
        self._limit = limit
        self.requested = False

    def __call__(self) -> bool:
        return self.requested or self._limit.expired()


class InProcessTransport:
    """Runs in-process providers in the caller's thread."""

    def send(self, outgoing: InProcessRequest, limit: TimeLimit) -> ChatCompletion:
        """
        Return the provider's complete answer.

        Raises:
            ProviderError: it failed, or the limit was reached.
        """
        return complete_here(outgoing, limit, Cancellation(limit))

    def open(self, outgoing: InProcessRequest, limit: TimeLimit) -> SyncChunkStream:
        return SyncChunkStream(outgoing, limit)


def complete_here(outgoing: InProcessRequest, limit: TimeLimit, cancelled: Cancellation) -> ChatCompletion:
    """Return the provider's complete answer; blocks."""
    limit.remaining()
    try:
        with PluginBoundary(outgoing.leg.key, "answering", outgoing.provider, "complete", reads=False):
            completion = outgoing.provider.complete(outgoing.request, cancelled=cancelled)
            check(completion, ChatCompletion, "complete")
    except ProviderError:
        limit.remaining()  # if the limit is reached, it is the reason, whatever the provider raised
        raise
    limit.remaining()
    return completion


class SyncChunkStream:
    """The provider's chunks, read like a body: b"" at the end."""

    status = None
    headers: Mapping[str, str] = {}

    def __init__(self, outgoing: InProcessRequest, limit: TimeLimit) -> None:
        self._leg = outgoing.leg
        self._limit = limit
        self.cancelled = Cancellation(limit)
        self._outgoing = outgoing
        self._chunks: Iterator[ChatCompletionChunk] | None = None
        self._size = 0
        """Characters so far."""

    def read(self) -> ChatCompletionChunk | bytes:
        self._limit.remaining()
        try:
            with PluginBoundary(self._leg.key, "answering", self._outgoing.provider, "stream", reads=False):
                if self._chunks is None:  # not earlier: the provider may work before it yields
                    provider, request = self._outgoing.provider, self._outgoing.request
                    chunks = check_iterable(provider.stream(request, cancelled=self.cancelled), "stream")
                    self._chunks = iter(chunks)
                chunk: ChatCompletionChunk | None = next(self._chunks, None)
                if chunk is not None:
                    self._size += len(check(chunk, ChatCompletionChunk, "stream").text)
                    if self._size > MAX_STREAM:
                        raise MalformedResponseError(f"the stream is larger than {MAX_STREAM >> 20} MiB")
        except ProviderError:
            self._limit.remaining()  # if the limit is reached, it is the reason, whatever the provider raised
            raise
        if chunk is None:
            self._limit.remaining()
            return b""
        return chunk

    def interrupt(self) -> None:
        """Ask the provider to stop, from another thread."""
        self.cancelled.requested = True

    def finish(self) -> None:
        self.close()

    def close(self) -> None:
        self.cancelled.requested = True
        try:
            with PluginBoundary(self._leg.key, "stopping", self._outgoing.provider, "stream", reads=False):
                if (close := getattr(self._chunks, "close", None)) is not None:
                    close()
        except ProviderError as error:  # nobody waits for more of the answer
            log.info("%s: %s", self._leg.route, error.message)
