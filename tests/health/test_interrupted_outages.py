"""What a call learns from the interrupted streams of others: why they failed, and nothing of what they said."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from helpers.driving import MESSAGES, MODES, QUICK

from g4f_lite import (
    AsyncClient,
    Client,
    ConnectionFailedError,
    G4FLiteError,
    OpenaiTemplate,
    ProviderTimeoutError,
    ServerError,
)
from g4f_lite.testing import FaultServer, replies


class Breaking(OpenaiTemplate):
    name = "breaking"
    needs_auth = False
    default_model = "m"


def interrupt_until_open(mode: str, settings: dict[str, Any], **params: Any) -> G4FLiteError:
    """Stream until the breaker has opened; return the error of a call in this mode that finds it open."""
    last = {"messages": MESSAGES, "provider": "breaking", "deadline": 0.5, "stream": "stream" in mode}
    ask = {"messages": MESSAGES, "provider": "breaking", "deadline": 0.5, **params}

    async def in_loop() -> G4FLiteError:
        async with AsyncClient(**settings) as client:
            for _ in range(5):
                with pytest.raises(G4FLiteError):
                    async for _ in await client.chat.completions.create(**ask, stream=True):
                        pass
            with pytest.raises(G4FLiteError) as caught:
                await client.chat.completions.create(**last)
            return caught.value

    if mode.startswith("async"):
        return asyncio.run(in_loop())
    with Client(**settings) as client:
        for _ in range(5):
            with pytest.raises(G4FLiteError):
                for _ in client.chat.completions.create(**ask, stream=True):
                    pass
        with pytest.raises(G4FLiteError) as caught:
            client.chat.completions.create(**last)
        return caught.value


@pytest.mark.parametrize("mode", MODES)
def test_an_open_breaker_tells_the_cause_of_an_interruption_and_no_text_of_another_call(
    mode: str, server: FaultServer
) -> None:
    server.script(replies.cut(3))
    settings = {**QUICK, "plugins": [Breaking()], "base_urls": {"breaking": server.base_url}, "retries": 0}
    error = interrupt_until_open(mode, settings)
    assert isinstance(error, ConnectionFailedError)
    assert "cooling down: the connection was lost" in str(error)
    assert not hasattr(error, "partial_text")
    assert len(server.received) == 5


class OutOfTimeError(ServerError, TimeoutError):
    """A plugin's error, whose objects have the layout of an OSError."""


class Failing(Breaking):
    def classify_error(self, reply: Any) -> OutOfTimeError:
        return OutOfTimeError("the plugin's own", status=reply.status)


@pytest.mark.parametrize("mode", MODES)
def test_a_plugins_error_of_another_layout_is_remembered(mode: str, server: FaultServer) -> None:
    server.script(replies.error(503, "down"))
    settings = {**QUICK, "plugins": [Failing()], "base_urls": {"breaking": server.base_url}, "retries": 0}
    error = interrupt_until_open(mode, settings)
    assert isinstance(error, OutOfTimeError)
    assert "cooling down: the plugin's own" in str(error)
    assert len(server.received) == 3


@pytest.mark.parametrize("mode", MODES)
def test_the_deadline_of_another_call_is_not_shown(mode: str, server: FaultServer) -> None:
    server.script(replies.silence("stream", after=1))
    settings = {**QUICK, "plugins": [Breaking()], "base_urls": {"breaking": server.base_url}, "retries": 0}
    error = interrupt_until_open(mode, settings, timeout=0.3)
    assert isinstance(error, ProviderTimeoutError)
