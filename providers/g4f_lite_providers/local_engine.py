"""
Runs llama.cpp in-process, through xllamacpp: one engine for each file of weights.

Statements about xllamacpp were measured with 2026.10. It has no stubs, hence `import_module`.
"""

from __future__ import annotations

import atexit
import os
import tempfile
import threading
from _thread import start_new_thread
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from g4f_lite import ServerError, UnsupportedParameterError

from .local_weights import INSTALL, has_chat_template, unavailable

SLOTS = 2
"""Answers generated at the same time; further calls wait."""
_BATCH = 32
"""Tokens of a prompt read between two checks of `cancelled`; 64 and more are 10 % faster on a CPU."""
_POLL_S = 0.02
_SOCKET_PATH_LIMIT = 100  # of 104 on macOS, 108 on Linux
_SURELY_FITS = 1 << 30


class _Server(Protocol):
    """
    xllamacpp's `Server`.

    Its methods release the GIL; the constructor holds it until the weights are loaded. The callback gets one
    JSON text after another, and stops the answer by returning True; its exceptions are lost.
    """

    def handle_chat_completions(self, body: bytes, callback: Callable[[bytes], bool]) -> None: ...
    def handle_metrics(self) -> object: ...


class Engine:
    """
    Loaded weights.

    Args:
        template: Jinja chat template, for weights without one.
        context_window: tokens of prompt and answer, for each of the slots.
        threads: 0 means one for every second CPU that this process may use.

    Raises:
        ModelUnavailableError: it cannot be loaded.
    """

    def __init__(self, weights: Path, *, template: str, context_window: int, threads: int) -> None:
        self.has_own_template = has_chat_template(weights)
        try:
            xllamacpp = import_module("xllamacpp")
        except ImportError as error:
            raise unavailable(f"xllamacpp cannot be imported ({error}): {INSTALL}") from error
        params = xllamacpp.CommonParams()
        params.model.path = str(weights)
        params.verbosity = -1  # no output on stdout and stderr
        params.n_parallel, params.n_ctx = SLOTS, SLOTS * context_window
        params.n_batch = params.n_ubatch = _BATCH
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads or _half_of_the_cpus()
        params.cache_ram_mib = 0  # else up to 8 GiB of old prompts are kept
        params.n_ctx_checkpoints = 4  # as many as a growing chat needs; the default of 32 takes 100 MB
        params.warmup = False  # 0.4 s, and no gain for the first answer
        params.fit_params = weights.stat().st_size > _SURELY_FITS  # measures the memory, for 0.4 s
        if not self.has_own_template:
            params.chat_template = template
        try:
            self._server: _Server | None = _start(xllamacpp, params)
        except RuntimeError:
            raise unavailable(
                f"llama.cpp cannot load {weights}: the file is damaged or of an unknown kind, or memory is short"
            ) from None
        self._slots = threading.BoundedSemaphore(SLOTS)

    def answer(self, body: bytes, cancelled: Callable[[], bool]) -> Iterator[bytes]:
        """
        Yield llama.cpp's answer to a streaming chat request; both are JSON.

        It ends soon after `cancelled()` becomes True: within one token of the answer or 32 of the prompt.

        Raises:
            UnsupportedParameterError: llama.cpp refuses the request.
        """
        run = _Run(self, body)
        try:
            run.start()
            yield from _pieces_of(run, cancelled)
            run.stop()
        except BaseException:  # a Ctrl-C in `stop` too: an answer that nobody stops would keep its slot
            run.stop()
            raise

    def close(self) -> None:
        self._server = None  # its destructor waits for its threads


class _Job:
    """
    Work in a thread that no Ctrl-C reaches, done once or never. A caller that is interrupted can always stop it.

    Not `threading.Thread`: a KeyboardInterrupt in `join` lets Python 3.11 take the running thread for
    ended, and one in `start` can leave a lock held that the thread waits for.
    """

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._ended = False
        self._end = threading.Lock()
        self._end.acquire()
        self._claim: dict[str, str] = {}
        """Whether the work is the thread's or given up. The first `setdefault` decides, and can be repeated."""
        self.failure: Exception | None = None

    def start(self) -> None:
        """
        Raises:
            ServerError: there are too many threads.
        """
        _jobs.add(self)
        try:
            start_new_thread(self._run, ())
        except RuntimeError as error:
            self.stop()
            raise ServerError(f"no thread can be started: {error}") from error

    def _run(self) -> None:
        if self._claim.setdefault("by", "thread") != "thread":
            return
        try:
            self._work()
        except Exception as error:  # raised again in the caller's thread
            self.failure = error.with_traceback(None)  # whose frames would keep the server
        finally:
            _jobs.discard(self)
            self._ended = True
            self._end.release()

    def wait(self) -> None:
        """Return when the work has ended or is given up; a KeyboardInterrupt is raised only then."""
        interrupt: BaseException | None = None
        while not self._ended:
            try:
                self._end.acquire(timeout=_POLL_S)
            except BaseException as error:
                interrupt = interrupt or error
        if interrupt is not None:
            raise interrupt

    def stop(self) -> None:
        """Give up work that has not begun; wait for the end of other work."""
        if self._claim.setdefault("by", "caller") == "caller":
            _jobs.discard(self)
            self._ended = True
        self.wait()

    def forsake(self) -> None:
        """Stop at the end of the process."""
        self.stop()


