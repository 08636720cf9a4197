"""What a signal handler raises reaches the program, whatever code of this library or of a plugin it interrupts."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from types import FrameType
from typing import Any

import pytest

import g4f_lite
from g4f_lite import AsyncClient, ChatCompletionChunk, ChatRequest, Client, LocalProvider
from g4f_lite.errors.signal_handlers import is_interruption, raised_by_signal_handler
from g4f_lite.testing import FaultServer, replies

MESSAGES = [{"role": "user", "content": "Which day is it?"}]


class SoftTimeLimit(Exception):
    """As of a task queue."""


class Handlers:
    def method(self, number: int, frame: FrameType | None) -> None:
        raise SoftTimeLimit

    def __call__(self, number: int, frame: FrameType | None) -> None:
        raise SoftTimeLimit


def plain(number: int, frame: FrameType | None) -> None:
    raise SoftTimeLimit


def timing_out(number: int, frame: FrameType | None) -> None:
    raise TimeoutError("the program's own")


def exiting(number: int, frame: FrameType | None) -> None:
    raise SystemExit(3)


@pytest.fixture
def handle() -> Iterator[Callable[[Any], None]]:
    old = signal.getsignal(signal.SIGUSR1)
    yield lambda handler: signal.signal(signal.SIGUSR1, handler)
    signal.signal(signal.SIGUSR1, old)


class Signalling(LocalProvider):
    """Gets a signal while it answers."""

    name = "signalling"
    default_model = "any"
    asked = 0

    def stream(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
        type(self).asked += 1
        os.kill(os.getpid(), signal.SIGUSR1)
        time.sleep(0)
        yield ChatCompletionChunk()


@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        (plain, SoftTimeLimit),
        (Handlers().method, SoftTimeLimit),
        (Handlers(), SoftTimeLimit),
        (partial(plain), SoftTimeLimit),
        (timing_out, TimeoutError),
        (exiting, SystemExit),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_it_ends_a_call_of_an_in_process_provider(
    handler: Any, kind: type[BaseException], stream: bool, handle: Callable[[Any], None]
) -> None:
    handle(handler)
    Signalling.asked = 0
    with Client() as client, pytest.raises(kind):
        client.chat.completions.create(messages=MESSAGES, provider=Signalling(), stream=stream)
    assert Signalling.asked == 1


def send_when_asked(server: FaultServer) -> threading.Thread:
    def send() -> None:
        while not server.received:
            time.sleep(0.005)
        os.kill(os.getpid(), signal.SIGUSR1)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


@pytest.mark.parametrize(("handler", "kind"), [(plain, SoftTimeLimit), (timing_out, TimeoutError)])
@pytest.mark.parametrize("stream", [False, True])
def test_it_ends_a_call_that_waits_for_a_service(
    handler: Any, kind: type[BaseException], stream: bool, handle: Callable[[Any], None], server: FaultServer
) -> None:
    handle(handler)
    server.script(replies.silence())
    with Client(keys={"groq": "gsk_1"}, base_urls={"groq": server.base_url}) as client:
        thread = send_when_asked(server)
        with pytest.raises(kind) as caught:
            client.chat.completions.create(messages=MESSAGES, provider="groq", stream=stream)
        thread.join()
    assert not isinstance(caught.value, g4f_lite.G4FLiteError)
    assert len(server.received) == 1


def test_it_ends_a_call_of_the_async_client(handle: Callable[[Any], None]) -> None:
    class Building(g4f_lite.OpenaiTemplate):
        name = "building"
        api_base = "http://127.0.0.1:1/v1"
        needs_auth = False
        default_model = "any"

        def build_request(self, *args: Any, **kwargs: Any) -> Any:
            os.kill(os.getpid(), signal.SIGUSR1)
            time.sleep(0)

    async def main() -> None:
        async with AsyncClient() as client:
            await client.chat.completions.create(messages=MESSAGES, provider=Building())

    handle(plain)
    with pytest.raises(SoftTimeLimit):
        asyncio.run(main())


def test_an_exception_of_other_code_is_none(handle: Callable[[Any], None]) -> None:
    handle(plain)
    try:
        plain(0, None)
    except SoftTimeLimit as interruption:
        assert is_interruption(interruption)
        try:
            raise ValueError("raised while that one is handled")
        except ValueError as error:
            assert raised_by_signal_handler(error) is None
        assert is_interruption(KeyboardInterrupt())
