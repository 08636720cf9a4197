"""Many calls of one client at the same time."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import g4f_lite
from g4f_lite import AsyncClient, Client

from .driving import MESSAGES, QUICK


def ask_all(
    mode: str, client_settings: dict[str, Any], params: dict[str, Any], prompts: int, callers: int
) -> list[Any]:
    """Ask with several threads or tasks that share a client. Return what each call gave or raised."""

    def ask(client: Client) -> Any:
        try:
            if "stream" not in mode:
                return client.chat.completions.create(messages=MESSAGES, **params)
            stream = client.chat.completions.create(messages=MESSAGES, stream=True, **params)
            for _ in stream:
                pass
            return stream.completion
        except g4f_lite.G4FLiteError as error:
            return error

    async def ask_async(client: AsyncClient, free: asyncio.Semaphore) -> Any:
        async with free:
            try:
                if "stream" not in mode:
                    return await client.chat.completions.create(messages=MESSAGES, **params)
                stream = await client.chat.completions.create(messages=MESSAGES, stream=True, **params)
                async for _ in stream:
                    pass
                return stream.completion
            except g4f_lite.G4FLiteError as error:
                return error

    async def main() -> list[Any]:
        free = asyncio.Semaphore(callers)
        async with AsyncClient(**{**QUICK, **client_settings}) as client:
            return await asyncio.gather(*(ask_async(client, free) for _ in range(prompts)))

    if mode.startswith("async"):
        return asyncio.run(main())
    with Client(**{**QUICK, **client_settings}) as client, ThreadPoolExecutor(callers) as pool:
        return list(pool.map(lambda _: ask(client), range(prompts)))
