"""
The way from a client to a state that does I/O: a call waits for its answer, but never long, and never fails for it.

One thread writes: all that is asked and told meanwhile goes out as one batch. Another one listens: it looks for events
when the state says that there are some, and once a second anyway. After two failures in a row the state is *away*:
`Fallback` answers at once, and only the look of each second tries the state. What was granted and settled meanwhile is
sent when it is back. Each look says what the state is to keep free for this process, so that it has a share to give out
while the state is away.
"""

from __future__ import annotations

import asyncio
import atexit
import sys
import threading
import uuid
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from math import inf

from ...forks import reset_in_child
from ...value import Unpicklable
from ..abandoned import abandoned_streams
from ..shared_state import Amount, Answer, Command, Event, Look, Seen, SharedState
from .waiting import END, Ask, for_thread
from .writer import Writer, undone

ANSWER_S = 0.25
"""The longest wait for an answer."""
LOOK_S = 0.9
"""The longest time between two looks, so that events are known within 1 s."""
_PAUSE_S = 0.02
_THREADS = 2
_WRITER = "g4f_lite state writer"
_LAST = 1 << 52
"""The number of a look after which no other counts."""

Listener = Callable[[Event], object]


class StateLink(Unpicklable):
    """
    A state as its clients use it. Threads and event loops may share it; a fork gives the child a new one.

    Args:
        state: where the limits and events are kept.
        owned: whether `close` closes the state.
    """

    def __init__(self, state: SharedState, *, owned: bool = False) -> None:
        self._state, self._owned = state, owned
        self._listeners: list[Callable[[], Listener | None]] = []
        self._limits: tuple[Amount, ...] = ()
        self._is_closed = False
        self.after_fork()
        reset_in_child(self)
        _links.add(self)

    def after_fork(self) -> None:
        self._start_lock = threading.RLock()  # a finalizer may tell something within `_start`
        self._is_starting = False
        self._writer = Writer(self._state)
        self._begin()

    def _begin(self) -> None:
        self._writer.begin(self._limits)
        self._threads: list[threading.Thread] = []
        self._closed = threading.Event()
        self._cursor, self._member, self._looks = 0, uuid.uuid4().hex, 0

    @property
    def away(self) -> bool:
        """Whether the state does not answer."""
        return self._writer.away

    def ask(self, commands: Sequence[Command], within: float = inf) -> Sequence[Answer]:
        """Return the answers, after at most `ANSWER_S` seconds, or `within`."""
        self._start()
        if (answers := self._writer.instead(commands)) is not None:
            return answers
        ask, done = for_thread(commands)
        self._writer.queue.put(ask)
        try:
            if not done.acquire(timeout=min(ANSWER_S, within)):
                if ask.claim():
                    return self._answer(commands)
                done.acquire()  # the answers are about to come
        except BaseException:
            self._give_back(ask)
            raise
        return ask.answers

    async def ask_async(self, commands: Sequence[Command], within: float = inf) -> Sequence[Answer]:
        """As `ask`, for a task of any event loop."""
        self._start()
        if (answers := self._writer.instead(commands)) is not None:
            return answers
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Sequence[Answer]] = loop.create_future()
        ask = Ask(commands, future=future)
        timer = loop.call_later(min(ANSWER_S, within), self._give_up, ask, future)
        self._writer.queue.put(ask)
        try:
            return await future
        except BaseException:
            self._give_back(ask)
            raise
        finally:
            timer.cancel()

    def _give_up(self, ask: Ask, future: asyncio.Future[Sequence[Answer]]) -> None:
        if not future.done() and ask.claim():
            future.set_result(self._answer(ask.commands))

    def _answer(self, commands: Sequence[Command]) -> Sequence[Answer]:
        """Answer in the place of the state, which was asked."""
        answers = self._writer.answer(commands, asked=True)
        self._ensure_sent()
        return answers

    def _give_back(self, ask: Ask) -> None:
        ask.claim()
        self.tell(*undone(ask.commands))

    def tell(self, *commands: Command) -> None:
        """Let the state know, as soon as it can. Does not wait; may be called by a finalizer."""
        self._writer.tell(commands)
        self._ensure_sent()

    def _ensure_sent(self) -> None:
        """Have sent what was put, also by a call that ends after its client was closed."""
        if not self._is_closed:
            self._start()
            return
        then = self._state.close if self._owned else None
        thread = threading.Thread(target=_write_rest, args=(self._writer, then), name=_WRITER, daemon=True)
        with suppress(RuntimeError):  # the system or its user has too many
            thread.start()

    def listen(self, callback: Listener, limits: Sequence[Amount] = ()) -> None:
        """Call this with each event that is told, from another thread, as long as it lives: of a method, its object."""
        self._limits += tuple(limits)
        self._writer.fallback.note(limits)
        bound = hasattr(callback, "__self__")
        self._listeners.append(weakref.WeakMethod(callback) if bound else weakref.ref(callback))
        self._start()

    def leave(self) -> None:
        """Tell the state that this process ends, and wait until it knows all, for at most `ANSWER_S` seconds."""
        if self._threads and not self._writer.away:
            self.ask((self._last_look(),))

    def _last_look(self) -> Look:
        """Return the look that gives back all shares."""
        return Look(self._cursor, self._member, (), _LAST)

    def close(self) -> None:
        """Send what waits, for at most `ANSWER_S` seconds, and end the threads. It may be used again."""
        with self._start_lock:
            threads, last = self._threads, self._last_look()
            self._is_closed = True  # before the end is put: what is put behind it, another thread sends
            self._closed.set()
            if threads:
                self._writer.queue.put(Ask((last,)))
                self._writer.queue.put(END)
            self._begin()
        if threads and threading.current_thread() not in threads:
            threads[0].join(ANSWER_S)
        if self._owned:
            self._state.close()

    def _start(self) -> None:
        """Start the threads that do not run. Without them, calls are answered as if the state were away."""
        if len(self._threads) == _THREADS:
            return
        with self._start_lock:
            if self._is_starting:
                return
            self._is_starting, self._is_closed = True, False
            try:
                self._start_missing()
            except RuntimeError:  # the system or its user has too many threads
                pass
            finally:
                self._is_starting = False

    def _start_missing(self) -> None:
        listens_to = weakref.ref(self), self._state, self._closed
        threads = [
            threading.Thread(target=_write, args=(self._writer,), name=_WRITER, daemon=True),
            threading.Thread(target=_listen, args=listens_to, name="g4f_lite state listener", daemon=True),
        ]
        for thread in threads[len(self._threads) :]:
            thread.start()
            if not self._threads:
                weakref.finalize(self, self._writer.queue.put, END).atexit = False
                if (util := sys.modules.get("multiprocessing.util")) is not None:  # its children run no `atexit`
                    util.Finalize(None, _leave_all, exitpriority=0)
            self._threads.append(thread)

    def _look(self, *, again: bool = True) -> None:
        fallback = self._writer.fallback  # `close` makes another one
        shares = fallback.shares()
        self._looks += 1
        ask, done = for_thread((Look(self._cursor, self._member, shares, self._looks),), is_look=True)
        self._writer.queue.put(ask)
        if not done.acquire(timeout=4 * LOOK_S) or not ask.answers:
            return
        (seen,) = ask.answers
        assert isinstance(seen, Seen)
        self._cursor = seen.cursor
        if fallback.saw(seen, shares) and again:
            self._look(again=False)
        for event in seen.events:
            for callback in self._callbacks():
                with suppress(BaseException):  # of one that another version has told
                    callback(event)

    def _callbacks(self) -> Iterator[Listener]:
        for reference in list(self._listeners):
            if (callback := reference()) is None:
                self._listeners.remove(reference)
            else:
                yield callback


