"""
Keeps blocks of Claude's content as they were written, because the service refuses changed ones.

A conversation goes on without loss only if thinking, the service's own tools, their results, citations and summaries
come back in their places. Types that are not known yet are kept in the same way.

Source: docs.claude.com/en/api/messages, …/streaming, …/agents-and-tools/tool-use/server-tools, …/compaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from ..translation.turns import JSONObject

_PLAIN = {"text": {"type", "text"}, "tool_use": {"type", "id", "name", "input"}}
"""Fields that OpenAI's form of a message has a place for, by the type of the block."""
_DIRECT = {"type": "direct"}
"""The `caller` of a tool call that no program of the service made: it says nothing new."""
_PAUSES = ("pause_turn", "compaction")
MOST_BLOCKS = 10_000
"""Of a message. A stream may have a million, each of a thousand bytes of memory."""


class OpenBlock:
    """A block of a stream, to which its pieces are added."""

    def __init__(self, written: JSONObject, call: int) -> None:
        self.written = dict(written)
        self.type = written.get("type", "")
        self.call = call
        """The index of the next tool call."""
        self._pieces: dict[str, list[str]] = {}
        self.ended = False

    def is_repeated_by(self, written: JSONObject) -> bool:
        """Return whether a second start is that of this block, which has said nothing yet."""
        said = self._pieces or written.get("text") or written.get("thinking")
        return not (self.ended or said) and self.written == written

    @property
    def has_arguments(self) -> bool:
        return any(self._pieces.get("partial_json", ()))

    def add(self, delta: JSONObject) -> None:
        """
        Add a delta of any type.

        Texts continue the field of their name, lists are extended, a citation is one of a list, and other values
        replace the field. Types that are not known yet are expected to follow these rules, as all known ones do.
        """
        for name, value in delta.items():
            if name == "type" or value is None:
                continue
            if isinstance(value, str):
                self._pieces.setdefault(name, []).append(value)
            elif name == "citation":
                self._extend("citations", [value])
            elif isinstance(value, list):
                self._extend(name, value)
            else:
                self.written[name] = value

    def _extend(self, name: str, values: list[Any]) -> None:
        if not isinstance(self.written.get(name), list):
            self.written[name] = []
        self.written[name].extend(values)

    def whole(self) -> JSONObject | None:
        """Return the block; None if its arguments were cut."""
        block = dict(self.written)
        for name, pieces in self._pieces.items():
            said = "".join(pieces)
            if name != "partial_json":
                begun = block.get(name)
                block[name] = begun + said if isinstance(begun, str) else said
            elif said:
                try:
                    block["input"] = msgspec.json.decode(said)
                except (msgspec.DecodeError, RecursionError):
                    return None
        return block


def kept(
    blocks: Iterable[JSONObject | None], stop_reason: str | None, container: JSONObject | None
) -> JSONObject | None:
    """
    Return the `extra_content` of a message; None if OpenAI's form of the message says everything.

    Args:
        blocks: as they were written; None for one that was cut, which the service would refuse.
        stop_reason: kept if the service paused: the answer goes on if it gets the message back.
        container: where the service's programs run, with its id.
    """
    written: list[JSONObject] = []
    for block in blocks:
        if block is None:
            return None
        if block.get("type") != "text" or block.get("text"):  # the service refuses empty texts, though it writes them
            written.append(block)
    own: JSONObject = {"content": written}
    if stop_reason in _PAUSES:
        own["stop_reason"] = stop_reason
    if container:
        own["container"] = container
    return {"anthropic": own} if len(own) > 1 or not all(map(_is_plain, written)) else None


def _is_plain(block: JSONObject) -> bool:
    plain = _PLAIN.get(str(block.get("type")), set())
    return all(name in plain or value in (None, [], _DIRECT) for name, value in block.items())
