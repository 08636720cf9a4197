"""
The modelled services of a scenario on real sockets and the real clock: OpenAI's protocol on 127.0.0.1.

`Service.take` says what becomes of a request, as it does for the simulated transport; this only waits and sends. A
request says its sizes in tokens as the simulated ones do: a prompt of four letters a token, and the answer as `seed`.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Callable
from typing import Any

from g4f_lite.simulation.services import Reply, Service
from g4f_lite.testing.wire import END, head, http_chunk, sse


class _Reader(asyncio.StreamReader):
    """Tells at once when its client is gone."""

    def __init__(self) -> None:
        super().__init__()
        self.gone = asyncio.Event()

    def feed_eof(self) -> None:
        super().feed_eof()
        self.gone.set()

    def set_exception(self, exc: BaseException) -> None:
        super().set_exception(exc)  # type: ignore[arg-type]
        self.gone.set()


class Served:
    """
    One service, listening.

    Args:
        clock: returns the seconds since the scenario began.
        ended: is told of each request that has ended.
    """

    def __init__(
        self, service: Service, clock: Callable[[], float], ended: Callable[[Service, Reply, float], None]
    ) -> None:
        self.service = service
        self._clock = clock
        self._ended = ended
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.StreamWriter, bool] = {}
        """Those that are open, and whether a request is under way on each."""
        self._place = self._bound(0)
        """Never listens: it keeps the port while connections are refused, or another program might get it."""
        self.port: int = self._place.getsockname()[1]

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def open(self) -> None:
        self._server = await asyncio.get_running_loop().create_server(
            lambda: asyncio.StreamReaderProtocol(_Reader(), self._serve), sock=self._bound(self.port), backlog=2048
        )

    def _bound(self, port: int) -> socket.socket:
        """Return a socket at the service's port, which others can have as well."""
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind(("127.0.0.1", port))
        return bound

    async def refuse(self) -> None:
        """Close the listener, and the connections on which nothing is under way."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer, busy in list(self._connections.items()):
            if not busy:
                writer.close()

    async def keep_doors(self) -> None:
        """Refuse connections in the outages in which the service does."""
        for phase in self.service.settings.phases:
            if phase.how == "refused":
                assert phase.kind == "outage", "a door that flaps is not made here"
                await self._until(phase.from_s)
                await self.refuse()
                await self._until(phase.until_s)
                await self.open()

    async def close(self) -> None:
        self._place.close()
        await self.refuse()
        for writer in list(self._connections):
            writer.transport.abort()

    async def _until(self, when: float) -> None:
        await asyncio.sleep(max(0.0, when - self._clock()))

    # -- a connection ----------------------------------------------------------------------

    async def _serve(self, reader: _Reader, writer: asyncio.StreamWriter) -> None:
        self._connections[writer] = False
        try:
            while (request := await _read(reader)) is not None:
                self._connections[writer] = True
                keeps = await self._answer(*request, reader, writer)
                if not keeps or self._server is None:
                    break
                self._connections[writer] = False
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            del self._connections[writer]
            writer.close()

    async def _answer(
        self, sizes: tuple[int, int], stream: bool, model: str, reader: _Reader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer one request; return whether the connection may have another one."""
        reply = self.service.take(self._clock(), prompt=sizes[0], tokens=sizes[1])
        sending = asyncio.ensure_future(self._send(reply, stream, model, writer))
        gone = asyncio.ensure_future(reader.gone.wait())  # a caller who waits no longer
        try:
            await asyncio.wait((sending, gone), return_when=asyncio.FIRST_COMPLETED)
            return sending.done() and not gone.done() and await sending
        finally:
            for task in (sending, gone):
                task.cancel()
            await asyncio.gather(sending, gone, return_exceptions=True)
            now = self._clock()
            self.service.leave(reply, now)
            self._ended(self.service, reply, now)

    async def _send(self, reply: Reply, stream: bool, model: str, writer: asyncio.StreamWriter) -> bool:
        if reply.ending in ("hang", "unreachable"):
            await asyncio.Event().wait()
        if reply.ending == "refused":  # on a connection that was open before
            writer.transport.abort()
            return False
        if reply.ending == "reset":
            await self._until(reply.ends_at)
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return False
        if stream and reply.status == 200:
            return await self._stream(reply, model, writer)
        if reply.ending == "stall":
            await asyncio.Event().wait()
        await self._until(reply.ends_at)
        body = reply.body if reply.status != 200 else json.dumps(_whole(reply, model)).encode()
        length = len(body) + (reply.ending == "cut")
        writer.write(
            head(reply.status, {"content-type": "application/json", "content-length": str(length), **reply.headers})
        )
        writer.write(body)
        await writer.drain()
        return reply.ending == "whole"

    async def _stream(self, reply: Reply, model: str, writer: asyncio.StreamWriter) -> bool:
        def send(data: object) -> None:
            writer.write(http_chunk(sse(data)))

        at = reply.first_at
        await self._until(min(at, reply.stops_at))
        if at <= reply.stops_at:
            writer.write(head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"}))
        while at < reply.stops_at:
            send(_chunk(model, {"content": "word "}, None))
            at += self.service.settings.chunk_s
            await self._until(min(at, reply.stops_at))
        if reply.ending == "stall":
            await asyncio.Event().wait()
        if reply.ending == "cut":
            return False
        send(_chunk(model, {"content": "end"}, "stop"))
        send({**_chunk(model, {}, None), "choices": [], "usage": _usage(reply)})
        send("[DONE]")
        writer.write(END)
        await writer.drain()
        return True


def _usage(reply: Reply) -> dict[str, Any]:
    usage: dict[str, Any] = {"prompt_tokens": reply.prompt, "completion_tokens": reply.tokens}
    return {**usage, "total_tokens": reply.prompt + reply.tokens}


def _whole(reply: Reply, model: str) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": "word"}, "finish_reason": "stop"}
    answer = {"id": "s", "object": "chat.completion", "created": 0, "model": model, "choices": [choice]}
    return {**answer, "usage": _usage(reply)}


async def _read(reader: asyncio.StreamReader) -> tuple[tuple[int, int], bool, str] | None:
    """Return the sizes, whether a stream is asked for, and the model; None at the end of the connection."""
    try:
        text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    except asyncio.IncompleteReadError:
        return None
    headers = dict(line.split(": ", 1) for line in text.split("\r\n")[1:] if line)
    body = json.loads(await reader.readexactly(int(headers["content-length"])))
    sizes = len(body["messages"][0]["content"]) // 4, body["seed"]
    return sizes, bool(body.get("stream")), body["model"]


def _chunk(model: str, delta: dict[str, Any], finish: str | None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "s", "object": "chat.completion.chunk", "created": 0, "model": model, "choices": [choice]}
