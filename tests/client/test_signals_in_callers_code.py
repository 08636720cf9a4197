"""What a signal handler raises while the caller's own functions and types run reaches the program as it is."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import msgspec
import pydantic
import pytest

from g4f_lite import AsyncClient, Client
from g4f_lite.testing import FaultServer, replies

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="it sends signals")
MESSAGES: Any = [{"role": "user", "content": "Which day is it?"}]
KEYS = {"groq": "gsk_1"}


class SoftTimeLimit(Exception):
    """As of a task queue."""


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    def raise_it(number: int, frame: FrameType | None) -> None:
        raise SoftTimeLimit

    old = signal.signal(signal.SIGUSR1, raise_it)
    yield
    signal.signal(signal.SIGUSR1, old)


def interrupted() -> str:
    """Wait until it is too late."""
    signal.raise_signal(signal.SIGUSR1)
    return "never"


async def interrupted_later() -> str:
    """Wait until it is too late."""
    await asyncio.sleep(0)
    return interrupted()


class Checked(msgspec.Struct):
    count: int

    def __post_init__(self) -> None:
        interrupted()


class Schemaless(pydantic.BaseModel):
    count: int

    @classmethod
    def __get_pydantic_json_schema__(cls, *args: Any) -> Any:
        return interrupted()


def takes(checked: Checked) -> str:
    """Take something."""
    return "taken"


def calling(name: str, arguments: str = "{}") -> replies.Reply:
    call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return replies.answer("", tool_calls=[call], finish_reason="tool_calls")


def ask(client: Any, **params: Any) -> Any:
    return client.chat.completions.create(messages=MESSAGES, provider="groq", **params)


def converse(client: Any, function: Callable[..., Any]) -> Any:
    return client.chat.run_tools(messages=MESSAGES, provider="groq", tools=[function])


IN_BOTH = {
    "checking an answer": (
        lambda client: ask(client, response_model=Checked),
        {"keys": KEYS},
        replies.answer('{"count": 3}'),
    ),
    "making a schema": (lambda client: ask(client, response_model=Schemaless), {"keys": KEYS}, replies.answer("{}")),
    "reading a tool's arguments": (
        lambda client: converse(client, takes),
        {"keys": KEYS},
        calling("takes", '{"checked": {"count": 3}}'),
    ),
}
SYNC = {
    **IN_BOTH,
    "asking for a key": (ask, {"keys": {"groq": interrupted}}, replies.answer("Monday")),
    "calling a tool": (lambda client: converse(client, interrupted), {"keys": KEYS}, calling("interrupted")),
}
ASYNC = {
    **IN_BOTH,
    "asking for a key": (ask, {"keys": {"groq": interrupted_later}}, replies.answer("Monday")),
    "calling a tool": (
        lambda client: converse(client, interrupted_later),
        {"keys": KEYS},
        calling("interrupted_later"),
    ),
}


@pytest.mark.parametrize("where", SYNC)
def test_it_ends_a_call(where: str, server: FaultServer) -> None:
    call, settings, reply = SYNC[where]
    server.script(reply)
    with Client(base_urls={"groq": server.base_url}, **settings) as client, pytest.raises(SoftTimeLimit):  # type: ignore[arg-type]
        call(client)
    assert len(server.received) <= 1


@pytest.mark.parametrize("where", ASYNC)
def test_it_ends_a_call_of_the_async_client(where: str, server: FaultServer) -> None:
    call, settings, reply = ASYNC[where]
    server.script(reply)

    async def main() -> None:
        async with AsyncClient(base_urls={"groq": server.base_url}, **settings) as client:  # type: ignore[arg-type]
            with pytest.raises(SoftTimeLimit):
                await call(client)

    asyncio.run(main())
    assert len(server.received) <= 1
