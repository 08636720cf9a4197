"""
What a reader changes in the chunks of a provider's code: as copies, because that code may yield the same chunk twice.

Rule: no I/O.
"""

from __future__ import annotations

from msgspec.structs import replace

from ..types.chunks import ChatCompletionChunk


def with_raw(chunk: ChatCompletionChunk, data: bytes) -> ChatCompletionChunk:
    """Return a chunk with its event."""
    return chunk if chunk.raw_json is not None else replace(chunk, raw_json=data)


class OnlyChoice:
    """
    Gives the only choice that a request asks for the index 0, whatever its service calls it: `chunk.text` is that of
    the choice 0. The only choice is the first that comes; if a choice 0 comes as well, they change places.
    """

    def __init__(self) -> None:
        self.index: int | None = None
        """What the service calls it; None until it has come."""

    def renumbered(self, chunks: list[ChatCompletionChunk]) -> list[ChatCompletionChunk]:
        if self.index is None:
            for chunk in chunks:
                if chunk.choices:
                    self.index = 0 if any(not one.index for one in chunk.choices) else chunk.choices[0].index
                    break
        return [self._changed(chunk) for chunk in chunks] if self.index else chunks

    def _changed(self, chunk: ChatCompletionChunk) -> ChatCompletionChunk:
        places = {self.index: 0, 0: self.index}
        choices = [replace(one, index=places.get(one.index, one.index)) for one in chunk.choices]
        return replace(chunk, choices=tuple(choices))
