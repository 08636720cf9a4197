"""The forms of a call, each for both clients where it applies."""

from __future__ import annotations

import asyncio
import io
import tempfile
import time
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple, cast

import msgspec

import g4f_lite
from g4f_lite import AsyncClient, Limits
from g4f_lite.health.shared_state import Amount, Renew, Reserve
from g4f_lite.health.stores.memory import MemoryState
from g4f_lite.testing import replies
from g4f_lite.testing.replies import Reply

from .world import SHORT_S, Addressed, cut_after, echo


class Count(msgspec.Struct):
    count: int


class Form(NamedTuple):
    """
    One form of a call.

    Attributes:
        params: of the method; `messages` is added to a chat.
        settings: of the client.
        answers: by model or path, what the service replies, one after another.
        reads: how a stream is read: to its "end", closed in the "middle", or "dropped" there.
        prepare: changes what the client remembers before the call.
        failures: outcomes of attempts that are no fault of the interruption.
        only: the client that has this form, if it is one alone.
        over: "" for plain HTTP, else "tls" or "proxy".
        calls: how many calls it makes, at most.
        fails: the error that it ends with.
    """

    name: str
    params: dict[str, Any] = {"provider": "alpha"}
    method: str = "chat.completions.create"
    settings: dict[str, Any] = {}
    answers: dict[str, tuple[Reply, ...]] = {}
    reads: str = ""
    prepare: Callable[[Any], None] | None = None
    failures: tuple[str, ...] = ()
    only: str = ""
    over: str = ""
    calls: int = 1
    fails: str = ""

    @property
    def is_shortcut(self) -> bool:
        """Whether it is a function of the package, which has its own client."""
        return self.method in ("chat", "stream")

    @property
    def is_chat(self) -> bool:
        return self.method.startswith("chat") or self.is_shortcut

    def of(self, client: Any) -> Callable[..., Any]:
        """Return the method of a client, or the function of the package for this kind of client."""
        if self.is_shortcut:
            return cast("Callable[..., Any]", getattr(g4f_lite, "a" * isinstance(client, AsyncClient) + self.method))
        return cast("Callable[..., Any]", attrgetter(self.method)(client))


def _half_open(client: Any) -> None:
    """Let the next call be the probe of the leg."""
    health = client._calls.health
    leg = client._calls.router.select({"provider": "alpha"}, "chat").tiers[0][0]
    breaker = health._leg_state(leg.identity).breaker
    breaker.open_until = time.monotonic() - 1.0
    breaker._opened_at = breaker.open_until - 5.0


def _probed(client: Any) -> None:
    """Let another call's probe be under way for a moment."""
    _half_open(client)
    for state in client._calls.health._legs.values():
        state.breaker.begin_probe(OTHERS_PROBE, time.monotonic() - 60.0 + 4 * SHORT_S)


OTHERS_PROBE = 1 << 40


def _no_room(client: Any) -> None:
    """Let another client hold the only place for a moment."""
    client._calls.link.ask([Reserve("another", (Amount("leg/alpha", "calls", "parallel", 1, 1),), 1)])
    client._calls.link._state.execute([Renew(("another",), 3)])


class _Elsewhere(MemoryState):
    """A state behind a link, with its threads."""

    is_local = False

    def wait(self, seconds: float) -> None:
        time.sleep(SHORT_S)


def _key() -> str:
    time.sleep(SHORT_S / 2)
    return "key-of-a-function"


async def _async_key() -> str:
    await asyncio.sleep(SHORT_S / 2)
    return "key-of-a-coroutine"


class _Stream(io.BytesIO):
    """A file that is no file on a disk."""

    name = "speech.wav"


def _path() -> Path:
    file = Path(tempfile.gettempdir(), "g4f_lite-cancellation.wav")
    if not file.exists():
        file.write_bytes(_SOUND)
    return file


def weather(city: str) -> str:
    """Return the weather of a city."""
    time.sleep(SHORT_S / 2)
    return f"sunny in {city}"


async def _later(city: str) -> str:
    """Return the weather of a city."""
    await asyncio.sleep(SHORT_S / 2)
    return weather(city)


_CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}}
_CALLS = replies.answer("", tool_calls=[_CALL], finish_reason="tool_calls")
_SOUND = b"RIFF" + bytes(300_000)
_SLOW = echo(before=SHORT_S)
SPARE = {"provider": "alpha", "fallback_models": ["beta:spare"]}
_STREAM = {"provider": "alpha", "stream": True}
_HEARD = {"provider": "alpha", "model": "hears"}
_TYPED = {"provider": "alpha", "response_model": Count}
_TOOLS = {"provider": "alpha", "tools": [weather]}
_LARGE = {"provider": "alpha", "extra_body": {"padding": "x" * (1 << 21)}}
_MEDIUM = {"provider": "alpha", "extra_body": {"padding": "x" * (1 << 17)}}

_LIMITED = {"limits": {"alpha": Limits(parallel=1, tpm=10**9), "beta": Limits(parallel=1)}}

