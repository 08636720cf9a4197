"""
Thousands of calls against servers that lie, break off and reset: was any answer wrong, is anything left behind?

    python -m stress.soak 20000 [seed]

Both clients, streaming and not, from threads, tasks, loop after loop and forked children, all at once. The
servers are a process of their own, so that the memory, the files and the threads of this one are the clients'
alone. Every piece of text carries the number of the call that it answers, and the servers tell at the end
which answers they have sent whole.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import gzip
import json
import logging
import os
import pickle
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
import warnings
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock
from zlib import crc32

from g4f_lite import (
    AsyncClient,
    ChatCompletion,
    ChatCompletionChunk,
    ChatRequest,
    Choice,
    ChunkChoice,
    Client,
    Delta,
    G4FLiteError,
    LocalProvider,
    Message,
    OpenaiTemplate,
    RoutesExhaustedError,
    Timeouts,
    hookimpl,
    keys,
)
from g4f_lite.routing import breaker, health, strategies
from g4f_lite.testing import FaultServer, Received, replies
from g4f_lite.testing.replies import Action, Close, Pause, Reply, head, http_chunk

SECRET = "soak-secret"
"""Each key begins with it."""
JSON, SSE = {"content-type": "application/json"}, {"content-type": "text/event-stream"}
CHUNKED = {"transfer-encoding": "chunked"}
MEMORY_NOISE = 10_000
"""Blocks: what is remembered of 256 legs in each of three clients is longer or shorter."""
LONGEST_S = 300.0
"""A part that takes longer hangs."""


# -- the servers ---------------------------------------------------------------------------


class Script:
    """Chooses each reply by chance, from the same seed the same, and notes which answers it has sent whole."""

    def __init__(self, seed: int) -> None:
        self.whole: dict[int, int] = {}
        """The checksum of the text, by the number that is in it."""
        self._seed = seed
        self._serials = count(1)
        self._tries: Counter[str] = Counter()

    def __call__(self, request: Received) -> Iterator[Action]:
        if "messages" not in request.json:  # its caller gave up while sending it
            yield Close()
            return
        messages = request.json["messages"]
        nonce = messages[0]["content"]
        self._tries[nonce] += 1
        chance = random.Random(f"{self._seed} {nonce} {self._tries[nonce]}")
        if chance.random() < 0.25:
            key = request.headers.get("authorization", "").removeprefix("Bearer ")
            # What many calls share rests for a moment only, or soon all would rest.
            moment = {"retry_after": "0.02"}
            leg_rests = moment if request.model.startswith("shared") else {}
            key_rests = {} if "tenant" in key else moment
            yield from chance.choice(faults(chance, key, leg_rests, key_rests))(request)
            return
        serial = next(self._serials)
        words = [f"{nonce}.{serial}.{number} " for number in range(chance.choice((1, 2, 3, 5, 8, 40)))]
        continued = messages[-1]["content"] if messages[-1]["role"] == "assistant" else ""
        answer = self._stream if request.stream and chance.random() < 0.95 else self._answer
        self.whole[serial] = crc32((continued + "".join(words)).encode())
        yield from answer(request, words, chance)

    @staticmethod
    def _answer(request: Received, words: list[str], chance: random.Random) -> Iterator[Action]:
        content = json.dumps(replies.completion(request, "".join(words))).encode()
        if chance.random() < 0.1:
            zipped = gzip.compress(content)
            yield head(200, {**JSON, "content-encoding": "gzip", "content-length": str(len(zipped))}) + zipped
            return
        start = head(200, {**JSON, "content-length": str(len(content))})
        if chance.random() < 0.2:
            start = head(200, JSON | CHUNKED)
            content = b"".join(map(http_chunk, cut_anywhere(content, 4, chance))) + replies.END
        if chance.random() < 0.2:
            yield from (start, content[:20], Pause(0.005), content[20:])
        else:
            yield start + content
        if chance.random() < 0.1:
            yield Close()

    @staticmethod
    def _stream(request: Received, words: list[str], chance: random.Random) -> Iterator[Action]:
        events = [replies.sse(event) for event in replies.events(request, words)]
        if chance.random() < 0.2:
            events.insert(chance.randrange(len(events)), b": keep-alive\r\n\r\n")
        if chance.random() < 0.05:
            events.insert(chance.randrange(len(events)), replies.sse("{broken"))
        if (how := chance.random()) < 0.3:
            events = [b"".join(events)]
        elif how < 0.6:
            events = cut_anywhere(b"".join(events), 6, chance)
        slow = chance.random() < 0.15
        yield head(200, SSE | CHUNKED)
        for event in events:
            yield http_chunk(event)
            if slow and chance.random() < 0.3:
                yield Pause(chance.random() * 0.01)
        done = http_chunk(replies.sse("[DONE]"))
        endings: list[list[Action]] = [
            [replies.END],
            [done, Pause(0.02), replies.END],
            [done, Close()],
            [done, Close(reset=True)],
            [Close()],
        ]
        yield from chance.choice(endings) if chance.random() < 0.2 else [done + replies.END]


def cut_anywhere(content: bytes, pieces: int, chance: random.Random) -> list[bytes]:
    at = sorted(chance.randrange(1, len(content)) for _ in range(pieces - 1))
    return [piece for i, j in zip([0, *at], [*at, None], strict=True) if (piece := content[i:j])]


def faults(chance: random.Random, key: str, leg_rests: dict[str, str], key_rests: dict[str, str]) -> list[Reply]:
    """Return what may go wrong; the services that quote the key are real."""
    told = "." * chance.randrange(300) + f" Something is wrong with the call by {key}."
    refused = "." * chance.randrange(300) + f" Incorrect API key provided: {key}."
    error = replies.error
    broken = replies.sse({"error": {"message": told, "type": "server_error", "code": None}})

    def broken_stream(request: Received) -> Iterable[Action]:
        begun = [*replies.events(request, partial(request, chance), None)]
        return replies.stream([*begun, broken, "[DONE]"])(request)

    def cut(how: str) -> Reply:
        def reply(request: Received) -> Iterator[Action]:
            if not request.stream:
                yield from replies.cut(how=how)(request)
                return
            yield head(200, SSE | CHUNKED)
            for event in replies.events(request, partial(request, chance), None):
                yield http_chunk(replies.sse(event))
            yield Pause(0.005)
            yield replies.END if how == "end" else Close(reset=how == "reset")

        return reply

    often = [
        error(500, told),
        error(503, "overloaded", retry_after="0.01"),
        error(529, "overloaded", type="overloaded_error"),
        error(429, "slow down", retry_after="0.01"),
        error(429, "slow down", **leg_rests),
        error(400, told, code="context_length_exceeded"),
        error(400, "no call", code="tool_use_failed"),
        replies.body(b'{"error": {"message": "no"}}'),
        replies.body(b""),
        replies.body(b'{"choices": []}'),
        replies.body(told.encode(), content_type="text/plain"),
        replies.body(told.encode(), 502, content_type="text/plain"),
        replies.answer(""),
        replies.html(),
        replies.garbage(),
        replies.reset(),
        replies.reset("headers"),
        replies.reset("body"),
        replies.wrong_length(),
        replies.gzipped(broken=True),
        replies.raw(Pause(0.02), Close()),
        *map(cut, ("end", "close", "reset") * 2),
        *(broken_stream,) * 3,
    ]
    rare = [
        error(401, refused, code="invalid_api_key", **key_rests),
        error(402, told, **key_rests),
        error(403, "not for you", **leg_rests),
        error(404, told, code="model_not_found", **leg_rests),
        error(429, "slow down", **({"retry_after": "99"} | leg_rests)),
        error(400, refused, **key_rests),
        error(400, "no", code="content_policy_violation"),
        error(400, f"`seed` is not supported, {key}"),
        error(413, told),
        replies.redirect(f"http://{key}@elsewhere.invalid/{key}?key={key}"),
    ]
    return often * 2 + rare


def partial(request: Received, chance: random.Random) -> list[str]:
    nonce = request.json["messages"][0]["content"]
    return [f"{nonce}.0.{number} " for number in range(chance.randrange(6))]


def serve(seed: int) -> None:
    """Run two servers; obey the lines `open` and `end` on the standard input."""
    script = Script(seed)
    bugs: list[str] = []
    threading.excepthook = lambda hook: bugs.append("".join(traceback.format_exception(hook.exc_value)))
    with FaultServer() as one, FaultServer() as two:
        both = (one.script(script), two.script(script))
        print(json.dumps([server.base_url for server in both]), flush=True)
        while sys.stdin.readline().strip() == "open":
            print(sum(server.open_connections for server in both), flush=True)
    print(json.dumps([script.whole, bugs]), flush=True)


class Servers:
    """Those servers, seen from the other process."""

    def __init__(self, seed: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, "serve", str(seed)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.base_urls: list[str] = json.loads(self._tell(""))

    def _tell(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line)
        self._process.stdin.flush()
        return self._process.stdout.readline()

    @property
    def open_connections(self) -> int:
        return int(self._tell("open\n"))

    def end(self) -> tuple[dict[int, int], list[str]]:
        """Return the answers that were sent whole, as in `Script`, and bugs of the script."""
        whole, bugs = json.loads(self._tell("end\n"))
        self._process.wait(30)
        return {int(serial): checksum for serial, checksum in whole.items()}, bugs

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._process.kill()
        self._process.wait(30)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


# -- the providers, and an observer --------------------------------------------------------


class Alpha(OpenaiTemplate):
    name = "alpha"
    default_model = "shared"


class Beta(Alpha):
    name = "beta"


class Gamma(Alpha):
    name = "gamma"
    capabilities = Alpha.capabilities | {"prefill"}


class Tenant(Alpha):
    """Made anew for each call, with a key of its own."""

    name = "tenant"


class Down(Alpha):
    name = "down"


class Here(LocalProvider):
    """Answers in process; fails now and then."""

    name = "here"
    default_model = "here"

    @staticmethod
    def words(nonce: str) -> list[str]:
        return [f"{nonce}.0.{number} " for number in range(5)]

    def complete(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> ChatCompletion:
        nonce = request.messages[0]["content"]
        if int(nonce) % 5 == 0:
            raise ValueError("a bug of the provider")
        time.sleep(0.002)
        message = Message(content="".join(self.words(nonce)))
        return ChatCompletion(choices=(Choice(message=message, finish_reason="stop"),))

    def stream(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
        nonce = request.messages[0]["content"]
        for number, word in enumerate(self.words(nonce)):
            if cancelled() or (number == 3 and int(nonce) % 5 == 0):
                raise ValueError("stopped, or a bug of the provider")
            time.sleep(0.001)
            yield ChatCompletionChunk(choices=(ChunkChoice(delta=Delta(content=word)),))
        yield ChatCompletionChunk(choices=(ChunkChoice(finish_reason="stop"),))


class Observer:
    """The plugin that brings the providers; it counts what begins and what ends."""

    def __init__(self) -> None:
        self.begun, self.ended, self.calls = count(), count(), count()

    @hookimpl
    def register_providers(self, register: Callable[[type[OpenaiTemplate]], None]) -> None:
        for provider in (Alpha, Beta, Gamma, Down):
            register(provider)

    @hookimpl
    def attempt_started(self, attempt: Any) -> None:
        next(self.begun)

    @hookimpl
    def attempt_finished(self, attempt: Any) -> None:
        next(self.ended)

    @hookimpl
    def call_finished(self, trail: Any) -> None:
        next(self.calls)


# -- what is asked, and what is made of the answers ----------------------------------------


class Ask(NamedTuple):
    """One call: its arguments, and how its caller behaves."""

    nonce: int
    how: str
    at: int
    """Leaves a stream after so many chunks."""
    within: float
    """Seconds after which the caller gives up."""
    params: dict[str, Any]


HOWS = ("whole",) * 8 + ("stream",) * 8 + ("close", "with", "drop", "unread", "forgotten", "cancel", "time out")


def ask(seed: int, nonce: int) -> Ask:
    chance = random.Random(f"{seed} {nonce}")
    alone, shared = f"alone-{nonce}", f"shared-{chance.randrange(3)}"
    ways: list[dict[str, Any]] = [
        {"provider": "alpha", "model": shared, "fallback_models": [f"beta:{shared}", f"gamma:{alone}"]},
        {"provider": "gamma", "model": shared, "fallback_models": [f"alpha:{alone}"]},
        {"provider": ["beta", "alpha"], "model": alone, "fallback_models": [f"gamma:{alone}"]},
        {"provider": "alpha", "model": alone, "fallback_models": []},
        {"provider": Tenant(api_key=f"{SECRET}-of-tenant-{nonce}"), "fallback_models": [f"beta:{alone}"]},
    ]
    rare_ways: list[dict[str, Any]] = [
        {"provider": "down", "fallback_models": [f"beta:{alone}"]},
        {"provider": Here(), "fallback_models": [f"beta:{alone}"]},
    ]
    params = chance.choice(ways * 6 + rare_ways)
    params["messages"] = [{"role": "user", "content": str(nonce)}]
    params["strategy"] = chance.choice(("order", "round_robin", "fastest", "least_busy", "weighted"))
    params["on_interrupt"] = chance.choice(("raise", "restart", "continue"))
    if chance.random() < 0.01:
        params["timeout"] = 0.02
    if chance.random() < 0.01:
        params["timeouts"] = Timeouts(first_token=0.01, stall=0.01, total=0.01)
    how = chance.choice(HOWS)
    params["stream"] = how not in ("whole", "cancel", "time out") or (chance.random() < 0.5 and how != "whole")
    return Ask(nonce, how, chance.randrange(6), chance.random() * 0.02, params)


class Ledger:
    """How the calls have ended, in memory that does not grow; and all that was wrong."""

    def __init__(self, calls: int) -> None:
        self.answers = array("Q", bytes(8 * calls))
        """For each call the serial and the checksum of its answer."""
        self.ends: Counter[str] = Counter()
        self.problems: list[str] = []
        self._lock = threading.Lock()

    def problem(self, text: str) -> None:
        if len(self.problems) < 50:
            self.problems.append(text)

    def ended(self, how: str) -> None:
        with self._lock:
            self.ends[how] += 1

    def hear(self, asked: Ask, said: str, chunk: ChatCompletionChunk) -> str:
        """Return what a stream has said; at a restart it begins anew."""
        if chunk.restarted:
            self.own(asked, said)
            said = ""
        return said + chunk.text

    def own(self, asked: Ask, text: str) -> None:
        """Check that a text belongs to this call."""
        if not all(word.startswith(f"{asked.nonce}.") for word in text.split()):
            self.problem(f"call {asked.nonce} was answered with {text!r}")

    def answered(self, asked: Ask, reply: ChatCompletion, said: str | None = None) -> None:
        self.own(asked, reply.text)
        if said is not None and said != reply.text:
            self.problem(f"call {asked.nonce} has said {said!r}, but its completion is {reply.text!r}")
        outcomes = [attempt.outcome for attempt in reply.attempts]
        if not reply.text or reply.choices[0].finish_reason != "stop" or "ok" not in outcomes:
            self.problem(f"call {asked.nonce} took for an answer: {reply!r} after {outcomes}")
            return
        if reply.provider == "here":
            if reply.text != "".join(Here.words(str(asked.nonce))):
                self.problem(f"call {asked.nonce} was answered in part: {reply.text!r}")
        else:
            serial = int(reply.text.split()[-1].split(".")[1])
            self.answers[asked.nonce] = serial << 32 | crc32(reply.text.encode())
        if asked.nonce % 8 == 0:
            self._check_pickle(asked, reply, reply)
        self.ended("answered")

    def failed(self, asked: Ask, error: BaseException) -> None:
        if not isinstance(error, G4FLiteError):
            self.problem(f"call {asked.nonce} raised\n{''.join(traceback.format_exception(error))[-3000:]}")
            return
        for one in error.exceptions if isinstance(error, RoutesExhaustedError) else (error,):
            self.own(asked, getattr(one, "partial_text", ""))
        shown = "".join([repr(error), str(error), str(error.trail), *traceback.format_exception(error)])
        if SECRET in shown:
            self.problem(f"call {asked.nonce} shows its key: …{shown[max(0, shown.index(SECRET) - 300) :][:400]}")
        self._check_pickle(asked, error, error)
        self.ended("failed")

    def _check_pickle(self, asked: Ask, value: object, traced: Any) -> None:
        pickled = pickle.dumps(value)
        if SECRET.encode() in pickled:
            self.problem(f"call {asked.nonce}: a key in the pickle of {value!r}")
        if (copy := pickle.loads(pickled)).trail != traced.trail or str(copy) != str(value):
            self.problem(f"call {asked.nonce}: another comes out of the pickle of {value!r}")

    def verify(self, whole: dict[int, int]) -> None:
        """Compare the answers with those that the servers have sent whole."""
        for nonce, answer in enumerate(self.answers):
            if answer and whole.get(answer >> 32) != answer & 0xFFFFFFFF:
                self.problem(f"call {nonce} took for whole an answer that was not")

    def add(self, other: tuple[list[tuple[int, int]], Counter[str], list[str]]) -> None:
        """Take in what a child reports."""
        answers, ends, problems = other
        for nonce, answer in answers:
            self.answers[nonce] = answer
        with self._lock:
            self.ends += ends
        for problem in problems:
            self.problem(f"in a child: {problem}")

    def report(self) -> tuple[list[tuple[int, int]], Counter[str], list[str]]:
        return [(nonce, answer) for nonce, answer in enumerate(self.answers) if answer], self.ends, self.problems


# -- the callers ---------------------------------------------------------------------------


class Soak:
    def __init__(self, calls: int, seed: int, base_urls: list[str], refused: str) -> None:
        self.seed = seed
        self.ledger = Ledger(calls)
        self.observers = [Observer(), Observer(), Observer()]
        settings: Any = {
            "base_urls": dict(
                zip(("alpha", "beta", "gamma", "tenant", "down"), [*base_urls * 2, refused], strict=True)
            ),
            "keys": {
                "alpha": [f"{SECRET}-of-alpha-{number}" for number in (1, 2)],
                **{name: f"{SECRET}-of-{name}" for name in ("beta", "gamma", "down")},
            },
            "retry_wait": lambda state: 0.001,
            "deadline": 20.0,
        }
        self.client = Client(plugins=[self.observers[0]], **settings)
        self.async_client = AsyncClient(plugins=[self.observers[1]], **settings)
        self.hedging = AsyncClient(plugins=[self.observers[2]], hedge_after=0.005, **settings)

    @property
    def clients(self) -> tuple[Client, AsyncClient, AsyncClient]:
        return self.client, self.async_client, self.hedging

    def run(self, nonces: range) -> None:
        """Make these calls in all ways at once."""
        third = len(nonces) // 20
        forked, threaded, looped = nonces[:third], nonces[third : third * 9], nonces[third * 9 :]
        pending = iter(threaded)
        half = len(looped) // 2
        workers = [
            *(lambda: self._in_thread(pending) for _ in range(4)),
            lambda: self._in_loops(looped[:half]),
            lambda: self._in_loops(looped[half:]),
        ]
        threads = [threading.Thread(target=self._guarded, args=(work,), daemon=True) for work in workers]
        for thread in threads:
            thread.start()
        for start in range(0, len(forked), 25):
            self._in_child(forked[start : start + 25])
            time.sleep(0.05)
        for thread in threads:
            thread.join(LONGEST_S)
            if thread.is_alive():
                faulthandler.dump_traceback(file=sys.__stderr__)
                self.ledger.problem("a thread hangs")

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException:
            self.ledger.problem(traceback.format_exc())

    # -- threads ---------------------------------------------------------------------------

    def _in_thread(self, pending: Iterator[int]) -> None:
        for nonce in pending:
            asked = ask(self.seed, nonce)
            try:
                self._call(asked)
            except BaseException as error:
                self.ledger.failed(asked, error)

    def _call(self, asked: Ask) -> None:
        answer: Any = self.client.chat.completions.create(**asked.params)
        if not asked.params["stream"]:
            self.ledger.answered(asked, answer)
            return
        if asked.how == "unread":
            answer.close()
        if asked.how in ("unread", "forgotten"):
            self.ledger.ended(asked.how)
            return
        said = ""
        for number, chunk in enumerate(answer):
            said = self.ledger.hear(asked, said, chunk)
            if asked.how in ("close", "with", "drop") and number == asked.at:
                self.ledger.own(asked, said)
                if asked.how == "with":
                    with answer:
                        pass
                elif asked.how == "close":
                    answer.close()
                self.ledger.ended(asked.how)
                return
        self.ledger.answered(asked, answer.completion, said)

    # -- tasks -----------------------------------------------------------------------------

    def _in_loops(self, nonces: range) -> None:
        for number, start in enumerate(range(0, len(nonces), 150)):
            asyncio.run(self._in_loop(nonces[start : start + 150], close=number % 3 == 0))

    async def _in_loop(self, nonces: range, *, close: bool) -> None:
        pending = iter(nonces)
        async with asyncio.TaskGroup() as group:
            for number in range(16):
                group.create_task(self._in_task(self.hedging if number % 4 == 0 else self.async_client, pending))
        end = time.monotonic() + 5
        while len(asyncio.all_tasks()) > 1 and time.monotonic() < end:
            await asyncio.sleep(0.001)
        if left := asyncio.all_tasks() - {asyncio.current_task()}:
            self.ledger.problem(f"tasks are left: {left}")
        if close:
            await self.async_client.aclose()

    async def _in_task(self, client: AsyncClient, pending: Iterator[int]) -> None:
        for nonce in pending:
            asked = ask(self.seed, nonce)
            try:
                await self._give_up(client, asked)
            except BaseException as error:
                self.ledger.failed(asked, error)

    async def _give_up(self, client: AsyncClient, asked: Ask) -> None:
        """Make a call, but for a caller who waits only for a while."""
        if asked.how == "cancel":
            task = asyncio.create_task(self._acall(client, asked))
            await asyncio.sleep(asked.within)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                self.ledger.ended(asked.how)
        elif asked.how == "time out":
            try:
                async with asyncio.timeout(asked.within):
                    await self._acall(client, asked)
            except TimeoutError:
                self.ledger.ended(asked.how)
        else:
            await self._acall(client, asked)

    async def _acall(self, client: AsyncClient, asked: Ask) -> None:
        answer: Any = await client.chat.completions.create(**asked.params)
        if not asked.params["stream"]:
            self.ledger.answered(asked, answer)
            return
        if asked.how == "unread":
            await answer.aclose()
        if asked.how in ("unread", "forgotten"):
            self.ledger.ended(asked.how)
            return
        said = ""
        number = 0
        async for chunk in answer:
            said = self.ledger.hear(asked, said, chunk)
            if asked.how in ("close", "with", "drop") and number == asked.at:
                self.ledger.own(asked, said)
                if asked.how == "with":
                    async with answer:
                        pass
                elif asked.how == "close":
                    await answer.aclose()
                self.ledger.ended(asked.how)
                return
            number += 1
        self.ledger.answered(asked, answer.completion, said)

    # -- children --------------------------------------------------------------------------

    def _in_child(self, nonces: range) -> None:
        """Make these calls in a forked child, on the clients of this process, while its threads go on."""
        reading, writing = os.pipe()
        if (child := os.fork()) == 0:
            try:
                os.close(reading)
                faulthandler.enable(file=sys.__stderr__)
                report = pickle.dumps(self._as_child(nonces))
                with os.fdopen(writing, "wb") as pipe:
                    pipe.write(report)
            finally:
                os._exit(0)
        os.close(writing)
        hangs = threading.Timer(60, os.kill, (child, signal.SIGABRT))  # it then shows where
        hangs.start()
        with os.fdopen(reading, "rb") as pipe:
            report = pipe.read()
        hangs.cancel()
        hangs.join()
        os.waitpid(child, 0)
        self.ledger.add(pickle.loads(report) if report else ([], Counter(), ["it died, or hung"]))

    def _as_child(self, nonces: range) -> tuple[list[tuple[int, int]], Counter[str], list[str]]:
        self.ledger = Ledger(len(self.ledger.answers))
        noise = Noise.of_process
        noise.clear()
        fifth = len(nonces) // 5
        pending = iter(nonces[fifth * 2 :])
        threads = [
            threading.Thread(target=self._guarded, args=(work,))
            for work in (
                lambda: self._in_thread(pending),
                lambda: self._in_thread(pending),
                lambda: self._in_loops(nonces[:fifth]),
                lambda: self._in_loops(nonces[fifth : fifth * 2]),
            )
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.client.close()
        gc.collect()
        for line in noise:
            self.ledger.problem(line)
        return self.ledger.report()


# -- what is left behind -------------------------------------------------------------------


class Noise:
    """What nobody asked for: warnings, errors in finalisers and threads, log records of errors or with a key."""

    of_process: list[str] = []


@contextmanager
def listening() -> Iterator[list[str]]:
    noise = Noise.of_process
    noise.clear()

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told = record.getMessage()
            if (record.levelno >= logging.ERROR and not told.startswith("Unclosed connection")) or SECRET in told:
                noise.append(f"logged: {record.getMessage()[:500]}")

    handler = Handler()
    loggers = [logging.getLogger(name) for name in ("asyncio", "aiohttp", "urllib3", "g4f_lite")]
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", ".*multi-threaded, use of fork", DeprecationWarning)
        # Of what is garbage together the collector may take a stream's socket before the stream.
        warnings.filterwarnings("ignore", "unclosed <socket|Unclosed connection", ResourceWarning)
        patch = mock.patch.object
        for owner, name, replacement in (
            (warnings, "showwarning", lambda message, *more: noise.append(f"warned: {message}")),
            (sys, "unraisablehook", lambda hook: noise.append(f"unraisable: {hook.exc_value!r} in {hook.object!r}")),
            (threading, "excepthook", lambda hook: noise.append(f"in a thread: {hook.exc_value!r}")),
            *((logger, "handlers", [handler]) for logger in loggers),
            *((logger, "propagate", False) for logger in loggers),
        ):
            stack.enter_context(patch(owner, name, replacement))
        for logger in loggers:
            stack.callback(logger.setLevel, logger.level)
            logger.setLevel(logging.DEBUG)
        yield noise


@contextmanager
def quick_memory() -> Iterator[None]:
    """Breakers open for moments, and what is bounded is full soon, so that both happen often."""
    with ExitStack() as stack:
        for owner, name, value in (
            (breaker, "OPEN_S", 0.02),
            (breaker, "OPEN_LONGEST_S", 0.1),
            (health, "PROBE_POLL_S", 0.01),
            (health, "MOST_LEGS", 256),
            (strategies.Turns, "MOST", 64),
        ):
            stack.enter_context(mock.patch.object(owner, name, value))
        import tenacity  # noqa: F401  # else a fork while a thread imports it would leave the child waiting for that thread

        for number in range(2000):
            keys.fingerprint(f"fill the cache {number}")
        yield


class Footprint(NamedTuple):
    """What a process holds."""

    blocks: int
    """Of Python's own allocator: a leak of one object a call adds one."""
    rss_kb: int
    files: int
    threads: int


