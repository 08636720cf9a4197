"""
An operation: how a request is sent, how its result is read, and when a result is an error. Chat is here.

Rule: everything else in a call is the same for all operations: plan, retries, deadline, trail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeAlias

from ..provider.base import Provider
from ..types.chat import ChatCompletion
from ..types.http import HTTPRequest, HTTPResponse
from ..types.size_limits import MAX_OBJECTS, check_json_size
from .answer_checks import check_choices, check_content

OperationName: TypeAlias = Literal[
    "chat", "embeddings", "transcription", "translation", "speech", "images", "image_edits", "models"
]
"""All but `chat` and `models` are also capabilities that a provider declares."""


class Operation(NamedTuple):
    """One kind of request to a provider."""

    name: str
    result: type
    """The type that a provider's code must return."""
    method: str
    """Its method that returns that, for messages."""
    build: Callable[[Provider, Any, str | None, bool], HTTPRequest]
    """Takes the provider, the request, the key, and whether to stream."""
    parse: Callable[[Provider, Any, HTTPResponse], Any]
    check: Callable[[Any, Any, int | None], None]
    """Takes the result, the request and the HTTP status; raises if the result is an error."""


def _build_chat(provider: Provider, request: Any, key: str | None, stream: bool) -> HTTPRequest:
    return provider.build_request(request, key=key, stream=stream)


def _parse_chat(provider: Provider, request: Any, response: HTTPResponse) -> ChatCompletion:
    if response.body[MAX_OBJECTS : MAX_OBJECTS + 1]:  # a slice needs no call
        check_json_size(response.body)
    return provider.parse_response(response)


def _check_chat(completion: ChatCompletion, request: Any, status: int | None) -> None:
    if request.n is None and not request.extra_body:
        check_content(completion, status)
    else:
        check_content(completion, status, request.choices)
        check_choices(range(len(completion.choices)), request, status)


CHAT = Operation("chat", ChatCompletion, "parse_response", _build_chat, _parse_chat, _check_chat)