FORMS = [
    Form("whole"),
    Form("whole, slow", answers={"plain": (_SLOW,)}),
    Form("medium body", _MEDIUM),
    Form("large body", _LARGE),
    Form("stream", _STREAM, reads="end", answers={"plain": (echo(between=SHORT_S / 4),)}),
    Form("stream in one piece", _STREAM, reads="end"),
    Form("stream closed in the middle", _STREAM, reads="middle", answers={"plain": (echo(between=SHORT_S / 4),)}),
    Form("stream dropped in the middle", _STREAM, reads="dropped", answers={"plain": (echo(between=SHORT_S / 4),)}),
    Form(
        "stream, late content",
        _STREAM,
        reads="end",
        answers={"plain": (echo(before=SHORT_S, between=SHORT_S),)},
    ),
    Form(
        "stream taken over",
        {**SPARE, "stream": True, "on_interrupt": "restart"},
        reads="end",
        answers={"plain": (cut_after(2),)},
        failures=("StreamInterruptedError",),
    ),
    Form(
        "hedged",
        SPARE,
        settings={"hedge_after": SHORT_S},
        answers={"plain": (echo(before=4 * SHORT_S),), "spare": (echo(before=SHORT_S),)},
        only="async",
    ),
    Form(
        "hedged stream",
        {**SPARE, "stream": True},
        settings={"hedge_after": SHORT_S},
        answers={"plain": (echo(before=3 * SHORT_S),), "spare": (echo(before=SHORT_S),)},
        reads="end",
        only="async",
    ),
    Form(
        "hedged beside a local leg",
        {"provider": "here", "fallback_models": ["beta:spare"]},
        settings={"hedge_after": SHORT_S / 4},
        only="async",
    ),
    Form("upload of a file", {**_HEARD, "file": _path}, "audio.transcriptions.create"),
    Form("upload of a stream", {**_HEARD, "file": lambda: _Stream(_SOUND)}, "audio.transcriptions.create"),
    Form("upload of bytes", {**_HEARD, "file": lambda: _SOUND}, "audio.transcriptions.create"),
    Form("model look-up", {"provider": "nameless"}, answers={"/models": (replies.models("plain"),)}),
    Form(
        "repair",
        _TYPED,
        answers={"plain": (replies.answer('{"count": "many"}'), replies.answer('{"count": 3}'))},
        failures=("ToolCallError",),
    ),
    Form(
        "retry after a wait",
        answers={"plain": (replies.error(503, "busy", retry_after="0.003"), echo())},
        failures=("ServerError",),
    ),
    Form(
        "failover",
        SPARE,
        answers={"plain": (replies.error(404, "gone", code="model_not_found"),)},
        failures=("ModelUnavailableError",),
    ),
    Form(
        "in line",
        answers={"plain": (replies.error(429, "slow down", retry_after="0.003"), echo())},
        failures=("RateLimitError",),
    ),
    Form("limited", settings=_LIMITED),
    Form("limited stream", _STREAM, reads="middle", settings=_LIMITED),
    Form("limited stream dropped in the middle", _STREAM, reads="dropped", settings=_LIMITED),
    Form("limited, in line", settings=_LIMITED, prepare=_no_room),
    Form("limited elsewhere", settings={**_LIMITED, "state": _Elsewhere()}),
    Form("limited elsewhere, stream", _STREAM, reads="middle", settings={**_LIMITED, "state": _Elsewhere()}),
    Form("limited elsewhere, in line", settings={**_LIMITED, "state": _Elsewhere()}, prepare=_no_room),
    Form("limited failover", SPARE, settings={**_LIMITED, "patience": 0}, prepare=_no_room),
    Form(
        "limited, hedged",
        SPARE,
        settings={"limits": {"alpha": Limits(parallel=2), "beta": Limits(parallel=2)}, "hedge_after": SHORT_S},
        answers={"plain": (echo(before=4 * SHORT_S),), "spare": (echo(before=SHORT_S),)},
        only="async",
    ),
    Form("probe of several clients", settings={"state": MemoryState()}, prepare=_half_open),
    Form("probe", prepare=_half_open),
    Form("probe that streams", _STREAM, reads="end", prepare=_half_open),
    Form("waits for a probe", prepare=_probed),
    Form("key of a function", settings={"keys": {"alpha": _key}}),
    Form("key of a coroutine", settings={"keys": {"alpha": _async_key}}, only="async"),
    Form("local", {"provider": "here"}),
    Form("local stream", {"provider": "here", "stream": True}, reads="end"),
    Form("local stream closed in the middle", {"provider": "here", "stream": True}, reads="middle"),
    Form("embeddings", {"provider": "alpha", "model": "embeds", "input": "a word"}, "embeddings.create"),
    Form("models", {"provider": "alpha"}, "models.list", answers={"/models": (replies.models("plain"),)}),
    Form("tools", _TOOLS, "chat.run_tools", answers={"plain": (_CALLS, echo())}, calls=2),
    Form(
        "tools, streamed",
        {**_TOOLS, "stream": True},
        "chat.run_tools",
        answers={"plain": (_CALLS, echo(between=SHORT_S / 4))},
        reads="end",
        calls=2,
    ),
    Form(
        "tools, streamed, closed in the middle",
        {**_TOOLS, "stream": True},
        "chat.run_tools",
        answers={"plain": (_CALLS, echo(between=SHORT_S / 4))},
        reads="middle",
        calls=2,
    ),
    Form(
        "too large",
        settings={"max_response_bytes": 2000},
        answers={"plain": (replies.answer("much " * 1000),)},
        failures=("MalformedResponseError",),
        fails="MalformedResponseError",
    ),
    Form(
        "stream that is too large",
        _STREAM,
        settings={"max_response_bytes": 4000},
        reads="end",
        answers={"plain": (replies.answer("much " * 1000),)},
        failures=("StreamInterruptedError", "MalformedResponseError"),
        fails="StreamInterruptedError",
    ),
    Form("chat()", {"provider": Addressed}, "chat"),
    Form("stream()", {"provider": Addressed}, "stream", answers={"plain": (echo(between=SHORT_S / 4),)}, reads="end"),
    Form("stream() left in the middle", {"provider": Addressed}, "stream", reads="middle"),
    Form("over a proxy", over="proxy"),
    Form("stream over a proxy", _STREAM, reads="end", over="proxy"),
    Form("over TLS", over="tls"),
    Form("stream over TLS", _STREAM, reads="middle", over="tls"),
    Form("large body over TLS", _LARGE, over="tls"),
]
