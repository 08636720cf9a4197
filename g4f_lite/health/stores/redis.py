"""
A state in Redis, which processes of several machines share. The extra `redis` has its client.

`redis.lua` applies the commands; a batch is one script, one round trip and one step. Amounts up to 2^53 - 1 are exact
(9 million USD in nano-dollars); a larger limit counts as that.

If the server has lost its data, each process sees another generation in its next answer. It then tells what was used
before, and what of it is still in use. The server gives nothing out for 1.5 s, nor before as many processes are back
as there were, but for 6 s at most. If one does not come back, the share counts as spent that it had.

All keys have one hash tag. So one node of a cluster has them, to which the others point; the URL may name any. While
their slot is on its way to another node, the state is away: half of the keys are not the state.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from hashlib import sha1
from importlib.resources import files
from typing import Any

import msgspec

from ...errors.exceptions import ConfigurationError
from ...errors.suggestions import install_hint
from ...forks import preload_before_fork, reset_in_child
from ...value import Unpicklable
from ..shared_state import (
    Amount,
    Answer,
    BeginProbe,
    Command,
    EndProbe,
    Event,
    Look,
    Renew,
    Reservation,
    Reserve,
    Restore,
    Seen,
    Settle,
    Tell,
)
from .ledger import Used, unknown
from .redis_url import read_url
from .windows import SLIDING, window_end

CONNECT_S, COMMAND_S = 0.5, 0.25
_SLICE_S = 0.25
"""How long `wait` may go on after `close`."""
_MOST_MOVES = 4
"""Nodes of a cluster that say one after the other that another one has the keys."""
_MOST_KNOWN = 10_000
"""Of so many limits is remembered what was used, in case the server loses it."""
_WAITS = 2
"""In an answer of `redis.lua`, in the place of whether others hold what is missing."""

preload_before_fork("redis", "redis.client")


def _reservation(row: list[int]) -> Reservation:
    if row[0] == 0:
        return Reservation(tuple(row[1:]))
    return Reservation((), row[1], row[2], bool(row[3]), waits=row[3] == _WAITS)


def _without_totals(command: Command, row: Any) -> Any:
    """Return an answer without what is used and left: the server gave it before it was told what had been used."""
    if type(command) is Reserve:
        return row[: 1 if row[0] == 0 else 4]
    return [*row[:5], [], [], 0] if type(command) is Look else row


def _seen(row: list[Any]) -> Seen:
    cursor, rows, members, place, shares, *_ = row
    events = []
    for one in rows:
        try:
            events.append(msgspec.convert(one, Event))
        except msgspec.ValidationError:
            pass  # of another release, which tells more
    return Seen(cursor, tuple(events), members, place, tuple(shares))


def _nothing(row: Any) -> None:
    return None


_READ: dict[type, Callable[[Any], Answer]] = {
    Reserve: _reservation,
    BeginProbe: bool,
    Look: _seen,
    **dict.fromkeys((Settle, Renew, EndProbe, Tell, Restore), _nothing),
}


class RedisState(Unpicklable):
    """
    Limits and health in Redis. Connects when first used; threads may share it, and forked processes.

    Args:
        url: `redis://[USER:PASSWORD@]HOST:PORT/NUMBER`, `rediss://…` (TLS), or `unix:///path/to/socket?db=NUMBER`.
        prefix: of all keys; clients with the same one share their state.

    Raises:
        ConfigurationError: the URL is wrong, or the extra `redis` is not installed.
    """

    is_local = False

    def __init__(self, url: str, *, prefix: str = "g4f_lite") -> None:
        self._place, self._settings = read_url(url)
        try:
            import redis
        except ImportError:
            raise ConfigurationError(f"redis is not installed; run: {install_hint('redis')}") from None
        self._errors, self._redirected = redis.RedisError, redis.exceptions.AskError
        self._late = redis.TimeoutError, redis.BusyLoadingError
        self._prefix = "{" + prefix + "}"
        text = files(__package__).joinpath("redis.lua").read_text("utf-8")
        self._script, self._sha = text, sha1(text.encode(), usedforsecurity=False).hexdigest()
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder().decode
        self._closes = 0
        self._begin()
        reset_in_child(self)

    def __repr__(self) -> str:
        return f"RedisState({self._place!r})"

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._local = threading.local()
        self._generation = ""
        self._used: dict[tuple[str, str, str], tuple[Amount, int, int]] = {}
        """Of each limit: an amount of it, what was used of it, and when: the server's time."""
        self._kept: dict[tuple[str, str, str], int] = {}
        """What was kept free of each limit at the last look."""
        self._open: dict[str, Reserve] = {}
        """What is reserved now of limits on calls at once, which have no window in which it would be forgotten."""
        self._members = 0
        """How many processes there were at the last look, and in the minute before it."""
        self._client, self._has_moved = self._connect(self._settings), False

    def _connect(self, settings: dict[str, Any]) -> Any:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        client: Any = Redis(  # whose types differ from release to release
            **settings,
            socket_connect_timeout=CONNECT_S,
            socket_timeout=COMMAND_S,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        return client

    def execute(self, commands: Sequence[Command]) -> list[Answer]:
        for command in commands:
            if type(command) not in _READ:
                raise unknown(command)
        with self._lock:
            generation, now, rows = self._run(commands)
            if generation != self._generation:
                if self._generation:
                    self._run(self._restoring(now))
                    rows = [_without_totals(command, row) for command, row in zip(commands, rows, strict=True)]
                self._generation = generation
            answers = [_READ[type(command)](row) for command, row in zip(commands, rows, strict=True)]
            for command, row in zip(commands, rows, strict=True):
                if type(command) is Reserve:
                    self._note(command, row, now)
                elif type(command) is Settle:
                    self._open.pop(command.id, None)
                elif type(command) is Look:
                    self._members = row[7] or self._members
                    for one, total, kept in zip(command.shares, row[5], row[6], strict=False):
                        if one.window != "parallel":
                            self._used[name := (one.scope, one.unit, one.window)] = one, total, now
                            self._kept[name] = kept
        return answers

    def used(self, scope: str) -> dict[tuple[str, str], Used]:
        """
        Return what is used of the limits of a scope, by unit and window.

        Raises:
            OSError: the server cannot be reached.
        """
        with self._lock:
            _, _, (rows,) = self._run([("Used", scope)])
        return {(unit, window): Used(*amounts) for unit, window, *amounts in rows}

    def _run(self, commands: Sequence[Command | tuple[str, str]]) -> tuple[str, int, list[Any]]:
        try:
            packed = self._encode(commands)
        except (UnicodeEncodeError, OverflowError):
            packed = self._encode([_clean(msgspec.to_builtins(one)) for one in commands])
        arguments = (1, self._prefix, uuid.uuid4().hex, packed)
        for _ in range(_MOST_MOVES):
            try:
                try:
                    answer = self._client.execute_command("EVALSHA", self._sha, *arguments)
                except self._errors as error:
                    if "NOSCRIPT" not in str(error) and type(error).__name__ != "NoScriptError":
                        raise
                    answer = self._client.execute_command("EVAL", self._script, *arguments)
            except self._redirected as error:
                if type(error) is self._redirected:
                    raise TimeoutError(f"{self._place}: its slot is on its way to another node") from None
                self._go_to({"host": error.host or self._settings.get("host"), "port": error.port})
            except self._errors as error:
                if self._has_moved:  # another node may have taken over: the one of the URL knows
                    self._go_to({})
                raise self._failed(error) from None
            else:
                generation, now, rows = self._decode(answer)
                return generation, now, rows
        raise OSError(f"{self._place}: no node of the cluster has the state")

    def _go_to(self, node: dict[str, Any]) -> None:
        """Ask this node of a cluster from now on, or that of the URL: all keys are on one."""
        self._client.connection_pool.disconnect(inuse_connections=False)
        settings = {name: value for name, value in self._settings.items() if name != "unix_socket_path" or not node}
        self._client, self._has_moved = self._connect({**settings, **node}), bool(node)

    def _failed(self, error: Exception) -> OSError:
        text = str(error)
        for secret in (self._settings["password"], self._settings["username"]):
            text = text.replace(secret, "***") if secret else text
        return (TimeoutError if isinstance(error, self._late) else OSError)(f"{self._place}: {text}")

    def _note(self, command: Reserve, row: list[int], now: int) -> None:
        """Remember what is used of each limit."""
        is_granted = row[0] == 0
        numbers = row[1:] if is_granted else row[4:]
        for index, amount in enumerate(command.amounts if is_granted or numbers else ()):
            if amount.window != "parallel":
                name = (amount.scope, amount.unit, amount.window)
                if index >= len(numbers):  # granted by a server that does not know yet what is used: more than before
                    total = self._used.get(name, (amount, 0, now))[1] + amount.amount
                else:
                    total = amount.limit - numbers[index] if is_granted else numbers[index]
                self._used[name] = amount, total, now
            elif is_granted:
                self._open[command.id] = command
        while len(self._used) > _MOST_KNOWN:
            oldest = next(iter(self._used))
            self._used.pop(oldest)
            self._kept.pop(oldest, None)

    def _restoring(self, now: int) -> list[Command]:
        """Return what to tell a server that has lost its data: what is used in windows that are not over."""
        used = []
        for amount, total, at in self._used.values():
            size, count = SLIDING.get(amount.window, (0, 0))
            ends_at = at + size * (count + 1) if size else window_end(amount.window, at)
            if ends_at is None or ends_at > now:
                used.append(Amount(amount.scope, amount.unit, amount.window, amount.limit, max(0, total)))
        still_open = []
        for command in self._open.values():
            calls = tuple(amount for amount in command.amounts if amount.window == "parallel")
            still_open.append(Reserve(command.id, calls, command.lease_ms, granted=True))
        kept = tuple(self._kept.get((one.scope, one.unit, one.window), 0) for one in used)
        return [Restore(tuple(used), self._members, kept), *still_open]

    def wait(self, seconds: float) -> None:
        end, closes = time.monotonic() + seconds, self._closes
        while closes == self._closes and (left := end - time.monotonic()) > 0:
            try:
                if self._subscription().get_message(timeout=min(left, _SLICE_S)) is not None:
                    return
            except (self._errors, OSError):
                self._unsubscribe()
                time.sleep(max(0.0, min(end - time.monotonic(), _SLICE_S)))
        if closes != self._closes:
            self._unsubscribe()

    def _subscription(self) -> Any:
        """Return what this thread listens to."""
        if (found := getattr(self._local, "subscription", None)) is None:
            found = self._local.subscription = self._client.pubsub(ignore_subscribe_messages=True)
            found.subscribe(self._prefix + ":told")
        return found

    def _unsubscribe(self) -> None:
        if (found := self._local.__dict__.pop("subscription", None)) is not None:
            found.close()

    def close(self) -> None:
        """As of every state; it may be used again. A thread that waits closes its own connection."""
        self._closes += 1
        self._client.connection_pool.disconnect(inuse_connections=False)

    def after_fork(self) -> None:
        self._begin()


def _clean(value: Any) -> Any:
    """Return it with what MessagePack can carry: no half surrogate pairs, no integers of more than 64 bits."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, int):
        return max(-(1 << 63), min(value, (1 << 63) - 1))
    if isinstance(value, list | tuple):
        return [_clean(one) for one in value]
    return value
