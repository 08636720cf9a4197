"""Calls through both clients."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, NamedTuple

from ...client.async_client import AsyncClient
from ...client.client import Client
from ...errors.exceptions import G4FLiteError
from ...provider.base import Provider
from ...types.chat import ChatCompletion
from ..server import FaultServer
from .asking import PROMPT, model_of
from .service import SECRET

CLIENTS = ("Client", "AsyncClient")


class Call(NamedTuple):
    """The result of a call, as its caller sees it."""

    text: str
    outcomes: tuple[str | None, ...]
    """The outcome of each attempt."""


def call(client: str, one: Provider, server: FaultServer | None = None, *, stream: bool) -> Call:
    """Make a call and return its text and the outcomes of its attempts."""
    pieces: list[str] = []
    result = outcome(client, one, server, stream=stream, pieces=pieces)
    text = result.text if isinstance(result, ChatCompletion) and not stream else "".join(pieces)
    return Call(text, tuple(attempt.outcome for attempt in result.attempts))


def outcome(
    client: str, one: Provider, server: FaultServer | None = None, *, stream: bool, pieces: list[str] | None = None
) -> ChatCompletion | G4FLiteError:
    """Make a call, and return its answer or its error; a stream's pieces of text are added to `pieces`."""
    settings: dict[str, Any] = {"retries": 1, "retry_wait": lambda state: 0.0, "deadline": 30.0}
    if server is not None:
        settings |= {"routes": [one], "base_urls": {one.name: server.base_url}, "keys": {one.name: SECRET}}
    params: dict[str, Any] = {
        "messages": [{"role": "user", "content": PROMPT}],
        "provider": one,
        "model": model_of(one),
        "fallback_models": [],
    }
    texts = [] if pieces is None else pieces

    async def concurrent() -> Any:
        async with AsyncClient(**settings) as api:
            if not stream:
                return await api.chat.completions.create(**params)
            running = await api.chat.completions.create(**params, stream=True)
            async for chunk in running:
                texts.append(chunk.text)
            return running.completion

    def sync() -> Any:
        with Client(**settings) as api:
            if not stream:
                return api.chat.completions.create(**params)
            running = api.chat.completions.create(**params, stream=True)
            for chunk in running:
                texts.append(chunk.text)
            return running.completion

    try:
        answer: ChatCompletion = sync() if client == CLIENTS[0] else asyncio.run(concurrent())
    except G4FLiteError as error:
        return error
    return answer


@contextmanager
def capture_output() -> Iterator[io.StringIO]:
    printed = io.StringIO()
    with redirect_stdout(printed), redirect_stderr(printed):
        yield printed
