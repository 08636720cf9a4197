"""What a service quotes of a prompt, written as JSON writes it."""

from __future__ import annotations

import json

import pytest

from g4f_lite.gateway.quoting import texts_of, without_quotes

PROMPTS = ["Привет, как дела сегодня?", 'Say "yes"\nor "no"\tor \\ now', "名前は秘密です", "a\n1\nb\n2\nc\n3\nd\n4"]


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_prompt_that_is_quoted_as_json_is_left_out(prompt: str, ascii_only: bool) -> None:
    messages = [{"role": "user", "content": prompt}]
    quoted = json.dumps(messages, ensure_ascii=ascii_only)
    texts = texts_of({"messages": messages})
    for said in [f"cannot use {quoted}", f"400: {json.dumps(prompt, ensure_ascii=ascii_only)} is refused"]:
        told = without_quotes(said, texts)
        assert json.dumps(prompt, ensure_ascii=ascii_only)[1:-1] not in told and "[…]" in told
        assert told.startswith(said[:4])


SECRET = "the secret words of mine"
FIELDS = [
    {"messages": SECRET},
    {"messages": [SECRET]},
    {"messages": [{"role": "user", "content": SECRET}]},
    {"messages": [], "tools": [{"type": "function", "function": {"name": "look", "description": SECRET}}]},
    {"input": [SECRET]},
]


@pytest.mark.parametrize("fields", FIELDS)
def test_what_is_said_is_found_also_in_the_wrong_place(fields: dict[str, object]) -> None:
    assert without_quotes(f"look: {SECRET}", texts_of(fields)) == "look: […]"