def _write(writer: Writer) -> None:
    """Send until the end, which is behind all that was told, although the link may be gone by then."""
    with writer.turn:
        while writer.send(writer.queue.get()):
            pass


def _write_rest(writer: Writer, then: Callable[[], None] | None) -> None:
    """Send what nobody else does, once the thread that was told to end has ended."""
    with writer.turn:
        while not writer.queue.empty():
            if not writer.send(writer.queue.get()):
                writer.queue.put(END)  # of another thread, which waits for its turn
                break
    if then is not None:
        then()


def _listen(link_of: Callable[[], StateLink | None], state: SharedState, closed: threading.Event) -> None:
    while not closed.is_set() and (link := link_of()) is not None:
        with suppress(BaseException):  # of a plugin that observes
            abandoned_streams.close_all()  # this process may make no other call, and others wait for what they hold
        link._look()
        is_away = link._writer.away
        del link
        try:
            if is_away or closed.is_set():  # the state may take longer to wait than it was asked to
                closed.wait(LOOK_S)
            else:
                state.wait(LOOK_S)
        except BaseException:  # a state may be the caller's own: whatever it raises, the next look is due then
            closed.wait(LOOK_S)
        closed.wait(_PAUSE_S)


_links: weakref.WeakSet[StateLink] = weakref.WeakSet()


def _leave_all() -> None:
    for link in list(_links):
        link.leave()


atexit.register(_leave_all)
