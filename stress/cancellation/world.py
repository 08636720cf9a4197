"""The service that the calls reach, plain and over TLS, and the providers that name it."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from g4f_lite import (
    ChatCompletionChunk,
    ChatRequest,
    ChunkChoice,
    Delta,
    LocalProvider,
    OpenaiTemplate,
    hookimpl,
)
from g4f_lite.testing import FaultServer, Received, replies
from g4f_lite.testing.replies import Action, Pause, Reply
from g4f_lite.testing.wire import END, head, http_chunk, sse

TLS = Path(__file__).parents[2] / "tests" / "helpers" / "tls"
SHORT_S = 0.002
_SSE = {"content-type": "text/event-stream", "transfer-encoding": "chunked"}


class Alpha(OpenaiTemplate):
    name = "alpha"
    default_model = "plain"
    default_models = {"transcription": "hears", "embeddings": "embeds"}
    capabilities = OpenaiTemplate.capabilities | {"transcription", "embeddings"}


class Beta(Alpha):
    name = "beta"


class Addressed(Alpha):
    """Has its address itself: for calls without a client."""

    name = "addressed"
    needs_auth = False


class Nameless(OpenaiTemplate):
    """Names no model, so that a call asks for the list first."""

    name = "nameless"
    needs_auth = False


class Here(LocalProvider):
    """Answers in-process, word by word."""

    name = "here"
    default_model = "here"

    def stream(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
        for word in prompt_of(request.messages).split(" "):
            if cancelled():
                return
            time.sleep(SHORT_S / 4)
            yield ChatCompletionChunk(choices=(ChunkChoice(delta=Delta(content=f"{word} ")),))
        yield ChatCompletionChunk(choices=(ChunkChoice(finish_reason="stop"),))


class Observer:
    """Registers the providers, and keeps the attempts that begin and end, and the calls that end."""

    def __init__(self) -> None:
        self.begun: list[Any] = []
        self.ended: list[Any] = []
        self.calls = 0

    @hookimpl
    def register_providers(self, register: Callable[[type[Any]], None]) -> None:
        for provider in (Alpha, Beta, Nameless, Here):
            register(provider)

    @hookimpl
    def attempt_started(self, attempt: Any) -> None:
        self.begun.append(attempt)

    @hookimpl
    def attempt_finished(self, attempt: Any) -> None:
        self.ended.append(attempt)

    @hookimpl
    def call_finished(self, trail: Any) -> None:
        self.calls += 1


# -- replies -------------------------------------------------------------------------------


def prompt_of(messages: Any) -> str:
    return next((str(one["content"]) for one in messages if one["role"] == "user"), "")


def echo(*, before: float = 0.0, between: float = 0.0) -> Reply:
    """Answer with the prompt; wait before the headers, the first content and each further piece of it."""

    def reply(request: Received) -> Iterator[Action]:
        said = prompt_of(request.json.get("messages", [])) or "heard"
        if before:
            yield Pause(before)
        if not request.stream:
            yield from replies.answer(said)(request)
            return
        yield head(200, _SSE)
        for event in replies.events(request, [f"{word} " for word in said.split(" ")]):
            if between:
                yield Pause(between)
            yield http_chunk(sse(event))
        yield http_chunk(sse("[DONE]")) + END

    return reply


def cut_after(pieces: int) -> Reply:
    """Interrupt a stream after so many words of the prompt."""

    def reply(request: Received) -> Iterator[Action]:
        yield from replies.cut(pieces)(request)

    return reply


def json_text(text: str) -> Reply:
    return replies.answer(text)


# -- servers -------------------------------------------------------------------------------


class TLSServer(FaultServer):
    """A fault server behind TLS; its pauses do not end early."""

    def __init__(self) -> None:
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(TLS / "certificate.pem", TLS / "key.pem")
        super().__init__()

    @property
    def origin(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def _serve(self, connection: Any) -> None:
        try:
            wrapped = self._tls.wrap_socket(connection, server_side=True)
        except (OSError, ValueError):  # the client is gone
            connection.close()
        else:
            super()._serve(wrapped)
        finally:
            with self._lock:
                self._connections.discard(connection)

    def _pause(self, connection: Any, seconds: float) -> bool:
        return not self._closed.wait(seconds)


class World:
    """One plain server, which is a proxy too, and one behind TLS."""

    def __init__(self) -> None:
        self.plain, self.secure = FaultServer(), TLSServer()
        self.trusting = ssl.create_default_context(cafile=str(TLS / "certificate.pem"))
        self.trusting.check_hostname = False
        Addressed.api_base = self.plain.base_url

    @property
    def servers(self) -> tuple[FaultServer, FaultServer]:
        return self.plain, self.secure

    def reset(self, answers: dict[str, tuple[Reply, ...]]) -> None:
        """Answer as a form wants; everything else with the prompt."""
        for server in self.servers:
            server.received.clear()
            server._models.clear()
            server.script(echo())
            for model, given in answers.items():
                server.on(model, *given)

    @property
    def open_connections(self) -> int:
        return sum(server.open_connections for server in self.servers)

    def __enter__(self) -> World:
        return self

    def __exit__(self, *exc_info: object) -> None:
        for server in self.servers:
            server.close()
