"""Streams that break after content, and legs that run side by side."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
import traceback
from typing import Any

import pytest
from helpers.driving import MESSAGES, QUICK

import g4f_lite
from g4f_lite import AsyncClient, ChatCompletionChunk, Client, OpenaiTemplate, Timeouts
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.server import Pause

SECOND = ["two ", "words"]


class Plain(OpenaiTemplate):
    name = "plain"
    needs_auth = False
    default_model = "second"


class Continuing(Plain):
    name = "continuing"
    capabilities = Plain.capabilities | {"prefill"}


def collect(mode: str, options: dict[str, Any], **params: Any) -> tuple[list[ChatCompletionChunk], Any]:
    """Return the chunks and the stream; an error of the iteration is put at `stream.error`."""
    if mode == "sync":
        chunks = []
        with Client(**{**QUICK, **options}) as client:
            stream = client.chat.completions.create(messages=MESSAGES, stream=True, **params)
            try:
                for chunk in stream:
                    chunks.append(chunk)
            except g4f_lite.G4FLiteError as error:
                return chunks, error
            return chunks, stream

    async def main() -> tuple[list[ChatCompletionChunk], Any]:
        chunks = []
        async with AsyncClient(**{**QUICK, **options}) as client:
            stream = await client.chat.completions.create(messages=MESSAGES, stream=True, **params)
            try:
                async for chunk in stream:
                    chunks.append(chunk)
            except g4f_lite.G4FLiteError as error:
                return chunks, error
            return chunks, stream

    return asyncio.run(main())


def routes(server: FaultServer, second: type[Plain]) -> dict[str, Any]:
    first = Plain(name="first", api_base=server.base_url, default_model="first")
    return {"routes": [first, second(api_base=server.base_url)]}


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_restart_announces_the_second_answer_and_keeps_it_alone(mode: str, server: FaultServer) -> None:
    server.on("first", replies.cut(2)).on("second", replies.answer("two words"))
    chunks, stream = collect(mode, routes(server, Plain), on_interrupt="restart")
    at = next(number for number, chunk in enumerate(chunks) if chunk.restarted)
    assert "".join(chunk.text for chunk in chunks[:at]) == "word0 word1 "
    assert [chunk.text for chunk in chunks[at:] if chunk.text] == SECOND
    assert sum(chunk.restarted for chunk in chunks) == 1
    assert (stream.completion.text, stream.completion.provider, stream.provider) == ("two words", "plain", "plain")
    assert [attempt.outcome for attempt in stream.trail.attempts] == ["StreamInterruptedError", "ok"]
    assert server.received[1].json["messages"] == MESSAGES


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_continue_goes_on_from_the_partial_text_where_the_provider_can(mode: str, server: FaultServer) -> None:
    server.on("first", replies.cut(2)).on("second", replies.answer("two words"))
    chunks, stream = collect(mode, {**routes(server, Continuing), "on_interrupt": "continue"})
    assert not any(chunk.restarted for chunk in chunks)
    assert "".join(chunk.text for chunk in chunks) == stream.completion.text == "word0 word1 two words"
    assert server.received[1].json["messages"] == [*MESSAGES, {"role": "assistant", "content": "word0 word1 "}]


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_continue_restarts_where_the_provider_cannot(mode: str, server: FaultServer) -> None:
    server.on("first", replies.cut(2)).on("second", replies.answer("two words"))
    chunks, stream = collect(mode, routes(server, Plain), on_interrupt="continue")
    assert sum(chunk.restarted for chunk in chunks) == 1
    assert stream.completion.text == "two words"


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_broken_stream_tells_its_partial_text_when_no_leg_is_left(mode: str, server: FaultServer) -> None:
    server.on("first", replies.cut(2)).on("second", replies.cut(1))
    chunks, error = collect(mode, routes(server, Plain), on_interrupt="restart")
    assert isinstance(error, g4f_lite.RoutesExhaustedError)
    texts = [one.partial_text for one in error.exceptions if isinstance(one, g4f_lite.StreamInterruptedError)]
    assert texts == ["word0 word1 ", "word0 "]
    assert "".join(chunk.text for chunk in chunks) == "word0 word1 word0 "


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("first", ["whole", "cut"])
def test_a_stream_without_a_name_is_read_to_its_end(mode: str, first: str, server: FaultServer) -> None:
    server.on("first", replies.cut(2) if first == "cut" else replies.answer("two words"))
    said = []

    async def main() -> None:
        async with AsyncClient(**routes(server, Plain)) as client:
            async for chunk in await client.chat.completions.create(messages=MESSAGES, stream=True):
                said.append(chunk.text)

    def sync() -> None:
        with Client(**routes(server, Plain)) as client:
            for chunk in client.chat.completions.create(messages=MESSAGES, stream=True):
                said.append(chunk.text)

    run = sync if mode == "sync" else lambda: asyncio.run(main())
    if first == "cut":
        with pytest.raises(g4f_lite.StreamInterruptedError) as caught:
            run()
        assert caught.value.partial_text == "".join(said) == "word0 word1 "
    else:
        run()
        assert "".join(said) == "two words"
    assert server.models == ["first"]


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("comments", [False, True])
def test_a_stall_is_noticed_though_the_only_leg_had_all_the_time(
    mode: str, comments: bool, server: FaultServer
) -> None:
    part: list[object] = [{"choices": [{"delta": {"content": "a"}}]}]
    for _ in range(60):
        part += [b": keep-alive\n\n" if comments else Pause(0.0), Pause(0.1)]
    server.script(replies.stream(part))
    options = {"routes": [Plain(api_base=server.base_url)], "timeouts": Timeouts(stall=0.4)}
    began = time.monotonic()
    _, error = collect(mode, options)
    assert isinstance(error, g4f_lite.StreamInterruptedError)
    assert 0.3 < time.monotonic() - began < 3


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_no_key_is_in_what_an_error_is_chained_to(mode: str, server: FaultServer) -> None:
    class Careless(Plain):
        name = "careless"

        def build_request(self, request: Any, *, key: Any, stream: bool) -> Any:
            raise ValueError(f"bad {key}")

    server.script(replies.garbage())
    for provider in (Careless(api_key="gsk_s3cret_key"), Plain(api_base=server.base_url, api_key="gsk_s3cret_key")):
        with pytest.raises(g4f_lite.G4FLiteError) as caught:
            collect(mode, {"routes": [provider], "retries": 0})
        assert "s3cret" not in "".join(traceback.format_exception(caught.value))
        assert caught.value.__cause__ is None or "s3cret" not in repr(vars(caught.value.__cause__))


def test_an_unknown_way_is_refused() -> None:
    with pytest.raises(g4f_lite.ConfigurationError, match="'raise', 'restart', 'continue'"):
        Client(on_interrupt="retry")  # type: ignore[typeddict-item]


# -- hedging -------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
def test_a_second_leg_starts_beside_a_slow_one_and_the_first_to_speak_wins(stream: bool, server: FaultServer) -> None:
    server.on("first", replies.silence()).on("second", replies.answer("two words"))

    async def main() -> g4f_lite.ChatCompletion:
        async with AsyncClient(**routes(server, Plain), hedge_after=0.1) as client:
            if not stream:
                return await client.chat.completions.create(messages=MESSAGES)
            chunks = await client.chat.completions.create(messages=MESSAGES, stream=True)
            assert "".join([chunk.text async for chunk in chunks]) == "two words"
            assert len(asyncio.all_tasks()) == 1
            return chunks.completion

    began = time.monotonic()
    reply = asyncio.run(main())
    assert time.monotonic() - began < 5
    assert (reply.text, reply.provider) == ("two words", "plain")
    assert [attempt.outcome for attempt in reply.attempts if attempt.provider == "plain"] == ["ok"]


def test_a_quick_leg_runs_alone(server: FaultServer) -> None:
    async def main() -> None:
        async with AsyncClient(**routes(server, Plain), hedge_after=5) as client:
            assert (await client.chat.completions.create(messages=MESSAGES)).provider == "first"

    asyncio.run(main())
    assert server.models == ["first"]


def test_when_the_second_leg_fails_the_first_may_still_answer(server: FaultServer) -> None:
    slow = replies.raw(replies.Pause(0.4), *replies.answer("late")(g4f_lite.testing.Received("POST", "/", {}, b"{}")))
    server.on("first", slow).on("second", replies.error(404, "gone", code="model_not_found"))

    async def main() -> g4f_lite.ChatCompletion:
        async with AsyncClient(**routes(server, Plain), hedge_after=0.05) as client:
            return await client.chat.completions.create(messages=MESSAGES)

    reply = asyncio.run(main())
    assert reply.text == "late"
    assert [attempt.outcome for attempt in reply.attempts] == ["ModelUnavailableError", "ok"]


def test_cancelling_a_hedged_call_breaks_off_both_legs(server: FaultServer) -> None:
    server.script(replies.silence())

    async def main() -> None:
        async with AsyncClient(**routes(server, Plain), hedge_after=0.05) as client:
            task = asyncio.create_task(client.chat.completions.create(messages=MESSAGES))
            await asyncio.sleep(0.3)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())
    assert server.models == ["first", "second"]


# -- strategies on real legs ---------------------------------------------------------------


def three(server: FaultServer) -> list[Plain]:
    return [Plain(name=name, api_base=server.base_url, default_model=name) for name in ("one", "two", "three")]


def test_round_robin_takes_turns_and_explain_does_not(server: FaultServer) -> None:
    with Client(strategy="round_robin") as client:
        seen = []
        for _ in range(4):
            foreseen = client.explain(provider=three(server))
            assert client.explain(provider=three(server)) == foreseen
            seen.append(client.chat.completions.create(messages=MESSAGES, provider=three(server)).provider)
            assert foreseen.tiers[0][0].provider == seen[-1]
    assert seen == ["one", "two", "three", "one"]


def test_weights_rule_chance_and_explain_foresees_it(server: FaultServer) -> None:
    with Client(strategy=g4f_lite.Weighted({"one": 8, "two:two": 1})) as client:
        seen = []
        for _ in range(60):
            foreseen = client.explain(provider=three(server)).tiers[0][0].provider
            seen.append(client.chat.completions.create(messages=MESSAGES, provider=three(server)).provider)
            assert seen[-1] == foreseen
    assert seen.count("one") > 30
    with pytest.raises(ValueError, match="above 0"):
        g4f_lite.Weighted({"one": 0})


def test_the_fastest_leg_is_found_by_measuring_each(server: FaultServer) -> None:
    slow = replies.raw(replies.Pause(0.1), *replies.answer("slow")(g4f_lite.testing.Received("POST", "/", {}, b"{}")))
    server.on("one", slow).on("two", slow)
    with Client(strategy="fastest") as client:
        seen = [client.chat.completions.create(messages=MESSAGES, provider=three(server)).provider for _ in range(6)]
    assert seen == ["one", "two", "three", "three", "three", "three"]


def test_the_cheapest_leg_comes_first_and_unknown_prices_last(server: FaultServer) -> None:
    models = {"unknown": "no-such-model", "groq": "openai/gpt-oss-120b", "openai": "gpt-5"}
    legs = [Plain(name=name, api_base=server.base_url, default_model=model) for name, model in models.items()]
    with Client(strategy="cheapest") as client:
        (tier,) = client.explain(provider=legs).tiers
    assert [leg.provider for leg in tier] == ["groq", "openai", "unknown"]


def test_cheapest_without_its_extra_says_what_to_install() -> None:
    code = "import sys; sys.modules['genai_prices'] = None; import g4f_lite; g4f_lite.Client(strategy='cheapest')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "ConfigurationError: prices are not installed; run: pip install 'g4f_lite[prices]'" in done.stderr


def test_the_least_busy_leg_comes_first(server: FaultServer) -> None:
    server.on("one", replies.silence("stream", 1))
    with Client(strategy="least_busy") as client:
        with client.chat.completions.create(messages=MESSAGES, provider=three(server), stream=True) as stream:
            assert stream.provider == "one"
            assert client.chat.completions.create(messages=MESSAGES, provider=three(server)).provider == "two"
        assert client.chat.completions.create(messages=MESSAGES, provider=three(server), stream=True).provider == "one"
