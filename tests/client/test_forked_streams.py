"""A child that closes its parent's stream ends no attempt: the parent reads on, and both count from zero."""

from __future__ import annotations

import json
import os
import sys

import pytest
from helpers.driving import MESSAGES

from g4f_lite import Client, OpenaiTemplate
from g4f_lite.testing import FaultServer, replies


class Plain(OpenaiTemplate):
    name = "plain"
    needs_auth = False
    default_model = "m"


def in_flight(client: Client) -> list[int]:
    return [state.in_flight for state in client._calls.health._legs.values()]


@pytest.mark.skipif(sys.platform == "win32", reason="it forks")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_child_closes_its_parents_stream(server: FaultServer) -> None:
    server.script(replies.answer("one two three"), replies.answer("the child's"), replies.answer())
    with Client(routes=[Plain(api_base=server.base_url)], retries=0) as client:
        stream = client.chat.completions.create(messages=MESSAGES, stream=True)
        text = next(stream).text
        reading, writing = os.pipe()
        if not (child := os.fork()):
            try:
                stream.close()
                counted = in_flight(client)
                own = client.chat.completions.create(messages=MESSAGES).text
                os.write(writing, json.dumps([counted, own, in_flight(client)]).encode())
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as told:
            assert json.loads(told.read()) == [[0], "the child's", [0]]
        os.waitpid(child, 0)
        assert in_flight(client) == [1]
        assert text + "".join(chunk.text for chunk in stream) == "one two three"
        assert in_flight(client) == [0]
