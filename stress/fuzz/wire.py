"""Bytes of HTTP, through both clients over sockets."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hypothesis import strategies as st

from g4f_lite import AsyncClient, Client, G4FLiteError, OpenaiTemplate, ProviderTimeoutError, Timeouts
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.replies import Action, Close, Pause

from . import seeds
from .events import written
from .mutation import CUTS, as_json, cut, scratched
from .promises import KEY, check_error, check_result, require
from .running import Check

MESSAGES = [{"role": "user", "content": "Hi"}]
PATIENT, QUICK = (
    Timeouts(connect=60, first_token=60, stall=60, total=60),
    Timeouts(connect=20, first_token=0.3, stall=0.3, total=0.3),
)
"""If the server closes the connection, nothing is waited for; if it does not, as long as this."""
BUSY = re.compile(rb"HTTP/\S*\s+429")
BUSY_S = 1.0
"""The deadline of a call whose server says with each answer that it is busy: the call waits in line until then."""
HANGS_S = 30.0
MOST_CONNECTIONS = 12


class Fuzzed(OpenaiTemplate):
    """A new instance for each call, with a key of its own, so that no failure is remembered."""

    name = "fuzzed"


class Wire:
    """Both clients and the server, for many cases."""

    def __init__(self, server: FaultServer, client: Client, other: AsyncClient, runner: asyncio.Runner) -> None:
        self.server, self.client, self.other, self.runner = server, client, other, runner
        self.numbers = itertools.count()

    def check(self, sent: bytes | Sequence[bytes], how: Any, stream: bool) -> None:
        """Check a body, framed in several ways and with chunks of these sizes, or a response with its end."""
        if isinstance(sent, bytes):
            self.check_body(sent, how, stream)
        else:
            self.check_response(sent, how, stream)

    def check_body(self, body: bytes, cuts: Sequence[int], stream: bool) -> None:
        """Check that a body is the same however it is framed, cut and compressed."""
        chunked = [*map(replies.http_chunk, cut(body, cuts) if body else ()), replies.END]
        zipped = gzip.compress(body)
        framed: list[list[Action]] = [
            [replies.head(200, {"content-length": str(len(body))}) + body],
            [
                replies.head(200, {"transfer-encoding": "chunked"}),
                *(one for piece in chunked for one in (piece, Pause(0.001))),
            ],
            [replies.head(200, {"connection": "close"}), *cut(body, cuts), Close()],
            [replies.head(200, {"content-encoding": "gzip", "content-length": str(len(zipped))}), *cut(zipped, cuts)],
        ]
        seen = []
        for actions in framed:
            self.server.on("fuzzed", replies.raw(*actions))
            seen += [ask("fuzzed", stream, PATIENT) for ask in (self._sync, self._async)]
        require(len(set(seen)) == 1, "the frame of a body does not matter", seen)

    def check_response(self, pieces: Sequence[bytes], end: str, stream: bool) -> None:
        """
        Check one response.

        Args:
            pieces: arrive one after the other.
            end: what the server does then: `close`, `reset` or `keep` the connection.
        """
        actions: list[Action] = [one for piece in pieces for one in (piece, Pause(0.002))][:-1]
        actions += {"close": [Close()], "reset": [Pause(0.01), Close(reset=True)], "keep": []}[end]
        self.server.on("fuzzed", replies.raw(*actions))
        timeouts = QUICK if end == "keep" else PATIENT
        limit = {"deadline": BUSY_S, "retries": 2} if BUSY.search(b"".join(pieces)) else {}
        both = []
        for ask in (self._sync, self._async):
            begun = time.monotonic()
            both.append(ask("fuzzed", stream, timeouts, **limit))
            require(time.monotonic() - begun < HANGS_S, "no call hangs")
            good = f"good {next(self.numbers)}"
            self.server.on("good", replies.answer(good))
            for again in (False, True):
                # The server may just have closed the connection that is used again.
                seen = ask("good", again, PATIENT, retries=2)
                require(seen == ("answered", good), "the next call gets its own answer", (good, seen))
        require(self.runner.run(_others()) == 0, "no task is left")
        require(eventually(lambda: self.server.open_connections <= MOST_CONNECTIONS), "no connection is left")
        if end != "reset" and not any(kind == ProviderTimeoutError.__name__ for kind, _ in both):
            differ = f"both clients see the same: {both[0][0]}, {both[1][0]}"
            require(both[0] == both[1], differ, both)

    def _params(self, model: str, timeouts: Timeouts, **more: Any) -> dict[str, Any]:
        provider = Fuzzed(api_base=self.server.base_url, api_key=f"{KEY}{next(self.numbers)}")
        return {"messages": MESSAGES, "provider": provider, "model": model, "timeouts": timeouts, "retries": 0, **more}

    def _sync(self, model: str, stream: bool, timeouts: Timeouts, **more: Any) -> tuple[str, str]:
        said = ""
        params = self._params(model, timeouts, **more)
        try:
            if not stream:
                return self._answered(self.client.chat.completions.create(**params))
            opened = self.client.chat.completions.create(**params, stream=True)
            for chunk in opened:
                said += chunk.text
            return self._answered(opened.completion)
        except G4FLiteError as error:
            return self._failed(error, said)

    def _async(self, model: str, stream: bool, timeouts: Timeouts, **more: Any) -> tuple[str, str]:
        return self.runner.run(self._ask(model, stream, timeouts, **more))

    async def _ask(self, model: str, stream: bool, timeouts: Timeouts, **more: Any) -> tuple[str, str]:
        said = ""
        params = self._params(model, timeouts, **more)
        try:
            if not stream:
                return self._answered(await self.other.chat.completions.create(**params))
            opened = await self.other.chat.completions.create(**params, stream=True)
            async for chunk in opened:
                said += chunk.text
            return self._answered(opened.completion)
        except G4FLiteError as error:
            return self._failed(error, said)

    @staticmethod
    def _answered(result: Any) -> tuple[str, str]:
        check_result(result)
        return "answered", result.text

    @staticmethod
    def _failed(error: G4FLiteError, said: str) -> tuple[str, str]:
        check_error(error)
        return type(error).__name__, said


def eventually(condition: Callable[[], bool]) -> bool:
    """Wait until the condition is true; return False if it is not within some seconds."""
    end = time.monotonic() + 10
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()


async def _others() -> int:
    """Return how many tasks there are besides this one, once those that end have ended."""
    for _ in range(1000):
        if len(asyncio.all_tasks()) == 1:
            return 0
        await asyncio.sleep(0.005)
    return len(asyncio.all_tasks()) - 1


@contextmanager
def checking() -> Iterator[Check]:
    settings: dict[str, Any] = {"deadline": 120.0, "retry_wait": lambda state: 0.01}
    with FaultServer() as server, Client(**settings) as client, asyncio.Runner() as runner:
        other = AsyncClient(**settings)
        try:
            yield Wire(server, client, other, runner).check
        finally:
            runner.run(other.aclose())


WHOLE = as_json({"choices": [{"message": {"content": "One two"}, "finish_reason": "stop"}]})
STREAM = written("openai", [
    {"choices": [{"delta": {"content": "One "}}]}, {"choices": [{"delta": {"content": "two"}, "finish_reason": "stop"}]}, "[DONE]"
])  # fmt: skip
ERROR = as_json(seeds.ERRORS[0])
STARTS = st.sampled_from(
    (b"HTTP/1.1 200 OK", b"HTTP/1.1 200", b"HTTP/1.0 200 OK", b"HTTP/1.1 403 No", b"HTTP/1.1 429 Busy", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK",
     b"HTTP/1.1 103 Early\r\nlink: a\r\n\r\nHTTP/1.1 200 OK", b"HTTP/1.1 204 None", b"HTTP/1.1 304 Same", b"HTTP/1.1 206 Part",
     b"HTTP/1.1 307 Go", b"HTTP/1.1 500 No", b"HTTP/1.1 101 Switch", b"HTTP/2.0 200 OK", b"HTTP/1.1 099 Odd", b"HTTP/1.1 +200 OK",
     b"http/1.1 200 OK", b"ICY 200 OK", b"HTTP/1.1  200 OK", b"HTTP/1.1 200\tOK", b"\r\nHTTP/1.1 200 OK", b"HTTP/1.1 200 \xff", b"")
)  # fmt: skip
LINES = st.sampled_from(
    (b"content-type: application/json", b"content-type: text/event-stream", b"connection: close", b"connection: keep-alive",
     b"Content-Length: 5", b"content-length: 0", b"content-length: -1", b"content-length: 1_0", b"content-length: 5, 5",
     b"content-length: +5", b"content-length: 99999999999999999999", b"content-length:", b"transfer-encoding: chunked",
     b"transfer-encoding: identity", b"transfer-encoding: gzip, chunked", b"Transfer-Encoding: CHUNKED", b"transfer-encoding: xchunked",
     b"content-encoding: gzip", b"content-encoding: identity", b"content-encoding: br", b"retry-after: 900", b"location: http://127.0.0.1:1/",
     b" folded", b"no colon", b"space : a", b": a", b"a:\xff", b"a: \0", b"set-cookie: a=b", b"x: " + b"y" * 9000, b"upgrade: h2c",
     b"connection: upgrade", b"trailer: a", b"content-range: bytes 0-1/9")
)  # fmt: skip


@st.composite
def _bodies(draw: st.DrawFn) -> tuple[Any, ...]:
    body = st.sampled_from(
        (WHOLE, STREAM, STREAM + STREAM, ERROR, b"", b"<html>", b"\r\n", WHOLE + b" " * 9999, STREAM * 300)
    )
    return draw(scratched(body, 1)), draw(CUTS), draw(st.booleans())


@st.composite
def _responses(draw: st.DrawFn) -> tuple[Any, ...]:
    stream = draw(st.booleans())
    body = draw(
        st.sampled_from((STREAM, WHOLE, ERROR, b"", b"<html>"))
        if stream
        else st.sampled_from((WHOLE, ERROR, STREAM, b""))
    )
    cuts = draw(CUTS)
    framing = draw(st.sampled_from(("length", "chunked", "none")))
    lines = draw(st.lists(LINES, max_size=3))
    if framing == "length":
        lines.append(b"content-length: %d" % len(body))
    elif framing == "chunked":
        lines.append(b"transfer-encoding: chunked")
        body = b"".join(map(replies.http_chunk, cut(body, cuts) if body else [])) + replies.END
    newline = draw(st.sampled_from((b"\r\n", b"\r\n", b"\r\n", b"\n")))
    start = draw(st.one_of(st.just(b"HTTP/1.1 200 OK"), STARTS))
    whole = newline.join([start, *draw(st.permutations(lines)), b"", b""]) + body
    pieces = cut(draw(scratched(st.just(whole), 1)), draw(CUTS))
    return pieces, draw(st.sampled_from(("close", "close", "close", "close", "close", "keep", "reset"))), stream


CASES = st.one_of(_responses(), _responses(), _bodies())
SEEDS: list[tuple[Any, ...]] = [
    (WHOLE, [7, 30], False),
    (STREAM, [9, 40, 90], True),
    ([replies.head(200, {"content-length": str(len(WHOLE))}) + WHOLE], "keep", False),
    ([replies.head(200, {"transfer-encoding": "chunked"}), *map(replies.http_chunk, cut(STREAM, range(0, 9999, 50))), replies.END],
     "keep", True),
    ([replies.head(200, {}), WHOLE], "close", False),
    ([replies.head(200, {}), STREAM], "close", True),
]  # fmt: skip
