"""Each check of the suite for in-process providers fails for one with the bug that it looks for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from helpers.suites import ATTRIBUTES, IMPORTS, SHOWN, Bug, Good, assert_explained, checks, run_check

from g4f_lite import ChatCompletionChunk, ChatRequest, ChunkChoice, Delta, LocalProvider
from g4f_lite.testing import LocalProviderConformance


class GoodLocal(LocalProvider):
    name = "good-local"
    default_model = "good-1"

    def stream(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
        for word in request.messages[-1]["content"].split():
            if cancelled():
                return
            yield ChatCompletionChunk(choices=(ChunkChoice(delta=Delta(content=word)),))
        yield ChatCompletionChunk(choices=(ChunkChoice(finish_reason="stop"),))


class TestGoodLocal(LocalProviderConformance):
    provider = GoodLocal


class Endless(GoodLocal):
    def stream(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
        return super().stream(request, cancelled=lambda: False)


class Unfinished(GoodLocal):
    def stream(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
        return (chunk for chunk in super().stream(request, cancelled=cancelled) if chunk.has_content())


class Forgetful(GoodLocal):
    """Keeps the state of an answer in the class."""

    now = ""

    def stream(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
        Forgetful.now = request.messages[-1]["content"]
        time.sleep(0.001)
        yield ChatCompletionChunk(choices=(ChunkChoice(delta=Delta(content=Forgetful.now)),))
        yield ChatCompletionChunk(choices=(ChunkChoice(finish_reason="stop"),))


class Counts(GoodLocal):
    """Never gives the same answer twice."""

    times: list[int] = []

    def stream(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
        self.times.append(1)
        yield ChatCompletionChunk(choices=(ChunkChoice(delta=Delta(content=str(len(self.times)))),))
        yield ChatCompletionChunk(choices=(ChunkChoice(finish_reason="stop"),))


LOCAL_BUGS = [
    Bug("a remote provider in the wrong suite", Good, "test_both_clients", "ProviderConformance"),
    Bug("an end that never comes", Endless, "test_streams_end_when_they_are_cancelled", "after it was cancelled"),
    Bug(
        "no finish reason", Unfinished, "test_streams_are_finished_and_complete_says_the_same", "stopped before its end"
    ),
    Bug("two answers", Counts, "test_streams_are_finished_and_complete_says_the_same", "stream yields '2'"),
    Bug("two clients, two answers", Counts, "test_both_clients", "another answer"),
    Bug("threads mixed up", Forgetful, "test_threads_share_nothing", "instead of"),
]


@pytest.mark.parametrize("bug", LOCAL_BUGS, ids=lambda bug: f"{bug.check}: {bug.name}")
def test_a_bug_of_a_local_provider_is_found(bug: Bug, request: pytest.FixtureRequest) -> None:
    suite = type("TestBug", (LocalProviderConformance,), {"provider": bug.provider})
    with pytest.raises(pytest.fail.Exception) as caught:
        run_check(suite, bug.check, request)
    assert_explained(str(caught.value), bug.message)


def test_each_check_has_a_bug_that_it_finds() -> None:
    found = {bug.check for bug in LOCAL_BUGS} | {IMPORTS, ATTRIBUTES, SHOWN}
    assert found == checks(LocalProviderConformance)
