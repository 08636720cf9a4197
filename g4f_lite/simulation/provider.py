"""
A modelled service as a provider: it builds and reads requests and responses that have no bytes.

Rule: what the router knows of a service, it knows from here, as of any provider; the rest is the real code.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..errors.exceptions import MalformedResponseError
from ..provider.base import Provider
from ..types.chat import ChatCompletion, Choice, Message
from ..types.chat_request import ChatRequest
from ..types.chunks import ChatCompletionChunk
from ..types.http import HTTPRequest, HTTPResponse, ServerSentEvent
from ..types.usage import Usage
from .services import Reply

CHARACTERS_PER_TOKEN = 4
_CHOICES = (Choice(message=Message(content="…"), finish_reason="stop"),)


class SimulatedRequest(HTTPRequest, frozen=True, kw_only=True):
    """A request, with its sizes in tokens."""

    prompt: int
    tokens: int


class SimulatedResponse(HTTPResponse, frozen=True, kw_only=True):
    """A whole answer."""

    reply: Reply | None = None


class _Parser:
    """Of a stream whose pieces are chunks already."""

    def feed(self, event: ServerSentEvent) -> Iterable[ChatCompletionChunk]:
        raise MalformedResponseError("a simulated stream has no events")

    def close(self) -> Iterable[ChatCompletionChunk]:
        return ()


_PARSER = _Parser()


class SimulatedProvider(Provider):
    """The service of one table `[services.NAME]`. A prompt's length and the `seed` say how long a call is."""

    name = "simulated"
    needs_auth = False
    _decodes = True

    def build_request(self, request: ChatRequest, *, key: str | None, stream: bool) -> HTTPRequest:
        return SimulatedRequest(
            url=self.api_base,
            prompt=len(request.messages[0]["content"]) // CHARACTERS_PER_TOKEN,
            tokens=request.seed or 1,
        )

    def parse_response(self, response: HTTPResponse) -> ChatCompletion:
        assert isinstance(response, SimulatedResponse)
        assert response.reply is not None
        return ChatCompletion(choices=_CHOICES, usage=usage_of(response.reply))

    def new_stream(self, request: ChatRequest) -> _Parser:
        return _PARSER


def usage_of(reply: Reply) -> Usage:
    """Return the usage that an answer reports."""
    return Usage(prompt_tokens=reply.prompt, completion_tokens=reply.tokens, total_tokens=reply.prompt + reply.tokens)


def provider_of(name: str, models: tuple[str, ...]) -> SimulatedProvider:
    """Return the provider of a service."""
    return SimulatedProvider(
        name=name,
        api_base=f"http://{name.replace('_', '-')}.simulated/v1",
        default_model=models[0],
        fallback_models=(),
        model_aliases={model: model for model in models},
    )
