"""
Sends to a state what its clients ask and tell, in batches; if it is away, `Fallback` answers.

Only the thread of the link that writes calls `send`; the rest may be called by any.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import Any

from msgspec import convert, to_builtins
from msgspec.structs import replace

from ..shared_state import (
    Amount,
    Answer,
    BeginProbe,
    Command,
    EndProbe,
    Look,
    Renew,
    Reservation,
    Reserve,
    Seen,
    Settle,
    SharedState,
    Tell,
)
from .fallback import COUNTS_S, Fallback, as_granted, without_grace
from .waiting import END, Ask, deliver

RETURN_S = 1.5
"""How long a process goes on by itself after the state was away for so long that it has used its part of a limit: the
others tell within a second what they have used."""
_RENEW_S = 0.5
_BATCH = 512
"""Commands of one batch: Redis serves no others meanwhile."""
_KEPT = 20_000
"""Commands that wait for a state that is away; the oldest are dropped: their reservations end as presumed."""

_ANSWERS: dict[type, type[Any]] = {Reserve: Reservation, Look: Seen}

log = logging.getLogger("g4f_lite")


class Writer:
    """What is on its way to a state."""

    def __init__(self, state: SharedState) -> None:
        self.queue: SimpleQueue[Ask] = SimpleQueue()
        self.turn = threading.Lock()
        """Of the threads that send: one follows another when a link that was closed is used again."""
        self._state = state
        self.begin(())
        self._kept: deque[tuple[float, Command]] = deque()
        """What the state is to know when it is back."""
        self._open: dict[str, tuple[Reserve, float]] = {}
        """Reservations, and when they got their lease."""
        self._renewed_at = 0.0

    def begin(self, limits: Iterable[Amount]) -> None:
        """Begin anew: no share of a limit is this process's any more. What waits is still sent."""
        self.fallback = Fallback()
        self.fallback.note(limits)
        self.away = False
        self._failures, self._alone_until = 0, 0.0
        self._local_ids: set[str] = set()
        """Reservations that the fallback knows of."""

    # Called by clients

    def instead(self, commands: Sequence[Command]) -> list[Answer] | None:
        """Return answers in the place of the state, if it is away; None to ask it."""
        if self.away or (self._alone_until and time.monotonic() < self._alone_until):
            return self.answer(commands)
        return None

    def answer(self, commands: Sequence[Command], *, asked: bool = False) -> list[Answer]:
        """Answer in the place of the state; if it was asked, it may have applied the commands, or will."""
        answers = []
        for command in commands:
            answer = self.fallback.answer(command)
            answers.append(answer)
            if not isinstance(command, Reserve) or not isinstance(answer, Reservation):
                continue
            if answer.refused_by is None:
                self._local_ids.add(command.id)
                self.queue.put(Ask((as_granted(command),)))
            elif asked:
                self.queue.put(Ask((_unused(command),)))
        return answers

    def tell(self, commands: Sequence[Command]) -> None:
        """Send these, as soon as the state is there."""
        if self._local_ids or self.away:
            self._end_locally(commands)
        self.queue.put(Ask(commands))

    def _end_locally(self, commands: Iterable[Command]) -> None:
        for command in commands:
            if isinstance(command, EndProbe):
                self.fallback.answer(command)
            elif isinstance(command, Settle) and command.id in self._local_ids:
                self._local_ids.discard(command.id)
                granted, _ = self._open.get(command.id, (None, 0.0))
                self.fallback.settle(command, granted)

    # Called by the thread that writes

    def send(self, first: Ask) -> bool:
        """Send this, and what else waits. Return False at the end."""
        asks, count = [first], len(first.commands)
        while count < _BATCH and asks[-1] is not END:
            try:
                asks.append(self.queue.get_nowait())
            except Empty:
                break
            count += len(asks[-1].commands)
        if self.away:
            looks = [ask for ask in asks if ask.is_look]
            self._keep(ask for ask in asks if not ask.is_look)
            asks = [*looks, *([END] if asks[-1] is END else [])]
            if looks and not self._send(looks):
                self._keep(looks)
            self._send_kept()
        elif not (self._send_kept() and self._send(asks)):
            self._keep(asks)
        return asks[-1:] != [END]

    def _send_kept(self) -> bool:
        """Send what has been kept for the state. Return whether it is there."""
        if self._kept and not self.away:
            self._kept = deque(_counting(self._kept))
        while self._kept and not self.away:
            part = [self._kept[index][1] for index in range(min(_BATCH, len(self._kept)))]
            if self._execute(part) is None:
                return False
            for _ in part:
                self._kept.popleft()
        return not self.away

    def _send(self, asks: Sequence[Ask]) -> bool:
        renewing = self._renewing() if any(ask.is_look for ask in asks) else []
        commands = [*renewing, *(command for ask in asks for command in ask.commands)]
        answers = self._execute(commands) if commands else []
        if answers is None:
            return False
        answered, place, now = [], len(renewing), time.monotonic()
        for ask in asks:
            ask.answers = answers[place : place + len(ask.commands)]
            place += len(ask.commands)
            waits = ask.claim()
            for command, answer in zip(ask.commands, ask.answers, strict=True):
                if isinstance(command, Reserve) and isinstance(answer, Reservation):
                    self.fallback.note(command.amounts, command.when_down)
                    if waits and answer.refused_by is None:
                        self._open[command.id] = command, now
                elif isinstance(command, Settle):
                    self._open.pop(command.id, None)
            if waits:
                answered.append(ask)
        deliver(answered, self._take_back)
        return True

    def _take_back(self, ask: Ask) -> None:
        """Undo what nobody gets the answer for."""
        undoing = Ask(undone(ask.commands))
        self._end_locally(undoing.commands)
        if self.away or not self._send([undoing]):
            self._keep([undoing])

    def _keep(self, asks: Iterable[Ask]) -> None:
        """Answer without the state, and keep what it is to know later. Events are old by then."""
        answered = []
        for ask in asks:
            if ask.done is not None or ask.future is not None:
                if ask.claim():
                    ask.answers = () if ask.is_look else self.answer(ask.commands, asked=True)
                    answered.append(ask)
                continue
            for command in ask.commands:
                if isinstance(command, Settle):
                    self._open.pop(command.id, None)
                elif isinstance(command, Reserve):
                    self._open[command.id] = command, time.monotonic()
                if not isinstance(command, Tell):
                    self._kept.append((time.monotonic(), command))
            while len(self._kept) > _KEPT:
                self.fallback.recorded((self._kept.popleft()[1],))
        deliver(answered, self._take_back)

    def _renewing(self) -> list[Command]:
        """Return commands for the reservations whose lease is half over."""
        now = time.monotonic()
        if now - self._renewed_at < _RENEW_S:
            return []
        self._renewed_at = now
        due: dict[int, list[str]] = {}
        for command, since in self._open.values():
            if (now - since) * 2000 > command.lease_ms:
                due.setdefault(command.lease_ms, []).append(command.id)
        for ids in due.values():
            for one in ids:
                self._open[one] = self._open[one][0], now
        return [Renew(tuple(ids), lease_ms) for lease_ms, ids in due.items()]

    def _execute(self, commands: Sequence[Command]) -> Sequence[Answer] | None:
        """Apply commands, if need be twice: a state knows those that it has applied. Return None if it is away."""
        commands = [without_grace(one) if isinstance(one, Reserve) else one for one in commands]
        for _ in range(1 if self.away else 2):
            try:
                answers = _checked(commands, self._state.execute(commands))
            except BaseException as error:  # a state may be the caller's own: whatever it raises, calls go on
                self._failed(error)
            else:
                self._answered()
                self.fallback.recorded(commands)
                return answers
        return None

    def _answered(self) -> None:
        if self.away:
            log.warning("the shared state is back")
            self._alone_until = time.monotonic() + RETURN_S if self.fallback.was_long else 0.0
            self.fallback.end()
        self._failures, self.away = 0, False

    def _failed(self, error: BaseException) -> None:
        self._failures += 1
        if self._failures == 2:
            log.warning("the shared state is away; each process goes on with its share of the limits: %s", error)
            under_way, is_there = [one for one, _ in list(self._open.values())], isinstance(error, TimeoutError)
            self._local_ids.update(self.fallback.begin(under_way, is_there=is_there))
            self.away = True


