"""Sends one odd message to a client, and tells what its caller sees, in this call and in the next one."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from g4f_lite import AsyncClient, Client, G4FLiteError, OpenaiTemplate, Timeouts
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Action, Received

from .driving import MESSAGES, MODES, eventually
from .odd_row import DEADLINE, Row

__all__ = ["MODES", "Verdict", "judge"]


class Plain(OpenaiTemplate):
    name = "plain"
    needs_auth = False
    default_model = "first"


class Verdict(NamedTuple):
    outcome: str
    """`answer`, or the class of the error, and its kind."""
    kept: bool
    """Whether the next call used the same connection."""
    text: str
    error: G4FLiteError | None
    following: str
    """What the next call said."""
    left_open: int
    """Connections that are open although the client has closed."""


def judge(mode: str, row: Row, server: FaultServer, **settings: Any) -> Verdict:
    """Send the row in answer to a first call, and a good answer to a second one of the same client."""

    def odd(request: Received) -> list[Action]:
        good = b"".join(part for part in replies.answer("mine, the odd")(request) if isinstance(part, bytes))
        body = good.partition(b"\r\n\r\n")[2]
        return list(row.actions(_dechunked(body) if request.stream else body))

    server.script(odd, replies.answer("mine, the next"))
    settings = {
        "plugins": [Plain()],
        "base_urls": {"plain": server.base_url},
        "retries": 0,
        "timeouts": Timeouts(),
        "max_response_bytes": 8 << 20,
        **settings,
    }
    params = {"provider": "plain", "messages": MESSAGES}
    timeout = 0.3 if DEADLINE in (row.whole, row.streamed) else 20.0
    if mode.startswith("async"):
        return asyncio.run(_judge_async(mode, row, server, settings, params, timeout))
    with Client(**settings) as client:
        text, error = _call(client, mode, {**params, "timeout": timeout})
        _wait(server, row)
        before = server.connections
        following = client.chat.completions.create(**params, timeout=20).text
        kept = server.connections == before
    return _verdict(server, text, error, following, kept)


def _call(client: Client, mode: str, params: Any) -> tuple[str, G4FLiteError | None]:
    said = ""
    try:
        if "stream" not in mode:
            return client.chat.completions.create(**params).text, None
        for chunk in client.chat.completions.create(**params, stream=True):
            said += chunk.text
    except G4FLiteError as error:
        return said, error
    return said, None


async def _judge_async(mode: str, row: Row, server: FaultServer, settings: Any, params: Any, timeout: float) -> Verdict:
    async with AsyncClient(**settings) as client:
        text, error = await _call_async(client, mode, {**params, "timeout": timeout})
        await asyncio.to_thread(_wait, server, row)
        before = server.connections
        following = (await client.chat.completions.create(**params, timeout=20)).text
        kept = server.connections == before
    return await asyncio.to_thread(_verdict, server, text, error, following, kept)


async def _call_async(client: AsyncClient, mode: str, params: Any) -> tuple[str, G4FLiteError | None]:
    said = ""
    try:
        if "stream" not in mode:
            return (await client.chat.completions.create(**params)).text, None
        async for chunk in await client.chat.completions.create(**params, stream=True):
            said += chunk.text
    except G4FLiteError as error:
        return said, error
    return said, None


def _wait(server: FaultServer, row: Row) -> None:
    """Wait until the server has closed the connection, if it does."""
    if row.closes:
        assert eventually(lambda: server.open_connections == 0)


def _verdict(server: FaultServer, text: str, error: G4FLiteError | None, following: str, kept: bool) -> Verdict:
    eventually(lambda: server.open_connections == 0)
    outcome = f"{type(error).__name__} {getattr(error, 'kind', '')}".strip() if error is not None else "answer"
    return Verdict(outcome, kept, text, error, following, server.open_connections)


def _dechunked(body: bytes) -> bytes:
    content = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        content, body = content + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return content
