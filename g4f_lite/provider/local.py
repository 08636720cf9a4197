"""The base of providers that answer in-process, without HTTP."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator

from ..errors.exceptions import StreamInterruptedError
from ..types.assembly import assemble
from ..types.chat import ChatCompletion
from ..types.chat_request import ChatRequest
from ..types.chunks import ChatCompletionChunk
from ..types.http import HTTPRequest, HTTPResponse
from .base import Provider
from .checked import check, check_iterable
from .streaming import StreamParser


class LocalProvider(Provider):
    """
    A provider that answers in-process.

    A subclass needs `stream` only. Both methods block and may be called from any thread; the async
    client calls them in a thread of its own. They must end soon after `cancelled()` becomes True, by
    returning or by raising.
    """

    needs_auth = False
    automatic = False

    def complete(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> ChatCompletion:
        """
        Return the complete answer, by default assembled from `stream`.

        Raises:
            StreamInterruptedError: there is no finish reason, so the answer was stopped before its end.
            MalformedResponseError: `stream` yields something else than chunks.
        """
        answer = assemble(check(chunk, ChatCompletionChunk, "stream") for chunk in self._until(request, cancelled))
        if not answer.choices or any(choice.finish_reason is None for choice in answer.choices):
            error = StreamInterruptedError("the answer was stopped before its end")
            error.partial_text = answer.text
            raise error
        return answer

    def _until(self, request: ChatRequest, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
        """Yield the chunks until the caller has cancelled, whether or not `stream` ends then."""
        for chunk in check_iterable(self.stream(request, cancelled=cancelled), "stream"):
            yield chunk
            if cancelled():
                return

    @abstractmethod
    def stream(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
        """Yield the answer in chunks; the last chunk of each choice has its finish reason."""

    def build_request(self, request: ChatRequest, *, key: str | None, stream: bool) -> HTTPRequest:
        raise TypeError(f"{self.name} answers in process: there is nothing to send")

    def parse_response(self, response: HTTPResponse) -> ChatCompletion:
        raise TypeError(f"{self.name} answers in process: there is nothing to parse")

    def new_stream(self, request: ChatRequest) -> StreamParser:
        raise TypeError(f"{self.name} answers in process: there is nothing to parse")
