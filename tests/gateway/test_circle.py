"""Gateways that send a request to each other in a circle end it soon."""

from __future__ import annotations

import socket

import pytest
import requests
from helpers.gateways import MESSAGES, running


@pytest.mark.parametrize("path", ["chat/completions", "messages"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_circle_ends_after_one_request_of_each(path: str, stream: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    configuration = {
        "server": {"listen": f"127.0.0.1:{port}"},
        "client": {"deadline": 20},
        "providers": {"own": {"base_url": f"http://127.0.0.1:{port}/v1"}},
        "models": {"loop": {"routes": ["own:loop"]}},
    }
    ended: list[int] = []
    with running(configuration) as gateway:
        gateway.gateway.views._recent.listener = lambda record: ended.append(record.status)
        body = {"model": "loop", "messages": MESSAGES, "max_tokens": 9, "stream": stream}
        answer = requests.post(f"{gateway.base_url}/{path}", json=body, timeout=60)
    assert (answer.status_code, answer.headers["x-should-retry"]) == (508, "false")
    assert "circle" in answer.text and ended == [508] * 5
