"""Embeddings: the request and its result."""

from __future__ import annotations

from binascii import a2b_base64
from typing import Any, Literal

from .chat_request import Positive
from .endpoint import Answer, EndpointRequest
from .results import Result
from .usage import Usage


class EmbeddingRequest(EndpointRequest, frozen=True, kw_only=True, omit_defaults=True):
    """What `embeddings.create` asks for, checked; each attempt sets its model."""

    operation = "embeddings"
    input: str | list[Any]
    """A text, a list of texts, a list of tokens, or a list of such lists."""
    dimensions: Positive | None = None
    encoding_format: Literal["float", "base64"] | None = None
    user: str | None = None

    @property
    def count(self) -> int:
        """The number of vectors that it asks for."""
        return 1 if isinstance(self.input, str) or isinstance(self.input[0], int) else len(self.input)


class Embedding(Result, frozen=True, kw_only=True, gc=False):
    """The vector of one input."""

    index: int = 0
    embedding: tuple[float, ...] | str = ()
    """Numbers; with `encoding_format="base64"` the text as the service sent it."""
    object: str = "embedding"

    @property
    def vector(self) -> tuple[float, ...]:
        """The numbers, in whichever form they were sent."""
        if not isinstance(self.embedding, str):
            return self.embedding
        from struct import iter_unpack

        return tuple(number for (number,) in iter_unpack("<f", a2b_base64(self.embedding, strict_mode=True)))

    @property
    def size(self) -> int:
        """How many numbers it has. ValueError: it is not base64 of numbers."""
        if not isinstance(self.embedding, str):
            return len(self.embedding)
        numbers, rest = divmod(len(a2b_base64(self.embedding, strict_mode=True)), 4)
        if rest:
            raise ValueError("a number has four bytes")
        return numbers


class CreateEmbeddingResponse(Answer, frozen=True, kw_only=True):
    """One vector for each input, in the order of the inputs."""

    object: str = "list"
    data: tuple[Embedding, ...]
    usage: Usage | None = None

    def __repr__(self) -> str:
        return f"CreateEmbeddingResponse({self.provider}:{self.model}, {len(self.data)} vectors, usage={self.usage!r})"
