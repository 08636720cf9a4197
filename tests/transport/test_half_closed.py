"""A service that has said all, and goes on reading: its answer counts, and no callback fails."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from g4f_lite import ConnectionFailedError, Timeouts
from g4f_lite.transport.async_http import AsyncHTTPTransport
from g4f_lite.transport.sync_http import HTTPTransport
from g4f_lite.types.http import HTTPRequest, HTTPResponse, Upload
from g4f_lite.types.time_limit import TimeLimit
from g4f_lite.types.uploads import UploadFile

BODY = b"x" * 8_000_000
"""More than the system takes at once."""
WHOLE = {
    "a length": b"HTTP/1.1 413 No\r\ncontent-length: 5\r\n\r\nlarge",
    "an end": b"HTTP/1.1 413 No\r\n\r\nlarge",
}
CUT = {"nothing": b"", "half a head": WHOLE["an end"][:9]}


@contextmanager
def half_closed(answer: bytes) -> Iterator[str]:
    """Answer and end its own side; then read the request."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1)
            time.sleep(0.2)  # now the client waits until more can be sent
            connection.sendall(answer)
            connection.shutdown(socket.SHUT_WR)
            time.sleep(0.3)  # the client reads the end before its request has left
            try:
                while connection.recv(1 << 20):
                    pass
            except ConnectionResetError:
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(30)


def send(mode: str, url: str, what: str) -> HTTPResponse:
    request = HTTPRequest(url=url, body=BODY if what == "bytes" else Upload([], UploadFile(("a.wav", BODY))))
    limit = TimeLimit(time, Timeouts(total=30), time.monotonic() + 60)
    logged: list[dict[str, Any]] = []

    async def send_async() -> HTTPResponse:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: logged.append(context))
        transport = AsyncHTTPTransport()
        try:
            return await transport.send(request, limit)
        finally:
            await transport.aclose()
            await asyncio.sleep(0.1)

    try:
        return asyncio.run(send_async()) if mode == "async" else HTTPTransport().send(request, limit)
    finally:
        # aiohttp 3.11 forgets a future of its own where it waits to send more
        assert [one["message"] for one in logged if "callback" in one["message"]] == []


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("what", ["bytes", "a file"])
@pytest.mark.parametrize("name", WHOLE)
def test_an_answer_that_comes_before_the_request_has_left_is_read(name: str, what: str, mode: str) -> None:
    with half_closed(WHOLE[name]) as url:
        response = send(mode, url, what)
    assert (response.status, response.body) == (413, b"large")


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("what", ["bytes", "a file"])
@pytest.mark.parametrize("name", CUT)
def test_an_end_that_comes_before_the_request_has_left_is_a_lost_connection(name: str, what: str, mode: str) -> None:
    with half_closed(CUT[name]) as url, pytest.raises(ConnectionFailedError):
        send(mode, url, what)
