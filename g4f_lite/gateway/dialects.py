"""The two protocols that callers speak, OpenAI's and Anthropic's: how each is read and answered. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

from ..errors.exceptions import InvalidRequestError
from ..openai.mapping.answers import JSON, body_of
from ..openai.mapping.bodies import json_object, read_request
from ..openai.mapping.events import DONE, Events
from ..openai.mapping.requests import Asked, Place, place_of
from ..types.chunks import ChatCompletionChunk
from . import failures
from .anthropic import answers, errors
from .anthropic.events import PING, MessageEvents
from .anthropic.requests import ChatFields

_MESSAGES = "/v1/messages"
COUNT_TOKENS = "count_tokens"
"""The operation of `/v1/messages/count_tokens`."""


class ChunkEvents(Protocol):
    """The events of one stream."""

    def of_all(self, chunks: Sequence[ChatCompletionChunk]) -> bytes: ...
    def end(self) -> bytes: ...


class Dialect(Protocol):
    """One protocol."""

    keep_alive: bytes
    """What is sent while there is no content."""

    def read(self, place: Place, headers: Mapping[str, str], body: bytes) -> Asked: ...
    def checked(self, asked: Asked) -> Asked: ...
    def answer(self, result: Any, asked: Asked) -> tuple[str, bytes]: ...
    def events(self, asked: Asked) -> ChunkEvents: ...
    def error(self, error: BaseException, request_id: str) -> tuple[int, bytes]: ...
    def error_event(self, error: BaseException, request_id: str) -> bytes: ...


class _OpenAIEvents(Events):
    def end(self) -> bytes:
        return DONE


class OpenAI:
    """OpenAI's protocol."""

    keep_alive = b": keep-alive\n\n"

    def read(self, place: Place, headers: Mapping[str, str], body: bytes) -> Asked:
        """
        Raises:
            InvalidRequestError: the body is not what the endpoint takes.
        """
        return self.checked(read_request(place, headers.get("Content-Type", ""), body))

    def checked(self, asked: Asked) -> Asked:
        """
        Return what is asked for.

        Raises:
            InvalidRequestError: it is not what the endpoint takes.
        """
        if not asked.can_be_called:
            raise InvalidRequestError("audio and images are not answered as events; leave out stream")
        return asked

    def answer(self, result: Any, asked: Asked) -> tuple[str, bytes]:
        return body_of(result, asked)

    def events(self, asked: Asked) -> ChunkEvents:
        return _OpenAIEvents()

    def error(self, error: BaseException, request_id: str) -> tuple[int, bytes]:
        return failures.failure_of(error).status, failures.error_json(error, request_id)

    def error_event(self, error: BaseException, request_id: str) -> bytes:
        return b"data: %b\n\n" % failures.error_json(error, request_id)


class Anthropic:
    """Anthropic's protocol."""

    keep_alive = PING

    def read(self, place: Place, headers: Mapping[str, str], body: bytes) -> Asked:
        """Raises: as `OpenAI.read`."""
        return Asked(place, ChatFields(json_object(body)))

    def checked(self, asked: Asked) -> Asked:
        """Raises: as `OpenAI.checked`, for a form."""
        raise InvalidRequestError("the body is not JSON")

    def answer(self, result: Any, asked: Asked) -> tuple[str, bytes]:
        return JSON, answers.message_body(result, str(asked.fields.get("model", "")))

    def events(self, asked: Asked) -> ChunkEvents:
        return MessageEvents(str(asked.fields.get("model", "")))

    def error(self, error: BaseException, request_id: str) -> tuple[int, bytes]:
        return errors.status_of(failures.failure_of(error)), errors.error_json(error, request_id)

    def error_event(self, error: BaseException, request_id: str) -> bytes:
        return b"event: error\ndata: %b\n\n" % errors.error_json(error, request_id)


OPENAI, ANTHROPIC = OpenAI(), Anthropic()


def dialect_of(path: str) -> Dialect:
    """Return the protocol of a path."""
    return ANTHROPIC if path.startswith(_MESSAGES) else OPENAI


@lru_cache(maxsize=128)
def where(method: str, path: str) -> Place | None:
    """Return what a method and a path stand for; None if there is nothing."""
    if path == _MESSAGES:
        return Place("chat", "/v1") if method == "POST" else None
    if path == f"{_MESSAGES}/count_tokens":
        return Place(COUNT_TOKENS, "/v1") if method == "POST" else None
    place = place_of("GET" if method == "HEAD" else method, path)
    return place if place is not None and place.base == "/v1" else None
