"""A real Redis server for one test or more: started on a free port and a Unix socket, without files, ended by its pid."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

MISSING = (
    "these tests need a real Redis: the program redis-server is not on the PATH."
    " Install it, for example with `apt-get install redis-server` or `brew install redis`; the tests start it"
)


class RedisServer:
    """
    Args:
        folder: for its Unix socket.
        options: more of the command line, such as `("--requirepass", "secret")`.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self.program = shutil.which("redis-server")
        assert self.program, MISSING
        self.options = options
        self.port = _free_port()
        self.socket = folder / "redis.sock"
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.unix_url = f"unix://{self.socket}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        assert self.program
        command = [self.program, "--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket", str(self.socket)]
        command += ["--save", "", "--appendonly", "no", "--daemonize", "no", "--loglevel", "warning", *self.options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while not self._answers():
            assert self._process.poll() is None, "redis-server ended"
            assert time.monotonic() < end, "redis-server does not answer"
            time.sleep(0.01)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(1) in (b"+", b"-")
        except OSError:
            return False

    def pause(self) -> None:
        """Let it answer nothing: its connections stay open."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it; all its data is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def client(self, **settings: Any) -> Any:
        """Return a client of its own package."""
        import redis

        return redis.Redis(port=self.port, decode_responses=True, **settings)

    def admit(self, prefix: str = "g4f_lite") -> None:
        """Let a state with this prefix be as old as one that gives out what is asked for."""
        with self.client() as client:
            key = "{" + prefix + "}:generation"
            client.hsetnx(key, "id", os.urandom(8).hex())  # another one after each loss of data
            client.hset(key, mapping={"began": 1, "number": int(time.time() * 1000)})

    def wait_for_members(self, count: int) -> None:
        """Wait until so many processes have looked, from now on."""
        end = time.monotonic() + 120
        with self.client() as client:
            seconds, micros = client.time()
            while client.zcount("{g4f_lite}:members", f"({seconds * 1000 + micros // 1000}", "+inf") < count:
                assert time.monotonic() < end, "the processes do not begin"
                time.sleep(0.01)


@contextmanager
def redis_server(*options: str) -> Iterator[RedisServer]:
    """Start a server; it is killed at the end of the block."""
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        server = RedisServer(Path(folder), *options)
        try:
            server.start()
            yield server
        finally:
            server.kill()


class RedisCluster:
    """Three servers that divide the slots of a cluster between them."""

    def __init__(self, folder: Path) -> None:
        self.nodes: list[RedisServer] = []
        for name in "abc":
            (folder / name).mkdir()
            options = ("--cluster-enabled", "yes", "--cluster-config-file", str(folder / name / "nodes.conf"))
            bus = ("--cluster-port", str(_free_port()), "--cluster-node-timeout", "2000")
            self.nodes.append(RedisServer(folder / name, *options, *bus))

    def start(self) -> None:
        """Start the servers, and wait until each of them knows all slots."""
        first, *_ = self.nodes
        for index, (node, slots) in enumerate(zip(self.nodes, SLOTS, strict=True)):
            node.start()
            with node.client() as client:
                client.execute_command("CLUSTER", "ADDSLOTSRANGE", *slots)
                client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", index + 1)
                client.execute_command("CLUSTER", "MEET", "127.0.0.1", first.port, first.options[-3])
        self.wait_until_it_is_whole()

    def wait_until_it_is_whole(self) -> None:
        end = time.monotonic() + 30
        while not all(self._is_whole(node) for node in self.nodes):
            assert time.monotonic() < end, "the cluster does not come together"
            time.sleep(0.05)

    def _is_whole(self, node: RedisServer) -> bool:
        with node.client() as client:
            known = client.execute_command("CLUSTER", "SLOTS")
            return bool(client.cluster("INFO")["cluster_state"] == "ok" and len({str(row[2][1]) for row in known}) == 3)

    def owner(self, prefix: str = "g4f_lite") -> RedisServer:
        """Return the server that has the keys of a state."""
        with self.nodes[0].client() as client:
            slot = client.execute_command("CLUSTER", "KEYSLOT", "{" + prefix + "}")
        return next(node for node, (first, last) in zip(self.nodes, SLOTS, strict=True) if first <= slot <= last)

    def other(self, prefix: str = "g4f_lite") -> RedisServer:
        """Return a server that has not."""
        return next(node for node in self.nodes if node is not self.owner(prefix))


SLOTS = ((0, 5460), (5461, 10922), (10923, 16383))


@contextmanager
def redis_cluster() -> Iterator[RedisCluster]:
    """Start a cluster; it is killed at the end of the block."""
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        cluster = RedisCluster(Path(folder))
        try:
            cluster.start()
            yield cluster
        finally:
            for node in cluster.nodes:
                node.kill()


_shared = ExitStack()


@cache
def one_cluster() -> RedisCluster:
    """Return a cluster that all tests of this process share; each has a prefix of its own."""
    return _shared.enter_context(redis_cluster())


def end_shared() -> None:
    """End what the tests of this process have shared. Not `atexit`: processes of xdist end without it."""
    _shared.close()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
