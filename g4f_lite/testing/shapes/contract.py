"""The content of a reply, independent of a protocol, and the contract of a protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

from .. import wire

ShapeName: TypeAlias = Literal["openai", "anthropic", "gemini", "cohere"]

PROMPT_TOKENS = 5
"""The count of tokens reported for every prompt."""


class Said(NamedTuple):
    """What the model says: its reasoning, then its text, then its tool calls."""

    pieces: Sequence[str] = ()
    """The text, in the pieces of a stream."""
    finish: str | None = "stop"
    """OpenAI's finish reason, or one of the shape's own; None: the answer is interrupted."""
    reasoning: str = ""
    tool_calls: Sequence[Mapping[str, Any]] = ()
    """
    In OpenAI's form: `{"id": …, "type": "function", "function": {"name": …, "arguments": "{…}"}}`; Gemini's
    signature goes into `"extra_content": {"google": {"thought_signature": …}}`.
    """
    more: Mapping[str, Any] = {}
    """Fields for OpenAI's or Anthropic's message, or Gemini's candidate, sent as they are."""

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def tokens(self) -> int:
        """The completion tokens: one for each word of text and reasoning."""
        return count(self.text) + count(self.reasoning)


class Failure(NamedTuple):
    """What an error says. A shape drops the fields that its protocol does not have."""

    status: int
    message: str
    type: str | None = None
    """The error type in the terms of the protocol; None: the usual one for the status."""
    code: str | None = None
    """OpenAI's, as `param`."""
    param: str | None = None
    details: Sequence[object] = ()
    """Google's."""


class Shape(Protocol):
    """
    The protocol of a service. Each module in this folder is a shape, and so is a subclass with `whole`,
    `chunks` and `error`, and with `model_of` and `streams` if requests have no fields `model` and `stream`.
    """

    DONE: tuple[str, ...] = ()
    """Sent after the last event of a stream."""
    KEEP_ALIVE: bytes = b": keep-alive\n\n"
    """Sent by a stream without content."""
    FRAMING: str = "sse"
    """How a stream is cut into events: as `Provider.stream_framing`."""

    def whole(self, model: str, said: Said) -> dict[str, Any]:
        """Return the JSON of a complete answer."""

    def chunks(self, model: str, said: Said) -> Iterator[dict[str, Any]]:
        """Yield the JSON of each event; without a finish reason, up to the last piece of content."""

    def error(self, failure: Failure) -> dict[str, Any]:
        """Return the JSON of an error."""

    def sse(self, data: object) -> bytes:
        """Return one event of a stream of server-sent events, or one JSON line; a string is sent as it is."""
        return wire.json_line(data) if self.FRAMING == "json_lines" else wire.sse(data)

    def model_of(self, request: Any) -> str:
        """Return the model that a request, a `Received`, asks for."""
        return model_of(request)

    def streams(self, request: Any) -> bool:
        """Return whether a request, a `Received`, asks for a stream."""
        return streams(request)


def count(text: str) -> int:
    return len(text.split())


def words(text: str) -> list[str]:
    """Split a text into words, each with the space that follows it."""
    return [piece for piece in text.replace(" ", " \0").split("\0") if piece]


def halves(text: str) -> tuple[str, str]:
    """Split the arguments of a tool call at arbitrary places, as services do in streams."""
    middle = len(text) // 2
    return text[:middle], text[middle:]


def model_of(request: Any) -> str:
    model: str = request.model
    return model


def streams(request: Any) -> bool:
    stream: bool = request.stream
    return stream
