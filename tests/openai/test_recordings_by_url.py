"""A recording that is given by its address, as Groq's services take it, goes to the service as the program sent it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from g4f_lite.openai import AsyncGroq, Groq
from g4f_lite.openai import groq as errors
from g4f_lite.testing import FaultServer, replies

URL = "https://127.0.0.1/talk.mp3"


@pytest.mark.parametrize("endpoint", ["transcriptions", "translations"])
def test_one_service_gets_it(endpoint: str) -> None:
    async def concurrent(**settings: Any) -> str:
        async with AsyncGroq(**settings) as api:
            return (await getattr(api.audio, endpoint).create(url=URL, model="whisper-large-v3")).text

    with FaultServer() as server:
        server.script(replies.answer("Sunday"))
        settings: dict[str, Any] = {"api_key": "k", "base_url": server.origin, "max_retries": 0}
        with Groq(**settings) as api:
            assert getattr(api.audio, endpoint).create(url=URL, model="whisper-large-v3").text == "Sunday"
        assert asyncio.run(concurrent(**settings)) == "Sunday"
        assert [request.form["url"] for request in server.received] == [[URL.encode()]] * 2


def test_routes_say_that_they_cannot() -> None:
    with FaultServer() as server, Groq(routes=["groq"], max_retries=0) as api:
        with pytest.raises(errors.NotFoundError):
            api.audio.transcriptions.create(url=URL, model="whisper-large-v3")
        assert not server.received
