"""What a call learns from the interrupted streams of others: why they failed, and nothing of what they said."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from helpers.driving import MESSAGES, MODES, QUICK

from g4f_lite import AsyncClient, Client, ConnectionFailedError, G4FLiteError, OpenaiTemplate
from g4f_lite.testing import FaultServer, replies


class Breaking(OpenaiTemplate):
    name = "breaking"
    needs_auth = False
    default_model = "m"


def interrupt_until_open(mode: str, settings: dict[str, Any]) -> G4FLiteError:
    """Stream until the breaker has opened; return the error of a call in this mode that finds it open."""
    ask = {"messages": MESSAGES, "provider": "breaking", "deadline": 0.5}
    last = {**ask, "stream": "stream" in mode}

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
