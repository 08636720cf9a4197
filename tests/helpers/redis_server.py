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
from contextlib import contextmanager
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


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
