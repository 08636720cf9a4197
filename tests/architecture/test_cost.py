"""
The cost of a call, in a number that other load on the machine does not change: the function calls that this library makes.

`counts.json` has the recorded numbers. A higher count means that the hot path has become longer. If that is worth it,
record the new numbers with `PYTHONPATH=tests python tests/architecture/test_cost.py`. docs/performance.md describes the
path.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from helpers.imports import python

import g4f_lite
from g4f_lite import AsyncClient, Client, OpenaiTemplate, UnsupportedParameterError
from g4f_lite.call.attempt import ActiveAttempt
from g4f_lite.call.call import Call
from g4f_lite.call.stream_attempt import StreamAttempt
from g4f_lite.client.call_factory import CallFactory
from g4f_lite.testing import FaultServer
from g4f_lite.types.http import HTTPResponse

STORED = Path(__file__).with_name("counts.json")
TOLERANCE = 1.03
"""Python versions differ a little: newer ones call fewer comprehensions."""
OURS = (str(Path(g4f_lite.__file__).parent), "g4f_lite_providers")
MESSAGES = [{"role": "user", "content": "Which day is it?"}]
ANSWER = HTTPResponse(
    status=200,
    headers={"content-type": "application/json"},
    body=b'{"id":"1","model":"sunday","choices":[{"index":0,"message":{"role":"assistant","content":"Sunday"},"finish_reason":"stop"}]}',
)
CHUNK = (
    b'data: {"id":"1","model":"sunday","choices":[{"index":0,"delta":{"content":"word "},"finish_reason":null}]}\n\n'
)
BODY = CHUNK * 1000 + CHUNK.replace(b"null", b'"stop"') + b"data: [DONE]\n\n"


class Day(OpenaiTemplate):
    name = "day"
    api_base = "http://127.0.0.1:1/v1"
    needs_auth = False
    default_model = "sunday"
    fallback_models = ("monday",)


def calls(work: Callable[[], object]) -> int:
    """Return how often functions of this library are called or call C functions: the least of three measurements."""
    counted = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal counted
        if event in ("call", "c_call") and frame.f_code.co_filename.startswith(OURS[0]):
            counted += 1

    found = []
    work()
    for _ in range(3):
        counted = 0
        sys.setprofile(count)
        try:
            work()
        finally:
            sys.setprofile(None)
        found.append(counted)
    return min(found)


def without_http(routes: int) -> int:
    providers = [type(f"Day{number}", (Day,), {"name": f"day{number}"})() for number in range(routes)]
    factory = CallFactory(routes=providers)

    def work() -> None:
        with factory.chat_call({"messages": MESSAGES}) as call, ActiveAttempt(call) as attempt:
            completion = attempt.complete(ANSWER)
        assert call.complete(completion).text == "Sunday"

    return calls(work)


def after_a_failure(routes: int) -> int:
    providers = [type(f"Day{number}", (Day,), {"name": f"day{number}"})() for number in range(routes)]
    with Client(routes=providers) as client:

        def attempt(call: Call) -> object:
            with ActiveAttempt(call) as active:
                if len(call.plan.trail().entries) == 0:
                    raise UnsupportedParameterError("not here")
                return active.complete(ANSWER)

        return calls(lambda: client._driver.run(client._calls.chat_call({"messages": MESSAGES}), attempt))


class Observer:
    @g4f_lite.hookimpl
    def attempt_finished(self, attempt: g4f_lite.Attempt) -> None:
        assert attempt.response_model == "sunday"


def a_stream_of_1000_chunks(*plugins: object) -> int:
    factory = CallFactory(routes=[Day()], plugins=plugins)

    def work() -> None:
        call = factory.chat_call({"messages": MESSAGES, "stream": True})
        with call, StreamAttempt(call) as attempt:
            attempt.open(200, {"content-type": "text/event-stream"})
            attempt.feed_early(BODY)
            assert len(attempt.begin()) == 1001
            attempt.complete_stream()

    return calls(work)


def a_sync_call() -> int:
    with FaultServer() as server, Client(base_urls={"day": server.base_url}, plugins=[Day]) as client:
        return calls(lambda: client.chat.completions.create(messages=MESSAGES, provider="day"))


def an_async_call() -> int:
    with FaultServer() as server, asyncio.Runner() as runner:
        client = AsyncClient(base_urls={"day": server.base_url}, plugins=[Day])

        async def call() -> None:
            await client.chat.completions.create(messages=MESSAGES, provider="day")

        found = calls(lambda: runner.run(call()))
        runner.run(client.aclose())
        return found


MEASURED: dict[str, Callable[[], int]] = {
    "a call without its HTTP, one route": lambda: without_http(1),
    "a call without its HTTP, 1000 routes": lambda: without_http(1000),
    "the same after a failure, two routes": lambda: after_a_failure(2),
    "the same after a failure, 1000 routes": lambda: after_a_failure(1000),
    "a stream of 1000 chunks in one piece, without its HTTP": a_stream_of_1000_chunks,
    "the same stream with an observer": lambda: a_stream_of_1000_chunks(Observer()),
    "a sync call": a_sync_call,
    "an async call": an_async_call,
}


@pytest.mark.parametrize("name", MEASURED)
def test_a_call_makes_no_more_calls_than_recorded(name: str) -> None:
    if name in ("a sync call", "an async call") and os.environ.get("G4F_LITE_PUBLIC_TRANSPORT"):
        pytest.skip("through public interfaces, the HTTP of a call costs more")
    stored = json.loads(STORED.read_text("utf-8"))[name]
    counted = MEASURED[name]()
    assert counted <= stored * TOLERANCE, f"{name}: {counted} calls, {stored} before"


def test_a_call_with_a_thousand_routes_makes_no_more_calls_than_with_one() -> None:
    assert without_http(1000) == without_http(2)
    assert after_a_failure(1000) == after_a_failure(2)


def test_a_chat_that_succeeds_loads_only_what_it_needs() -> None:
    """No other endpoint, no upload, and nothing that only a failure needs."""
    unneeded = {
        "asyncio", "difflib", "tenacity", "g4f_lite.call.endpoints", "g4f_lite.errors.classify",
        "g4f_lite.provider.openai_protocol.endpoints", "g4f_lite.routing.explain", "g4f_lite.types.endpoint",
        "g4f_lite.types.uploads",
    }  # fmt: skip
    assert all(map(find_spec, unneeded))
    with FaultServer() as server:
        script = f"""
import sys
from g4f_lite import Client
client = Client(keys={{"groq": "gsk_cost"}}, base_urls={{"groq": {server.base_url!r}}})
assert client.chat.completions.create(messages={MESSAGES!r}, provider="groq").text
print(*sys.modules)"""
        done = python(script)
    assert done.returncode == 0, done.stderr
    assert unneeded.isdisjoint(done.stdout.split())


if __name__ == "__main__":
    STORED.write_text(json.dumps({name: count() for name, count in MEASURED.items()}, indent=4) + "\n", "utf-8")
