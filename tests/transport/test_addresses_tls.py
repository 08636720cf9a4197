"""All addresses of a host are tried, and the handshake is bounded."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from helpers.driving import run

import g4f_lite
from g4f_lite import Timeouts
from g4f_lite.testing import FaultServer
from g4f_lite.transport.common import default_ssl_context


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_the_next_address_of_a_host_is_tried_when_one_refuses(
    mode: str, groq: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROQ_API_BASE", f"http://two-addresses.test:{groq.port}/v1")
    resolve_to(monkeypatch, "127.0.0.9", "127.0.0.1")
    outcome = run(mode, {}, {"provider": "groq"})
    assert (outcome.text, len(outcome.trail.attempts)) == ("ok", 1)


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_the_connect_limit_covers_all_addresses_of_a_host(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setenv("GROQ_API_KEY", "test")
    full = [socket.create_server(("127.0.0.9", 0), backlog=0)]
    port = full[0].getsockname()[1]
    full.append(socket.create_server(("127.0.0.10", port), backlog=0))
    waiting = []
    for listener in full:  # fill the queues, so that the next connection gets no reply
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
            waiting.append(one)
    monkeypatch.setenv("GROQ_API_BASE", f"http://two-addresses.test:{port}/v1")
    resolve_to(monkeypatch, "127.0.0.9", "127.0.0.10")
    began = time.monotonic()
    outcome = run(mode, {"timeouts": Timeouts(connect=0.5)}, {"provider": "groq", "fallback_models": []})
    took = time.monotonic() - began
    for one in [*waiting, *full]:
        one.close()
    assert isinstance(outcome.error, g4f_lite.ProviderTimeoutError)
    assert outcome.error.phase == "connect"
    assert 0.4 < took < 0.95


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let the name `two-addresses.test` have these addresses; the system's resolver has no such name."""
    import socket

    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in ("two-addresses.test", b"two-addresses.test"):
            return real(host, port, *args, **kwargs)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, int(port or 0))) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_slow_tls_handshake_is_bounded(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    default_ssl_context()  # created here, as that takes time which is not to be measured
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)
    over = threading.Event()

    def drip() -> None:
        taken, _ = listener.accept()
        with taken:
            record = b"\x16\x03\x03\x40\x00" + b"\x02\x00\x3f\xfc\x03\x03" + bytes(200)
            for number in range(len(record)):
                if over.wait(0.02):
                    return
                try:
                    taken.send(record[number : number + 1])
                except OSError:
                    return

    server = threading.Thread(target=drip)
    server.start()
    monkeypatch.setenv("GROQ_API_KEY", "test")
    monkeypatch.setenv("GROQ_API_BASE", f"https://127.0.0.1:{listener.getsockname()[1]}/v1")
    began = time.monotonic()
    timeouts = Timeouts(connect=0.5)
    outcome = run(mode, {"timeouts": timeouts}, {"provider": "groq", "fallback_models": []})
    took = time.monotonic() - began
    over.set()
    server.join()
    listener.close()
    assert isinstance(outcome.error, g4f_lite.ProviderTimeoutError)
    assert outcome.error.phase == "connect"
    assert took < 0.5 + 2.0  # on a busy machine; the complete handshake would take 4 s
