"""
CPU of a call through the gateway, beside a bare aiohttp proxy.

    python -m benchmarks.gateway [CALLS]

The gateway has a key with limits and a budget, counts cost and writes its log; the proxy copies bytes. Both are
processes of their own between the same upstream and the same callers, in turns; the figures are their own CPU time.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from g4f_lite.gateway.keys import hash_of

KEY = "g4f-" + "k" * 43
MODEL = "gpt-5.6-luna"
CHUNKS, ROUNDS, AT_ONCE = 1000, 4, 16
_TICK = os.sysconf("SC_CLK_TCK")
_HERE = Path(__file__)

_PROXY = """
import asyncio, sys
from aiohttp import ClientSession, web

async def main(upstream):
    async with ClientSession(auto_decompress=False) as session:
        async def handle(request):
            body = await request.read()
            headers = {"Content-Type": "application/json", "Authorization": "Bearer k"}
            async with session.post(upstream + request.path, data=body, headers=headers) as reply:
                if reply.headers["Content-Type"].startswith("text/event-stream"):
                    out = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
                    await out.prepare(request)
                    async for piece in reply.content.iter_any():
                        await out.write(piece)
                    await out.write_eof()
                    return out
                return web.Response(body=await reply.read(), headers={"Content-Type": "application/json"})
        runner = web.ServerRunner(web.Server(handle))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.Event().wait()

asyncio.run(main(sys.argv[1]))
"""


def bodies() -> tuple[bytes, bytes]:
    """Return a whole answer, and a stream of it, as HTTP."""
    usage = {"prompt_tokens": 12, "completion_tokens": 40, "total_tokens": 52}
    said = {"role": "assistant", "content": "word " * 40}
    whole = {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": MODEL,
        "choices": [{"index": 0, "message": said, "finish_reason": "stop"}], "usage": usage,
    }  # fmt: skip
    content = json.dumps(whole).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(content)
    events = []
    for number in range(CHUNKS):
        finish = "stop" if number == CHUNKS - 1 else None
        chunk = {
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL,
            "choices": [{"index": 0, "delta": {"content": "word "}, "finish_reason": finish}],
        }  # fmt: skip
        events.append(b"data: %b\n\n" % json.dumps(chunk | ({"usage": usage} if finish else {})).encode())
    stream = b"".join([*events, b"data: [DONE]\n\n"])
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(stream), stream)
    kind = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + content, kind + chunked


class Upstream(asyncio.Protocol):
    """Answers each request with the same bytes."""

    whole, stream = bodies()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, gap, body = self._received.partition(b"\r\n\r\n")
        if not gap:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) >= length:
            self._received = body[length:]
            streams = b'"stream":true' in body[:length].replace(b" ", b"")
            self._transport.write(self.stream if streams else self.whole)  # type: ignore[attr-defined]


async def call(port: int, stream: bool, count: int) -> None:
    """Make calls one after another on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
    fields = {"model": MODEL, "messages": [{"role": "user", "content": "Which day is it?"}], "stream": stream}
    body = json.dumps({**fields, "max_tokens": 100}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {KEY}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    for _ in range(count):
        writer.write(head.encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        if b" 200 " not in answer:
            raise RuntimeError(answer.decode())
        if b"content-length:" in answer:
            await reader.readexactly(int(answer.partition(b"content-length:")[2].partition(b"\r\n")[0]))
        else:
            await reader.readuntil(b"0\r\n\r\n")
    writer.close()


def cpu_of(process: int) -> float:
    """Return the seconds of CPU that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


@contextmanager
def servers(upstream: str) -> Iterator[dict[str, tuple[int, int]]]:
    """Yield the process and the port of the proxy and of the gateway."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "gateway.toml"
        config.write_text(
            f"""
            [server]
            listen = "127.0.0.1:0"
            [client]
            routes = ["openai:{MODEL}"]
            base_urls = {{ openai = "{upstream}/v1" }}
            [keys.bench]
            hash = "{hash_of(KEY)}"
            rpm = 100_000_000
            tpm = 100_000_000_000
            parallel = 1000
            budget = {{ usd = 900_000, per = "month" }}
            """
        )
        environment = {**os.environ, "OPENAI_API_KEY": "k" * 20, "G4F_LITE_LOAD_PLUGINS": ""}
        gateway = subprocess.Popen(
            [sys.executable, "-m", "g4f_lite", "serve", str(config)],
            env=environment, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        proxy = subprocess.Popen([sys.executable, "-c", _PROXY, upstream], stdout=subprocess.PIPE, text=True)
        try:
            assert proxy.stdout is not None and gateway.stderr is not None
            said = gateway.stderr.readline()
            port = int(said.partition("127.0.0.1:")[2].partition("/")[0])
            drain = subprocess.Popen(["cat"], stdin=gateway.stderr, stdout=subprocess.DEVNULL)
            yield {
                "bare aiohttp proxy": (proxy.pid, int(proxy.stdout.readline())),
                "gateway": (gateway.pid, port),
            }
        finally:
            for process in (proxy, gateway):
                process.terminate()
                process.wait()
            drain.wait()


async def main(calls: int) -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", 0)
    upstream = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    with servers(upstream) as running:
        for kind, stream, count in (("whole", False, calls), (f"{CHUNKS} chunks", True, max(20, calls // 20))):
            best: dict[str, float] = {}
            for _ in range(ROUNDS + 1):  # the first one warms up
                for name, (process, port) in running.items():
                    before = cpu_of(process)
                    each = -(-count // AT_ONCE)
                    await asyncio.gather(*(call(port, stream, each) for _ in range(AT_ONCE)))
                    best[name] = min(best.get(name, 1e9), (cpu_of(process) - before) / (each * AT_ONCE))
            proxy, ours = best.values()
            print(
                f"{kind}: proxy {proxy * 1e6:.0f} us, gateway {ours * 1e6:.0f} us of CPU a call, {ours / proxy:.2f} x"
            )
    server.close()


if __name__ == "__main__":
    started = time.perf_counter()
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000))
    print(f"took {time.perf_counter() - started:.0f} s")
