"""What a field of Anthropic's is in OpenAI's shape, and back. No sockets."""

from __future__ import annotations

from typing import Any

import pytest

from g4f_lite import TokenDetails, Usage
from g4f_lite.gateway.anthropic.answers import stop_reason, usage_of
from g4f_lite.gateway.anthropic.counting import count_tokens
from g4f_lite.gateway.anthropic.requests import chat_fields

TURN: Any = {"role": "user", "content": "Which day is it?"}
IMAGE: Any = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aWs="}}


def document(source: Any, **more: Any) -> Any:
    return {"messages": [{"role": "user", "content": [{"type": "document", "source": source, **more}]}]}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"stop_sequences": ["END"]}, {"stop": ["END"]}),
        ({"metadata": {"user_id": "u1"}}, {"user": "u1"}),
        ({"stream": True}, {"stream": True, "stream_options": {"include_usage": True}}),
        ({"tool_choice": {"type": "auto"}}, {"tool_choice": "auto"}),
        ({"tool_choice": {"type": "none"}}, {"tool_choice": "none"}),
        ({"tool_choice": {"type": "any", "disable_parallel_tool_use": True}},
         {"tool_choice": "required", "parallel_tool_calls": False}),
        ({"tool_choice": {"type": "tool", "name": "t"}},
         {"tool_choice": {"type": "function", "function": {"name": "t"}}}),
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, {"reasoning_effort": "low"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 2049}}, {"reasoning_effort": "medium"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 8193}}, {"reasoning_effort": "high"}),
        ({"thinking": {"type": "disabled"}}, {}),
        ({"output_config": {"effort": "medium"}}, {"reasoning_effort": "medium"}),
        ({"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
         {"response_format": {"type": "json_schema",
                              "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": True}}}),
        ({"container": "c1"}, {"container": "c1"}),
    ],
)  # fmt: skip
def test_parameters(body: Any, found: Any) -> None:
    fields = chat_fields({"messages": [TURN], **body})
    assert fields == {"messages": [TURN], **found}


@pytest.mark.parametrize(
    ("result", "content"),
    [
        ({"content": "no such city", "is_error": True}, "Error: no such city"),
        ({"content": "25 degrees"}, "25 degrees"),
        ({}, ""),
    ],
)
def test_results_of_tools_come_before_the_rest_of_their_turn(result: Any, content: str) -> None:
    blocks = [{"type": "text", "text": "And then?"}, {"type": "tool_result", "tool_use_id": "t1", **result}]
    assert chat_fields({"messages": [{"role": "user", "content": blocks}]})["messages"] == [
        {"role": "tool", "tool_call_id": "t1", "content": content},
        {"role": "user", "content": [{"type": "text", "text": "And then?"}]},
    ]


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ({"type": "base64", "media_type": "application/pdf", "data": "aWs="},
         {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,aWs="}}),
        ({"type": "url", "url": "https://h/a.pdf"},
         {"type": "file", "file": {"filename": "a.pdf", "file_url": "https://h/a.pdf"}}),
        ({"type": "text", "data": "words"}, {"type": "text", "text": "words"}),
    ],
)  # fmt: skip
def test_documents(source: Any, part: Any) -> None:
    assert chat_fields(document(source, title="a.pdf"))["messages"] == [{"role": "user", "content": [part]}]


def test_an_image_is_counted_as_one_and_not_by_its_bytes() -> None:
    def estimated(*blocks: Any) -> int:
        tokens: int = count_tokens(chat_fields({"messages": [{"role": "user", "content": list(blocks)}]}))[
            "input_tokens"
        ]
        return tokens

    text = {"type": "text", "text": "What is it?"}
    large = {**IMAGE, "source": {**IMAGE["source"], "data": "aWs=" * 10_000}}
    assert estimated(text) < 20
    assert estimated(text, IMAGE) == estimated(text, large) > 1000


def test_tokens_of_the_cache_are_told_apart() -> None:
    details = TokenDetails(cached_tokens=30, cache_write_tokens=20)
    usage = Usage(prompt_tokens=100, completion_tokens=7, prompt_tokens_details=details)
    assert usage_of(usage) == {
        "input_tokens": 50, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 20, "output_tokens": 7,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("finish", "stop"),
    [
        ("stop", "end_turn"),
        ("eos", "end_turn"),
        ("tool_calls", "tool_use"),
        ("length", "max_tokens"),
        ("model_length", "max_tokens"),
        ("MAX_TOKENS", "max_tokens"),
        ("content_filter", "refusal"),
        ("sensitive", "refusal"),
        (None, None),
    ],
)
def test_a_finish_reason_in_any_word(finish: str | None, stop: str | None) -> None:
    assert stop_reason(finish) == stop
