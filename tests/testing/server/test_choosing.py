"""Replies that choose among others."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import requests

from g4f_lite import Client, RateLimitError
from g4f_lite.testing import FaultServer, replies, wire
from g4f_lite.testing.script import Received


def ask(client: Client, text: Any) -> str:
    return client.chat.completions.create(messages=[{"role": "user", "content": text}], model="m").text


def test_a_reply_is_chosen_by_the_prompt() -> None:
    with FaultServer() as server, Client(base_url=server.base_url) as client:
        server.script(replies.by_prompt(lambda text: replies.answer(f"you said {text}")))
        assert ask(client, "one") == "you said one"
        assert ask(client, [{"type": "text", "text": "two"}, {"type": "text", "text": "three"}]) == "you said twothree"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/messages", {"model": "m", "messages": [{"role": "user", "content": "hi"}]}),
        ("/v1beta/models/m:generateContent", {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}),
        ("/v2/chat", {"messages": [{"role": "user", "content": "hi"}]}),
        ("/v1/embeddings", {"input": "hi"}),
        ("/v1/images/generations", {"prompt": "hi"}),
        ("/v1/embeddings", {"input": ["first", "hi"]}),
    ],
)
def test_the_prompt_is_found_in_every_protocol(path: str, body: dict[str, Any]) -> None:
    seen: list[str] = []
    with FaultServer() as server:
        server.script(replies.by_prompt(lambda text: [seen.append(text), replies.answer()][1]))  # type: ignore[func-returns-value, return-value]
        assert requests.post(server.origin + path, json=body, timeout=20).status_code == 200
    assert seen == ["hi"]


def test_a_reply_can_be_delayed() -> None:
    with FaultServer() as server, Client(base_url=server.base_url) as client:
        server.script(replies.delayed(0.2, replies.answer("late")))
        began = time.monotonic()
        assert ask(client, "hi") == "late"
        assert time.monotonic() - began >= 0.2


def test_a_rate_is_limited_and_the_wait_is_told() -> None:
    with FaultServer() as server:
        server.script(replies.rate_limited(5, 60.0))
        found: list[requests.Response] = []

        def call() -> None:
            found.append(requests.post(f"{server.base_url}/chat/completions", json={"model": "m"}, timeout=20))

        threads = [threading.Thread(target=call) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(reply.status_code for reply in found) == [200] * 5 + [429] * 7
    assert all(0 < float(reply.headers["retry-after"]) <= 60 for reply in found if reply.status_code == 429)
    with FaultServer() as server, Client(base_url=server.base_url) as client:
        server.script(replies.rate_limited(2, 0.3, replies.answer("in turn")))
        assert [ask(client, "hi") for _ in range(5)] == ["in turn"] * 5  # the client waits as it is told


def test_the_bytes_of_a_reply_can_be_made_by_hand() -> None:
    def own(request: Received) -> Any:
        content = b'{"choices": [{"message": {"content": "by hand"}, "finish_reason": "stop"}]}'
        yield wire.head(200, {"transfer-encoding": "chunked", "content-type": "application/json"})
        yield wire.http_chunk(content) + wire.END

    with FaultServer() as server, Client(base_url=server.base_url) as client:
        server.script(own)
        assert ask(client, "hi") == "by hand"


def test_a_limit_of_nothing_takes_nothing() -> None:
    with FaultServer() as server, Client(base_url=server.base_url, retries=0) as client:
        server.script(replies.rate_limited(0, 60))
        with pytest.raises(RateLimitError) as caught:
            client.chat.completions.create(messages=[{"role": "user", "content": "hi"}], model="m", deadline=5)
    assert caught.value.retry_after == 60
