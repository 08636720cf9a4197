"""
A service with OpenAI's protocol, in a process of its own. It does no work: every answer is made in advance. The first
part of the path says how it answers.

    /answer/…/chat/completions    a complete answer
    /slow/…                       the same, after 0.1 s
    /piece/…                      a stream, its body in one piece with a length
    /burst/…                      a stream in HTTP chunks, an event in each, sent at once
    /packets/…                    a stream, each event in a packet of its own
    /held/…                       a stream that sends one word, then nothing until its connection is closed

Prints its port, and serves until it is killed.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time

CHUNKS = 1000
PACE_S = 0.0004
"""The pause between two packets, so that each is read by itself: over twice the time that a caller needs for one."""

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\n%s\r\n"
ANSWER = (
    b'{"id":"chatcmpl-1","object":"chat.completion","created":1763800000,"model":"openai/gpt-oss-120b","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"It is Sunday."},"logprobs":null,"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":72,"completion_tokens":5,"total_tokens":77},"system_fingerprint":"fp_1"}'
)
_CHUNK = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1763800000,"model":"openai/gpt-oss-120b",'
    b'"system_fingerprint":"fp_1","choices":[{"index":0,"delta":%s,"logprobs":null,"finish_reason":%s}]}\n\n'
)
_EVENTS = [_CHUNK % (b'{"content":"word%d "}' % number, b"null") for number in range(CHUNKS - 1)]
_EVENTS += [_CHUNK % (b"{}", b'"stop"'), b"data: [DONE]\n\n"]
BODY = b"".join(_EVENTS)


def _with_length(body: bytes, kind: bytes) -> bytes:
    return _HEAD % (kind, b"content-length: %d\r\n" % len(body)) + body


def _chunked(event: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(event), event)


_CHUNKED_HEAD = _HEAD % (b"text/event-stream", b"transfer-encoding: chunked\r\n")
_READY = {
    b"answer": _with_length(ANSWER, b"application/json"),
    b"piece": _with_length(BODY, b"text/event-stream"),
    b"burst": _CHUNKED_HEAD + b"".join(map(_chunked, _EVENTS)) + b"0\r\n\r\n",
    b"held": _CHUNKED_HEAD + _chunked(_EVENTS[0]),
}
_PACKETS = [_CHUNKED_HEAD, *map(_chunked, _EVENTS), b"0\r\n\r\n"]


class _Connection(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._pending = b""

    def data_received(self, data: bytes) -> None:
        pending = self._pending + data
        while (end := pending.find(b"\r\n\r\n")) >= 0:
            head = pending[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(pending) < end + 4 + length:
                break
            pending = pending[end + 4 + length :]
            kind = head.split(b"/", 2)[1]
            if kind == b"packets":
                # In a thread, because the timers of the event loop are too coarse.
                own = self._transport.get_extra_info("socket").dup()
                threading.Thread(target=_drip, args=(own,), daemon=True).start()
            elif kind == b"slow":
                asyncio.get_running_loop().call_later(0.1, self._transport.write, _READY[b"answer"])  # type: ignore[attr-defined]  # as below
            else:
                self._transport.write(_READY[kind])  # type: ignore[attr-defined]  # the transport of a socket
        self._pending = pending


def _drip(connection: socket.socket) -> None:
    with connection:
        for packet in _PACKETS:
            try:
                connection.sendall(packet)
            except OSError:  # the client has left
                return
            time.sleep(PACE_S)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
