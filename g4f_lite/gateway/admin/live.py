"""
Events for those who watch: calls as they end, and routes as they change.

Rule: nobody waits for a listener. One that reads too slowly is dropped, and told.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from ...openai.mapping.events import CONTENT_TYPE
from ...value import JSONObject
from ..failures import BUSY, RefusedError

MOST_WAITING = 512
"""Events that wait for one listener."""
MOST_LISTENERS = 32
_TICK_S = 0.5
"""How often the routes are looked at, while somebody watches."""
_CLOSE_S = 5.0


class _Listener:
    def __init__(self) -> None:
        self.events: deque[bytes] = deque()
        self.wakes = asyncio.Event()
        self.end: bytes | None = None
        """The last event, once it gets no more."""

    def put(self, event: bytes) -> None:
        if self.end is not None:
            return
        if len(self.events) >= MOST_WAITING:
            self.events.clear()
            self.finish(event_of("dropped", {"reason": f"more than {MOST_WAITING} events were waiting to be read"}))
        else:
            self.events.append(event)
            self.wakes.set()

    def finish(self, event: bytes) -> None:
        self.end = self.end or event
        self.wakes.set()


class Live:
    """
    Args:
        look: returns what is told if it has changed since the last look: events by name.
        keepalive: seconds of silence after which a comment is sent.
        stall: seconds for which a listener may read nothing.
    """

    def __init__(self, look: Callable[[], dict[str, JSONObject]], *, keepalive: float, stall: float) -> None:
        self._look = look
        self._keepalive = keepalive
        self._stall = stall
        self._listeners: set[_Listener] = set()
        self._watch: asyncio.Task[None] | None = None
        self._closed = False

    def __bool__(self) -> bool:
        """Whether somebody watches."""
        return bool(self._listeners)

    def tell(self, name: str, data: Any) -> None:
        """Send an event to all listeners."""
        event = event_of(name, data)
        for one in self._listeners:
            one.put(event)

    async def serve(self, request: web.BaseRequest, hello: JSONObject) -> web.StreamResponse:
        """
        Answer one listener, until it leaves.

        Args:
            hello: the first event.

        Raises:
            RefusedError: there are too many.
        """
        if self._closed or len(self._listeners) >= MOST_LISTENERS:
            raise RefusedError(BUSY, f"{len(self._listeners)} listeners are the most that are allowed", 5.0)
        response = web.StreamResponse(
            headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        response.force_close()
        listener = _Listener()
        listener.put(event_of("hello", hello))
        self._listeners.add(listener)
        if self._watch is None:
            self._watch = asyncio.create_task(self._watching())
        try:
            await response.prepare(request)
            await self._write(response, listener)
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
        finally:
            self._listeners.discard(listener)
        return response

    async def _write(self, response: web.StreamResponse, listener: _Listener) -> None:
        while listener.end is None:
            try:
                async with asyncio.timeout(self._keepalive):
                    await listener.wakes.wait()
            except TimeoutError:
                listener.events.append(b": keep-alive\n\n")
            listener.wakes.clear()
            data = b"".join(listener.events)
            listener.events.clear()
            if data:
                async with asyncio.timeout(self._stall):
                    await response.write(data)
        async with asyncio.timeout(_CLOSE_S):
            await response.write(listener.end)
            await response.write_eof()

    async def _watching(self) -> None:
        try:
            while self._listeners:
                for name, data in self._look().items():
                    self.tell(name, data)
                await asyncio.sleep(_TICK_S)
        finally:
            self._watch = None

    def close(self) -> None:
        """Tell the listeners that nothing more comes."""
        self._closed = True
        for one in self._listeners:
            one.finish(event_of("end", {"reason": "the gateway is about to stop"}))
        if self._watch is not None:
            self._watch.cancel()


def event_of(name: str, data: Any) -> bytes:
    """Return a server-sent event."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(data))
