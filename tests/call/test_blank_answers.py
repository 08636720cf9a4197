"""An answer of blanks alone is empty, and is not decoded: 100 MiB of them take seconds, which no deadline interrupts."""

from __future__ import annotations

import pytest
from helpers.driving import MODES, run

from g4f_lite import ChatCompletion, HTTPResponse, MalformedResponseError, OpenaiTemplate
from g4f_lite.testing import FaultServer, replies

SIZE = 2 << 20
ANSWER = b'{"choices":[{"finish_reason":"stop","message":{"content":"ok"}}]}'


class Watched(OpenaiTemplate):
    name = "watched"
    needs_auth = False
    default_model = "m"
    read: list[int] = []  # of the class, as the attributes of a provider are frozen

    def parse_response(self, response: HTTPResponse) -> ChatCompletion:
        self.read.append(len(response.body))
        return super().parse_response(response)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("blank", [b" ", b"\n", b"\r\n", b"\t"])
def test_it_is_refused_before_it_is_decoded(blank: bytes, mode: str) -> None:
    Watched.read.clear()
    with FaultServer() as server:
        server.script(replies.body(blank * (SIZE // len(blank))))
        seen = run(mode, {"retries": 0}, {"provider": Watched(api_base=server.base_url)})
    assert isinstance(seen.error, MalformedResponseError)
    assert "is empty" in str(seen.error)
    assert Watched.read == []


@pytest.mark.parametrize("mode", MODES)
def test_blanks_around_an_answer_do_no_harm(mode: str) -> None:
    Watched.read.clear()
    with FaultServer() as server:
        server.script(replies.body(b" " * SIZE + ANSWER + b"\n" * SIZE))
        seen = run(mode, {"retries": 0}, {"provider": Watched(api_base=server.base_url)})
    assert seen.text == "ok"
