"""
Several processes that answer on one address. gunicorn starts them, replaces those that die, and passes signals on.

Rule: no call is lost when a process is replaced. A worker that is told to end goes on answering for `drain_delay`, with
`Connection: close`, so that its callers come back to others; only then it listens no more.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.workers.base import Worker

from ..errors.exceptions import ConfigurationError
from .garbage import loaded
from .key_store import KeyStore
from .keys import new_key
from .log_lines import event_line
from .settings import Settings

if TYPE_CHECKING:
    from .server import Gateway

log = logging.getLogger("g4f_lite.gateway")

_METRICS = "PROMETHEUS_MULTIPROC_DIR"
"""The variable with the folder in which processes count together: prometheus_client reads it when it is imported."""
_BEAT_S = 1.0
"""How often a worker shows that it lives: gunicorn ends one that has not for 30 s."""
_LAST_S = 10.0
"""How much longer than its own limits a worker may take to end."""


def serve_workers(
    read: Callable[[], Settings],
    *,
    store: KeyStore,
    usage: Path,
    no_auth: bool,
    started: Callable[[str, int, str | None], None],
) -> None:
    """
    Answer with `[server] workers` processes until SIGTERM or SIGINT. At SIGHUP, others with new settings replace them.

    Args:
        read: returns the settings. The address of the first ones is kept.
        usage: the file in which they count what keys use. `[server] shared` goes before.
        no_auth: everybody is let in, from other machines too.
        started: called once they listen, with host, port, and the administrator's key if none is configured.

    Raises:
        ConfigurationError: the settings cannot work, or the address cannot be listened on.
        SystemExit: it has ended.
    """
    own = _folder()
    try:
        application = _Application(read, store, usage, no_auth=no_auth, started=started, folder=own)
    except BaseException:
        _remove(own)
        raise
    loaded()
    application.run()


def _folder() -> str | None:
    """Make the folder in which the processes count; return None if the environment names one."""
    if _METRICS in os.environ:
        return None
    try:
        os.environ[_METRICS] = tempfile.mkdtemp(prefix="g4f-lite-metrics-")
    except OSError as error:
        raise ConfigurationError(f"several workers need a folder for what they count: {error}") from None
    return os.environ[_METRICS]


def _remove(folder: str | None) -> None:
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


class _Application(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """What gunicorn runs: its settings come from ours, not from files or variables of its own."""

    def __init__(
        self,
        read: Callable[[], Settings],
        store: KeyStore,
        usage: Path,
        *,
        no_auth: bool,
        started: Callable[[str, int, str | None], None],
        folder: str | None,
    ) -> None:
        self._read, self._store, self._usage, self._no_auth = read, store, usage, no_auth
        self._started, self._folder = started, folder
        self._admin_key = new_key()
        """The same for all workers, if none is configured."""
        self._needs_key = False
        """There were keys: nobody comes in without one from now on, also if a new configuration has none."""
        self._use(read())
        self._socket = _listening(*self._settings.server.address)
        super().__init__()

    def _use(self, settings: Settings) -> None:
        """Use these settings for new workers, if they can work."""
        gateway = self._gateway(settings)
        gateway.drop()
        self._settings = settings
        self._needs_key = gateway.answering.needs_key

    def gateway(self) -> Gateway:
        """Return a gateway that has not started."""
        return self._gateway(self._settings)

    def _gateway(self, settings: Settings) -> Gateway:
        from .server import Gateway  # which imports prometheus_client

        gateway = Gateway(
            settings, store=self._store, usage=self._usage, no_auth=self._no_auth, admin_key=self._admin_key
        )
        gateway.answering.needs_key |= self._needs_key
        return gateway

    def run(self) -> None:
        _Arbiter(self).run()

    def load_config(self) -> None:
        server = self._settings.server
        options: dict[str, Any] = {
            "bind": f"fd://{os.dup(self._socket.fileno())}",
            "workers": server.workers,
            "worker_class": GatewayWorker,
            "graceful_timeout": int(server.drain_s + server.drain_timeout + _LAST_S),
            "loglevel": "warning",
            "control_socket_disable": True,  # of gunicorn from 25
            "when_ready": self._say_where,
            "logger_class": _Log,
            "post_fork": lambda arbiter, worker: worker.may_be_ended(),  # the signal is blocked until then
            "child_exit": _forget,
            "on_exit": lambda arbiter: self._ended(),
        }
        for name, value in options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def note_keys(self) -> None:
        """Remember that there are stored keys: workers to come let nobody in without one, whatever becomes of them."""
        if not (self._needs_key or self._no_auth) and self._store.changed_at():
            with suppress(ConfigurationError):  # the workers say so
                self._needs_key = bool(self._store.all())

    def reload(self) -> None:
        before = self._settings.server.store
        try:
            self._use(self._read())
            if self._settings.server.store != before:
                log.error("[server] store stays as it was until the gateway is started again")
            log.info("%s", event_line("configuration", message="it was read again; new workers have it"))
        except ConfigurationError as error:
            log.error("the configuration stays as it was: %s", error)
        self.cfg.set("workers", self._settings.server.workers)

    def load(self) -> None:
        """There is no WSGI application."""

    def _ended(self) -> None:
        _remove(self._folder)
        log.info("%s", event_line("stopped"))

    def _say_where(self, arbiter: Any) -> None:
        made = self._admin_key if self._settings.server.admin is None else None
        host, port = self._socket.getsockname()[:2]
        self._started(host, port, made)


class _Arbiter(Arbiter):  # type: ignore[misc]
    """The first process."""

    _stops = False

    def stop(self, graceful: bool = True) -> None:
        if not self._stops:
            log.info("%s", event_line("stopping", workers=len(self.WORKERS)))
        self._stops = True
        super().stop(graceful)

    def manage_workers(self) -> None:
        self.app.note_keys()
        super().manage_workers()

    def spawn_worker(self) -> Any:
        """Keep SIGTERM back while the new process has the handlers of this one, which would swallow it."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        try:
            return super().spawn_worker()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


