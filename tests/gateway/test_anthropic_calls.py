"""Tool calls that come in odd pieces, as the events of Anthropic's protocol: one block each, one after the other."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic import Anthropic
from helpers.gateways import KEY, MESSAGES, key_table, running, tables

from g4f_lite.testing import FaultServer, replies


def piece(index: int | None, id: str | None, name: str | None, arguments: str | None) -> dict[str, Any]:
    given = {"index": index, "id": id, "type": id and "function", "function": {"name": name, "arguments": arguments}}
    return {"tool_calls": [{key: value for key, value in given.items() if value is not None}]}


F, G = ("a", "f", {"x": 1}), ("b", "g", {"y": 2})
ODD: dict[str, tuple[list[dict[str, Any]], list[Any]]] = {
    "one after the other": ([piece(0, "a", "f", '{"x": 1}'), piece(1, "b", "g", '{"y": 2}')], [F, G]),
    "the same index": ([piece(0, "a", "f", '{"x": 1}'), piece(0, "b", "g", '{"y": 2}')], [F, G]),
    "no index": ([piece(None, "a", "f", '{"x": 1}'), piece(None, "b", "g", '{"y": 2}')], [F, G]),
    "the same index, in pieces": (
        [piece(0, "a", "f", '{"x":'), piece(0, None, None, " 1}"), piece(0, "b", "g", '{"y": 2'),
         piece(0, None, None, "}")],
        [F, G],
    ),
    "in turns": (
        [piece(0, "a", "f", '{"x":'), piece(1, "b", "g", '{"y"'), piece(0, None, None, " 1}"),
         piece(1, None, None, ": 2}")],
        [F, G],
    ),
    "names first": (
        [piece(0, "a", "f", ""), piece(1, "b", "g", ""), piece(0, None, None, '{"x": 1}'),
         piece(1, None, None, '{"y": 2}')],
        [F, G],
    ),
    "the name comes late": ([piece(0, "a", None, None), piece(0, None, "f", '{"x": 1}')], [F]),
    "text between": (
        [piece(0, "a", "f", '{"x":'), {"content": "hm"}, piece(0, None, None, " 1}"), {"content": "!"}],
        [F, "hm!"],
    ),
    "no arguments": ([piece(0, "a", "f", ""), piece(1, "b", "g", '{"y": 2}')], [("a", "f", {}), G]),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_each_call_is_one_block(name: str, groq: FaultServer) -> None:
    deltas, expected = ODD[name]
    chunks = [{"id": "c", "model": "one", "choices": [{"index": 0, "delta": one}]} for one in deltas]
    end = {"id": "c", "model": "one", "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
    groq.script(replies.stream([*chunks, end]))
    opened: list[int] = []
    with running(tables(groq, keys=key_table())) as gateway:
        client = Anthropic(base_url=gateway.url, api_key=KEY, max_retries=0, timeout=30)
        with client, client.messages.stream(model="groq:one", messages=MESSAGES, max_tokens=99) as stream:
            for event in stream:
                if event.type == "content_block_start":
                    assert not opened
                    opened.append(event.index)
                elif event.type == "content_block_delta":
                    assert opened == [event.index]
                elif event.type == "content_block_stop":
                    assert opened.pop() == event.index
            content: list[Any] = stream.get_final_message().content
    found = [one.text if one.type == "text" else (one.id, one.name, one.input) for one in content]
    assert found == expected
