"""Half of a surrogate pair in a request: no character, so it is refused, and not replaced."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from helpers.gateways import KEY, key_table, running, tables

from g4f_lite.testing import FaultServer

CHAT = {"model": "groq:one", "messages": [{"role": "user", "content": "TEXT"}], "max_tokens": 9}
EMBED = {"model": "groq:one", "input": "TEXT"}
PATHS: list[tuple[str, dict[str, Any]]] = [
    ("/v1/chat/completions", CHAT),
    ("/v1/messages", CHAT),
    ("/v1/embeddings", EMBED),
]


@pytest.mark.parametrize(("path", "body"), PATHS)
def test_it_is_refused_and_a_whole_pair_is_sent_as_it_is(path: str, body: dict[str, Any], groq: FaultServer) -> None:
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    with running(tables(groq, keys=key_table())) as gateway:
        for half in ("\\ud83d", "\\ude00", "\\ude00\\ud83d"):
            sent = json.dumps(body).replace("TEXT", f"a{half}b")
            answer = requests.post(gateway.url + path, data=sent, headers=headers, timeout=30)
            assert answer.status_code == 400
            assert "half of a surrogate pair" in answer.text
        assert not groq.received
        if body is CHAT:
            sent = json.dumps(body).replace("TEXT", "\\ud83d\\ude00 \\\\ud83d")
            assert requests.post(gateway.url + path, data=sent, headers=headers, timeout=30).status_code == 200
            assert groq.received[0].json["messages"][0]["content"] == "\N{GRINNING FACE} \\ud83d"
