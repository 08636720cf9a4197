"""A Redis over TLS, which also wants the certificate of its clients."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator

import pytest
from helpers.redis_server import redis_server
from helpers.states import look, requests, reserve, tell
from helpers.tls import CERTIFICATE, KEY

from g4f_lite.health.shared_state import Reservation, Reserve
from g4f_lite.health.stores.link import StateLink
from g4f_lite.health.stores.redis import RedisState

TRUSTED = f"ssl_ca_certs={CERTIFICATE}"
KNOWN = f"ssl_certfile={CERTIFICATE}&ssl_keyfile={KEY}"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    files = ("--tls-cert-file", str(CERTIFICATE), "--tls-key-file", str(KEY), "--tls-ca-cert-file", str(CERTIFICATE))
    with redis_server("--tls-port", str(port), *files, "--bind", "127.0.0.1", "-127.0.0.2") as server:
        server.admit()
        yield port


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_all_that_a_state_does(port: int, host: str) -> None:
    state = RedisState(f"rediss://{host}:{port}/0?{TRUSTED}&{KNOWN}", prefix=host)
    reserve(state, requests(10))
    told = threading.Thread(target=lambda: state.wait(20))
    told.start()
    while told.is_alive():
        tell(state)
        told.join(0.02)
    assert [event.name for event in look(state).events] == [("groq", "leg")]
    link = StateLink(state, owned=True)
    (answer,) = link.ask((Reserve("one", (requests(10),), 60_000),))
    assert isinstance(answer, Reservation) and (answer.refused_by is None or answer.held)
    assert not link._writer.away
    threads = link._threads
    link.close()
    for thread in threads:  # Python 3.11's `ssl` does not close a socket that a server resets before the handshake
        thread.join(20)
        assert not thread.is_alive()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (f"rediss://127.0.0.1:PORT/0?{KNOWN}", "self.signed certificate"),
        (f"rediss://127.0.0.2:PORT/0?{TRUSTED}&{KNOWN}", "IP address mismatch"),
        (f"rediss://127.0.0.1:PORT/0?{TRUSTED}", ""),  # from a client that it does not know
        ("redis://127.0.0.1:PORT/0", ""),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="only there each address on loopback is this machine's")
def test_what_cannot_be_trusted_is_away(port: int, url: str, why: str) -> None:
    state = RedisState(url.replace("PORT", str(port)))
    with pytest.raises(OSError, match=r"^redis.*://127\.0\.0\.\d:\d+: .*" + why):
        look(state)
    state.close()
