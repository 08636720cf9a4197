"""What functions do that are tools: what they return that is no JSON, what they raise, and when they never return."""

from __future__ import annotations

import asyncio
import functools
import gc
import math
import pathlib
import signal
import threading
import time
import types
import weakref
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from g4f_lite import AsyncClient, Client, ConfigurationError, DeadlineExceededError, InvalidRequestError, ToolRun
from g4f_lite.client.tools.functions import ArgumentsError, FunctionTool
from g4f_lite.testing import FaultServer, replies

QUESTION: Any = [{"role": "user", "content": "How warm is it in Paris?"}]
MODES = ("sync", "sync stream", "async", "async stream")


def calls(function: Callable[..., Any]) -> replies.Reply:
    named = {"name": function.__name__, "arguments": "{}"}
    return replies.answer("", tool_calls=[{"id": "call_0", "type": "function", "function": named}])


def converse(mode: str, server: FaultServer, **params: Any) -> ToolRun:
    """Run a conversation in a mode."""
    given = {"messages": QUESTION, "model": "m", **params}
    settings: dict[str, Any] = {"base_url": server.base_url, "retries": 0}
    if mode.startswith("sync"):
        with Client(**settings) as client:
            if mode == "sync":
                return client.chat.run_tools(**given)
            with client.chat.run_tools(stream=True, **given) as stream:
                for _ in stream:
                    pass
                return stream.run

    async def main() -> ToolRun:
        async with AsyncClient(**settings) as client:
            if mode == "async":
                return await client.chat.run_tools(**given)
            async with await client.chat.run_tools(stream=True, **given) as stream:
                async for _ in stream:
                    pass
                return stream.run

    return asyncio.run(asyncio.wait_for(main(), 60))  # what never ends shall fail


def told(mode: str, server: FaultServer, function: Callable[..., Any]) -> tuple[str, str | None]:
    """Return what the model is told of a function's only call, and its error."""
    server.script(calls(function), replies.answer("done"))
    run = converse(mode, server, tools=[function])
    (result,) = run.rounds[0].results
    assert run.text == "done"
    assert server.received[-1].json["messages"][-1]["content"] == result.content
    return result.content, result.error and result.error.partition(" (at ")[0]


class Text(str):
    __slots__ = ()


class NoText(Exception):
    def __str__(self) -> str:
        raise ValueError


RETURNED: dict[str, tuple[Any, str]] = {
    "a subclass of str": (Text("soup"), "soup"),
    "half a surrogate pair": ("name\udc80", "name�"),
    "a pair": ("\ud83d\ude00", "\U0001f600"),
    "half a pair inside": (["\udc80"], '["�"]'),
    "no number": ({"a": math.nan, "b": -math.inf}, '{"a":NaN,"b":-Infinity}'),
    "a part that is no JSON": ({"at": pathlib.PurePosixPath("/x"), "n": 1}, '{"at":"/x","n":1}'),
    "no JSON": (pathlib.PurePosixPath("/x"), "/x"),
    "a long integer": (10**400, str(10**400)),
}
RAISED: dict[str, tuple[BaseException, str]] = {
    "StopIteration": (StopIteration(), "StopIteration: "),
    "CancelledError": (asyncio.CancelledError(), "CancelledError: "),
    "no text": (NoText(), "NoText"),
    "half a surrogate pair": (ValueError("\udc80"), "ValueError: �"),
}


@pytest.mark.parametrize("name", RETURNED)
@pytest.mark.parametrize("mode", MODES)
def test_the_model_is_told_what_a_function_returns(mode: str, name: str, server: FaultServer) -> None:
    value, content = RETURNED[name]

    def tool() -> Any:
        return value

    assert told(mode, server, tool) == (content, None)


@pytest.mark.parametrize("name", RAISED)
@pytest.mark.parametrize("mode", MODES)
def test_the_model_is_told_what_a_function_raises(mode: str, name: str, server: FaultServer) -> None:
    error, text = RAISED[name]

    def tool() -> Any:
        raise error

    assert told(mode, server, tool) == (f"Error: {text}", text)


async def cancelled() -> str:
    """Await work that another cancels."""
    work = asyncio.ensure_future(asyncio.sleep(60))
    asyncio.get_running_loop().call_soon(work.cancel)
    await work
    return ""


def decorated() -> Callable[..., Any]:
    async def tool() -> str:
        return "awaited"

    @functools.wraps(tool)
    def wrapper() -> Coroutine[Any, Any, str]:
        return tool()

    return wrapper


@pytest.mark.parametrize("mode", MODES)
def test_a_coroutine_is_awaited_or_is_a_failure(mode: str, server: FaultServer) -> None:
    content, error = told(mode, server, decorated())
    if mode.startswith("async"):
        assert (content, error) == ("awaited", None)
        assert told(mode, server, cancelled) == ("Error: CancelledError: ", "CancelledError: ")
    else:
        assert error == "TypeError: it returned a coroutine, which only AsyncClient can await"


class Stop(BaseException):
    pass


