"""Servers that choose each reply at random, in a process of their own."""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import count
from zlib import crc32

from g4f_lite.testing import FaultServer, Received, replies
from g4f_lite.testing.replies import Action, Close, Pause, Reply, head, http_chunk

from .floods import floods, more

JSON, SSE = {"content-type": "application/json"}, {"content-type": "text/event-stream"}
CHUNKED = {"transfer-encoding": "chunked"}


class Script:
    """Chooses each reply at random, the same for the same seed, and records which answers it has sent completely."""

    def __init__(self, seed: int) -> None:
        self.complete: dict[int, int] = {}
        """The checksum of each text, by the serial number in the text."""
        self._seed = seed
        self._serials = count(1)
        self._tries: Counter[str] = Counter()

    def __call__(self, request: Received) -> Iterator[Action]:
        if "messages" not in request.json:  # the caller gave up while it sent the request
            yield Close()
            return
        messages = request.json["messages"]
        nonce = messages[0]["content"]
        self._tries[nonce] += 1
        chance = random.Random(f"{self._seed} {nonce} {self._tries[nonce]}")
        if chance.random() < 0.25:
            key = request.headers.get("authorization", "").removeprefix("Bearer ")
            # Legs and keys that many calls share get short cooldowns; otherwise all of them would soon be cooling down.
            moment = {"retry_after": "0.02"}
            leg_cooldown = moment if request.model.startswith("shared") else {}
            key_cooldown = {} if "tenant" in key else moment
            yield from chance.choice(faults(chance, nonce, key, leg_cooldown, key_cooldown))(request)
            return
        serial = next(self._serials)
        words = [f"{nonce}.{serial}.{number} " for number in range(chance.choice((1, 2, 3, 5, 8, 40)))]
        continued = messages[-1]["content"] if messages[-1]["role"] == "assistant" else ""
        answer = self._stream if request.stream and chance.random() < 0.95 else self._answer
        self.complete[serial] = crc32((continued + "".join(words)).encode())
        yield from answer(request, words, chance)

    @staticmethod
    def _answer(request: Received, words: list[str], chance: random.Random) -> Iterator[Action]:
        content = json.dumps(replies.completion(request, "".join(words))).encode()
        if chance.random() < 0.1:
            zipped = gzip.compress(content)
            yield head(200, {**JSON, "content-encoding": "gzip", "content-length": str(len(zipped))}) + zipped
            return
        start = head(200, {**JSON, "content-length": str(len(content))})
        if chance.random() < 0.03:
            start = start.removesuffix(b"\r\n") + b"content-length: %d\r\n\r\n" % (len(content) - chance.randrange(2))
        elif chance.random() < 0.2:
            start = head(200, JSON | CHUNKED)
            cut = cut_anywhere(content, 4, chance) if chance.random() < 0.8 else [b"%c" % byte for byte in content]
            content = b"".join(map(http_chunk, cut)) + replies.END
        if chance.random() < 0.1:
            content += more(chance)
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
        if chance.random() < 0.05:  # after the finish reason
            events.append(replies.sse({"error": {"message": "too late", "type": "server_error"}}))
        if (how := chance.random()) < 0.3:
            events = [b"".join(events)]
        elif how < 0.6:
            events = cut_anywhere(b"".join(events), 6, chance)
        elif how < 0.65:
            events = [b"%c" % byte for byte in b"".join(events)]
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
            [done + replies.END + more(chance)],
        ]
        yield from chance.choice(endings) if chance.random() < 0.2 else [done + replies.END]


def cut_anywhere(content: bytes, pieces: int, chance: random.Random) -> list[bytes]:
    at = sorted(chance.randrange(1, len(content)) for _ in range(pieces - 1))
    return [piece for i, j in zip([0, *at], [*at, None], strict=True) if (piece := content[i:j])]


def faults(
    chance: random.Random, nonce: str, key: str, leg_cooldown: dict[str, str], key_cooldown: dict[str, str]
) -> list[Reply]:
    """Return the faults to choose from. Some quote the key, as real services do."""
    message = "." * chance.randrange(300) + f" Something is wrong with the call by {key}."
    refused = "." * chance.randrange(300) + f" Incorrect API key provided: {key}."
    error = replies.error
    text = f"{nonce}.0.0 "
    broken = replies.sse({"error": {"message": message, "type": "server_error", "code": None}})

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
        error(500, message),
        error(503, "overloaded", retry_after="0.01"),
        error(529, "overloaded", type="overloaded_error"),
        error(429, "slow down", retry_after="0.01"),
        error(429, "slow down", **leg_cooldown),
        error(400, message, code="context_length_exceeded"),
        error(400, "no call", code="tool_use_failed"),
        replies.body(b'{"error": {"message": "no"}}'),
        replies.body(b""),
        replies.body(b'{"choices": []}'),
        replies.body(message.encode(), content_type="text/plain"),
        replies.body(message.encode(), 502, content_type="text/plain"),
        replies.answer(""),
        replies.html(),
        replies.garbage(),
        replies.reset(),
        replies.reset("headers"),
        replies.reset("body"),
        replies.wrong_length(),
        replies.gzipped(broken=True),
        replies.raw(Pause(0.02), Close()),
        *floods(text),
        *map(cut, ("end", "close", "reset") * 2),
        *(broken_stream,) * 3,
    ]
    rare = [
        error(401, refused, code="invalid_api_key", **key_cooldown),
        error(402, message, **key_cooldown),
        error(403, "not for you", **leg_cooldown),
        error(404, message, code="model_not_found", **leg_cooldown),
        error(429, "slow down", **({"retry_after": "99"} | leg_cooldown)),
        error(400, refused, **key_cooldown),
        error(400, "no", code="content_policy_violation"),
        error(400, f"`seed` is not supported, {key}"),
        error(413, message),
        replies.redirect(f"http://{key}@elsewhere.invalid/{key}?key={key}"),
    ]
    return often * 2 + rare


def partial(request: Received, chance: random.Random) -> list[str]:
    nonce = request.json["messages"][0]["content"]
    return [f"{nonce}.0.{number} " for number in range(chance.randrange(6))]


def serve(seed: int) -> None:
    """Run two servers until standard input says `end`; answer each `open` with the number of open connections."""
    script = Script(seed)
    bugs: list[str] = []
    threading.excepthook = lambda hook: bugs.append("".join(traceback.format_exception(hook.exc_value)))
    with FaultServer() as one, FaultServer() as two:
        both = (one.script(script), two.script(script))
        print(json.dumps([server.base_url for server in both]), flush=True)
        while sys.stdin.readline().strip() == "open":
            print(sum(server.open_connections for server in both), flush=True)
    print(json.dumps([script.complete, bugs]), flush=True)


class Servers:
    """The process of the servers, as the callers use it."""

    def __init__(self, seed: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(seed)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.base_urls: list[str] = json.loads(self._send(""))

    def _send(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line)
        self._process.stdin.flush()
        return self._process.stdout.readline()

    @property
    def open_connections(self) -> int:
        return int(self._send("open\n"))

    def end(self) -> tuple[dict[int, int], list[str]]:
        """Return the answers that were sent completely, as in `Script`, and bugs of the script."""
        complete, bugs = json.loads(self._send("end\n"))
        self._process.wait(30)
        return {int(serial): checksum for serial, checksum in complete.items()}, bugs

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._process.kill()
        self._process.wait(30)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
