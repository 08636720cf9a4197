"""A recorded answer of a service, and what the provider must read from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ...errors.exceptions import ProviderError
from ...types.chat import ChatCompletion
from ...value import Value


class Exchange(Value, frozen=True, kw_only=True):
    """
    One recorded answer. An attribute that is None is not checked.

        Exchange(name="haiku", body=Path("tests/haiku.sse").read_bytes(), text="An old pond")
    """

    name: str
    body: bytes
    status: int = 200
    headers: Mapping[str, str] = {}
    """Names in lower case. A content type of `text/event-stream` makes it a stream, as does `stream`."""
    stream: bool = False
    text: str | None = None
    reasoning: str | None = None
    finish_reason: str | None = None
    tools: Sequence[str] | None = None
    """The names of the tools that are called."""
    error: type[ProviderError] | None = None
    """The exception that an error means."""
    retry_after: float | None = None
    """Seconds, for an error that asks to wait."""

    @property
    def streams(self) -> bool:
        return self.stream or "event-stream" in self.headers.get("content-type", "")

    def compared(self, reading: ChatCompletion | ProviderError) -> Iterator[tuple[str, object, object]]:
        """Yield the subject of each check, what was read, and what is expected."""
        wanted = self.error and self.error.__name__
        if isinstance(reading, ProviderError):
            yield "the error", type(reading).__name__, wanted
            if self.retry_after is not None:
                yield "retry_after", reading.retry_after, self.retry_after
            return
        yield "the error", None, wanted
        if self.text is not None:
            yield "the text", reading.text, self.text
        if self.reasoning is not None:
            yield "the reasoning", reading.reasoning, self.reasoning
        if self.finish_reason is not None:
            yield "the finish reason", reading.choices[0].finish_reason, self.finish_reason
        if self.tools is not None:
            yield "the tools", [call.function.name for call in reading.tool_calls], list(self.tools)
