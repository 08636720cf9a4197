"""
Ids of tool calls: made where a service sends none, and distinct, so that each result belongs to one call.

Rule: the same conversation gives the same ids.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from ..value import JSONObject
from .call_pieces import OpenCall, OpenCalls
from .chat import ChatCompletion, Choice, ToolCall
from .chunks import ChatCompletionChunk, ChunkChoice, FunctionCallDelta, ToolCallDelta
from .size_limits import MAX_CHOICES


def made_id(*origin: object) -> str:
    """
    Return an id; the same origin gives the same one.

    It has nine letters and digits, because Mistral accepts no other ids, and every other service accepts those.
    """
    return hashlib.sha256("/".join(map(str, origin)).encode()).hexdigest()[:9]


def distinct_id(taken: Collection[str], *origin: object) -> str:
    """Return the first id made of the origin and a number that is not taken."""
    id, number = made_id(*origin), 0
    while id in taken:
        number += 1
        id = made_id(*origin, number)
    return id


def ids_in(messages: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the ids of the tool calls in a conversation."""
    calls = (call for message in messages for call in message.get("tool_calls") or ())
    return {id for call in calls if isinstance(call, dict) and isinstance(id := call.get("id"), str)}


def with_distinct_ids(completion: ChatCompletion, messages: Sequence[JSONObject]) -> ChatCompletion:
    """
    Return the completion with an id for each tool call.

    Args:
        messages: the conversation that it answers; no made id equals one of its ids.
    """
    choices = tuple(_mended(choice, completion.id, messages) for choice in completion.choices)
    unchanged = all(map(operator.is_, choices, completion.choices))
    return completion if unchanged else msgspec.structs.replace(completion, choices=choices)


def _mended(choice: Choice, origin: str, messages: Sequence[JSONObject]) -> Choice:
    calls = choice.message.tool_calls
    if not calls or (len(ids := {call.id for call in calls}) == len(calls) and "" not in ids):
        return choice
    taken = ids_in(messages) | ids
    seen: set[str] = set()
    mended: list[ToolCall] = []
    for number, call in enumerate(calls):
        id = call.id
        if not id or id in seen:
            id = distinct_id(taken, origin, choice.index, number)
            taken.add(id)
        seen.add(id)
        mended.append(call if id == call.id else msgspec.structs.replace(call, id=id))
    message = msgspec.structs.replace(choice.message, tool_calls=tuple(mended))
    return msgspec.structs.replace(choice, message=message)


class StreamedIds:
    """
    Gives the calls of one stream distinct ids, in their first pieces; the same ids as `with_distinct_ids`.

    Args:
        messages: as there.
    """

    def __init__(self, messages: Sequence[JSONObject]) -> None:
        self._messages = messages
        self._taken: set[str] | None = None
        self._calls: dict[int, OpenCalls] = {}

    def mended(self, chunk: ChatCompletionChunk) -> ChatCompletionChunk:
        """Return a chunk with the ids of its tool calls."""
        choices = tuple(self._choice(choice, chunk.id) for choice in chunk.choices)
        if all(map(operator.is_, choices, chunk.choices)):
            return chunk
        return msgspec.structs.replace(chunk, choices=choices)

    def _choice(self, choice: ChunkChoice, origin: str) -> ChunkChoice:
        pieces = choice.delta.tool_calls or ()
        mended = tuple(self._piece(piece, choice.index, origin) for piece in pieces)
        if all(map(operator.is_, mended, pieces)):
            return choice
        delta = msgspec.structs.replace(choice.delta, tool_calls=mended)
        return msgspec.structs.replace(choice, delta=delta)

    def _piece(self, piece: ToolCallDelta, choice: int, origin: str) -> ToolCallDelta:
        if (custom := piece.custom) is not None:
            if piece.type == "custom" or piece.function is None:  # read as a function's: name and text are the same
                function = FunctionCallDelta(name=custom.name, arguments=custom.input)
                kind = "custom" if custom.name else piece.type
                piece = msgspec.structs.replace(piece, type=kind, function=function)
            else:  # an empty field beside a function
                piece = msgspec.structs.replace(piece, custom=None)
        calls = self._calls.setdefault(choice, OpenCalls())
        if len(calls) == MAX_CHOICES and calls.find(piece) is None:  # too many, which the reader of the stream reports
            return piece
        call, arguments = calls.take(piece)
        begins = not call.id
        if begins:
            call.id = self._id_for(call, calls, choice, origin)
        wanted = call.id if begins or piece.id else piece.id
        if piece.function is not None and arguments != (piece.function.arguments or ""):
            piece = msgspec.structs.replace(
                piece, function=msgspec.structs.replace(piece.function, arguments=arguments)
            )
        return piece if wanted == piece.id else msgspec.structs.replace(piece, id=wanted)

    def _id_for(self, call: OpenCall, calls: OpenCalls, choice: int, origin: str) -> str:
        if call.sent_id and all(call.sent_id != one.id for one in calls):
            return call.sent_id
        if self._taken is None:
            self._taken = ids_in(self._messages)
        taken = self._taken.union(one.id for one in calls)
        return distinct_id(taken, origin, choice, len(calls) - 1)  # it is the last one
