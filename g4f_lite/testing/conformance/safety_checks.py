"""The checks of address, key and threads."""

from __future__ import annotations

import logging
import pickle

import pytest

from ...errors import exceptions as e
from .. import replies
from ..network import hide_environment
from ..script import Reply
from ..server import FaultServer
from ..shapes import Said
from . import contract
from .asking import TEXT, ask
from .calls import CLIENTS, call, capture_output, outcome
from .contract import fail, hold
from .http_base import HTTPConformance, streams
from .service import SECRET, Stream, build, contains, content_of, expected, read_stream
from .threads import in_threads
from .watching import kept_in


class SafetyChecks(HTTPConformance):
    """Requests go where they should, with the key in a header alone, and share nothing."""

    def test_base_url_and_headers_are_honoured(self, monkeypatch: pytest.MonkeyPatch) -> None:
        hide_environment(monkeypatch)
        one = self.chatting()
        hold(one.api_base, contract.ADDRESS, "api_base is empty")
        moved = self.made(api_base="http://127.0.0.1:9/some/where")
        request = ask(moved, extra_headers={"X-Conformance": "sent"}, extra_body={"conformance_extra": "sent too"})
        for stream in streams(one):
            try:
                outgoing = build(moved, request, stream=stream)
            except e.UnsupportedParameterError:  # the provider may refuse extra_body
                outgoing = build(moved, ask(moved, extra_headers={"X-Conformance": "sent"}), stream=stream)
            hold(
                outgoing.url.startswith(f"{moved.api_base}/"),
                contract.ADDRESS,
                f"with api_base={moved.api_base!r} a request goes to {outgoing.url}",
            )
            headers = {name.lower(): value for name, value in outgoing.headers.items()}
            hold(headers.get("x-conformance") == "sent", contract.ADDRESS, "extra_headers are not sent")
        with FaultServer() as server:
            server.script(self.service.reply(TEXT, stream=False))
            call(CLIENTS[0], one, server, stream=False)
            hold(server.received, contract.ADDRESS, "no request reaches the address in base_urls=")

    def test_the_key_is_sent_and_never_shown(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        hide_environment(monkeypatch)
        one, service = self.chatting(), self.service
        for stream in streams(one):
            outgoing = build(one, ask(one), stream=stream)
            sent = any(SECRET in value for value in outgoing.headers.values())
            hold(sent or not one.needs_auth, contract.KEY, "needs_auth is True, but no header holds the key")
            hold(SECRET not in outgoing.url, contract.KEY, f"the URL holds the key: {outgoing.url}")
            body = outgoing.body
            hold(isinstance(body, bytes) and SECRET.encode() not in body, contract.KEY, "the body holds the key")
            if not one.needs_auth:
                keyless = build(one, ask(one), key=None, stream=stream)
                hold("None" not in str(keyless.headers), contract.KEY, f"without a key, {keyless.headers} is sent")
        shown: dict[str, object] = {}
        scripts: dict[str, Reply] = {
            "an answer": service.reply(TEXT, stream=False),
            "an error that quotes the key": service.failure(401, f"the key {SECRET} is wrong"),
            "a broken answer": replies.body(f"the key {SECRET} is wrong".encode()),
        }
        caplog.set_level(logging.DEBUG)
        for scene, reply in scripts.items():
            with FaultServer() as server, capture_output() as printed:
                server.script(reply)
                ended = outcome(CLIENTS[0], one, server, stream=False)
                shown[f"the path, after {scene}"] = [request.path for request in server.received]
            shown |= {f"repr, after {scene}": (repr(ended), str(ended), str(ended.trail))}
            shown |= {f"a pickle, after {scene}": pickle.dumps(ended), f"print, during {scene}": printed.getvalue()}
        kept = kept_in(one)
        hold(not kept, contract.KEY, f"after build_request, {', '.join(kept)} keeps the key")
        shown["the log"] = [record.getMessage() for record in caplog.records]
        for where, text in shown.items():
            hold(SECRET not in str(text), contract.KEY, f"{where} shows the key")

    # -- threads ---------------------------------------------------------------------------

    def test_streams_and_threads_share_nothing(self) -> None:
        one, service = self.chatting(), self.service
        if "streaming" not in one.capabilities:
            return
        sayings = [Said(tuple(f"{letter}{number} " for number in range(8))) for letter in "abcd"]
        bodies = [service.events(said) for said in sayings]
        streams = [Stream(one, ask(one)) for _ in bodies]
        for number in range(max(map(len, bodies))):
            for stream, body in zip(streams, bodies, strict=True):
                stream.feed(*body[number : number + 1])
        for stream, said in zip(streams, sayings, strict=True):
            stream.end()
            correct = stream.error is None and content_of(stream.completion) == expected(said)
            hold(correct, contract.THREADS, f"one of two simultaneous streams is read as {stream.describe()}")

        def work(number: int) -> str | None:
            said, prompt = sayings[number], f"prompt of thread {number}"
            outgoing = build(one, ask(one, prompt), stream=True)
            if not contains(outgoing, prompt):
                return "a request holds another thread's prompt"
            stream = read_stream(one, ask(one, prompt), bodies[number])
            if stream.error is not None or content_of(stream.completion) != expected(said):
                return f"a stream is read as {stream.describe()}"
            return None

        for problem in in_threads(work, len(sayings)):
            fail(contract.THREADS, f"with {len(sayings)} threads, {problem}")
