"""A finish reason that says that the service has failed: what came before it is no answer."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.driving import MODES, run
from helpers.plain_routes import Plain, collect

from g4f_lite import (
    ChatCompletion,
    ChatCompletionChunk,
    Choice,
    ChunkChoice,
    Delta,
    LocalProvider,
    Message,
    Provider,
    ServerError,
    StreamInterruptedError,
)
from g4f_lite.testing import FaultServer, replies

REASONS = ["error", "abort", "insufficient_system_resource", "network_error", "timeout", "ERROR"]


class Here(LocalProvider):
    name, default_model = "here", "m"
    reason = "stop"

    def complete(self, request: Any, *, cancelled: Any) -> ChatCompletion:
        return ChatCompletion(choices=(Choice(message=Message(content="cut"), finish_reason=self.reason),))

    def stream(self, request: Any, *, cancelled: Any) -> Any:
        yield ChatCompletionChunk(choices=(ChunkChoice(delta=Delta(content="cut")),))
        yield ChatCompletionChunk(choices=(ChunkChoice(finish_reason=self.reason),))


def made(kind: str, reason: str, server: FaultServer) -> Provider:
    if kind == "local":
        return Here(reason=reason)
    server.on("m", replies.answer("cut", finish=reason))
    return Plain(name="there", api_base=server.base_url, default_model="m")


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["http", "local"])
def test_a_cut_answer_is_no_success(kind: str, mode: str, reason: str, server: FaultServer) -> None:
    outcome = run(mode, {"routes": [made(kind, reason, server)], "retries": 0}, {})
    if "stream" not in mode:
        assert type(outcome.error) is ServerError
    else:
        assert isinstance(outcome.error, StreamInterruptedError)
        assert (outcome.text, outcome.error.partial_text) == ("cut", "cut")
    assert outcome.completion is None


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("kind", ["http", "local"])
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_nobody_sees_the_reason_as_that_of_a_whole_answer(
    mode: str, kind: str, reason: str, server: FaultServer
) -> None:
    chunks, error = collect(mode, {"routes": [made(kind, reason, server)], "retries": 0})
    assert isinstance(error, StreamInterruptedError)
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason] == []


@pytest.mark.parametrize("mode", MODES)
def test_another_leg_answers(mode: str, server: FaultServer) -> None:
    server.on("second", replies.answer("good"))
    routes = [made("http", "abort", server), Plain(name="second", api_base=server.base_url)]
    outcome = run(mode, {"routes": routes, "retries": 0, "on_interrupt": "restart"}, {})
    assert outcome.completion is not None, outcome.error
    assert (outcome.completion.text, outcome.completion.provider) == ("good", "second")
