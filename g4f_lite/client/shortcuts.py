"""One-line calls. The synchronous ones share one client per process."""

from __future__ import annotations

import atexit
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Unpack

from ..errors.exceptions import InvalidRequestError
from ..forks import preload_before_fork
from ..types.chat import ChatCompletion, ChatCompletionChunk
from .client import Client
from .params import CreateParams, MessageParam

if TYPE_CHECKING:
    from .stream import Stream

preload_before_fork("g4f_lite.client.async_client")

_shared: list[Client] = []
"""If two threads make a client at the same time, the first is used; a lock would not survive a fork."""


def shared_client() -> Client:
    """Return the client of this process; it is closed at exit."""
    if not _shared:
        _shared.append(Client())
    return _shared[0]


@atexit.register
def _close() -> None:
    for client in _shared:
        client.close()


def as_messages(prompt: str | Sequence[MessageParam]) -> Sequence[MessageParam]:
    """
    Return a prompt as a message of the user; return a list of messages unchanged.

    Raises:
        InvalidRequestError: the prompt is empty.
    """
    if isinstance(prompt, str) and not prompt.strip():
        raise InvalidRequestError("the prompt is empty; put a question into it")
    return [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt


def chat(prompt: str | Sequence[MessageParam], **params: Unpack[CreateParams]) -> ChatCompletion:
    """Return the completion of a prompt or a list of messages. Arguments and errors are those of `create`."""
    return shared_client().chat.completions.create(messages=as_messages(prompt), **params)


def stream(prompt: str | Sequence[MessageParam], **params: Unpack[CreateParams]) -> Stream:
    """As `chat`, but return a stream."""
    chunks: Stream = shared_client().chat.completions.create(messages=as_messages(prompt), stream=True, **params)
    return chunks


async def achat(prompt: str | Sequence[MessageParam], **params: Unpack[CreateParams]) -> ChatCompletion:
    """As `chat`, for asyncio."""
    from .async_client import AsyncClient

    async with AsyncClient() as client:
        return await client.chat.completions.create(messages=as_messages(prompt), **params)


async def astream(
    prompt: str | Sequence[MessageParam], **params: Unpack[CreateParams]
) -> AsyncIterator[ChatCompletionChunk]:
    """As `stream`, for asyncio: `async for chunk in astream("…"):`."""
    from .async_client import AsyncClient

    async with AsyncClient() as client:
        async with await client.chat.completions.create(messages=as_messages(prompt), stream=True, **params) as chunks:
            async for chunk in chunks:
                yield chunk