class _Run(_Job):
    """One answer on its way: llama.cpp pushes the pieces, the caller pulls them."""

    def __init__(self, engine: Engine, body: bytes) -> None:
        super().__init__(self._answer)
        self.pieces: SimpleQueue[bytes | Exception | None] = SimpleQueue()
        self._stopped = self._forsaken = False
        self._engine, self._body = engine, body

    def _answer(self) -> None:
        try:
            while not self._engine._slots.acquire(timeout=_POLL_S):
                if self._stopped:
                    return
            try:
                if (server := self._engine._server) is None:
                    raise ServerError("this process is about to end")
                server.handle_chat_completions(self._body, self._take)
            finally:
                self._engine._slots.release()
        except (ValueError, RuntimeError) as error:  # llama.cpp's reading of the request ended so
            self.pieces.put(UnsupportedParameterError(f"llama.cpp refuses the request: {error}"))
        except Exception as error:  # raised again in the caller's thread
            self.pieces.put(error.with_traceback(None))
        finally:
            if not self._forsaken:
                self.pieces.put(None)

    def _take(self, piece: bytes) -> bool:
        self.pieces.put(piece)
        return self._stopped

    def stop(self) -> None:
        """Return when llama.cpp has let go of it."""
        self._stopped = True
        super().stop()

    def forsake(self) -> None:
        """Stop, and let the caller wait: a daemon thread, which the end of the process stops without a word."""
        self._forsaken = True
        self.stop()


def _pieces_of(run: _Run, cancelled: Callable[[], bool]) -> Iterator[bytes]:
    """
    Yield the pieces of an answer until its end, or until it is cancelled.

    A frame of its own: from Python 3.12 on, a Ctrl-C at the jump back of a loop escapes a `try` in the same frame.
    """
    while not cancelled():
        try:
            piece = run.pieces.get(timeout=_POLL_S)
        except Empty:
            continue
        if piece is None:
            return
        if isinstance(piece, Exception):
            raise piece
        yield piece


def _half_of_the_cpus() -> int:
    """
    Return how many threads compute well.

    The second CPU of a core hardly helps. Threads wait for each other at every layer, so they stand
    still where they take all CPUs and others want them too: on two busy ones, two threads took three
    times as long as one.
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2
    return max(1, usable // 2)


def _start(xllamacpp: Any, params: Any) -> _Server:
    """
    Return a running server.

    It cannot do without an address to listen on. It gets a socket in a folder for our eyes only,
    which is gone when this returns; where that is impossible, a free port of the loopback and a
    key that nobody knows.
    """
    global _started
    params.n_threads_http = 1
    params.ui = params.endpoint_slots = False
    params.endpoint_metrics = True  # without it, `handle_metrics` does not ask the loop
    params.api_keys = [os.urandom(32).hex()]
    with tempfile.TemporaryDirectory(prefix="g4f_lite-") as folder:
        socket = str(Path(folder, "llama.sock"))
        params.hostnames = [socket] if os.name == "posix" and len(socket) < _SOCKET_PATH_LIMIT else ["127.0.0.1"]
        server: _Server = xllamacpp.Server(params)
    # `Server()` returns before its loop begins (`init` in server.cpp), and a loop that begins after the destructor has
    # told it to end runs for ever, with the destructor waiting for it. The loop itself tells the metrics, in 0.3 ms.
    server.handle_metrics()
    _started = True
    if _orphaned:
        _keep_for_ever(server)
    return server


# -- one for the process ---------------------------------------------------------------------

_engines: dict[tuple[Path, int, int], Engine] = {}
_jobs: set[_Job] = set()
_lock = threading.Lock()
_started = False
_orphaned = False
"""This process was forked from one with engines: native threads that the library waits for are not there."""


def engine_for(weights: Path, *, template: str, context_window: int, threads: int) -> Engine:
    """
    Return the engine for these weights; the first call loads them and holds up all threads meanwhile.

    Raises:
        ModelUnavailableError: they cannot be loaded.
    """
    key = (weights, context_window, threads)

    def load() -> None:
        with _lock:
            if key not in _engines:
                _engines[key] = Engine(weights, template=template, context_window=context_window, threads=threads)

    if key not in _engines:
        # Here, not in the job: a Ctrl-C within an import can leave Python's import lock with this thread for ever.
        with suppress(ImportError):  # told by Engine
            import_module("xllamacpp")
        job = _Job(load)
        try:
            job.start()
            job.wait()
        except BaseException:  # Ctrl-C: half of a server cannot be taken down, its destructor would wait for ever
            job.stop()
            raise
        if job.failure is not None:
            raise job.failure
    return _engines[key]


def _stop_all() -> None:
    """
    Without this, a daemon thread that llama.cpp calls back would abort the process at its end.

    It takes a token's time, or the rest of loading, and no Ctrl-C breaks it off.
    """
    stopped = False
    while not stopped:
        try:
            for job in tuple(_jobs):
                job.forsake()
            for engine in tuple(_engines.values()):
                engine.close()
            stopped = True
        except KeyboardInterrupt:
            continue


def _forget_all() -> None:
    """
    In a forked child: the parent's engines have no threads here, so destroying them would wait for ever.

    Nor may the library's own clean-up run when the child exits, which waits for its logging thread.
    """
    global _lock, _orphaned
    _lock = threading.Lock()
    for engine in _engines.values():
        _keep_for_ever(engine._server)
    _engines.clear()
    _jobs.clear()
    if _started and not _orphaned:
        _orphaned = True
        from ctypes import CDLL

        libc = CDLL(None)
        if hasattr(libc, "on_exit"):  # glibc
            libc.on_exit(libc._exit, None)  # with the exit status, after Python has finished


def _keep_for_ever(server: object) -> None:
    from ctypes import py_object, pythonapi

    pythonapi.Py_IncRef(py_object(server))


atexit.register(_stop_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
