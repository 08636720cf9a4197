"""The answers of the service, and the provider's code that reads them, called as the host calls it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

import msgspec

from ...call.answer_checks import check_content
from ...call.chunk_reader import ChunkReader
from ...errors.exceptions import ProviderError, ReplyError
from ...errors.reply import ErrorReply
from ...provider.base import Provider
from ...provider.boundary import check_outgoing
from ...provider.keys import Key
from ...provider.leg import Leg
from ...types.chat import ChatCompletion
from ...types.chat_request import ChatRequest
from ...types.http import HTTPRequest, HTTPResponse
from ...types.time_limit import TimeLimit
from ...types.timeouts import Timeouts
from .. import replies
from ..framing import framed
from ..script import Reply
from ..shapes import SHAPES, Failure, OpenaiShape, Said, Shape, ShapeName
from .contract import BUILDING, JUNK, fail, hold

SECRET = "conformance-2Zr9-the-key-that-nobody-may-see"  # noqa: S105  # no service knows it
EVENT_STREAM = {"content-type": "text/event-stream"}
JSON = {"content-type": "application/json"}


class Service:
    """Writes answers and errors in the protocol of a shape."""

    def __init__(self, shape: ShapeName | Shape, framing: str = "sse", error_fields: Mapping[str, str] = {}) -> None:
        if shape == "openai" and (framing != "sse" or error_fields):
            shape = OpenaiShape(framing, error_fields)
        self.shape: Shape = SHAPES[shape] if isinstance(shape, str) else shape

    def whole(self, said: Said, model: str = "model") -> bytes:
        return json.dumps(self.shape.whole(model, said), ensure_ascii=False).encode()

    def events(self, said: Said, model: str = "model") -> list[bytes]:
        parts = [*self.shape.chunks(model, said), *(self.shape.DONE if said.finish else ())]
        return list(framed(self.shape, parts, closed=bool(said.finish)))

    def error(self, status: int, message: str, **more: Any) -> bytes:
        return json.dumps(self.shape.error(Failure(status, message, **more))).encode()

    def interrupted(self, said: Said, status: int, message: str, **more: Any) -> list[bytes]:
        """Return the events of a stream that ends with an error."""
        failure = self.shape.error(Failure(status, message, **more))
        parts = [*self.shape.chunks("model", said._replace(finish=None)), failure]
        return list(framed(self.shape, parts))

    def reply(self, said: Said, *, stream: bool) -> Reply:
        if stream:
            return replies.stream(self.events(said))
        return replies.body(self.whole(said), content_type="application/json")

    def failure(self, status: int, message: str) -> Reply:
        return replies.body(self.error(status, message), status, content_type="application/json")

    def cut(self, said: Said) -> Reply:
        """Return a stream whose HTTP body ends properly in the middle of the answer."""
        return replies.stream(self.events(said._replace(finish=None)))


class Content(NamedTuple):
    """The content of an answer, comparable between complete answers and streams."""

    text: str
    finish_reason: str | None
    tools: tuple[tuple[str, Any], ...]

    def __str__(self) -> str:
        calls = f", calls of {self.tools}" if self.tools else ""
        return f"{self.text!r} with finish reason {self.finish_reason!r}{calls}"


def content_of(completion: ChatCompletion) -> Content:
    calls = tuple((call.function.name, _arguments(call.function.arguments)) for call in completion.tool_calls)
    finish_reason = completion.choices[0].finish_reason if completion.choices else None
    return Content(completion.text, finish_reason, calls)


def expected(said: Said) -> Content:
    calls = tuple((call["function"]["name"], _arguments(call["function"]["arguments"])) for call in said.tool_calls)
    return Content(said.text, said.finish, calls)


def _arguments(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


# -- the provider's code, called as the host does ------------------------------------------


def build(provider: Provider, request: ChatRequest, *, key: str | None = SECRET, stream: bool = False) -> HTTPRequest:
    """
    Return the request that the provider builds.

    Raises:
        ProviderError: it refuses the request.
    """
    try:
        outgoing = provider.build_request(request, key=key, stream=stream)
    except ProviderError:
        raise
    except Exception as error:
        fail(BUILDING, f"build_request raises {type(error).__name__}: {error}")
    try:
        check_outgoing(outgoing)
    except (TypeError, ValueError, AttributeError) as error:
        fail(BUILDING, f"the request of build_request cannot be sent: {error}")
    return outgoing


def read_whole(
    provider: Provider, body: bytes, headers: Mapping[str, str] = JSON, status: int = 200
) -> ChatCompletion | ProviderError:
    """Return the completion or the error that the provider reads from a body."""
    response = HTTPResponse(status=status, headers=headers, body=body)
    try:
        completion = provider.parse_response(response)
        if isinstance(completion, ChatCompletion):
            check_content(completion, status)
    except ReplyError as error:
        return classify(provider, error.reply)
    except ProviderError as error:
        return error
    except Exception as error:
        fail(JUNK, f"parse_response raises {type(error).__name__}: {error}\n  for the body {body[:60]!r}")
    hold(
        isinstance(completion, ChatCompletion),
        JUNK,
        f"parse_response returns {type(completion).__name__}, not a ChatCompletion, for the body {body[:60]!r}",
    )
    return completion


def classify(provider: Provider, reply: ErrorReply) -> ProviderError:
    """Return the provider's exception for a reply."""
    try:
        error = provider.classify_error(reply)
    except Exception as failure:
        fail(JUNK, f"classify_error raises {type(failure).__name__}: {failure}\n  for {reply.body[:60]!r}")
    hold(isinstance(error, ProviderError), JUNK, f"classify_error returns {type(error).__name__}, not a ProviderError")
    return error


