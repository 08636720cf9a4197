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
from .chat import ChatCompletion, ChatCompletionChunk, Choice, ChunkChoice, ToolCall, ToolCallDelta
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


_MOST_LOOKED_AT = 1 << 16
"""Characters of a call's arguments that are read again when its name comes again."""
_MOST_LOOKS = 16
"""How often they are read again: a service may repeat the name with each piece, and that would take quadratic time."""


class _Open:
    """A call of a stream whose pieces arrive."""

    def __init__(self, index: int | None, sent_id: str) -> None:
        self.index = index
        self.sent_id = sent_id
        self.id = ""
        self.is_named = False
        self.arguments: list[str] = []
        self.size = 0
        self.looks = 0

    def add(self, arguments: str) -> None:
        """Keep arguments as long as they may have to be looked at: only a call without an id needs that."""
        self.size += len(arguments)
        if not self.sent_id and self.size <= _MOST_LOOKED_AT:
            self.arguments.append(arguments)

    def is_whole(self) -> bool:
        ends = bool(self.arguments) and self.arguments[-1].rstrip().endswith("}")
        if not ends or self.size > _MOST_LOOKED_AT or self.looks == _MOST_LOOKS:
            return False
        self.looks += 1
        try:
            return isinstance(msgspec.json.decode("".join(self.arguments)), dict)
        except (msgspec.DecodeError, RecursionError):
            return False


class _Calls(list[_Open]):
    """The calls of one choice, and the last one with each index and with each id that was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.by_index: dict[int | None, _Open] = {}
        self.by_id: dict[str, _Open] = {}

    def begin(self, call: _Open) -> None:
        self.append(call)
        self.by_index[call.index] = self.by_id[call.sent_id] = call


class StreamedIds:
    """
    Gives the calls of one stream distinct ids, in their first pieces; the same ids as `with_distinct_ids`.

    Args:
        messages: as there.
    """

    def __init__(self, messages: Sequence[JSONObject]) -> None:
        self._messages = messages
        self._taken: set[str] | None = None
        self._calls: dict[int, _Calls] = {}

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
        calls = self._calls.setdefault(choice, _Calls())
        name = piece.function.name if piece.function is not None else None
        call = self._call_of(piece, calls, named=bool(name))
        begins = call is None
        if call is None:
            if len(calls) == MAX_CHOICES:  # too many, which the reader of the stream reports
                return piece
            call = _Open(piece.index, piece.id or "")
            call.id = self._id_for(call, calls, choice, origin)
            calls.begin(call)
        call.is_named = call.is_named or bool(name)
        if piece.function is not None and piece.function.arguments:
            call.add(piece.function.arguments)
        wanted = call.id if begins or piece.id else piece.id
        return piece if wanted == piece.id else msgspec.structs.replace(piece, id=wanted)

    def _call_of(self, piece: ToolCallDelta, calls: _Calls, *, named: bool) -> _Open | None:
        """Return the call that a piece goes on with; None if it begins one."""
        at_index = calls.by_index.get(piece.index)
        if piece.id:
            if at_index is not None and at_index.sent_id == piece.id:
                return at_index
            if (same := calls.by_id.get(piece.id)) is not None:
                return None if named and same.is_named else same  # else two calls with one id, at two indexes
            return None if at_index is not None and named and at_index.is_named else at_index
        if at_index is None or not named or not at_index.is_named:
            return at_index
        return None if piece.index is None or at_index.is_whole() else at_index

    def _id_for(self, call: _Open, calls: list[_Open], choice: int, origin: str) -> str:
        if call.sent_id and all(call.sent_id != one.id for one in calls):
            return call.sent_id
        if self._taken is None:
            self._taken = ids_in(self._messages)
        taken = self._taken.union(one.id for one in calls)
        return distinct_id(taken, origin, choice, len(calls))
