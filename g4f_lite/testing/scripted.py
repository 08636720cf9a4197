"""A provider with scripted answers, without a socket."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from ..errors.exceptions import ProviderError
from ..provider.local import LocalProvider
from ..types.chat_request import ChatRequest
from ..types.chunks import ChatCompletionChunk, ChunkChoice, Delta
from .shapes.contract import words


class ScriptedProvider(LocalProvider):
    """
    Answers each request with the next of these answers, and repeats the last one.

        ScriptedProvider(RateLimitError("slow down", retry_after=0.01), "Sunday", name="first")

    Args:
        answers: a text, streamed word by word, or an exception; "ok" if there is none.
    """

    name = "scripted"
    label = "Scripted"
    default_model = "scripted-1"
    capabilities = frozenset({"streaming", "tools", "json_schema", "vision", "audio"})

    def __init__(self, *answers: str | ProviderError, **attributes: Any) -> None:
        self.requests: list[ChatRequest] = []
        """The requests so far."""
        self._answers = deque(answers or ("ok",))
        super().__init__(**attributes)

    def stream(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
        self.requests.append(request)
        answer = self._answers.popleft() if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, ProviderError):
            raise answer
        for word in words(answer):
            if cancelled():
                return
            yield _chunk(request, ChunkChoice(delta=Delta(content=word)))
        yield _chunk(request, ChunkChoice(finish_reason="stop"))


def _chunk(request: ChatRequest, choice: ChunkChoice) -> ChatCompletionChunk:
    return ChatCompletionChunk(model=request.model, choices=(choice,))
