"""A provider that answers inside this process."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator

from ..errors.exceptions import StreamInterruptedError
from ..types.assembly import assemble
from ..types.chat import ChatCompletion, ChatCompletionChunk, ChatRequest
from ..types.http import HTTPRequest, HTTPResponse
from .base import Provider, StreamParser


class LocalProvider(Provider):
    """
    A provider that answers inside this process.

    `stream` is all it needs. Both methods block and are called from any thread; the async client
    calls them in one of its own. They end soon after `cancelled()` has become true, in any way they
    like.
    """

    needs_auth = False
    automatic = False

    def complete(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> ChatCompletion:
        """
        Return the whole answer: what `stream` yields, unless a subclass knows better.

        Raises:
            StreamInterruptedError: it has no finish reason, so it was stopped before its end.
        """
        answer = assemble(self.stream(request, cancelled=cancelled))
        if not answer.choices or any(choice.finish_reason is None for choice in answer.choices):
            error = StreamInterruptedError("the answer was stopped before its end")
            error.partial_text = answer.text
            raise error
        return answer

    @abstractmethod
    def stream(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
        """Yield the answer in pieces; the last of each choice has its finish reason."""

    def build_request(self, request: ChatRequest, *, key: str | None, stream: bool) -> HTTPRequest:
        raise TypeError(f"{self.name} answers in process: there is nothing to send")

    def parse_response(self, response: HTTPResponse) -> ChatCompletion:
        raise TypeError(f"{self.name} answers in process: there is nothing to parse")

    def new_stream(self, request: ChatRequest) -> StreamParser:
        raise TypeError(f"{self.name} answers in process: there is nothing to parse")
