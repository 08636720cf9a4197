"""The message about foreign code that failed names its own file and line, not one of this library."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from helpers.driving import MODES, run
from helpers.plain_routes import Plain

import g4f_lite
from g4f_lite import Client, hookimpl
from g4f_lite.errors.places import place_of
from g4f_lite.testing import FaultServer, ScriptedProvider, replies

HERE = Path(__file__)
LINES = HERE.read_text("utf-8").splitlines()


def line(mark: str) -> str:
    [number] = [number for number, text in enumerate(LINES, 1) if text.endswith(f"# {mark}")]
    return f"{HERE.name}:{number}"


class Keeps(Plain):
    def adapt_body(self, body: dict[str, Any]) -> None:
        self.last = body  # type: ignore[misc]  # keeps


class SendsAnObject(Plain):
    def adapt_body(self, body: dict[str, Any]) -> None:
        body["user"] = object()


class AdaptsNothing(Plain):
    def adapt_body(self) -> None:  # type: ignore[override]  # adapts nothing
        pass


class TakesNoKey(Plain):
    def build_request(self, request: Any) -> Any:  # type: ignore[override]  # takes no key
        pass


class BuildsADict(Plain):
    @staticmethod  # type: ignore[override]  # builds a dict
    def build_request(request: Any, *, key: Any, stream: Any) -> Any:
        return {}


class StartsWithout(Plain):
    def new_stream(self) -> Any:  # type: ignore[override]  # starts without
        pass


class Calls(Plain):
    def adapt_body(self, body: dict[str, Any]) -> None:
        self.in_library(body)  # calls

    def in_library(self, body: Any) -> None:
        msgspec.structs.replace(g4f_lite.Usage(), prompt_tokens=g4f_lite.ChatRequest.to_body(body))  # in the library


class ParsesWithout(Plain):
    def parse_response(self) -> Any:  # type: ignore[override]  # parses without
        pass


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("provider", "place"),
    [
        (Keeps, line("type: ignore[misc]  # keeps")),
        (SendsAnObject, "SendsAnObject.build_request"),
        (AdaptsNothing, line("adapts nothing")),
        (TakesNoKey, line("takes no key")),
        (BuildsADict, line("builds a dict")),
        (Calls, line("in the library")),
    ],
)
def test_a_bug_in_building_a_request_has_a_place_in_the_plugin(mode: str, provider: type[Plain], place: str) -> None:
    error = run(mode, {"routes": [provider(api_base="http://127.0.0.1:9/v1")]}, {}).error
    assert f"the provider's code failed building the request, at {place}: " in str(error)


def test_a_bug_in_reading_has_a_place_in_the_plugin(server: FaultServer) -> None:
    class NoError(Plain):
        def classify_error(self, reply: Any) -> Any:  # returns no error
            return ValueError

    for mode, provider, doing, place in (
        ("sync", ParsesWithout, "reading the answer", line("parses without")),
        ("sync stream", StartsWithout, "starting a stream", line("starts without")),
        ("sync", NoError, "reading an error", line("returns no error")),
    ):
        server.script(*[replies.error(400, "no")] if provider is NoError else [])
        error = run(mode, {"routes": [provider(api_base=server.base_url)], "retries": 0}, {}).error
        assert f"failed {doing}, at {place}: " in str(error)


def test_a_bug_of_a_parser_has_a_place_in_the_plugin(server: FaultServer) -> None:
    class Parser:
        def feed(self) -> Any:  # feeds nothing
            pass

        def close(self) -> Any:
            return ()

    class Feeds(Plain):
        def new_stream(self, request: Any) -> Any:
            return Parser()

    error = run("sync stream", {"routes": [Feeds(api_base=server.base_url)], "retries": 0}, {}).error
    assert f"failed reading a stream, at {line('feeds nothing')}: " in str(error)


def test_a_bug_of_an_observer_has_a_place_in_the_plugin(caplog: pytest.LogCaptureFixture) -> None:
    class Counter:
        @hookimpl
        def call_finished(self, trail: Any) -> None:
            trail.usage.prompt_token  # noqa: B018  # misspelt

    with Client(routes=[ScriptedProvider()], plugins=[Counter()]) as client, caplog.at_level(logging.ERROR):
        client.chat.completions.create(messages=[{"role": "user", "content": "Hi"}])
    assert f"has no attribute 'prompt_token' (at {line('noqa: B018  # misspelt')})" in caplog.text


def test_a_function_of_the_caller_that_takes_other_arguments_has_its_place(server: FaultServer) -> None:
    def strategy() -> Any:  # a strategy
        pass

    def wait() -> float:  # a wait
        return 0.0

    server.script(replies.error(503, "down"))
    routes = [Plain(api_base=server.base_url), Plain(name="other", api_base=server.base_url)]
    for settings, mark in (({"strategy": strategy}, "a strategy"), ({"retry_wait": wait}, "a wait")):
        error = run("sync", {"routes": routes, **settings}, {"provider": ["plain", "other"]}).error
        assert f"(at {line(mark)})" in str(error)


def test_the_owners_line_comes_before_that_of_a_library_that_it_calls(tmp_path: Path) -> None:
    def fails() -> Iterator[None]:
        exec(compile("1 / 0", "/site-packages/lib/deep.py", "exec"), {"__name__": "lib.deep"})  # calls a library
        yield

    with pytest.raises(ZeroDivisionError) as caught:
        next(fails())
    assert place_of(caught.value) == "deep.py:1"
    assert place_of(caught.value, fails) == line("calls a library")


def test_the_file_of_a_package_is_shown_with_the_package() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        exec(compile("1 / 0", "/site-packages/corp/__init__.py", "exec"), {"__name__": "corp"})
    assert place_of(caught.value) == "corp/__init__.py:1"


def test_without_a_line_there_is_no_place() -> None:
    assert place_of(ValueError("never raised")) == "?"
