"""Why there is no connection is told: a refusal is the service's, a lack of files this process's."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from helpers.driving import MESSAGES
from helpers.plain_routes import Plain

from g4f_lite import AsyncClient, Client, ConnectionFailedError
from g4f_lite.testing import FaultServer


@contextmanager
def no_more_files() -> Iterator[None]:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limit[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_process_with_too_many_open_files_says_so(mode: str, server: FaultServer) -> None:
    there = Plain(api_base=server.base_url)

    async def main() -> None:
        async with AsyncClient(retries=0) as client:
            assert (await client.chat.completions.create(messages=MESSAGES, provider=there)).text == "ok"
            with no_more_files():
                await client.chat.completions.create(messages=MESSAGES, provider=elsewhere)

    with FaultServer() as other, pytest.raises(ConnectionFailedError) as caught:
        elsewhere = Plain(api_base=other.base_url)
        if mode == "async":
            asyncio.run(main())
        with Client(retries=0) as client:
            assert client.chat.completions.create(messages=MESSAGES, provider=there).text == "ok"
            with no_more_files():
                client.chat.completions.create(messages=MESSAGES, provider=elsewhere)
    assert "cannot be reached: too many open files" in str(caught.value)
