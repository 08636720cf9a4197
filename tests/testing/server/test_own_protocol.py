"""A fault server whose protocol is the test's own: how a request names the model and asks for a stream."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from g4f_lite.testing import Failure, FaultServer, OpenaiShape, Received, Said, Shape, replies


class Own(Shape):
    FRAMING = "json_lines"

    def whole(self, model: str, said: Said) -> dict[str, Any]:
        return {"by": model, "say": said.text}

    def chunks(self, model: str, said: Said) -> Iterator[dict[str, Any]]:
        for piece in said.pieces:
            yield {"say": piece}
        if said.finish:
            yield {"end": said.finish}

    def error(self, failure: Failure) -> dict[str, Any]:
        return {"problem": failure.message}

    def model_of(self, request: Received) -> str:
        return str(request.json.get("engine", ""))

    def streams(self, request: Received) -> bool:
        return request.path.endswith("/live")


def ask(server: FaultServer, path: str, **body: Any) -> list[Any]:
    """Return the JSON of each line of the answer."""
    request = urllib.request.Request(f"{server.origin}{path}", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=10) as response:
        return [json.loads(line) for line in response.read().splitlines()]


@pytest.mark.parametrize("path", ["/talk", "/v1/messages", "/v2/chat"])
def test_the_shape_of_the_server_reads_every_request(path: str) -> None:
    with FaultServer(shape=Own()) as server:
        server.on("owl", replies.answer("hi there"))
        assert ask(server, path, engine="owl") == [{"by": "owl", "say": "hi there"}]
        assert ask(server, f"{path}/live", engine="owl") == [{"say": "hi "}, {"say": "there"}, {"end": "stop"}]
        assert server.models == ["owl", "owl"]
        assert [request.stream for request in server.received] == [False, True]


def test_the_shape_of_a_reply_reads_its_request() -> None:
    with FaultServer() as server:
        server.script(replies.answer("hi there", shape=Own()))
        assert ask(server, "/talk/live", engine="owl") == [{"say": "hi "}, {"say": "there"}, {"end": "stop"}]
        assert ask(server, "/talk", engine="owl") == [{"by": "owl", "say": "hi there"}]


def test_the_shape_of_a_reply_takes_precedence() -> None:
    with FaultServer(shape=Own()) as server:
        server.script(replies.answer("hi", shape="openai"))
        assert ask(server, "/talk", model="m")[0]["choices"][0]["message"]["content"] == "hi"


def test_errors_after_some_pieces_are_in_the_stream_that_the_shape_sees() -> None:
    with FaultServer(shape=Own()) as server:
        server.script(replies.error(503, "tired", after=1))
        assert ask(server, "/talk/live")[-1] == {"problem": "tired"}


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown shape 'opnai'"):
        FaultServer(shape="opnai")  # type: ignore[arg-type]


def test_openai_in_json_lines_answers_every_endpoint() -> None:
    with FaultServer(shape=OpenaiShape("json_lines")) as server:
        lines = ask(server, "/v1/chat/completions", model="m", stream=True)
        assert [line["choices"][0]["delta"].get("content") for line in lines if line["choices"]][-2] == "ok"
        assert len(ask(server, "/v1/embeddings", model="m", input=["a", "b"])[0]["data"]) == 2
