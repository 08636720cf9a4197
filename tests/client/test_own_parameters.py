"""Parameters that one service has, and OpenAI has not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from helpers.driving import MESSAGES, MODES, run

from g4f_lite import AsyncClient, Client, OpenaiTemplate
from g4f_lite.testing import FaultServer

GROQ: dict[str, Any] = {
    "citation_options": "enabled",
    "compound_custom": {"tools": {"enabled_tools": ["web_search"]}},
    "disable_tool_validation": True,
    "documents": [{"source": {"type": "text", "text": "a"}}],
    "exclude_domains": ["a.example"],
    "include_domains": ["b.example"],
    "include_reasoning": False,
    "reasoning_format": "parsed",
    "search_settings": {"include_images": True},
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", GROQ)
def test_one_that_is_given_directly_is_shown_its_place(name: str, mode: str, groq: FaultServer) -> None:
    message = (
        rf"create\(\) has no parameter '{name}': it is one of groq alone and goes into extra_body=\{{'{name}': …\}}"
    )
    with pytest.raises(TypeError, match=message):
        run(mode, {}, {"provider": "groq", name: GROQ[name]})
    assert not groq.received


@pytest.mark.parametrize("mode", MODES)
def test_in_extra_body_they_are_sent(mode: str, groq: FaultServer) -> None:
    assert run(mode, {}, {"provider": "groq", "extra_body": GROQ}).text == "ok"
    assert groq.received[0].json.items() >= GROQ.items()


def test_a_plugin_declares_its_own() -> None:
    class Mine(OpenaiTemplate):
        name, own_parameters = "mine", frozenset({"my_mode", "documents"})

    with Client(plugins=[Mine]) as client:
        with pytest.raises(TypeError, match="it is one of mine alone"):
            client.chat.completions.create(messages=MESSAGES, my_mode=1)  # type: ignore[call-overload]
        with pytest.raises(TypeError, match="it is one of mine and groq alone"):
            client.explain(documents=[])
    with pytest.raises(TypeError, match=r"my_mode'.* A provider's own parameters go into extra_body"):
        asyncio.run(AsyncClient().chat.completions.create(messages=MESSAGES, my_mode=1))  # type: ignore[call-overload]
