"""Checks of results: a result of the wrong kind, or an empty one, is an error of the attempt."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from msgspec.structs import force_setattr

from ..errors.exceptions import ContentFilterError, MalformedResponseError, ServerError, UnsupportedParameterError
from ..types.chat import ChatCompletion
from ..types.chat_request import ChatRequest
from ..types.chunks import ChatCompletionChunk, ChunkChoice
from ..types.finish_reasons import USUAL, is_cut, is_failed, is_none, is_withheld

if TYPE_CHECKING:  # a chat needs no other endpoint
    from ..types.audio import Speech
    from ..types.embeddings import CreateEmbeddingResponse, EmbeddingRequest
    from ..types.endpoint import Answer
    from ..types.images import ImagesResponse


_PAGE = re.compile(rb"\s*<(?:!doctype html|html)", re.IGNORECASE)
"""An error page in place of an image; an SVG begins with `<` too."""
_SPACES = dict.fromkeys(b"\t\n\r", " ")


def check_reasons(reasons: Iterable[str | None]) -> None:
    """
    Raises:
        ServerError: a choice is cut, because the service has failed.
    """
    for reason in reasons:
        if reason not in USUAL and is_failed(reason):
            raise ServerError(f"the answer ended with the finish reason {reason}")


def settled_reason(choice: ChunkChoice) -> str | None:
    """Return the finish reason of a piece; a word that names none is taken out of it."""
    if choice.finish_reason not in USUAL and is_none(choice.finish_reason):
        force_setattr(choice, "finish_reason", None)
    return choice.finish_reason


def is_failed_end(chunk: ChatCompletionChunk) -> bool:
    """Return whether it says nothing but such a reason: nobody is to take it for the end of an answer."""
    return any(is_failed(choice.finish_reason) for choice in chunk.choices) and not chunk.has_content()


def check_content(completion: ChatCompletion, status: int | None, asked: int = 1) -> None:
    """
    Refuse a completion if one of its choices has no content, unless its finish reason says that it is cut: then the
    tokens went into reasoning.

    Args:
        asked: how many choices the request asks for; those that come besides may be empty.

    Raises:
        MalformedResponseError: it has no content, or a tool call without a name: it came in a form that is not known.
        ContentFilterError: no choice has content, because the service withheld it.
        ServerError: see `check_reasons`.
    """
    check_reasons([choice.finish_reason for choice in completion.choices])
    for choice in completion.choices:
        calls = choice.message.tool_calls
        if calls and not all(call.function.name for call in calls) and not is_cut(choice.finish_reason):
            raise MalformedResponseError("a tool call has no name", status=status)
    empty = []
    for choice in completion.choices[:asked]:
        message = choice.message
        if message.content or message.refusal or message.tool_calls or is_cut(choice.finish_reason):
            continue
        if message.reasoning or message.reasoning_content or message.function_call or message.audio or message.images:
            continue
        empty.append(choice)
    if completion.choices and not empty:
        return
    failed = [choice.index for choice in empty if not is_withheld(choice.finish_reason)]
    if failed or not completion.choices:
        which = f"the choice {failed[0]}" if len(completion.choices) > 1 else "the answer"
        raise MalformedResponseError(f"{which} is empty", status=status)
    if len(empty) == min(asked, len(completion.choices)):
        raise ContentFilterError("the service withheld the answer", status=status, code="content_filter")


def check_choices(indexes: Collection[int], request: ChatRequest, status: int | None) -> None:
    """
    Args:
        indexes: of the choices that came; those of a whole answer are their places.

    Raises:
        MalformedResponseError: fewer choices came than the request asks for, or the first one is not the choice 0.
    """
    if len(indexes) < request.choices:
        raise MalformedResponseError(f"{len(indexes)} of {request.choices} choices came", status=status)
    if 0 not in indexes:
        named = ", ".join(map(str, sorted(indexes)[:4]))
        raise MalformedResponseError(f"no choice has the index 0: they are {named}", status=status)


def check_embeddings(answer: CreateEmbeddingResponse, request: EmbeddingRequest, status: int | None) -> None:
    if len(answer.data) != request.count:
        raise MalformedResponseError(f"{len(answer.data)} vectors for {request.count} inputs", status=status)
    if [one.index for one in answer.data] != list(range(request.count)):
        raise MalformedResponseError("the vectors are not in the order of the inputs", status=status)
    sizes = set()
    for one in answer.data:
        try:
            numbers = one.size
        except ValueError:
            raise MalformedResponseError("a vector is not base64 of numbers", status=status) from None
        if not numbers:
            raise MalformedResponseError("a vector is empty", status=status)
        if request.dimensions is not None and numbers != request.dimensions:
            raise UnsupportedParameterError(f"it gives vectors of {numbers} numbers, not {request.dimensions}")
        sizes.add(numbers)
    if len(sizes) > 1:
        raise MalformedResponseError(f"the vectors have from {min(sizes)} to {max(sizes)} numbers", status=status)


def check_speech(answer: Speech, request: object, status: int | None) -> None:
    if not answer.content:
        raise MalformedResponseError("the answer is empty", status=status)


def check_images(answer: ImagesResponse, request: object, status: int | None) -> None:
    if not answer.data or not all(image.url or image.b64_json for image in answer.data):
        raise MalformedResponseError("the answer holds no image", status=status)
    for image in answer.data:
        try:
            content = image.content
        except ValueError:
            raise MalformedResponseError("an image is not base64", status=status) from None
        if content is not None and (not content or _is_text(content)):
            raise MalformedResponseError("an image is empty, or text", status=status)


def _is_text(content: bytes) -> bool:
    """Return whether this is text or a web page, but no image: an SVG begins with `<`, and others are binary."""
    head = content[:256].lstrip()
    if head.startswith(b"<"):
        return _PAGE.match(content) is not None
    return head.isascii() and head.decode().translate(_SPACES).isprintable()


def check_nothing(answer: Answer, request: object, status: int | None) -> None:
    """Accept any result: silence has no text, and a server may have no models."""