class _Log(Logger):  # type: ignore[misc]
    """What gunicorn has to say, on the log that there is."""

    def setup(self, cfg: Any) -> None:
        self.error_log.setLevel(logging.WARNING)
        self.error_log.propagate = True


def _forget(arbiter: Any, worker: Any) -> None:
    """What a worker has counted stays; what it had under way has ended with it."""
    log.info("%s", event_line("worker_ended", worker=str(worker.pid)))
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise ConfigurationError(f"cannot listen on {host}:{port}: {error.strerror or error}") from None


class GatewayWorker(Worker):  # type: ignore[misc]  # gunicorn has no types
    """One process. It ends well at SIGTERM, SIGINT and SIGQUIT, and when gunicorn itself has died."""

    def init_signals(self) -> None:
        super().init_signals()
        self.may_be_ended()

    def may_be_ended(self) -> None:
        """Let SIGTERM end it at once while it starts: with the handlers of gunicorn, it would go on."""
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})

    def run(self) -> None:
        self.booted = False  # a worker that cannot start is not started again and again
        asyncio.run(self._answer())

    async def _answer(self) -> None:
        gateway, end = self.app.gateway(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            asyncio.get_running_loop().add_signal_handler(number, end.set)
        await gateway.start(self.sockets[0].sock)
        loaded()
        log.info("%s", event_line("worker_started", worker=str(os.getpid())))
        self.booted = True
        beat = asyncio.create_task(self._beat(end))
        await end.wait()
        await gateway.stop()
        beat.cancel()

    async def _beat(self, end: asyncio.Event) -> None:
        while True:
            self.notify()
            if os.getppid() != self.ppid:
                end.set()
            await asyncio.sleep(_BEAT_S)
