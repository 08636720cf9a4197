"""The connections and threads of `FaultServer`, until it is closed."""

from __future__ import annotations

import socket
import threading
import time

import pytest
from helpers.driving import eventually
from helpers.raw_client import Wire, ask

from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.replies import answer, error


def test_a_connection_is_kept_and_counted_once(server: FaultServer) -> None:
    assert (server.connections, server.open_connections) == (0, 0)
    server.script(answer("a"), error(503), replies.cut(1, how="end"))
    with Wire(server) as wire:
        for stream in (False, False, True):
            wire.send(stream=stream).read_until(lambda came: came.endswith((b"}", replies.END)))
        assert (server.connections, server.open_connections, len(server.received)) == (1, 1, 3)
    server.script(answer())
    ask(server)
    assert eventually(lambda: (server.connections, server.open_connections) == (2, 0))


def test_a_client_that_sends_nothing_is_counted(server: FaultServer) -> None:
    with Wire(server):
        assert eventually(lambda: server.open_connections == 1)
    assert eventually(lambda: server.open_connections == 0)
    assert server.received == []


def test_close_leaves_nothing_open() -> None:
    ending = FaultServer()
    ending.script(
        answer(), replies.silence(), replies.comments(), replies.drip(b"x" * 9999), replies.stream([b"x" * 60000] * 999)
    )
    wires = [Wire(ending) for _ in range(6)]
    for wire in wires[1:]:  # the first one is idle
        wire.send(stream=True)
    assert eventually(lambda: (len(ending.received), ending.open_connections) == (5, 6))
    began = time.monotonic()
    ending.close()
    assert time.monotonic() - began < 1
    assert [thread for thread in threading.enumerate() if thread.name == "fault-server"] == []
    assert ending.open_connections == 0
    with pytest.raises(ConnectionRefusedError):
        Wire(ending)
    for wire in wires:
        wire.read_to_the_end()
        wire.socket.close()
    ending.close()  # a second call does nothing


def test_close_leaves_no_thread_however_late_a_client_connects() -> None:
    for _ in range(30):
        ending = FaultServer()
        coming = [socket.create_connection(("127.0.0.1", ending.port)) for _ in range(5)]
        ending.close()
        assert [thread for thread in threading.enumerate() if thread.name == "fault-server"] == []
        for one in coming:
            one.close()


def test_the_address_is_available_in_both_forms(server: FaultServer) -> None:
    assert server.origin == f"http://127.0.0.1:{server.port}"
    assert server.base_url == f"{server.origin}/v1"
