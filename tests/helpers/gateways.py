"""A gateway on a port of its own, in a thread, over a fault server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from g4f_lite.gateway.keys import hash_of
from g4f_lite.gateway.server import Gateway
from g4f_lite.gateway.settings import checked
from g4f_lite.testing import FaultServer

KEY = "g4f-" + "k" * 43
MESSAGES: Any = [{"role": "user", "content": "Which day is it?"}]


def tables(upstream: FaultServer, /, **more: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration with two routes, both on the server."""
    client = {
        "routes": ["groq:one", "openai:two"],
        "base_urls": {"groq": upstream.base_url, "openai": upstream.base_url},
        "keys": {"groq": {"env": "GROQ_API_KEY"}, "openai": {"env": "GROQ_API_KEY"}},
        "retries": 0,
        **more.pop("client", {}),
    }
    own = {"listen": "127.0.0.1:0", "drain_timeout": 5.0, **more.pop("server", {})}
    return {"server": own, "client": client, **more}


def key_table(**limits: Any) -> dict[str, Any]:
    return {"team-a": {"hash": hash_of(KEY), **limits}}


class Running:
    """A gateway that answers."""

    def __init__(self, gateway: Gateway, loop: asyncio.AbstractEventLoop, host: str, port: int) -> None:
        self.gateway = gateway
        self.loop = loop
        self.url = f"http://{host}:{port}"
        self.base_url = f"{self.url}/v1"

    @property
    def under_way(self) -> int:
        return len(self.gateway.answering.under_way)

    def stop(self, within: float = 30) -> None:
        """Stop it as a signal does."""
        asyncio.run_coroutine_threadsafe(self.gateway.stop(), self.loop).result(within)


@contextmanager
def running(configuration: Mapping[str, Any], *, no_auth: bool = False, **more: Any) -> Iterator[Running]:
    """Run a gateway with this configuration."""
    started = threading.Event()
    found: list[Running] = []
    failed: list[BaseException] = []

    async def main() -> None:
        gateway = Gateway(checked(configuration, "gateway.toml"), no_auth=no_auth, **more)
        host, port = await gateway.start()
        end = asyncio.Event()
        found.append(Running(gateway, asyncio.get_running_loop(), host, port))
        ends.append(end)
        started.set()
        await end.wait()
        await gateway.stop()

    def serve() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:
            failed.append(error)
            started.set()

    ends: list[asyncio.Event] = []
    thread = threading.Thread(target=serve)
    thread.start()
    assert started.wait(30)
    try:
        if failed:
            raise failed[0]
        yield found[0]
    finally:
        if found:
            found[0].loop.call_soon_threadsafe(ends[0].set)
        thread.join(30)
        assert not thread.is_alive()
    if failed:
        raise failed[0]
