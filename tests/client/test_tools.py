"""Functions as tools, and the loop that answers a model's calls of them, in both clients, whole and streamed."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any, Literal

import msgspec
import pydantic
import pytest

import g4f_lite
from g4f_lite import AsyncClient, Client, ToolLoopError, ToolRun
from g4f_lite.client.tools.functions import FunctionTool
from g4f_lite.testing import FaultServer, replies

QUESTION: Any = [{"role": "user", "content": "How warm is it in Paris?"}]
MODES = ("sync", "sync stream", "async", "async stream")


def weather(city: str, unit: Literal["C", "F"] = "C") -> dict[str, Any]:
    """
    Return the weather of a city.

    It is measured, not guessed.

    Args:
        city: its name,
            in English.
        unit: of the temperature.
    """
    return {"city": city, "degrees": 21.5, "unit": unit}


async def slow(seconds: float) -> str:
    """Wait."""
    await asyncio.sleep(seconds)
    return "waited"


def breaks(why: str) -> str:
    """Break."""
    raise ValueError(why)


def calls(*named: tuple[str, str], ids: Iterator[int] | None = None) -> replies.Reply:
    """Answer with calls of tools: names and arguments."""
    made = [
        {"id": f"call_{n}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for n, (name, arguments) in enumerate(named)
    ]
    return replies.answer("", tool_calls=made, finish_reason="tool_calls")


def converse(mode: str, server: FaultServer, **params: Any) -> ToolRun:
    """Run a conversation in a mode."""
    given = {"messages": QUESTION, "model": "m", **params}
    settings: dict[str, Any] = {"base_url": server.base_url, "retries": 0}
    if mode.startswith("sync"):
        with Client(**settings) as client:
            if mode == "sync":
                return client.chat.run_tools(**given)
            with client.chat.run_tools(stream=True, **given) as stream:
                text = "".join(chunk.text for chunk in stream)
    else:

        async def main() -> tuple[Any, str]:
            async with AsyncClient(**settings) as client:
                if mode == "async":
                    return await client.chat.run_tools(**given), ""
                async with await client.chat.run_tools(stream=True, **given) as stream:
                    return stream, "".join([chunk.text async for chunk in stream])

        stream, text = asyncio.run(main())
        if mode == "async":
            return stream
    assert text == "".join(one.completion.text for one in stream.run.rounds)
    return stream.run


@pytest.mark.parametrize("mode", MODES)
def test_functions_are_called_until_the_model_answers(mode: str) -> None:
    with FaultServer() as server:
        server.script(
            calls(("weather", '{"city": "Paris"}'), ("weather", '{"city": "Rome", "unit": "F"}')),
            calls(("weather", '{"city": "Oslo"}')),
            replies.answer("It is 21.5 degrees"),
        )
        run = converse(mode, server, tools=[weather], tool_choice="required")
        asked = [request.json for request in server.received]
    assert run.text == "It is 21.5 degrees"
    assert [len(one.results) for one in run.rounds] == [2, 1, 0]
    assert all(one.completion.attempts for one in run.rounds)  # each has its trail
    assert [one["tool_choice"] for one in asked] == ["required", "auto", "auto"]
    assert asked[0]["tools"][0]["function"]["name"] == "weather"
    last = asked[2]["messages"]
    assert [message["role"] for message in last] == ["user", "assistant", "tool", "tool", "assistant", "tool"]
    assert [json.loads(last[n]["content"])["unit"] for n in (2, 3)] == ["C", "F"]
    assert [last[n]["tool_call_id"] for n in (2, 3)] == [call["id"] for call in last[1]["tool_calls"]]
    assert list(run.messages)[:1] == QUESTION


@pytest.mark.parametrize("mode", MODES)
def test_what_goes_wrong_is_told_to_the_model(mode: str) -> None:
    with FaultServer() as server:
        server.script(
            calls(
                ("weather", '{"city": 5, "unit": "K"}'), ("weather", "{"), ("nosuch", "{}"), ("breaks", '{"why": "x"}')
            ),
            replies.answer("sorry"),
        )
        run = converse(mode, server, tools=[weather, breaks])
        told = [message["content"] for message in server.received[1].json["messages"] if message["role"] == "tool"]
    assert run.text == "sorry"
    assert [one.content for one in run.rounds[0].results] == told
    assert "city" in told[0] and told[1].startswith("Error: the arguments do not fit")
    assert told[2] == "Error: there is no tool 'nosuch'; there are: weather, breaks"
    assert told[3] == "Error: ValueError: x"
    assert str(run.rounds[0].results[3].error).startswith("ValueError: x (at test_tools.py:")


@pytest.mark.parametrize("mode", MODES)
def test_a_conversation_without_an_end_is_an_error(mode: str) -> None:
    with FaultServer() as server:
        server.script(*[calls(("weather", '{"city": "Paris"}'))] * 9)
        with pytest.raises(ToolLoopError, match="after 3 rounds") as caught:
            converse(mode, server, tools=[weather], max_rounds=3)
        assert len(server.received) == 3
    assert len(caught.value.tool_run.rounds) == 3
    assert caught.value.attempts


@pytest.mark.parametrize("mode", MODES)
def test_a_failure_keeps_what_was_reached(mode: str) -> None:
    with FaultServer() as server:
        server.script(calls(("weather", '{"city": "Paris"}')), replies.error(401, "no"))
        with pytest.raises(g4f_lite.AuthenticationError) as caught:
            converse(mode, server, tools=[weather])
    assert [one.content for one in caught.value.tool_run.rounds[0].results] == [
        '{"city":"Paris","degrees":21.5,"unit":"C"}'
    ]


@pytest.mark.parametrize("mode", MODES)
def test_a_callers_own_tool_ends_the_conversation(mode: str) -> None:
    own = {"type": "function", "function": {"name": "mine", "parameters": {"type": "object", "properties": {}}}}
    with FaultServer() as server:
        server.script(calls(("mine", "{}")))
        run = converse(mode, server, tools=[weather, own])
    assert run.completion.choices[0].message.tool_calls[0].function.name == "mine"


@pytest.mark.parametrize("mode", MODES)
def test_the_timeout_bounds_the_whole_conversation(mode: str) -> None:
    def waits(seconds: float) -> str:
        """Wait."""
        time.sleep(seconds)
        return "waited"

    with FaultServer() as server:
        server.script(*[calls(("waits", '{"seconds": 0.2}'))] * 50)
        with pytest.raises(g4f_lite.DeadlineExceededError):
            converse(mode, server, tools=[waits], timeout=0.5, max_rounds=50)
        assert len(server.received) < 10


def test_the_calls_of_a_round_run_at_once_and_beside_the_loop() -> None:
    both = threading.Barrier(2, timeout=20)

    def meet() -> str:
        """Wait for the other one, which a single thread could not."""
        both.wait()
        return "met"

    with FaultServer() as server:
        server.script(calls(("meet", ""), ("meet", ""), ("slow", '{"seconds": 0}')), replies.answer("done"))
        run = converse("async", server, tools=[meet, slow])
    assert [one.content for one in run.rounds[0].results] == ["met", "met", "waited"]


def test_no_more_functions_run_at_once_than_there_are_threads_for() -> None:
    most_threads = 32
    lock, full = threading.Lock(), threading.Barrier(most_threads, timeout=20)
    inside: list[None] = []
    seen: list[int] = []

    def work() -> None:
        """Stay until as many run as may."""
        with lock:
            inside.append(None)
            seen.append(len(inside))
        full.wait()
        time.sleep(0.05)  # in which others could begin
        with lock:
            inside.pop()

    with FaultServer() as server:
        server.script(calls(*[("work", "")] * (3 * most_threads)), replies.answer("done"))
        run = converse("async", server, tools=[work])
    assert not any(one.error for one in run.rounds[0].results)
    assert (len(seen), max(seen)) == (3 * most_threads, most_threads)


@pytest.mark.parametrize("mode", MODES)
def test_functions_are_tools_of_create_too(mode: str, groq: FaultServer) -> None:
    params: Any = {"messages": QUESTION, "provider": "groq", "tools": [weather], "stream": "stream" in mode}

    async def main() -> None:
        async with AsyncClient() as client:
            await client.chat.completions.create(**params)

    if mode.startswith("async"):
        asyncio.run(main())
    else:
        with Client() as client:
            client.chat.completions.create(**params)
    assert groq.received[0].json["tools"] == [FunctionTool(weather).tool]


def test_a_tool_is_described_by_signature_and_docstring() -> None:
    assert FunctionTool(weather).tool == {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "Return the weather of a city.\n\nIt is measured, not guessed.",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "its name, in English."},
                    "unit": {"enum": ["C", "F"], "description": "of the temperature."},
                },
                "required": ["city"],
            },
        },
    }


class Place(msgspec.Struct):
    name: str


class Trip(pydantic.BaseModel):
    days: int


def test_types_of_msgspec_and_pydantic_are_read() -> None:
    def plan(places: list[Place], note: Annotated[str, "for the traveller"] = "") -> None:
        pass

    def book(trip: Trip) -> None:
        pass

    tool = FunctionTool(plan)
    assert tool.tool["function"]["parameters"]["properties"]["note"]["description"] == "for the traveller"
    assert tool.keywords('{"places": [{"name": "Rome"}]}') == {"places": [Place("Rome")]}
    assert FunctionTool(book).keywords('{"trip": {"days": 3}}') == {"trip": Trip(days=3)}


def no_types(city) -> str:  # type: ignore[no-untyped-def]
    """Lack a type."""


def rest(*cities: str) -> str:
    """Take any number."""


class Secret:
    def __repr__(self) -> str:
        raise AssertionError("a default is shown")


def first(city: str = Secret(), /) -> str:  # type: ignore[assignment]
    """Take it by position."""


class Numbered:
    __name__ = 5

    def __call__(self, city: str) -> str: ...


def ghost(city: Nowhere) -> str:  # type: ignore[name-defined]  # noqa: F821
    """Name a type that is not there."""


def places(city: str) -> Iterator[str]:
    yield city


async def async_places(city: str) -> AsyncIterator[str]:
    yield city


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (no_types, "'city' has no type"),
        (rest, "no keyword gives"),
        (first, "no keyword gives 'city'"),
        (Numbered(), "give it a name"),
        (ghost, "Nowhere"),
        (lambda: 5, "give it a name"),
        (slow, "asynchronous"),
        (places, r"places\(\) cannot be a tool: it yields; let it return a list"),
        (async_places, r"async_places\(\) cannot be a tool: it yields; let it return a list"),
    ],
)
def test_what_cannot_be_a_tool_is_refused_before_anything_is_sent(function: Callable[..., Any], message: str) -> None:
    with FaultServer() as server, Client(base_url=server.base_url) as client:
        with pytest.raises(g4f_lite.ConfigurationError, match=message):
            client.chat.run_tools(messages=QUESTION, model="m", tools=[function])
        for tools in ([], None, [{"type": "function", "function": {"name": "a"}}], [weather, weather]):
            with pytest.raises(g4f_lite.ConfigurationError, match=r"run_tools needs|two tools"):
                client.chat.run_tools(messages=QUESTION, model="m", tools=tools)
        assert not server.received
