"""
The process that makes the calls: one line of JSON on standard input for each, one with its measures in return.

    {"url": …, "ask": …, "provider": …, "stream": …, "limit": …, "client": "sync" or "async"}
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from g4f_lite import AsyncClient, Client, G4FLiteError, OpenaiTemplate, Timeouts

MESSAGES = [{"role": "user", "content": "Hi"}]
DEADLINE_S = 600.0
_libc = ctypes.CDLL(None)


class Wanted(msgspec.Struct):
    number: int


class Plain(OpenaiTemplate):
    name = "plain"
    needs_auth = False
    default_model = "first"
    capabilities = OpenaiTemplate.capabilities | {"embeddings", "speech", "images", "transcription", "prefill"}


LEGS = [type(f"Plain{number}", (Plain,), {"name": f"plain-{number}"}) for number in range(2, 6)]
"""Further legs, which send the same."""


class Nameless(Plain):
    """Names no model, so that the service is asked for its list."""

    name = "nameless"
    default_model = ""


ASKS: dict[str, tuple[str, dict[str, Any]]] = {
    "embeddings": ("embeddings.create", {"input": "x"}),
    "speech": ("audio.speech.create", {"input": "x", "voice": "v"}),
    "transcription": ("audio.transcriptions.create", {"file": b"x", "response_format": "verbose_json"}),
    "subtitles": ("audio.transcriptions.create", {"file": b"x", "response_format": "srt"}),
    "images": ("images.generate", {"prompt": "x"}),
    "models": ("models.list", {}),
}
FIVE_LEGS: dict[str, dict[str, Any]] = {
    "start over": {"on_interrupt": "restart"},
    "continue": {"on_interrupt": "continue"},
    "correct": {"response_model": Wanted},
}
"""What becomes of an answer of one leg on the next, and the parameters for it."""


def settings(order: dict[str, Any]) -> dict[str, Any]:
    names = ["anthropic", "gemini", "cohere", "plain", "nameless", *(one.name for one in LEGS)]
    return {
        "plugins": [Plain, Nameless, *LEGS],
        "base_urls": dict.fromkeys(names, order["url"]),
        "keys": {"anthropic": "k", "gemini": "k", "cohere": "k"},
        "retries": 0,
        "timeouts": Timeouts(connect=DEADLINE_S, first_token=DEADLINE_S, stall=DEADLINE_S, total=DEADLINE_S),
        "deadline": DEADLINE_S,
        "max_response_bytes": order["limit"],
    }


def call_of(client: Any, order: dict[str, Any]) -> Any:
    """Start a call; return its result, its stream, or what is to be awaited."""
    if order["ask"] in ASKS:
        path, params = ASKS[order["ask"]]
        method = client
        for name in path.split("."):
            method = getattr(method, name)
        return method(provider=order["provider"], **params, **({} if "list" in path else {"model": "m"}))
    params = {"provider": order["provider"], "model": "m"}
    if order["ask"] in FIVE_LEGS:
        params = {"fallback_models": [f"{one.name}:m" for one in LEGS], **params, **FIVE_LEGS[order["ask"]]}
    elif order["ask"] == "lookup":
        params = {"provider": "nameless"}
    return client.chat.completions.create(messages=MESSAGES, stream=order["stream"], **params)


def look_at(result: Any) -> Any:
    """Return what a caller may hold besides the result."""
    return result, result.to_dict() if hasattr(result, "to_dict") else None


def sync_call(order: dict[str, Any]) -> Any:
    with Client(**settings(order)) as client:
        result = call_of(client, order)
        if not order["stream"]:
            return look_at(result)
        for _ in result:
            pass
        return look_at(result.completion)


async def async_call(order: dict[str, Any]) -> tuple[Any, float]:
    """Return the result, and the longest time in which no other task could run."""
    longest, before = 0.0, time.perf_counter()

    async def watch() -> None:
        nonlocal longest, before
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, time.perf_counter() - before)

    async def call() -> Any:
        async with AsyncClient(**settings(order)) as client:
            result = await call_of(client, order)
            if not order["stream"]:
                return look_at(result)
            async for _ in result:
                pass
            return look_at(result.completion)

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0.01)
    try:
        return await call(), longest
    except G4FLiteError as error:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return error, longest
    finally:
        watching.cancel()


def memory(name: str) -> int:
    """Return a line of this process's status, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) << 10
    raise LookupError(name)


def measured(work: Callable[[], Any]) -> tuple[Any, int, float]:
    """Return the result, the bytes of memory that it took at most, and the seconds."""
    gc.collect()
    _libc.malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins here
    before, began = memory("VmRSS"), time.perf_counter()
    try:
        result = work()
    except G4FLiteError as error:
        result = error
    return result, memory("VmHWM") - before, time.perf_counter() - began


def run(order: dict[str, Any]) -> dict[str, Any]:
    longest = 0.0

    def work() -> Any:
        nonlocal longest
        if order["client"] == "sync":
            return sync_call(order)
        result, longest = asyncio.run(async_call(order))
        return result

    result, peak, seconds = measured(work)
    outcome = "answered"
    if isinstance(result, BaseException):
        outcome = f"{type(result).__name__}: {getattr(result, 'message', '')}"[:120]
    report = {"outcome": outcome, "peak": peak, "seconds": seconds, "blocked": longest}
    if isinstance(result, tuple) and getattr(result[0], "raw_json", None) is not None:
        _, more, _ = measured(lambda: result[0].raw)
        report["raw"] = more
    return report


def main() -> None:
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)


if __name__ == "__main__":
    os.environ.pop("HTTP_PROXY", None)
    main()
