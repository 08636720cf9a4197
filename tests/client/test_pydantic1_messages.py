"""Messages that are objects of pydantic 1, which have `dict()`."""

from __future__ import annotations

from typing import Any

import g4f_lite
from g4f_lite.testing import FaultServer


class OldModel:
    def __init__(self, **fields: Any) -> None:
        self.fields = fields

    def dict(self) -> dict[str, Any]:
        return dict(self.fields)


def test_they_and_their_parts_are_sent() -> None:
    messages: list[Any] = [
        OldModel(role="system", content="Be short.", name=None),
        {"role": "user", "content": [OldModel(type="text", text="hi")]},
    ]
    with FaultServer() as server, g4f_lite.Client(base_url=server.base_url, api_key="k") as client:
        client.chat.completions.create(messages=messages, model="m")
        assert server.received[0].json["messages"] == [
            {"role": "system", "content": "Be short."},
            {"role": "user", "content": [{"type": "text", "text": "hi"}]},
        ]
