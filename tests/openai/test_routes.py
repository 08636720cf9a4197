"""Through the routes of a client: `OpenAI(routes=…)`, `OpenAI(client=…)`, and `Transport` in any http client."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import time
from typing import Any

import groq
import httpx
import httpx2
import openai
import pytest
from helpers.driving import eventually
from helpers.openai_clients import M

import g4f_lite
from g4f_lite import AsyncClient, Client, OpenaiTemplate, Timeouts
from g4f_lite.openai import AsyncOpenAI, AsyncTransport, Groq, OpenAI, Transport
from g4f_lite.testing import FaultServer, replies

LIBRARIES = pytest.mark.parametrize("library", [httpx, httpx2])


def provider(name: str, server: FaultServer, **attributes: Any) -> OpenaiTemplate:
    everything = {
        "streaming",
        "tools",
        "json_schema",
        "stream_usage",
        "embeddings",
        "transcription",
        "speech",
        "images",
    }
    return OpenaiTemplate(
        name=name,
        api_base=server.base_url,
        needs_auth=False,
        automatic=True,
        default_model=f"{name}-model",
        capabilities=frozenset(everything),
        **{"default_models": dict.fromkeys(("embeddings", "transcription", "speech", "images"), f"{name}-model")}
        | attributes,
    )


def routes(server: FaultServer) -> list[OpenaiTemplate]:
    return [provider("one", server), provider("two", server)]


@pytest.mark.parametrize("stream", [False, True])
def test_another_route_answers_if_the_first_fails(stream: bool, server: FaultServer) -> None:
    server.on("one-model", replies.error(401, "no"))
    with OpenAI(routes=routes(server)) as client:
        raw = client.chat.completions.with_raw_response.create(model="", messages=M, stream=stream)
        trail = json.loads(raw.headers["x-g4f-trail"])
        assert [one["status"] for one in trail["attempts"]] == ([401] if stream else [401, 200])
        assert raw.headers["x-g4f-provider"], raw.headers["x-g4f-model"] == ("two", "two-model")
        assert raw.headers["x-g4f-attempts"] == "2"
        said = raw.parse()
        text = (
            "".join(one.choices[0].delta.content or "" for one in said) if stream else said.choices[0].message.content
        )
    assert text == "ok"
    assert "authorization" not in server.received[-1].headers


def test_no_other_model_answers_unless_it_is_asked_for(server: FaultServer) -> None:
    server.on("one-model", replies.error(500, "down"))
    ours = Client(plugins=routes(server), routes=["one"])
    with ours, OpenAI(client=ours, max_retries=0) as client:
        with pytest.raises(openai.InternalServerError, match="down"):
            client.chat.completions.create(model="one:one-model", messages=M)
        assert server.models == ["one-model"]
        client.chat.completions.create(model="gpt-of-nobody", messages=M)  # the only route knows best
        assert server.models[-1] == "gpt-of-nobody"
        asked = {"g4f_lite": {"fallback_models": ["two:two-model"]}}
        completion = client.chat.completions.create(model="one:one-model", messages=M, extra_body=asked)
        assert completion.model == "two-model"
        assert "g4f_lite" not in server.received[-1].json
        with pytest.raises(openai.BadRequestError, match="fallback_modles"):
            client.chat.completions.create(model="", messages=M, extra_body={"g4f_lite": {"fallback_modles": []}})


def test_known_fields_are_checked_and_others_survive(server: FaultServer) -> None:
    with Groq(routes=routes(server), default_headers={"X-Mine": "1", "X-Api-Key": "secret"}) as client:
        client.chat.completions.create(
            model="", messages=M, temperature=0.5, stop=["x"], reasoning_format="hidden", extra_body={"top_k": 3}
        )
        sent = server.received[0]
        assert {
            "temperature": 0.5,
            "stop": ["x"],
            "reasoning_format": "hidden",
            "top_k": 3,
        }.items() <= sent.json.items()
        assert sent.headers["x-mine"] == "1" and "x-api-key" not in sent.headers
        assert not any(name.startswith(("x-stainless", "x-g4f")) for name in sent.headers)
        with pytest.raises(groq.BadRequestError, match="temperature"):
            client.chat.completions.create(model="", messages=M, temperature=-1)


def test_legs_are_retried_as_often_as_max_retries_says(server: FaultServer) -> None:
    server.script(replies.error(503, "busy", retry_after_ms="1"))
    for given, tries in ((0, 1), (1, 2), (None, 3)):
        before = len(server.received)
        limits = {} if given is None else {"max_retries": given}
        with OpenAI(routes=[provider("one", server)], **limits) as client:
            with pytest.raises(openai.InternalServerError) as raised:
                client.chat.completions.create(model="", messages=M)
            assert len(server.received) - before == tries
            assert raised.value.response.headers["x-should-retry"] == "false"
            assert raised.value.response.headers["x-g4f-attempts"] == str(tries)
    with OpenAI(routes=[provider("one", server)]).with_options(max_retries=0) as client:
        before = len(server.received)
        with pytest.raises(openai.InternalServerError):
            client.chat.completions.create(model="", messages=M)
        assert len(server.received) - before == 1


def test_several_failures_are_one_error_with_a_line_each(server: FaultServer) -> None:
    server.on("one-model", replies.error(401, "bad key"))
    server.on("two-model", replies.error(429, "slow down", retry_after="900"))
    with OpenAI(routes=routes(server), timeout=5) as client:
        with pytest.raises(openai.RateLimitError, match="one:one-model 401") as raised:
            client.chat.completions.create(model="", messages=M)
        assert 800 < float(raised.value.response.headers["retry-after"]) <= 900
        assert raised.value.code == "rate_limit_exceeded"


@pytest.mark.parametrize("settings", [{"deadline": 0.3}, {}])
def test_the_shorter_limit_ends_the_call(settings: dict[str, Any], server: FaultServer) -> None:
    server.script(replies.silence())
    with Client(routes=[provider("one", server)], **settings) as ours:
        client = OpenAI(client=ours, timeout=30 if settings else 0.3)
        began = time.monotonic()
        with pytest.raises(openai.APITimeoutError):
            client.chat.completions.create(model="", messages=M)
        assert time.monotonic() - began < 20
        assert len(server.received) == 1
        client.close()
        ours.chat.completions.create(messages=M) if server.script(replies.answer()) else None  # it is not closed


def test_other_endpoints_go_through_routes(server: FaultServer) -> None:
    server.script(replies.answer("hello"))
    with OpenAI(routes=routes(server)) as client:
        vectors = client.embeddings.create(model="", input=["a", "b"])
        assert len(vectors.data[1].embedding) == 4
        assert "encoding_format" not in server.received[-1].json
        encoded = client.embeddings.create(model="", input="a", encoding_format="base64").data[0].embedding
        assert isinstance(encoded, str)
        heard = client.audio.transcriptions.create(
            model="", file=("a.wav", b"RIFF1234"), temperature=0.5, response_format="verbose_json",
            timestamp_granularities=["word"], extra_body={"x_more": "1"},
        )  # fmt: skip
        assert heard.words is not None and heard.words[0].word == "hello"
        form = server.received[-1].form
        assert form["temperature"] == [b"0.5"] and form["timestamp_granularities[]"] == [b"word"]
        assert form["x_more"] == [b"1"] and form["model"] == [b"one-model"]
        assert client.audio.transcriptions.create(model="", file=b"RIFF12", response_format="srt")
        assert client.audio.speech.create(model="", input="hi", voice="v").read()[:4] == b"RIFF"
        assert client.images.generate(prompt="a cat").data
        listed = client.models.list().data
        assert [one.id for one in listed][:1] == ["test-model"]
        assert client.models.retrieve("test-model-mini").id == "test-model-mini"
        for call in (
            lambda: client.models.retrieve("nobody's/model"),
            lambda: client.images.edit(image=b"png", prompt="x"),
            client.files.list,
            lambda: client.audio.transcriptions.create(model="", file=b"RIFF12", stream=True),
        ):
            with pytest.raises(openai.NotFoundError):
                call()


def test_what_routes_do_not_answer_goes_to_the_service_if_there_is_one(server: FaultServer) -> None:
    server.script(replies.body(b'{"id": "file-1", "object": "file"}'))
    with OpenAI(routes=["local"], api_key="sk-mine", base_url=server.base_url) as client:
        assert client.files.retrieve("file-1").id == "file-1"
    assert server.received[0].headers["authorization"] == "Bearer sk-mine"


@LIBRARIES
def test_any_http_client_may_have_the_transport(library: Any, server: FaultServer) -> None:
    with Client(routes=routes(server)) as client, library.Client(transport=Transport(client)) as http:
        assert isinstance(Transport(client), (httpx.BaseTransport, httpx2.BaseTransport))
        response = http.post("http://anywhere/v1/chat/completions", json={"messages": M})
        assert response.json()["choices"][0]["message"]["content"] == "ok"
        with http.stream("POST", "http://anywhere/chat/completions", json={"messages": M, "stream": True}) as lines:
            events = list(lines.iter_lines())
        assert events[-2] == "data: [DONE]" and events[0].startswith('data: {"id"')
        assert http.get("http://anywhere/v1/nothing").status_code == 404
        assert http.get("http://anywhere/v1/chat/completions").status_code == 404
        assert http.post("http://anywhere/v1/chat/completions", content=b"{").status_code == 400
        assert http.post("http://anywhere/v1/chat/completions", json={}).json()["error"]["message"].count("messages")
    client.chat.completions.create(messages=M)  # it has not been closed

    async def ask() -> None:
        async with AsyncClient(routes=routes(server)) as client:
            async with library.AsyncClient(transport=AsyncTransport(client)) as http:
                response = await http.post("http://anywhere/v1/chat/completions", json={"messages": M})
                assert response.json()["choices"][0]["message"]["content"] == "ok"
                assert (await http.get("http://anywhere/v1/nothing")).status_code == 404

    asyncio.run(ask())


def test_copies_keep_the_routes(server: FaultServer) -> None:
    with OpenAI(routes=[provider("one", server)]) as client, httpx2.Client() as other:
        for copied in (
            client.copy(),
            client.with_options(http_client=other),
            client.copy(timeout=9).copy(max_retries=1),
        ):
            raw = copied.chat.completions.with_raw_response.create(model="", messages=M)
            assert raw.headers["x-g4f-provider"] == "one"
    with OpenAI(api_key="k", base_url=server.base_url) as client, httpx2.Client() as other:
        raw = client.copy(http_client=other).chat.completions.with_raw_response.create(model="m", messages=M)
        assert raw.headers["x-g4f-provider"] == "openai"


def test_an_answer_that_would_start_over_is_interrupted(server: FaultServer) -> None:
    server.on("one-model", replies.cut(2))
    with Client(routes=routes(server), on_interrupt="restart") as ours, OpenAI(client=ours) as client:
        said = []
        with pytest.raises(openai.APIError, match="start the answer over"):
            for chunk in client.chat.completions.create(model="", messages=M, stream=True):
                said.append(chunk.choices[0].delta.content)
    assert [one for one in said if one] == ["word0 ", "word1 "]


def test_what_cannot_answer_is_refused() -> None:
    with Client() as ours, pytest.raises(TypeError, match="not both"):
        OpenAI(routes=["groq"], client=ours)
    with pytest.raises(TypeError, match="client must be a"):
        OpenAI(client=AsyncClient())  # type: ignore[arg-type]
    with pytest.raises(g4f_lite.UnknownProviderError):
        OpenAI(routes=["nobody"])


# -- at the same time, and stopped early ---------------------------------------------------


def test_many_tasks_and_loops_share_a_client(server: FaultServer) -> None:
    server.script(replies.answer("a b c"))
    client = AsyncOpenAI(api_key="k", base_url=server.base_url)

    async def ask(stream: bool) -> str:
        if not stream:
            return (await client.chat.completions.create(model="m", messages=M)).choices[0].message.content or ""
        chunks = await client.chat.completions.create(model="m", messages=M, stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in chunks])

    async def ask_all() -> list[str]:
        return await asyncio.gather(*(ask(number % 2 == 0) for number in range(40)))

    for _ in range(2):
        assert asyncio.run(ask_all()) == ["a b c"] * 40
    asyncio.run(client.close())


def test_threads_share_a_client(server: FaultServer) -> None:
    texts: list[Any] = []
    with OpenAI(api_key="k", base_url=server.base_url) as client:

        def ask() -> None:
            texts.append(client.chat.completions.create(model="m", messages=M).choices[0].message.content)

        threads = [threading.Thread(target=ask) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert texts == ["ok"] * 16


@pytest.mark.parametrize("where", ["headers", "stream"])
def test_a_cancelled_task_hangs_up(where: Any, server: FaultServer) -> None:
    server.script(replies.silence(where, after=2))

    async def ask() -> None:
        async with AsyncOpenAI(api_key="k", base_url=server.base_url) as client:

            async def read() -> None:
                async for _ in await client.chat.completions.create(model="m", messages=M, stream=True):
                    pass

            task = asyncio.create_task(read())
            while not server.received:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(ask())
    assert eventually(lambda: server.open_connections == 0)


@pytest.mark.parametrize("kind", [OpenAI, Groq])
def test_a_stream_that_is_closed_early_hangs_up(kind: Any, server: FaultServer) -> None:
    server.script(replies.silence("stream", after=2))
    with kind(api_key="k", base_url=server.base_url) as client:
        stream = client.chat.completions.create(model="m", messages=M, stream=True)
        next(iter(stream))
        stream.close()
        assert eventually(lambda: server.open_connections == 0)
        with client.chat.completions.with_streaming_response.create(model="m", messages=M, stream=True) as response:
            assert next(response.iter_lines()).startswith("data:")
        assert eventually(lambda: server.open_connections == 0)


def test_a_client_that_is_forgotten_closes_its_connections(server: FaultServer) -> None:
    client = OpenAI(api_key="k", base_url=server.base_url, timeout=Timeouts().total)
    client.chat.completions.create(model="m", messages=M)
    assert server.open_connections == 1
    del client
    gc.collect()  # the real client and its resources refer to each other
    assert eventually(lambda: server.open_connections == 0)
