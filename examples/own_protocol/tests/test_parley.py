"""Parley keeps the contract, and is found by its name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from g4f_lite import AuthenticationError, Client
from g4f_lite.testing import Exchange, Failure, FaultServer, ProviderConformance, Said, Shape, replies
from g4f_lite.testing.wire import sse
from g4f_lite_parley import WHY, Parley

ENDS = {finish: why for why, finish in WHY.items()}


class ParleyShape(Shape):
    """The protocol of the service."""

    def whole(self, model: str, said: Said) -> dict[str, Any]:
        return {"says": said.text, "why": ENDS[said.finish or "stop"], "used": said.tokens}

    def chunks(self, model: str, said: Said) -> Iterator[dict[str, Any]]:
        for piece in said.pieces:
            yield {"says": piece}
        if said.finish is not None:
            yield {"why": ENDS[said.finish], "used": said.tokens}

    def error(self, failure: Failure) -> dict[str, Any]:
        return {"failed": {"message": failure.message}, "message": failure.message}

    def sse(self, data: object) -> bytes:
        return sse(data, "end" if isinstance(data, dict) and "why" in data else "piece")


class TestParley(ProviderConformance):
    provider = Parley
    shape = ParleyShape()
    exchanges = (
        Exchange(
            name="whole", body=b'{"says": "Hear ye!", "why": "end", "used": 2}', text="Hear ye!", finish_reason="stop"
        ),
        Exchange(name="refused", status=401, body=b'{"message": "who are you?"}', error=AuthenticationError),
    )


def test_it_answers_by_its_name(fault_server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_API_KEY", "test")
    monkeypatch.setenv("PARLEY_API_BASE", fault_server.base_url)
    fault_server.script(replies.body(b'{"says": "Hear ye!", "why": "end"}'))
    with Client() as client:
        messages = [{"role": "user", "content": "News?"}]
        assert client.chat.completions.create(messages=messages, provider="parley").text == "Hear ye!"
    [request] = fault_server.received
    assert (request.path, request.headers["x-parley-key"]) == ("/v1/models/town-crier-2/talk", "test")
