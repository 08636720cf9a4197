"""One-line calls for asyncio. Each opens and closes what it uses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Unpack

from ..types.chat import ChatCompletion, ChatCompletionChunk
from .async_client import AsyncClient
from .params import CreateParams, MessageParam
from .shortcuts import as_messages


async def achat(prompt: str | Sequence[MessageParam], **params: Unpack[CreateParams]) -> ChatCompletion:
    """As `chat`, for asyncio."""
    async with AsyncClient() as client:
        return await client.chat.completions.create(messages=as_messages(prompt), **params)


async def astream(
    prompt: str | Sequence[MessageParam], **params: Unpack[CreateParams]
) -> AsyncIterator[ChatCompletionChunk]:
    """As `stream`, for asyncio: `async for chunk in astream("…"):`."""
    async with AsyncClient() as client:
        async with await client.chat.completions.create(messages=as_messages(prompt), stream=True, **params) as chunks:
            async for chunk in chunks:
                yield chunk
