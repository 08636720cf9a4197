"""What a client keeps of origins is bounded, and nothing of a request that failed is left behind."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from helpers.deaf import deaf
from helpers.driving import MODES, eventually, run

import g4f_lite
from g4f_lite import AsyncClient, Client, OpenaiTemplate, Timeouts
from g4f_lite.testing import FaultServer
from g4f_lite.transport import async_http
from g4f_lite.transport.common import MOST_ORIGINS

ORIGINS = MOST_ORIGINS + 20
MESSAGES = [{"role": "user", "content": "Hi"}]


class Plain(OpenaiTemplate):
    name = "plain"
    needs_auth = False
    default_model = "first"


@pytest.fixture
def providers() -> Iterator[tuple[list[Plain], Callable[[], int]]]:
    """Providers at as many origins, and the number of connections that are open to them."""
    with ExitStack() as stack:
        servers = [stack.enter_context(FaultServer()) for _ in range(ORIGINS)]
        yield (
            [Plain(api_base=server.base_url) for server in servers],
            lambda: sum(server.open_connections for server in servers),
        )


def test_connections_to_many_origins_are_not_all_kept(providers: tuple[list[Plain], Callable[[], int]]) -> None:
    them, still_open = providers

    def known_to(client: Client | AsyncClient) -> list[int]:
        http: Any = client._driver.http
        if isinstance(client, Client):
            return [len(http._pools), len(http._adapter.poolmanager.pools)]
        return [len(http._proxies), *(len(session.places) for session in http._sessions.values())]

    with Client() as client:
        for one in them:
            assert client.chat.completions.create(messages=MESSAGES, provider=one).text == "ok"
        gc.collect()
        assert eventually(lambda: still_open() <= MOST_ORIGINS)
        assert max(known_to(client)) <= MOST_ORIGINS
    assert eventually(lambda: still_open() == 0)

    async def main() -> None:
        async with AsyncClient() as client:
            for one in them:
                assert (await client.chat.completions.create(messages=MESSAGES, provider=one)).text == "ok"
            assert await asyncio.to_thread(eventually, lambda: still_open() <= MOST_ORIGINS)
            assert max(known_to(client)) <= MOST_ORIGINS
        assert await asyncio.to_thread(eventually, lambda: still_open() == 0)

    asyncio.run(main())


def test_calls_to_many_origins_at_once_all_end_well(providers: tuple[list[Plain], Callable[[], int]]) -> None:
    """Whoever is in the middle of a call does not notice that connections are closed for new origins."""
    them, still_open = providers
    calls = [*them, *them]
    with Client(retries=0) as client, ThreadPoolExecutor(16) as pool:
        texts = pool.map(lambda one: client.chat.completions.create(messages=MESSAGES, provider=one).text, calls)
        assert list(texts) == ["ok"] * len(calls)
    assert eventually(lambda: still_open() == 0)

    async def main() -> None:
        async with AsyncClient(retries=0) as client:
            create = client.chat.completions.create
            answers = await asyncio.gather(*(create(messages=MESSAGES, provider=one) for one in calls))
            assert [answer.text for answer in answers] == ["ok"] * len(calls)

    asyncio.run(main())
    assert eventually(lambda: still_open() == 0)


def test_a_name_that_is_not_resolved_while_others_are_forgotten(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept of origins may be dropped at any await of a call."""
    monkeypatch.setattr(async_http, "MOST_ORIGINS", 1)
    nowhere, here = Plain(api_base="http://nowhere.invalid/v1"), Plain(api_base=server.base_url)

    async def main() -> list[Any]:
        async with AsyncClient(retries=0) as client:
            calls = (client.chat.completions.create(messages=MESSAGES, provider=one) for one in (nowhere, here))
            return await asyncio.gather(*calls, return_exceptions=True)

    failed, answered = asyncio.run(main())
    assert isinstance(failed, g4f_lite.ConnectionFailedError)
    assert (failed.kind, answered.text) == ("dns", "ok")


@pytest.mark.parametrize("way", ["in pieces", "at once", "through a proxy"])
@pytest.mark.parametrize("mode", MODES)
def test_what_could_not_be_sent_in_time_is_dropped(mode: str, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the connection and the unsent body stay until the service reads on, though the client is closed."""
    size = 20_000_000  # more than the system takes
    if way == "at once":
        monkeypatch.setattr(async_http, "_LARGE_BODY", 1 << 30)
    with deaf() as (origin, all_that_comes):
        settings: dict[str, Any] = {"plugins": [Plain()], "timeouts": Timeouts(first_token=0.5, total=0.5)}
        settings["base_urls"] = {"plain": f"{origin}/v1"}
        if way == "through a proxy":
            settings |= {"proxy": origin, "base_urls": {"plain": "http://service.invalid/v1"}}
        params = {"provider": "plain", "messages": [{"role": "user", "content": "x" * size}], "fallback_models": []}
        outcome = run(mode, {**settings, "retries": 0}, params)
        assert isinstance(outcome.error, g4f_lite.ProviderTimeoutError)
        assert all_that_comes() < size
