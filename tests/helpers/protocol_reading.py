"""Reads answers of Anthropic, Gemini and Cohere as both clients do."""

from __future__ import annotations

import json
from typing import Any

from g4f_lite import ChatCompletion, ChatRequest, HTTPResponse, Provider
from g4f_lite.call.chunk_reader import ChunkReader
from g4f_lite.provider.keys import Key
from g4f_lite.provider.leg import Leg
from g4f_lite.testing.shapes import SHAPES
from g4f_lite.types.time_limit import TimeLimit
from g4f_lite.types.timeouts import Timeouts
from g4f_lite_providers.anthropic import Anthropic
from g4f_lite_providers.cohere import Cohere
from g4f_lite_providers.gemini import Gemini

from .clocks import FakeClock

PROVIDERS: dict[str, Provider] = {"anthropic": Anthropic(), "gemini": Gemini(), "cohere": Cohere()}
REQUEST = ChatRequest(messages=({"role": "user", "content": "Hi"},), model="m")


def parse(who: str, body: object, status: int = 200) -> ChatCompletion:
    encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
    return PROVIDERS[who].parse_response(HTTPResponse(status=status, headers={"x-id": "1"}, body=encoded))


def read(who: str, *pieces: bytes, content_type: str = "text/event-stream") -> ChunkReader:
    """Feed these and the end of the body to a reader, as both clients do."""
    leg = Leg(PROVIDERS[who], "m", Key("key-of-the-tests", "argument"))
    limit = TimeLimit(FakeClock(0.0), Timeouts(), 300.0, stream=True)
    headers = {"content-type": content_type}
    reader = ChunkReader(leg, REQUEST, limit, leg.provider.classify_error, status=200, headers=headers)
    for piece in (*filter(None, pieces), b""):
        if not reader.closed:
            reader.feed(piece)
    return reader


def streamed(who: str, *events: object) -> ChatCompletion:
    """Return the completion of a stream of these events."""
    reader = read(who, b"".join(SHAPES[who].sse(event) for event in events))
    reader.check()
    assert not reader.notes
    return reader.completion()


def seen(answer: ChatCompletion) -> tuple[Any, ...]:
    choice = answer.choices[0]
    calls = [(call.id, call.function.name, call.function.arguments) for call in answer.tool_calls]
    return choice.message.content, answer.reasoning, calls, choice.finish_reason
