"""
TLS in front of a server on loopback.

`certificate.pem` is for localhost, 127.0.0.1 and ::1, is its own authority, and lasts until 2126. It was made by:

    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -keyout key.pem \
        -out certificate.pem -subj "/CN=g4f_lite tests" -addext basicConstraints=critical,CA:TRUE \
        -addext subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CERTIFICATE = Path(__file__).with_name("certificate.pem")
KEY = Path(__file__).with_name("key.pem")
NAME_IN_FOLDER = "5ca6544b.0"
"""The name that OpenSSL looks for in a folder of authorities: `openssl x509 -subject_hash`."""


@contextmanager
def tls_before(port: int) -> Iterator[int]:
    """Pass on, without TLS, to a port on loopback what comes over TLS to the port that this returns."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, KEY)
    threads: list[threading.Thread] = []

    def serve(taken: socket.socket) -> None:
        try:
            with taken, context.wrap_socket(taken, server_side=True) as secure, socket.socket() as plain:
                plain.connect(("127.0.0.1", port))
                threads.append(start(pass_on, plain, secure))
                pass_on(secure, plain)
        except OSError:
            pass  # a client that does not trust the certificate, or has read enough

    def accept() -> None:
        while True:
            try:
                taken, _ = listener.accept()
            except OSError:  # the listener is closed
                return
            taken.settimeout(20)
            threads.append(start(serve, taken))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threads.append(start(accept))
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    for thread in threads:
        thread.join(20)


def start(work: object, *args: object) -> threading.Thread:
    thread = threading.Thread(target=work, args=args)  # type: ignore[arg-type]
    thread.start()
    return thread


def pass_on(source: socket.socket, target: socket.socket) -> None:
    """Copy bytes until the source ends; then nothing more comes for the target, either."""
    try:
        while piece := source.recv(1 << 16):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass
