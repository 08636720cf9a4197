"""Callers that leave, do not read, or come while the gateway stops; streams that are silent or break."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest
import requests
from helpers.driving import eventually
from helpers.gateways import MESSAGES, Running, running, tables

from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Action, Received, Reply

ONE_ROUTE = {"routes": ["groq:one"]}


def post(gateway: Running, **fields: Any) -> requests.Response:
    body = {"messages": MESSAGES, **fields}
    return requests.post(f"{gateway.base_url}/chat/completions", json=body, stream=True, timeout=30)


class Held:
    """A reply that is sent once it may."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.go_on = threading.Event()

    def __call__(self, request: Received) -> Iterator[Action]:
        assert self.go_on.wait(20)
        yield from self.reply(request)


def test_silence_before_the_content_gets_comments_and_then_the_answer(groq: FaultServer) -> None:
    groq.script(late := Held(replies.answer("at last")))
    with running(tables(groq, server={"keepalive": 0.1}, client=ONE_ROUTE)) as gateway:
        answer, content = post(gateway, stream=True), b""
        for piece in answer.iter_content(1):
            content += piece
            if content == b": keep-alive\n\n" * 2:
                late.go_on.set()
        assert content.startswith(b": keep-alive\n\n" * 2) and content.endswith(b"data: [DONE]\n\n")
        groq.script(late := Held(replies.answer("at last")))
        with openai.OpenAI(base_url=gateway.base_url, api_key="k") as client:
            stream = client.chat.completions.create(model="auto", messages=MESSAGES, stream=True)
            late.go_on.set()
            chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "at last"


def test_a_failure_after_comments_is_an_event(groq: FaultServer) -> None:
    groq.script(late := Held(replies.error(400, "bad field")))
    with running(tables(groq, server={"keepalive": 0.1}, client=ONE_ROUTE)) as gateway:
        answer = post(gateway, stream=True)
        late.go_on.set()
        text = answer.text
    assert answer.status_code == 200
    assert '"type":"invalid_request_error"' in text and "[DONE]" not in text


@pytest.mark.parametrize("how", ["end", "close", "reset"])
def test_a_stream_that_breaks_is_never_taken_for_a_whole_one(how: Any, groq: FaultServer) -> None:
    groq.script(replies.cut(2, how=how))
    with running(tables(groq, client=ONE_ROUTE)) as gateway:
        answer = post(gateway, stream=True)
        events = [line for line in answer.text.splitlines() if line]
        assert json.loads(events[-1].removeprefix("data: "))["error"]["code"] == "stream_interrupted"
        assert not any('"finish_reason":"' in one for one in events) and "data: [DONE]" not in events
        groq.script(replies.cut(2, how=how))
        with openai.OpenAI(base_url=gateway.base_url, api_key="k") as client:
            stream = client.chat.completions.create(model="auto", messages=MESSAGES, stream=True)
            with pytest.raises(openai.APIError, match="interrupted"):
                list(stream)


def test_a_caller_who_does_not_read_is_left(groq: FaultServer) -> None:
    groq.script(replies.answer(("x" * 4000 + " ") * 5000))  # more than all buffers on the way take
    with running(tables(groq, server={"client_stall": 0.3}, client=ONE_ROUTE)) as gateway:
        body = json.dumps({"messages": MESSAGES, "stream": True}).encode()
        host, port = gateway.url.removeprefix("http://").split(":")
        with socket.socket() as caller:
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            caller.settimeout(10)
            caller.connect((host, int(port)))
            head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            caller.sendall(head + body)
            assert eventually(lambda: len(groq.received) == 1)
            assert eventually(lambda: gateway.under_way == 0, 40)
        assert eventually(lambda: groq.open_connections == 0)


def test_more_calls_than_allowed_are_told_to_come_again(groq: FaultServer) -> None:
    groq.script(slow := Held(replies.answer("ok")))
    with running(tables(groq, server={"max_in_flight": 1}, client=ONE_ROUTE)) as gateway:
        first = threading.Thread(target=post, args=(gateway,))
        first.start()
        assert eventually(lambda: gateway.under_way == 1)
        answer = post(gateway)
        slow.go_on.set()
        first.join(20)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert (answer.json()["error"]["code"], answer.headers["x-should-retry"]) == ("busy", "true")


def test_calls_under_way_end_well_when_it_stops(groq: FaultServer) -> None:
    slow = Held(replies.answer("one two three"))
    groq.script(slow, slow)
    found: list[requests.Response] = []
    with running(tables(groq, client=ONE_ROUTE)) as gateway:
        callers = [
            threading.Thread(target=lambda streamed=streamed: found.append(post(gateway, stream=streamed)))
            for streamed in (False, True)
        ]
        for one in callers:
            one.start()
        assert eventually(lambda: gateway.under_way == 2)
        end = threading.Thread(target=gateway.stop)
        end.start()
        assert eventually(lambda: gateway.gateway.answering.stopping)
        time.sleep(0.2)
        slow.go_on.set()
        for one in (*callers, end):
            one.join(20)
    assert [(one.status_code, one.headers["connection"]) for one in found] == [(200, "close")] * 2
    assert sorted("[DONE]" in one.text for one in found) == [False, True]
    with pytest.raises(requests.ConnectionError):
        post(gateway)


def test_a_stream_that_outlasts_the_end_is_told_so(groq: FaultServer) -> None:
    groq.script(replies.silence("stream", 2))
    with running(tables(groq, server={"drain_timeout": 0.3}, client=ONE_ROUTE)) as gateway:
        answer = post(gateway, stream=True)
        gateway.stop()
        text = answer.text
    assert '"code":"stopping"' in text and "[DONE]" not in text
