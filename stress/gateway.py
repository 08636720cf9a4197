"""
Calls through the gateway, of which a tenth is hung up and a twentieth meets a failing service.

    python -m stress.gateway [--calls 200000] [--seed 0]

The gateway, the service and the callers are processes of their own. Prints memory, files and threads of the gateway on
its way, and what is wrong: growth, a call that goes on after its caller has left, or a budget that has not counted each
call once, as the log has it. Exits with 1 if something is. Needs Linux.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from g4f_lite.gateway.keys import hash_of
from g4f_lite.health.stores.sqlite import SQLiteState

KEY, ADMIN, MODEL = "g4f-" + "s" * 43, "g4f-" + "a" * 43, "gpt-5.6-luna"
AT_ONCE, CHUNKS = 32, 12
HANG_UPS, FAILURES = 0.10, 0.05
MOST_GROWTH_KB = 8 << 10
"""After the first fifth. Files may differ by the connections to the service, which are kept."""
USAGE = {"prompt_tokens": 12, "completion_tokens": 40, "total_tokens": 52}


# -- the service ---------------------------------------------------------------------------


def _chunk(number: int) -> bytes:
    last = number == CHUNKS - 1
    choice = {"index": 0, "delta": {"content": "word "}, "finish_reason": "stop" if last else None}
    event = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": MODEL, "choices": [choice]}
    return b"data: %b\n\n" % json.dumps({**event, "usage": USAGE} if last else event).encode()


async def _answer(writer: asyncio.StreamWriter, stream: bool, choice: random.Random) -> None:
    """Write one answer; a failing one is an error, is cut, is no JSON, or does not come."""
    await asyncio.sleep(choice.random() * 0.02)
    fails = choice.choice(["error", "cut", "garbage", "reset"]) if choice.random() < FAILURES else ""
    if fails in ("error", "reset"):
        if fails == "error":
            writer.write(b"HTTP/1.1 500 Oops\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}")
        else:
            writer.transport.abort()
        return
    if stream:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(CHUNKS):
            if number == CHUNKS // 2:
                await asyncio.sleep(choice.random() * 0.02)
                if fails:
                    writer.transport.abort()
                    return
            if writer.transport.is_closing():  # the gateway has left
                return
            event = _chunk(number)
            writer.write(b"%x\r\n%b\r\n" % (len(event), event))
        writer.write(b"0\r\n\r\n")
        return
    said = {"role": "assistant", "content": "word " * 40}
    choices = [{"index": 0, "message": said, "finish_reason": "stop"}]
    whole = {"id": "c", "object": "chat.completion", "created": 1, "model": MODEL, "choices": choices, "usage": USAGE}
    body = b"<html>" if fails == "garbage" else json.dumps(whole).encode()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body))
    writer.write(body[:40] if fails == "cut" else body)
    if fails == "cut":
        writer.close()


async def serve(seed: int) -> None:
    choice = random.Random(seed)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
                await _answer(writer, b'"stream":true' in (await reader.readexactly(length)), choice)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


# -- the callers ---------------------------------------------------------------------------


class Footprint(NamedTuple):
    kilobytes: int
    files: int
    threads: int


def footprint(process: int) -> Footprint:
    pages = int(Path(f"/proc/{process}/statm").read_text("ascii").split()[1])
    parts = [len(os.listdir(f"/proc/{process}/{name}")) for name in ("fd", "task")]
    return Footprint(pages * os.sysconf("SC_PAGE_SIZE") >> 10, *parts)


async def call(port: int, choice: random.Random) -> str:
    """Make a call on a connection of its own; return its status, or that it was hung up."""
    stream, leaves = choice.random() < 0.5, choice.random() < HANG_UPS
    fields = {"model": MODEL, "messages": [{"role": "user", "content": "Which day is it?"}], "max_tokens": 50}
    body = json.dumps({**fields, "stream": stream}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {KEY}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    try:
        if not leaves:
            return (await reader.read()).split(b" ", 2)[1].decode()
        if choice.random() < 0.5:
            await asyncio.sleep(choice.random() * 0.02)
        else:
            await reader.read(1)
        writer.transport.abort()
        return "hung up"
    finally:
        writer.close()


async def make_calls(port: int, count: int, choice: random.Random) -> Counter[str]:
    ends: Counter[str] = Counter()
    left = iter(range(count))

    async def caller() -> None:
        for _ in left:
            ends[await call(port, choice)] += 1

    await asyncio.gather(*(caller() for _ in range(AT_ONCE)))
    return ends


# -- the judge -----------------------------------------------------------------------------


def in_flight(port: int) -> float:
    """Return how many attempts the gateway says are under way."""
    request = urllib.request.Request(  # loopback
        f"http://127.0.0.1:{port}/metrics", headers={"Authorization": f"Bearer {ADMIN}"}
    )
    with urllib.request.urlopen(request) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if "in_flight" in line and not line.startswith("#"))


def judge(folder: Path, calls: int, growth: Footprint, under_way: float) -> list[str]:
    """Return what is wrong."""
    lines = [json.loads(line) for line in (folder / "log").read_text("utf-8").splitlines() if line.startswith("{")]
    charged = sum(line.get("charged_nano_usd", 0) for line in lines)
    state = SQLiteState(folder / "gateway-usage.db")
    used = state.used("key/soak")["nano-usd", "total"]
    state.close()
    print(f"log: {len(lines)} lines, {charged} nano-USD; store: {used}", flush=True)
    wrong = []
    if (used.spent, used.reserved) != (charged, 0):
        wrong.append(f"the budget has {used}, the log {charged}")
    if not calls * (1 - HANG_UPS) < len(lines) <= calls:  # who leaves before he is heard has no line
        wrong.append(f"{len(lines)} lines for {calls} calls")
    if growth.kilobytes > MOST_GROWTH_KB or growth.files > AT_ONCE or growth.threads > 0:
        wrong.append(f"it has grown: {growth}")
    if under_way:
        wrong.append(f"{under_way:.0f} attempts go on")
    return wrong


def soak(calls: int, seed: int, folder: Path) -> list[str]:
    module = [sys.executable, "-m", "stress.gateway", "--seed", str(seed)]
    with subprocess.Popen([*module, "--serve"], stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        config = folder / "gateway.toml"
        config.write_text(
            f"""
            [server]
            listen = "127.0.0.1:0"
            admin = {{ env = "SOAK_ADMIN" }}
            [client]
            routes = ["openai:{MODEL}"]
            retries = 0
            base_urls = {{ openai = "http://127.0.0.1:{service.stdout.readline().strip()}/v1" }}
            [keys.soak]
            hash = "{hash_of(KEY)}"
            rpm = 100_000_000
            tpm = 100_000_000_000
            parallel = 1000
            budget = {{ usd = 100_000, per = "total" }}
            """
        )
        secrets = {"OPENAI_API_KEY": "k" * 20, "SOAK_ADMIN": ADMIN, "G4F_LITE_LOAD_PLUGINS": ""}
        command = [sys.executable, "-m", "g4f_lite", "serve", str(config)]
        with (folder / "log").open("w") as log:
            gateway = subprocess.Popen(command, env={**os.environ, **secrets}, stderr=log)
        try:
            wrong = _watch(gateway, folder, calls, seed)
        finally:
            gateway.terminate()
            gateway.wait()
            service.kill()
    return judge(folder, calls, *wrong)


def _watch(gateway: subprocess.Popen[bytes], folder: Path, calls: int, seed: int) -> tuple[Footprint, float]:
    """Make the calls; return how the gateway has grown since the first fifth, and what goes on at the end."""
    while "answers at" not in (said := (folder / "log").read_text("utf-8")):
        time.sleep(0.05)
    port = int(said.partition("127.0.0.1:")[2].partition("/")[0])
    choice, ends, seen = random.Random(seed), Counter[str](), []
    for part in range(10):
        ends += asyncio.run(make_calls(port, calls // 10, choice))
        end = time.monotonic() + 10
        while (under_way := in_flight(port)) and time.monotonic() < end:
            time.sleep(0.05)
        seen.append(footprint(gateway.pid))
        print(f"{part + 1}/10: {dict(ends)} {seen[-1]}", flush=True)
    return Footprint(*(last - first for first, last in zip(seen[1], seen[-1], strict=True))), under_way


def main() -> None:
    parser = argparse.ArgumentParser(description="Soak the gateway.")
    parser.add_argument("--calls", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        asyncio.run(serve(given.seed))
        return
    with tempfile.TemporaryDirectory() as folder:
        wrong = soak(given.calls, given.seed, Path(folder))
    print("\n".join(wrong) or "nothing is wrong")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
