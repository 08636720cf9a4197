"""A provider without a key, two routes to it, and the chunks of a stream over them."""

from __future__ import annotations

import asyncio
from typing import Any

import g4f_lite
from g4f_lite import AsyncClient, ChatCompletionChunk, Client, OpenaiTemplate
from g4f_lite.testing import FaultServer

from .driving import MESSAGES, QUICK


class Plain(OpenaiTemplate):
    name = "plain"
    needs_auth = False
    default_model = "second"


def collect(mode: str, options: dict[str, Any], **params: Any) -> tuple[list[ChatCompletionChunk], Any]:
    """Return the chunks and the stream; an error of the iteration is returned in place of the stream."""
    if mode == "sync":
        chunks = []
        with Client(**{**QUICK, **options}) as client:
            stream = client.chat.completions.create(messages=MESSAGES, stream=True, **params)
            try:
                for chunk in stream:
                    chunks.append(chunk)
            except g4f_lite.G4FLiteError as error:
                return chunks, error
            return chunks, stream

    async def main() -> tuple[list[ChatCompletionChunk], Any]:
        chunks = []
        async with AsyncClient(**{**QUICK, **options}) as client:
            stream = await client.chat.completions.create(messages=MESSAGES, stream=True, **params)
            try:
                async for chunk in stream:
                    chunks.append(chunk)
            except g4f_lite.G4FLiteError as error:
                return chunks, error
            return chunks, stream

    return asyncio.run(main())


def routes(server: FaultServer, second: type[Plain]) -> dict[str, Any]:
    first = Plain(name="first", api_base=server.base_url, default_model="first")
    return {"routes": [first, second(api_base=server.base_url)]}
