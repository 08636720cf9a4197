"""The strategy, by its name and with a limit of its own."""

from __future__ import annotations

import pytest

from g4f_lite import Client
from g4f_lite.testing import ScriptedProvider
from g4f_lite_by_length import ByLength

SMALL, LARGE = ScriptedProvider("small", name="small"), ScriptedProvider("large", name="large")


def ask(client: Client, prompt: str) -> str:
    messages = [{"role": "user", "content": prompt}]
    return client.chat.completions.create(messages=messages, provider=[SMALL, LARGE]).text


@pytest.mark.parametrize(("length", "expected"), [(1, "small"), (4000, "small"), (4001, "large")])
def test_it_is_found_by_its_name(length: int, expected: str) -> None:
    with Client(strategy="by-length") as client:
        assert ask(client, "x" * length) == expected


def test_its_limit_can_be_set() -> None:
    with Client(strategy=ByLength(10)) as client:
        assert [ask(client, "short"), ask(client, "not so short")] == ["small", "large"]
