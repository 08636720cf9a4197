"""What the parser of a failed stream keeps is not kept until the call ends: the next leg has the memory."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
from helpers.plain_routes import Plain, collect, routes

from g4f_lite import MalformedResponseError
from g4f_lite.testing import FaultServer, replies

begun: list[weakref.ref[Any]] = []
alive: list[bool] = []


class Parser:
    """The parser of OpenAI's protocol, or one that fails."""

    def __init__(self, inner: Any, fails: bool) -> None:
        self.inner, self.fails = inner, fails
        self.done = False

    def feed(self, event: Any) -> Any:
        if self.fails:
            raise MalformedResponseError("broken")
        chunks = self.inner.feed(event)
        self.done = self.inner.done
        return chunks

    def close(self) -> Any:
        return self.inner.close()


class Own(Plain):
    name = "own"

    def new_stream(self, request: Any) -> Any:
        gc.collect()
        alive.append(any(one() is not None for one in begun))
        parser = Parser(super().new_stream(request), self.name == "first")
        begun.append(weakref.ref(parser))
        return parser


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_the_parser_of_a_failed_leg_is_gone_when_the_next_one_begins(server: FaultServer, mode: str) -> None:
    begun.clear()
    alive.clear()
    server.script(replies.answer("ok"))
    options = routes(server, Own)
    options["routes"][0] = Own(name="first", api_base=server.base_url, default_model="first")
    chunks, stream = collect(mode, {**options, "retries": 0})
    assert "".join(chunk.text for chunk in chunks) == "ok" and stream.provider == "own"
    assert alive == [False, False]
