"""An answer that comes before the whole request, and then a reset: over TLS it is read as without."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from helpers.driving import MODES, run
from helpers.endpoints import HEARD, Alpha, ChatOnly, call
from helpers.tls import CERTIFICATE, KEY

import g4f_lite

BIG = bytes(range(256)) * (20 * 1024)
TOO_LARGE = b'{"error": {"message": "Maximum content size limit (26214400) exceeded", "type": "server_error"}}'
HEAD = b"HTTP/1.1 413 Payload Too Large\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"


@contextmanager
def impatient(reads: int) -> Iterator[str]:
    """Serve 413 over TLS as soon as some bytes have come, and close with the rest unread."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE, KEY)

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                taken, _ = listener.accept()
            except OSError:
                return
            # Else the answer waits until the client has the session tickets, and the reset drops it unsent.
            taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with suppress(OSError), context.wrap_socket(taken, server_side=True) as connection:
                received = bytearray()
                while b"\r\n\r\n" not in received or len(received) < reads:
                    received += connection.recv(4096)
                connection.sendall(HEAD % len(TOO_LARGE) + TOO_LARGE)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/v1"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


@pytest.fixture
def trusted() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=CERTIFICATE)


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("reads", [0, 300_000])
def test_of_an_upload(mode: str, reads: int, trusted: ssl.SSLContext) -> None:
    for _ in range(4):
        with impatient(reads) as url:
            settings = {"plugins": [Alpha], "base_urls": {"alpha": url}, "ssl_context": trusted}
            params = {"file": ("big.wav", BIG), "provider": "alpha", "fallback_models": []}
            with pytest.raises(g4f_lite.RequestTooLargeError, match="Maximum content size"):
                call(mode, settings, HEARD.method, params)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [900_000, len(BIG)], ids=["sent at once", "sent in pieces"])
def test_of_a_chat(mode: str, size: int, trusted: ssl.SSLContext) -> None:
    for _ in range(4):
        with impatient(0) as url:
            params = {"messages": [{"role": "user", "content": "x" * size}], "model": "talker", "fallback_models": []}
            settings = {"base_urls": {"chat-only": url}, "ssl_context": trusted}
            outcome = run(mode, settings, {**params, "provider": ChatOnly})
            assert type(outcome.error) is g4f_lite.RequestTooLargeError
