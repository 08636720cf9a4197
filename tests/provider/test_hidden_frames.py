"""No local variable in the traceback of an exception that leaves a call shows the key: some tools print them."""

from __future__ import annotations

import asyncio
import signal
import threading
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from helpers.driving import MESSAGES, MODES, QUICK, eventually
from helpers.tracebacks import leaks

import g4f_lite
from g4f_lite import AsyncClient, Client, LocalProvider, OpenaiTemplate, Timeouts
from g4f_lite.testing import FaultServer, replies

SECRET = "gsk_Zx81bQp4TnV7rLw2KjYc9DfHa3Ms5Eu6"
ECHO = f"no such key {SECRET}, {b64encode(SECRET.encode()).decode()}"


class Service(OpenaiTemplate):
    name = "service"
    default_model = "m"
    capabilities = frozenset({"streaming", "transcription"})
    default_models = {"transcription": "t"}


class Careless(Service):
    def build_request(self, request: Any, *, key: str | None, stream: bool) -> Any:
        header = f"Bearer {key}"
        raise ValueError(header)


class Refusing(Service):
    def build_request(self, request: Any, *, key: str | None, stream: bool) -> Any:
        header = f"Bearer {key}"
        raise g4f_lite.UnsupportedParameterError("not here" if header else "")


class Local(LocalProvider):
    name = "local-service"
    default_model = "m"
    needs_auth = True

    def complete(self, request: Any, *, cancelled: Any) -> Any:
        key = self.api_key
        raise ValueError(key)

    def stream(self, request: Any, *, cancelled: Any) -> Any:
        key = self.api_key
        raise g4f_lite.ServerError(f"bad {key}")
        yield


def fails(mode: str, settings: dict[str, Any], params: dict[str, Any]) -> BaseException:
    """Return what a call raises, at the latest while its stream is read."""
    stream = {"stream": True} if "stream" in mode else {}
    try:
        if mode.startswith("async"):

            async def call() -> None:
                async with AsyncClient(**{**QUICK, "retries": 0, **settings}) as client:
                    answer = await client.chat.completions.create(messages=MESSAGES, **params, **stream)
                    if stream:
                        async for _ in answer:
                            pass

            asyncio.run(call())
        else:
            with Client(**{**QUICK, "retries": 0, **settings}) as client:
                for _ in client.chat.completions.create(messages=MESSAGES, **params, **stream):
                    pass
    except BaseException as error:
        return error
    raise AssertionError("it did not fail")


