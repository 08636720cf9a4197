"""The reply that `FaultServer` chooses from its scripts."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import pytest
from helpers.raw_client import ask
from helpers.shape_reading import read_gemini, read_openai

from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.replies import answer


def texts(server: FaultServer, *models: str) -> list[str]:
    return [read_openai(ask(server, model=model).json).text for model in models]


def test_a_script_is_used_in_order_and_its_last_reply_is_repeated(server: FaultServer) -> None:
    assert server.script(answer("one"), answer("two"), answer("three")) is server
    assert texts(server, *["m"] * 5) == ["one", "two", "three", "three", "three"]
    server.script(answer("new"))
    assert texts(server, "m", "m") == ["new", "new"]
    server.script()
    assert texts(server, "m") == ["ok"]


def test_a_script_for_a_model_takes_precedence_over_the_one_for_all(server: FaultServer) -> None:
    assert server.script(answer("any 1"), answer("any 2")).on("a", answer("a 1"), answer("a 2")) is server
    assert texts(server, "a", "b", "a", "a", "b", "c") == ["a 1", "any 1", "a 2", "a 2", "any 2", "any 2"]
    assert server.models == ["a", "b", "a", "a", "b", "c"]
    server.on("a", answer("again"))
    assert texts(server, "a", "b") == ["again", "any 2"]


def test_a_script_for_a_model_finds_it_in_geminis_path(server: FaultServer) -> None:
    server.on("gemini-x", answer("found")).script(answer("other"))
    said = [read_gemini(ask(server, "gemini", model=model).json).text for model in ("gemini-x", "gemini-y")]
    assert (said, server.models) == (["found", "other"], ["gemini-x", "gemini-y"])


@pytest.mark.parametrize("given", ["hello", [replies.answer("hello")], 503, None])
def test_what_is_no_reply_is_refused_at_once(given: Any, server: FaultServer) -> None:
    for method in (server.script, partial(server.on, "m")):
        with pytest.raises(TypeError, match=r"as replies.answer\('hello'\) is, and not .*several arguments"):
            method(given)


def test_the_status_of_an_error_must_be_a_number() -> None:
    with pytest.raises(TypeError, match="a number such as 503, not '503'"):
        replies.error("503")  # type: ignore[arg-type]


def test_a_reply_can_be_chosen_by_the_model(server: FaultServer) -> None:
    server.script(replies.by_model(lambda model: answer(f"I am {model}")))
    assert texts(server, "a", "b") == ["I am a", "I am b"]


def test_requests_that_arrive_together_get_one_reply_each(server: FaultServer) -> None:
    server.script(*(answer(f"n{number}") for number in range(30)))
    said: list[str] = []
    threads = [threading.Thread(target=lambda: said.extend(texts(server, "m"))) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == sorted(f"n{number}" for number in range(30))
    assert (server.connections, len(server.received)) == (30, 30)


def test_replies_exports_everything_that_tests_need() -> None:
    names = """
        completion usage events sse head http_chunk answer error stream body raw cut silence drip comments garbage html
        wrong_length gzipped redirect reset by_model models END FOREVER Close Pause
    """.split()
    assert set(names) <= set(replies.__all__)
    assert all(hasattr(replies, name) for name in replies.__all__)
