"""What gateways are put under: calls by wrk, open streams, and callers who leave."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import time
from pathlib import Path

from .gateway_servers import MODEL, Running
from .upstream import CHUNKS

USAGE = {"prompt_tokens": 12, "completion_tokens": 40, "total_tokens": 52}
_WAIT_S = 5.0
_NUMBER = re.compile(rb"call (\d+)")


def _chunk(content: str, finish: str | None, **more: object) -> bytes:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish}
    event = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL, "choices": [choice]}
    return b"data: %b\n\n" % json.dumps({**event, **more}).encode()


def bodies() -> tuple[bytes, bytes]:
    """Return a whole answer, and a stream of it."""
    said = {"role": "assistant", "content": "word " * 40}
    choices = [{"index": 0, "message": said, "finish_reason": "stop"}]
    whole = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": MODEL, "choices": choices}
    events = [_chunk("word ", None)] * (CHUNKS - 1) + [_chunk("", "stop", usage=USAGE), b"data: [DONE]\n\n"]
    return json.dumps({**whole, "usage": USAGE}).encode(), b"".join(events)


def wrk(server: Running, kind: str, folder: Path, *, at_once: int, seconds: int) -> float:
    """
    Put a server under load. Return the seconds of CPU that it uses for a call.

    Args:
        kind: `answer` for whole answers, `piece` for streams in one piece.

    Raises:
        RuntimeError: not every answer was a good one.
    """
    ask, stream = server.ask(kind), kind == "piece"
    headers = {"Content-Type": "application/json", **ask.headers}
    lines = [f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}" for name, value in headers.items()]
    body = json.dumps(ask.body(stream=stream).decode())
    script = folder / "load.lua"
    script.write_text("\n".join(['wrk.method = "POST"', f"wrk.body = {body}", *lines]), "utf-8")
    url = f"http://127.0.0.1:{server.port}{ask.path}"
    command = ["wrk", "-t1", f"-c{at_once}", f"-d{seconds}s", "--timeout", "60s", "-s", str(script), url]
    before = server.cpu()
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    used = server.cpu() - before
    found = re.search(r"(\d+) requests in", said)
    if found is None or not int(found[1]) or "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(f"{server.name}: {said}")
    return used / int(found[1])


class Held(asyncio.Protocol):
    """
    Sends a stream one event, and a whole answer nothing.

    Args:
        lost: by the number of a call, takes the moment in which its connection is lost.
    """

    def __init__(self, lost: dict[int, asyncio.Future[float]]) -> None:
        self._lost, self._received, self._number = lost, b"", -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, gap, body = self._received.partition(b"\r\n\r\n")
        found = re.search(rb"content-length: *(\d+)", head.lower())
        if not gap or found is None or len(body) < int(found[1]):
            return
        self._received, number = b"", _NUMBER.search(body)
        self._number = int(number[1]) if number else -1
        if b'"stream":true' in body.replace(b" ", b""):
            event = _chunk("word ", None)
            head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            self._transport.write(head + b"%x\r\n%b\r\n" % (len(event), event))  # type: ignore[attr-defined]

    def connection_lost(self, exc: Exception | None) -> None:
        if (waiting := self._lost.pop(self._number, None)) is not None:
            waiting.set_result(time.monotonic())


async def _opened(server: Running, number: int, *, stream: bool) -> asyncio.StreamWriter:
    """Make a call that is held; return once its first event is here, or once it should have been sent."""
    ask = server.ask("held")
    body = ask.body(stream=stream, says=f"call {number}")
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    headers = {
        "Host": f"127.0.0.1:{server.port}",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **ask.headers,
    }
    lines = [f"POST {ask.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    writer.write("\r\n".join(lines).encode() + body)
    if stream:
        await asyncio.wait_for(reader.readuntil(b"word"), 60)
    else:
        await asyncio.sleep(1.0)
    return writer


async def open_streams(server: Running, count: int) -> float:
    """Return the bytes of memory that an open stream takes."""
    for writer in await asyncio.gather(*(_opened(server, -1, stream=True) for _ in range(20))):
        writer.transport.abort()  # to warm up
    await asyncio.sleep(1.0)
    before, opened = server.memory(), []
    for _ in range(count // 20):
        opened += await asyncio.gather(*(_opened(server, -1, stream=True) for _ in range(20)))
    await asyncio.sleep(1.0)
    taken = (server.memory() - before) / len(opened)
    for writer in opened:
        writer.transport.abort()
    await asyncio.sleep(1.0)
    return taken


async def leave(server: Running, lost: dict[int, asyncio.Future[float]], count: int) -> list[float]:
    """Return the seconds after which each call whose caller has left is cancelled; those that are not are missing."""
    seconds = []
    for first in range(0, count, 10):
        numbers = range(first, first + 10)
        opened = await asyncio.gather(*(_opened(server, one, stream=one % 2 == 0) for one in numbers))
        left, waiting = [], []
        for number, writer in zip(numbers, opened, strict=True):
            lost[number] = asyncio.get_running_loop().create_future()
            waiting.append(lost[number])
            left.append(time.monotonic())
            writer.transport.abort()
        await asyncio.wait(waiting, timeout=_WAIT_S)
        seconds += [one.result() - at for one, at in zip(waiting, left, strict=True) if one.done()]
    return seconds