FAULTS: dict[str, Callable[[], Any]] = {
    "an error that echoes the key": lambda: replies.error(401, ECHO),
    "a body that is no JSON": lambda: replies.body(ECHO.encode()),
    "garbage": replies.garbage,
    "an error event after content": lambda: replies.body(
        b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
        b'data: {"error":{"message":"' + ECHO.encode() + b'"}}\n\n',
        content_type="text/event-stream",
    ),
    "a reset": lambda: replies.reset("before"),
    "a reset in the head": lambda: replies.reset("headers"),
    "a reset in the body": lambda: replies.reset("body"),
    "a cut stream": replies.cut,
    "broken compression": lambda: replies.gzipped(broken=True),
    "a redirect": lambda: replies.redirect(f"http://127.0.0.1/?key={SECRET}"),
    "silence": replies.silence,
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_service(fault: str, mode: str, server: FaultServer) -> None:
    server.script(FAULTS[fault]())
    settings = {"routes": [Service(api_base=server.base_url, api_key=SECRET)]}
    if fault == "silence":
        settings["timeouts"] = Timeouts(connect=20, first_token=0.3, stall=0.3, total=0.3)
    error = fails(mode, settings, {})
    assert isinstance(error, g4f_lite.ProviderError)
    assert not leaks(error, SECRET)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", [Careless, Refusing, Local, Service])
@pytest.mark.parametrize("legs", [1, 2])
def test_a_failure_before_any_answer(kind: type[Any], mode: str, legs: int, server: FaultServer) -> None:
    base = {} if kind is Local else {"api_base": "http://127.0.0.1:9/v1"}
    provider = kind(api_key=SECRET, **base)
    error = fails(mode, {"routes": [provider, Service(name="other", api_base="http://127.0.0.1:9", api_key=SECRET)][:legs]}, {})  # fmt: skip
    assert isinstance(error, g4f_lite.G4FLiteError)
    assert not leaks(error, SECRET)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("key", [lambda: SECRET, lambda: f"{SECRET} "[:-1], lambda: f"{SECRET} two", lambda: 1 / 0])
def test_a_key_that_a_function_returns(key: Any, mode: str, server: FaultServer) -> None:
    server.script(replies.error(401, ECHO))
    error = fails(mode, {"routes": [Service(api_base=server.base_url, api_key=key)]}, {})
    assert isinstance(error, g4f_lite.G4FLiteError)
    assert not leaks(error, SECRET)


@pytest.mark.parametrize("key", [f"Bearer {SECRET}", f"{SECRET}ü"])
@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("where", ["provider", "environment", "stored"])
def test_a_malformed_key(key: str, mode: str, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = Service(api_base="http://127.0.0.1:9", api_key_env=("SERVICE_API_KEY",))
    if where == "provider":
        provider = provider.replace(api_key=key)
    elif where == "environment":
        monkeypatch.setenv("SERVICE_API_KEY", key)
    else:
        path = g4f_lite.provider.keys.store_key("service", "x")
        path.write_text(f'{{"service": "{key}"}}')
    error = fails(mode, {"routes": [provider]}, {})
    assert isinstance(error, g4f_lite.ConfigurationError)
    assert not leaks(error, SECRET)


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("raised", [KeyboardInterrupt, Interrupted])
def test_an_interruption_while_the_call_waits(raised: type[BaseException], mode: str, server: FaultServer) -> None:
    def handler(number: int, frame: object) -> None:
        raise raised

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        server.script(replies.silence())
        main = threading.main_thread().ident
        assert main is not None

        def interrupt() -> None:
            eventually(lambda: bool(server.received))
            signal.pthread_kill(main, signal.SIGUSR1)

        thread = threading.Thread(target=interrupt)
        thread.start()
        error = fails(mode, {"routes": [Service(api_base=server.base_url, api_key=SECRET)]}, {})
        thread.join()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert isinstance(error, raised)
    assert not leaks(error, SECRET)


@pytest.mark.parametrize("stream", [False, True])
def test_a_cancelled_call(stream: bool, server: FaultServer) -> None:
    server.script(replies.silence())

    async def call() -> None:
        provider = Service(api_base=server.base_url, api_key=SECRET)
        async with AsyncClient(routes=[provider], **QUICK) as client, asyncio.timeout(0.5):
            await client.chat.completions.create(messages=MESSAGES, stream=stream)  # type: ignore[call-overload]

    with pytest.raises(TimeoutError) as caught:
        asyncio.run(call())
    assert isinstance(caught.value.__cause__, asyncio.CancelledError)
    assert not leaks(caught.value, SECRET)


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("cause", ["the service", "the progress function"])
def test_an_upload(cause: str, mode: str, server: FaultServer) -> None:
    class Stopped(Exception):
        pass

    def progress(sent: int, size: int) -> None:
        if cause == "the progress function":
            raise Stopped

    server.script(replies.error(401, ECHO))
    params: dict[str, Any] = {"file": ("a.mp3", b"x" * 300_000), "progress": progress}
    settings: dict[str, Any] = {"routes": [Service(api_base=server.base_url, api_key=SECRET)], "retries": 0}

    async def call() -> None:
        async with AsyncClient(**settings) as client:
            await client.audio.transcriptions.create(**params)

    with pytest.raises((Stopped, g4f_lite.AuthenticationError)) as caught:
        if mode == "async":
            asyncio.run(call())
        else:
            with Client(**settings) as client:
                client.audio.transcriptions.create(**params)
    assert not leaks(caught.value, SECRET)