def _checked(commands: Sequence[Command], answers: Sequence[Any]) -> list[Answer]:
    """
    Return the answers of a state, with the types that their fields should have.

    Raises:
        TypeError, ValueError, msgspec.ValidationError: these are not answers to the commands.
    """
    found = list(answers)
    for place, (command, answer) in enumerate(zip(commands, found, strict=True)):
        if (kind := _ANSWERS.get(type(command))) is None:
            continue
        if not isinstance(answer, kind):
            raise TypeError(f"a state answers {type(command).__name__} with {type(answer).__name__}")
        sound: Any = convert(to_builtins(answer), kind, strict=False)
        found[place] = sound
        if isinstance(command, Reserve) and not command.granted:
            amounts = range(len(command.amounts))
            if sound.refused_by not in (None, *amounts) or len(sound.left) not in (0, len(amounts)):
                raise ValueError("a state answers Reserve for other amounts")
    return found


def _unused(command: Reserve) -> Settle:
    return Settle(command.id, (0,) * len(command.amounts))


def undone(commands: Iterable[Command]) -> list[Command]:
    """Return what gives back that for which nobody got the answer."""
    undoing: list[Command] = [_unused(command) for command in commands if isinstance(command, Reserve)]
    return undoing + [EndProbe(command.name, command.id) for command in commands if isinstance(command, BeginProbe)]


def _counting(kept: Iterable[tuple[float, Command]]) -> Iterator[tuple[float, Command]]:
    """
    Yield what is to be told, reservations first: nobody takes the place of a call in which another one has begun.

    What was used of a minute that is over is told as nothing: the state would count it in the present one.
    """
    old: dict[str, list[bool]] = {}
    for at, command in sorted(kept, key=lambda one: not isinstance(one[1], Reserve)):
        if isinstance(command, Reserve) and time.monotonic() - at > COUNTS_S["minute"]:
            old[command.id] = [amount.window == "minute" for amount in command.amounts]
            amounts = (replace(one, amount=0) if one.window == "minute" else one for one in command.amounts)
            yield at, replace(command, amounts=tuple(amounts))
        elif isinstance(command, Settle) and command.id in old:
            used = (0 if is_over else one for one, is_over in zip(command.used, old[command.id], strict=False))
            yield at, Settle(command.id, tuple(used))
        else:
            yield at, command
