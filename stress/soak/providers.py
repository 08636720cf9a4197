"""The providers of the calls, and an observer of their attempts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from g4f_lite import (
    ChatCompletion,
    ChatCompletionChunk,
    ChatRequest,
    Choice,
    ChunkChoice,
    Delta,
    LocalProvider,
    Message,
    OpenaiTemplate,
    hookimpl,
)

SECRET = "soak-secret"
"""The beginning of each key."""


class Alpha(OpenaiTemplate):
    name = "alpha"
    default_model = "shared"


class Beta(Alpha):
    name = "beta"


class Gamma(Alpha):
    name = "gamma"
    capabilities = Alpha.capabilities | {"prefill"}


class Tenant(Alpha):
    """A new instance for each call, with its own key."""

    name = "tenant"


class Down(Alpha):
    name = "down"


class Here(LocalProvider):
    """Answers in-process; sometimes fails."""

    name = "here"
    default_model = "here"

    @staticmethod
    def words(nonce: str) -> list[str]:
        return [f"{nonce}.0.{number} " for number in range(5)]

    def complete(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> ChatCompletion:
        nonce = request.messages[0]["content"]
        if int(nonce) % 5 == 0:
            raise ValueError("a bug of the provider")
        time.sleep(0.002)
        message = Message(content="".join(self.words(nonce)))
        return ChatCompletion(choices=(Choice(message=message, finish_reason="stop"),))

    def stream(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
        nonce = request.messages[0]["content"]
        for number, word in enumerate(self.words(nonce)):
            if cancelled() or (number == 3 and int(nonce) % 5 == 0):
                raise ValueError("stopped, or a bug of the provider")
            time.sleep(0.001)
            yield ChatCompletionChunk(choices=(ChunkChoice(delta=Delta(content=word)),))
        yield ChatCompletionChunk(choices=(ChunkChoice(finish_reason="stop"),))


_JUNK: tuple[Any, ...] = (None, "text", 5, {}, (), ChatCompletion(choices=({},)), ChatCompletion(choices=None))  # type: ignore[arg-type]


class Junk(LocalProvider):
    """Returns what is no completion, and yields what are no chunks."""

    name = "junk"
    default_model = "junk"

    def complete(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> ChatCompletion:
        junk: ChatCompletion = _JUNK[int(request.messages[0]["content"]) % len(_JUNK)]
        return junk

    def stream(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
        yield _JUNK[int(request.messages[0]["content"]) % len(_JUNK)]


class Odd(Alpha):
    """Reads answers and streams wrongly."""

    name = "odd"

    def parse_response(self, response: Any) -> ChatCompletion:
        junk: ChatCompletion = _JUNK[len(response.body) % len(_JUNK)]
        return junk

    def new_stream(self, request: ChatRequest) -> Any:
        return _JUNK[int(request.messages[0]["content"]) % 5]


class Observer:
    """A plugin that registers the providers and counts the attempts that begin and end."""

    def __init__(self) -> None:
        self.begun, self.ended = count(), count()

    @hookimpl
    def register_providers(self, register: Callable[[type[OpenaiTemplate]], None]) -> None:
        for provider in (Alpha, Beta, Gamma, Down, Odd):
            register(provider)

    @hookimpl
    def attempt_started(self, attempt: Any) -> None:
        next(self.begun)

    @hookimpl
    def attempt_finished(self, attempt: Any) -> None:
        next(self.ended)
