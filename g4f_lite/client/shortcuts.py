"""One-line calls. The synchronous ones share one client per process."""

from __future__ import annotations

import atexit
from collections.abc import AsyncIterator, Sequence
from typing import Any, TypeVar, Unpack, overload

from ..errors.exceptions import InvalidRequestError
from ..forks import preload_before_fork
from ..types.chat import ChatCompletion
from ..types.chunks import ChatCompletionChunk
from .client import Client
from .params import CreateParams, MessageParam, UntypedParams
from .stream import Stream

preload_before_fork("g4f_lite.client.async_client")

T = TypeVar("T")

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


@overload
def chat(
    prompt: str | Sequence[MessageParam], *, response_model: type[T], **params: Unpack[UntypedParams]
) -> ChatCompletion[T]: ...
@overload
def chat(prompt: str | Sequence[MessageParam], **params: Unpack[CreateParams]) -> ChatCompletion: ...


def chat(prompt: str | Sequence[MessageParam], **params: Any) -> ChatCompletion:
    """Return the completion of a prompt or a list of messages. Arguments and errors are those of `create`."""
    completion: ChatCompletion = shared_client().chat.completions.create(messages=as_messages(prompt), **params)
    return completion


@overload
def stream(
    prompt: str | Sequence[MessageParam], *, response_model: type[T], **params: Unpack[UntypedParams]
) -> Stream[T]: ...
@overload
def stream(prompt: str | Sequence[MessageParam], **params: Unpack[CreateParams]) -> Stream: ...


def stream(prompt: str | Sequence[MessageParam], **params: Any) -> Stream:
    """As `chat`, but return a stream."""
    chunks: Stream = shared_client().chat.completions.create(messages=as_messages(prompt), stream=True, **params)
    return chunks


@overload
async def achat(
    prompt: str | Sequence[MessageParam], *, response_model: type[T], **params: Unpack[UntypedParams]
) -> ChatCompletion[T]: ...
@overload
async def achat(prompt: str | Sequence[MessageParam], **params: Unpack[CreateParams]) -> ChatCompletion: ...


async def achat(prompt: str | Sequence[MessageParam], **params: Any) -> ChatCompletion:
    """As `chat`, for asyncio."""
    from .async_client import AsyncClient

    async with AsyncClient() as client:
        completion: ChatCompletion = await client.chat.completions.create(messages=as_messages(prompt), **params)
        return completion


async def astream(
    prompt: str | Sequence[MessageParam], **params: Unpack[CreateParams]
) -> AsyncIterator[ChatCompletionChunk]:
    """As `stream`, for asyncio: `async for chunk in astream("…"):`."""
    from .async_client import AsyncClient

    async with AsyncClient() as client:
        async with await client.chat.completions.create(messages=as_messages(prompt), stream=True, **params) as chunks:
            async for chunk in chunks:
                yield chunk
