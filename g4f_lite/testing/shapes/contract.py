"""What a reply says, in nobody's protocol yet, and what a protocol makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

from .. import wire

ShapeName: TypeAlias = Literal["openai", "anthropic", "gemini", "cohere"]

PROMPT_TOKENS = 5
"""What every prompt costs."""


class Said(NamedTuple):
    """What the model says: its reasoning, then its text, then its tool calls."""

    pieces: Sequence[str] = ()
    """The text, as a stream hands it out."""
    finish: str | None = "stop"
    """OpenAI's finish reason, or one of the shape's own; None: the answer breaks off."""
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
        """A word of text or reasoning costs one."""
        return count(self.text) + count(self.reasoning)


class Failure(NamedTuple):
    """What an error says; a shape leaves out what its envelope has no place for."""

    status: int
    message: str
    type: str | None = None
    """Its kind in the shape's own words; None: what the status stands for."""
    code: str | None = None
    """OpenAI's, as `param`."""
    param: str | None = None
    details: Sequence[object] = ()
    """Google's."""


class Shape(Protocol):
    """
    The protocol that a service speaks. Each module beside this one is a shape; a subclass with
    `whole`, `chunks` and `error` is one, too.
    """

    DONE: tuple[str, ...] = ()
    """What comes after the last event of a stream."""
    KEEP_ALIVE: bytes = b": keep-alive\n\n"
    """What a stream sends when there is nothing to say."""

    def whole(self, model: str, said: Said) -> dict[str, Any]:
        """Return the JSON of a whole answer."""

    def chunks(self, model: str, said: Said) -> Iterator[dict[str, Any]]:
        """Yield the JSON of each event; without a finish reason, up to the last piece of content."""

    def error(self, failure: Failure) -> dict[str, Any]:
        """Return the JSON of an error."""

    def sse(self, data: object) -> bytes:
        """Return one event of a stream; a string is sent as it is."""
        return wire.sse(data)


def count(text: str) -> int:
    return len(text.split())


def words(text: str) -> list[str]:
    """Cut a text into words, each with the space that follows it."""
    return [piece for piece in text.replace(" ", " \0").split("\0") if piece]


def halves(text: str) -> tuple[str, str]:
    """Cut the arguments of a tool call as streams do: anywhere."""
    middle = len(text) // 2
    return text[:middle], text[middle:]