def footprint() -> Footprint:
    gc.collect()
    gc.collect()
    statm = Path("/proc/self/statm")
    rss = int(statm.read_text().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024 if statm.exists() else 0
    files = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    return Footprint(sys.getallocatedblocks(), rss, files, threading.active_count())


class Report(NamedTuple):
    seed: int
    calls: int
    seconds: float
    ends: dict[str, int]
    before: Footprint
    """Without any client."""
    warm: Footprint
    """After the first third of the calls."""
    last: Footprint
    """After the last call."""
    after: Footprint
    """With the clients closed."""
    remembered: list[tuple[int, int]]
    """Legs and rests that each client remembers."""
    problems: list[str]


def soak(calls: int, seed: int) -> Report:
    """Make so many calls, and tell what was wrong."""
    with Servers(seed) as servers, socket.socket() as unheard, listening() as noise, quick_memory():
        unheard.bind(("127.0.0.1", 0))  # and never listens: whoever connects is refused
        before = footprint()
        began = time.monotonic()
        all_of_it = Soak(calls, seed, servers.base_urls, f"http://127.0.0.1:{unheard.getsockname()[1]}")
        ledger = all_of_it.ledger
        all_of_it.run(range(calls // 3))
        warm = footprint()
        all_of_it.run(range(calls // 3, calls))
        last = footprint()
        seconds = time.monotonic() - began
        all_of_it.client.close()
        end = time.monotonic() + 5
        while (after := footprint()).files > before.files and time.monotonic() < end:
            time.sleep(0.01)
        while (connections := servers.open_connections) and time.monotonic() < end:
            time.sleep(0.01)
        remembered = []
        for client, observer in zip(all_of_it.clients, all_of_it.observers, strict=True):
            client._core.settle()
            known = client._core._health
            remembered.append((len(known._legs), len(known._rests)))
            if max(remembered[-1]) > health.MOST_LEGS:
                ledger.problem(f"too much is remembered: {remembered[-1]} legs and rests")
            if busy := [state.in_flight for state in known._legs.values() if state.in_flight]:
                ledger.problem(f"legs are thought busy with {busy} attempts")
            begun, ended = next(observer.begun), next(observer.ended)
            if begun != ended:
                ledger.problem(f"of {begun} attempts {ended} have ended")
        if connections:
            ledger.problem(f"{connections} connections are still open")
        if (after.files, after.threads) != (before.files, before.threads):
            ledger.problem(f"files or threads are left: {before} became {after}")
        if last.blocks - warm.blocks > MEMORY_NOISE + (calls - calls // 3) / 4:
            ledger.problem(f"memory grows: {warm.blocks} blocks became {last.blocks}")
        if sum(ledger.ends.values()) + len(ledger.problems) < calls:
            ledger.problem(f"of {calls} calls {sum(ledger.ends.values())} have come to an end: {ledger.ends}")
        whole, bugs = servers.end()
        ledger.verify(whole)
        for line in [*noise, *bugs]:
            ledger.problem(line)
        ends = dict(ledger.ends.most_common())
        return Report(seed, calls, seconds, ends, before, warm, last, after, remembered, ledger.problems)


def main() -> None:
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    else:
        report = soak(
            int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(10**6)
        )
        for name, value in report._asdict().items():
            if name != "problems":
                print(f"{name}: {value}")
        for problem in report.problems:
            print("PROBLEM:", problem)
        sys.exit(bool(report.problems))


if __name__ == "__main__":
    main()
