"""Data that a service sends unasked on an idle connection is never an answer: the connection is closed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from helpers.driving import MODES
from helpers.ways import without_inner_parts

from g4f_lite import AsyncClient, Client, OpenaiTemplate
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.replies import END, head, http_chunk, sse
from g4f_lite.testing.script import Action, Received, Reply


class Plain(OpenaiTemplate):
    name = "plain"
    needs_auth = False
    default_model = "first"


def whole(request: Received, text: str) -> bytes:
    """Return the bytes of a good answer, streamed if the request asks for it."""
    return b"".join(part for part in replies.answer(text)(request) if isinstance(part, bytes))


def timed_out(request: Received) -> bytes:
    return head(408, {"content-length": "0", "connection": "close"})


UNASKED = {
    "a whole answer": lambda request: whole(request, "of somebody else"),
    "two answers": lambda request: whole(request, "of somebody else") * 2,
    "half an answer": lambda request: whole(request, "of somebody else")[:-9],
    "half a head": lambda request: b"HTTP/1.1 200 OK\r\ncontent-le",
    "one byte": lambda request: b"H",
    "stray bytes": lambda request: b"\x00\x01 no HTTP\r\n\r\n",
    "a 408": timed_out,
    "a piece of a chunk": lambda request: http_chunk(sse("of somebody else")) + END,
}
PATHS: dict[str, dict[str, Any]] = {
    "a small body": {},
    "a large body": {"messages": [{"role": "user", "content": "word " * 250_000}]},
    "a proxy": {},
}
CASES = [
    (path, unasked)
    for path in PATHS
    for unasked in UNASKED
    if path == "a small body" or unasked in ("a whole answer", "half an answer", "one byte", "stray bytes")
]
"""All cases on the usual path; on the slower ones, those that the pool detects in different ways."""


class Talker:
    """Answers the first request; sends more on its connection when `speak` is called, or in the same piece as the answer."""

    def __init__(self, extra: Any, *, at_once: bool) -> None:
        self._extra = extra
        self._at_once = at_once
        self._wanted = threading.Event()
        self._said = threading.Event()

    def __call__(self, request: Received) -> Iterator[Action]:
        answer = whole(request, "mine, the first")
        if self._at_once:
            yield answer + self._extra(request)
            return
        yield answer
        self._wanted.wait(10)
        yield self._extra(request)
        self._said.set()

    def speak(self) -> None:
        """Send the unasked data, and return when it is in the client's socket."""
        if not self._at_once:
            self._wanted.set()
            assert self._said.wait(10)


def talk(mode: str, server: FaultServer, path: str, speaker: Reply) -> list[str]:
    """
    Return the texts of three calls, one after another; the speaker answers the first one.

    In a mode that is "busy", the event loop cannot read before the second call.
    """
    server.script(speaker, replies.answer("mine, the second"), replies.answer("mine, the third"))
    settings: dict[str, Any] = {"plugins": [Plain()], "retries": 0, "deadline": 10}
    if path == "a proxy":
        settings |= {"proxy": server.origin, "base_urls": {"plain": "http://service.invalid/v1"}}
    else:
        settings |= {"base_urls": {"plain": server.base_url}}
    params: dict[str, Any] = {"provider": "plain", "messages": [{"role": "user", "content": "Hi"}], **PATHS[path]}
    speak = speaker.speak if isinstance(speaker, Talker) else lambda: None
    if mode.startswith("async"):
        return asyncio.run(_talk_async(mode, settings, params, speak))
    texts = []
    with Client(**settings) as client:
        for number in range(3):
            if "stream" not in mode:
                texts.append(client.chat.completions.create(**params).text)
            else:
                texts.append("".join(chunk.text for chunk in client.chat.completions.create(**params, stream=True)))
            if number == 0:
                speak()
    return texts


async def _talk_async(mode: str, settings: Any, params: Any, speak: Any) -> list[str]:
    texts = []
    async with AsyncClient(**settings) as client:
        for number in range(3):
            if "stream" not in mode:
                texts.append((await client.chat.completions.create(**params)).text)
            else:
                stream = await client.chat.completions.create(**params, stream=True)
                texts.append("".join([chunk.text async for chunk in stream]))
            if number == 0 and "busy" in mode:
                speak()
            elif number == 0:
                await asyncio.to_thread(speak)
                await asyncio.sleep(0.01)  # the loop may read; no test depends on it
    return texts


OWN = ["mine, the first", "mine, the second", "mine, the third"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("mode", MODES)
def test_a_silent_connection_is_kept(mode: str, path: str, server: FaultServer) -> None:
    assert talk(mode, server, path, replies.answer(OWN[0])) == OWN
    assert server.connections == (3 if without_inner_parts(mode) else 1)


@pytest.mark.parametrize(("path", "unasked"), CASES)
@pytest.mark.parametrize("mode", [*MODES, "async busy", "async stream busy"])
def test_data_on_an_idle_connection_is_never_an_answer(mode: str, path: str, unasked: str, server: FaultServer) -> None:
    assert talk(mode, server, path, Talker(UNASKED[unasked], at_once=False)) == OWN
    assert server.connections == (3 if without_inner_parts(mode) else 2)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("unasked", UNASKED)
@pytest.mark.parametrize("mode", MODES)
def test_data_after_an_answer_is_never_the_next_answer(mode: str, unasked: str, path: str, server: FaultServer) -> None:
    if without_inner_parts(mode) and path == "a proxy" and unasked in ("stray bytes", "a piece of a chunk"):
        pytest.skip("aiohttp loses the answer, and says so")
    texts = talk(mode, server, path, Talker(UNASKED[unasked], at_once=True))
    assert texts == OWN
    assert server.connections == (3 if without_inner_parts(mode) else 2)
