"""The suite for providers that answer in-process."""

from __future__ import annotations

from typing import ClassVar

import pytest

from ...provider.local import LocalProvider
from ...types.chat import ChatCompletion
from ...types.chunks import ChatCompletionChunk
from ..network import hide_environment
from . import contract
from .asking import PROMPT, ask
from .calls import CLIENTS, call
from .common import Conformance
from .contract import fail, hold
from .service import content_of
from .threads import in_threads

_MAX_CHUNKS = 10_000
"""A stream with more chunks counts as endless."""


class LocalProviderConformance(Conformance):
    """
    Subclass it with a provider that answers in-process; pytest runs the checks.

    The provider must answer the same prompt with the same text. The answer to `prompt` must take several chunks.
    """

    prompt: ClassVar[str] = PROMPT

    def local(self) -> LocalProvider:
        one = self.made()
        if not isinstance(one, LocalProvider):
            fail(contract.NAME, f"{one.name!r} is not a LocalProvider: subclass ProviderConformance")
        return one

    def test_streams_are_finished_and_complete_says_the_same(self) -> None:
        one = self.local()
        completion = _complete(one, self.prompt)
        hold(
            content_of(completion).finish_reason, contract.FINISHING, "complete gives an answer without a finish reason"
        )
        streamed = _streamed(one, self.prompt)
        hold(
            streamed == content_of(completion).text,
            contract.FINISHING,
            f"stream yields {streamed!r}, complete returns {completion.text!r}",
        )

    def test_streams_end_when_they_are_cancelled(self) -> None:
        one = self.local()
        seen: list[ChatCompletionChunk] = []
        pieces = iter(one.stream(ask(one, self.prompt), cancelled=lambda: bool(seen)))
        try:
            for chunk in pieces:
                hold(
                    not seen or not chunk.has_content(),
                    contract.CANCELLING,
                    "stream yields text after it was cancelled",
                )
                seen.append(chunk)
        except Exception:  # noqa: S110  # a cancelled stream may also end with an exception
            pass

    def test_both_clients(self, monkeypatch: pytest.MonkeyPatch) -> None:
        hide_environment(monkeypatch)
        one = self.local()
        results = {(client, stream): call(client, one, stream=stream) for client in CLIENTS for stream in (False, True)}
        for (client, stream), result in results.items():
            hold(
                result.outcomes == ("ok",),
                contract.CLIENTS,
                f"{client}, stream={stream}: the outcomes of the attempts are {result.outcomes}",
            )
            hold(
                result == results["Client", False],
                contract.CLIENTS,
                f"{client}, stream={stream}: another answer: {result}",
            )

    def test_threads_share_nothing(self) -> None:
        one = self.local()
        prompts = [f"{self.prompt} ({number})" for number in range(3)]
        alone = [content_of(_complete(one, prompt)) for prompt in prompts]

        def work(number: int) -> str | None:
            content = content_of(_complete(one, prompts[number]))
            return None if content == alone[number] else f"an answer is {content} instead of {alone[number]}"

        for problem in in_threads(work, len(prompts)):
            fail(contract.THREADS, f"with {len(prompts)} threads, {problem}")


def _complete(one: LocalProvider, prompt: str) -> ChatCompletion:
    try:
        completion = one.complete(ask(one, prompt), cancelled=lambda: False)
    except Exception as error:
        fail(contract.FINISHING, f"complete raises {type(error).__name__}: {error}")
    hold(isinstance(completion, ChatCompletion), contract.FINISHING, f"complete returns {type(completion).__name__}")
    return completion


def _streamed(one: LocalProvider, prompt: str) -> str:
    text, unfinished = "", True
    for number, chunk in enumerate(one.stream(ask(one, prompt), cancelled=lambda: False)):
        hold(isinstance(chunk, ChatCompletionChunk), contract.FINISHING, f"stream yields {type(chunk).__name__}")
        hold(number < _MAX_CHUNKS, contract.FINISHING, f"stream does not end after {_MAX_CHUNKS} chunks")
        text += chunk.text
        if chunk.choices:
            unfinished = chunk.choices[0].finish_reason is None
    hold(not unfinished, contract.FINISHING, "stream ends without a finish reason")
    return text