@pytest.mark.parametrize("kind", [Stop, KeyboardInterrupt, GeneratorExit])
@pytest.mark.parametrize("mode", MODES)
def test_what_ends_programs_passes_as_it_is(mode: str, kind: type[BaseException], server: FaultServer) -> None:
    def tool() -> Any:
        raise kind

    server.script(calls(tool))
    with pytest.raises(kind):
        converse(mode, server, tools=[tool])


class LimitOfTime(Exception):
    pass


@pytest.mark.parametrize("mode", MODES)
def test_the_exception_of_a_signal_handler_is_no_result(mode: str, server: FaultServer) -> None:
    def handler(*_: object) -> None:
        raise LimitOfTime

    def tool() -> None:
        signal.raise_signal(signal.SIGUSR1)

    async def tool_async() -> None:
        signal.raise_signal(signal.SIGUSR1)

    function = tool_async if mode.startswith("async") else tool
    function.__name__ = "tool"
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        server.script(calls(function), replies.answer("done"))
        with pytest.raises(LimitOfTime):
            converse(mode, server, tools=[function])
    finally:
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize("mode", ["async", "async stream"])
@pytest.mark.parametrize("in_thread", [True, False])
def test_the_timeout_bounds_functions_of_the_async_client(mode: str, in_thread: bool, server: FaultServer) -> None:
    leave = threading.Event()

    def tool() -> None:
        leave.wait(60)

    async def tool_async() -> None:
        await asyncio.sleep(60)

    function: Callable[..., Any] = tool if in_thread else tool_async
    server.script(calls(function), replies.answer("done"))
    timer = threading.Timer(10, leave.set)
    timer.start()
    try:
        with pytest.raises(DeadlineExceededError, match="tools took too long") as caught:
            converse(mode, server, tools=[function], timeout=1)
        assert not leave.is_set()  # the end of the loop has not waited for the thread
    finally:
        timer.cancel()
        leave.set()
    assert len(server.received) == 1
    assert caught.value.attempts and len(caught.value.tool_run.rounds) == 1


@pytest.mark.parametrize("mode", MODES)
def test_nothing_is_asked_when_the_time_is_up(mode: str, server: FaultServer) -> None:
    def tool() -> None:
        time.sleep(1.2)

    server.script(calls(tool), replies.answer("done"))
    with pytest.raises(DeadlineExceededError):
        converse(mode, server, tools=[tool], timeout=1)
    assert len(server.received) == 1


def test_a_function_is_not_kept(server: FaultServer) -> None:
    def handle() -> weakref.ref[Any]:
        def tool() -> None:
            pass

        converse("sync", server, tools=[tool])
        return weakref.ref(tool)

    kept = handle()
    gc.collect()
    assert kept() is None


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"tools": decorated}, ConfigurationError, "run_tools needs"),
        ({"tools": 5}, ConfigurationError, "run_tools needs"),
        ({"messages": "hello"}, InvalidRequestError, "not a string"),
        ({"messages": 5}, InvalidRequestError, "not int"),
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_keywords_of_the_wrong_type_are_named(
    mode: str, params: Any, error: type[Exception], message: str, server: FaultServer
) -> None:
    def tool() -> None:
        pass

    with pytest.raises(error, match=message):
        converse(mode, server, **{"tools": [tool], **params})
    assert not server.received


@pytest.mark.parametrize("mode", MODES)
def test_a_tool_of_the_caller_may_have_any_form(mode: str, server: FaultServer) -> None:
    def tool() -> str:
        return "x"

    named = {"name": "other", "arguments": "{}"}
    other = replies.answer("", tool_calls=[{"id": "call_0", "type": "function", "function": named}])
    server.script(other, replies.answer("done"))
    own = [{"type": "web_search"}, {"type": "function", "function": "f"}, types.MappingProxyType({"type": "x"})]
    assert converse(mode, server, tools=[tool, *own]).text == "done"


def test_what_is_wrong_with_an_optional_argument_is_told() -> None:
    def tool(count: int = 1) -> None:
        pass

    with pytest.raises(ArgumentsError, match=r"Expected `int`, got `str` - at `\$.count`"):
        FunctionTool(tool).keywords('{"count": "2"}')


def test_mappings_that_are_no_dictionaries_arrive(server: FaultServer) -> None:
    view = types.MappingProxyType
    params: dict[str, Any] = {
        "tools": [view({"type": "function", "function": {"name": "f"}})], "response_format": view({"type": "text"}),
        "extra_body": view({"z": 1}), "tool_choice": view({"type": "auto"}), "metadata": view({"a": "b"}),
    }  # fmt: skip
    with Client(base_url=server.base_url) as client:
        client.chat.completions.create(messages=QUESTION, model="m", **params)
        client.embeddings.create(input="x", model="m", extra_body=view({"z": 1}))
    sent = server.received[0].json
    assert sent["tools"] == [{"type": "function", "function": {"name": "f"}}]
    assert sent["response_format"] == {"type": "text"} and sent["tool_choice"] == {"type": "auto"}
    assert sent["z"] == server.received[1].json["z"] == 1 and sent["metadata"] == {"a": "b"}