class Stream:
    """One stream, read with the provider's parser as the host does."""

    def __init__(self, provider: Provider, request: ChatRequest) -> None:
        limit = TimeLimit(time, Timeouts(), float("inf"), stream=True)
        leg = Leg(provider, request.model, Key(SECRET, "argument"))
        self._reader = ChunkReader(
            leg, request, limit, lambda reply: classify(provider, reply), status=200, headers=EVENT_STREAM
        )

    def feed(self, *pieces: bytes) -> None:
        for piece in pieces:
            if not self._reader.closed:
                self._reader.feed(piece)

    def end(self, *pieces: bytes) -> Stream:
        """Feed the last pieces, and the end of the body."""
        self.feed(*pieces, b"")
        return self

    @property
    def error(self) -> ProviderError | None:
        return self._reader.failure

    @property
    def notes(self) -> list[str]:
        """Notes on events that the end of the body cut."""
        return self._reader.notes

    @property
    def completion(self) -> ChatCompletion:
        return self._reader.completion()

    def describe(self) -> str:
        """Return the content or the error as one line."""
        if self.error is not None:
            return f"{type(self.error).__name__}: {self.error.message}"
        return str(content_of(self.completion)) + "".join(f"; {note}" for note in self.notes)


def read_stream(provider: Provider, request: ChatRequest, pieces: Iterable[bytes]) -> Stream:
    """Return a stream that has received these pieces and the end of its body."""
    return Stream(provider, request).end(*pieces)


# -- what a request contains ---------------------------------------------------------------


def contains(outgoing: HTTPRequest, text: str) -> bool:
    """Return whether this text is in the URL or in a name or value of the body."""
    return any(text in value for value in _values(outgoing))


def _values(outgoing: HTTPRequest) -> list[str]:
    found = [unquote(outgoing.url)]

    def collect(value: Any) -> None:
        if isinstance(value, dict):
            for name, item in value.items():
                found.append(str(name))
                collect(item)
        elif isinstance(value, list):
            for item in value:
                collect(item)
        else:
            found.append(str(value))

    body = outgoing.body if isinstance(outgoing.body, bytes) else b"".join(outgoing.body.heads)
    try:
        collect(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError):
        found.append(body.decode("utf-8", "replace"))
    return found
