"""A finish reason in a service's own word: cut at a limit, or withheld, means the same as in OpenAI's."""

from __future__ import annotations

import pytest
from helpers.driving import MODES, run

from g4f_lite import ContentFilterError, OpenaiTemplate
from g4f_lite.testing import FaultServer, replies

CUT = ["length", "model_length", "max_tokens", "MAX_TOKENS", "model_context_window_exceeded"]
WITHHELD = ["content_filter", "content-filter", "sensitive", "SAFETY", "refusal"]
each_mode = pytest.mark.parametrize("mode", MODES)


class Odd(OpenaiTemplate):
    name, default_model, needs_auth = "odd", "m", False


@each_mode
@pytest.mark.parametrize("reason", CUT)
def test_a_cut_answer_may_be_empty(reason: str, mode: str, server: FaultServer) -> None:
    server.script(replies.answer("", finish=reason))
    seen = run(mode, {"retries": 0}, {"provider": Odd(api_base=server.base_url)})
    assert seen.completion is not None, seen.error
    assert (seen.text, seen.completion.choices[0].finish_reason) == ("", reason)


@each_mode
@pytest.mark.parametrize("reason", CUT)
def test_the_arguments_of_a_cut_call_are_not_made_whole(reason: str, mode: str, server: FaultServer) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "delete", "arguments": ""}}
    server.script(replies.answer("", finish=reason, tool_calls=[call]))
    seen = run(mode, {"retries": 0}, {"provider": Odd(api_base=server.base_url)})
    assert seen.completion is not None, seen.error
    assert [one.function.arguments for one in seen.completion.tool_calls] == [""]


@each_mode
@pytest.mark.parametrize("reason", WITHHELD)
def test_a_withheld_answer_is_not_asked_for_again(reason: str, mode: str, server: FaultServer) -> None:
    server.script(replies.answer("", finish=reason))
    seen = run(mode, {}, {"provider": Odd(api_base=server.base_url)})
    assert type(seen.error) is ContentFilterError
    assert len(server.received) == 1
