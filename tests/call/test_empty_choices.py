"""A choice that was asked for and is empty is no answer, whatever other choices say: `.text` would be empty."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.driving import MODES, run
from helpers.openai_bodies import whole

from g4f_lite import ContentFilterError, MalformedResponseError, OpenaiTemplate, StreamInterruptedError
from g4f_lite.testing import FaultServer, replies


class Example(OpenaiTemplate):
    name = "example"
    default_model = "m"


def reply(*said: tuple[str, str]) -> Any:
    """Answer with these choices: the text and the finish reason of each."""

    def answered(request: Any) -> Any:
        choices = [
            {"index": index, "message" if not request.stream else "delta": {"content": text}, "finish_reason": finish}
            for index, (text, finish) in enumerate(said)
        ]
        body = json.dumps({**whole({}), "choices": choices})
        return replies.body((f"data: {body}\n\ndata: [DONE]\n\n" if request.stream else body).encode())(request)

    return answered


def ask(mode: str, reply: Any, n: int | None) -> Any:
    with FaultServer() as server:
        server.script(reply)
        provider = Example(api_base=server.base_url, api_key="k")
        return run(mode, {"retries": 0}, {"provider": provider, "fallback_models": [], "n": n})


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("n", "said", "named"),
    [
        (None, [("", "stop"), ("text", "stop")], 0),
        (2, [("", "stop"), ("text", "stop")], 0),
        (2, [("text", "stop"), ("", "stop")], 1),
        (3, [("text", "stop"), ("", "content_filter"), ("", "stop")], 2),
    ],
)
def test_an_empty_choice_that_was_asked_for_is_malformed(
    n: int | None, said: list[tuple[str, str]], named: int, mode: str
) -> None:
    seen = ask(mode, reply(*said), n)
    kind = StreamInterruptedError if "stream" in mode else MalformedResponseError
    assert type(seen.error) is kind
    assert f"the choice {named} is empty" in str(seen.error)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("n", "said"),
    [
        (None, [("text", "stop"), ("", "stop")]),
        (2, [("", "length"), ("text", "stop")]),
        (2, [("", "content_filter"), ("text", "stop")]),
    ],
)
def test_a_choice_may_be_empty_if_nobody_asked_for_it_or_its_reason_says_why(
    n: int | None, said: list[tuple[str, str]], mode: str
) -> None:
    seen = ask(mode, reply(*said), n)
    assert seen.error is None
    assert [choice.message.content or "" for choice in seen.completion.choices] == [text for text, _ in said]


@pytest.mark.parametrize("mode", [mode for mode in MODES if "stream" not in mode])
def test_a_withheld_choice_is_not_replaced_by_one_that_nobody_asked_for(mode: str) -> None:
    seen = ask(mode, reply(("", "content_filter"), ("text", "stop")), None)
    assert type(seen.error) is ContentFilterError
