"""
Keeps the fields of an answer that go back to the service: `OpenaiTemplate.returned_fields`. No I/O.

Between the two they are in the message's `extra_content`, under the provider's name.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

import msgspec

from ...types.chat import ChatCompletion
from ...types.chunks import ChatCompletionChunk
from ...types.http import ServerSentEvent
from ...types.size_limits import MAX_CHOICES, decode_or_none
from ...value import JSONObject
from .stream import OpenaiStreamParser


def with_returned(completion: ChatCompletion, body: bytes, name: str, fields: frozenset[str]) -> ChatCompletion:
    """Return the completion with the declared fields of its messages."""
    if not any(field.encode() in body for field in fields):
        return completion
    found = _found(body, "message", fields)
    choices = []
    for choice in completion.choices:
        kept = choice
        if own := found.get(choice.index):
            extra = {**(choice.message.extra_content or {}), name: own}
            kept = msgspec.structs.replace(choice, message=msgspec.structs.replace(choice.message, extra_content=extra))
        choices.append(kept)
    return msgspec.structs.replace(completion, choices=tuple(choices))


class ReturnedFieldsParser:
    """A stream's parser that adds the declared fields to the chunk with the finish reason."""

    def __init__(self, inner: OpenaiStreamParser, name: str, fields: frozenset[str]) -> None:
        self._inner = inner
        self._name = name
        self._fields = fields
        self._kept: dict[int, dict[str, list[Any]]] = {}
        """The pieces of each field, by the index of the choice."""

    @property
    def done(self) -> bool:
        return self._inner.done

    def feed(self, event: ServerSentEvent) -> Iterable[ChatCompletionChunk]:
        if any(field.encode() in event.data for field in self._fields):
            for index, found in _found(event.data, "delta", self._fields).items():
                kept = self._kept.setdefault(index, {})
                for field, value in found.items():
                    _add(kept.setdefault(field, []), value)
        chunks = tuple(self._inner.feed(event))
        return tuple(map(self._with_kept, chunks)) if self._kept else chunks

    def close(self) -> Iterable[ChatCompletionChunk]:
        return self._inner.close()

    def _with_kept(self, chunk: ChatCompletionChunk) -> ChatCompletionChunk:
        choices = []
        for choice in chunk.choices:
            kept = choice
            if choice.finish_reason and (fields := self._kept.pop(choice.index, None)):
                own = {field: _whole(pieces) for field, pieces in fields.items()}
                extra = {**(choice.delta.extra_content or {}), self._name: own}
                kept = msgspec.structs.replace(choice, delta=msgspec.structs.replace(choice.delta, extra_content=extra))
            choices.append(kept)
        return msgspec.structs.replace(chunk, choices=tuple(choices))


def put_back(message: JSONObject, name: str, fields: frozenset[str]) -> JSONObject:
    """Return a message with the declared fields where the service had them."""
    extra = message.get("extra_content")
    if not isinstance(extra, dict) or not isinstance(own := extra.get(name), dict):
        return message
    others = {vendor: value for vendor, value in extra.items() if vendor != name}
    kept = {field: value for field, value in message.items() if field != "extra_content"}
    return {**kept, **({"extra_content": others} if others else {}), **{f: own[f] for f in fields & own.keys()}}


def _found(data: bytes, owner: str, fields: frozenset[str]) -> dict[int, JSONObject]:
    """Return the declared fields in the messages or deltas of an answer, by the index of their choice."""
    answer = decode_or_none(data)
    choices = answer.get("choices") if isinstance(answer, dict) else None
    found: dict[int, JSONObject] = {}
    for position, choice in enumerate(choices[:MAX_CHOICES] if isinstance(choices, list) else ()):
        message = choice.get(owner) if isinstance(choice, dict) else None
        if isinstance(message, dict):
            index = choice.get("index", position)
            if own := {field: message[field] for field in fields if message.get(field) is not None}:
                found[index if isinstance(index, int) else position] = own
    return found


def _add(pieces: list[Any], piece: Any) -> None:
    """Add a piece of a stream to those before it: texts and lists go on, anything else takes their place."""
    if not (pieces and isinstance(piece, (str, list)) and isinstance(piece, type(pieces[0]))):
        pieces.clear()
    pieces.append(piece)


def _whole(pieces: list[Any]) -> Any:
    if isinstance(pieces[0], str):
        return "".join(pieces)
    return [*chain.from_iterable(pieces)] if isinstance(pieces[0], list) else pieces[0]
