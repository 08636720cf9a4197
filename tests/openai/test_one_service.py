"""`OpenAI(api_key=…, base_url=…)`: one service, as with the real class, for both packages and both clients."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import groq
import httpx
import httpx2
import openai
import pytest
from helpers.openai_clients import ASKERS, Asker, M
from pydantic import BaseModel

from g4f_lite.openai import AsyncOpenAI, OpenAI
from g4f_lite.testing import FaultServer, replies

each = pytest.mark.parametrize("asker", ASKERS, ids=str)


@each
def test_a_request_arrives_as_its_caller_wrote_it(asker: Asker, server: FaultServer) -> None:
    body = {"temperature": 0.0, "logit_bias": {"50256": -100}, "top_p": 7, "x_new": {"a": [None, 1.0]}}
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    asker(
        server,
        "chat.completions.create",
        model="some/model:free",
        messages=[{"role": "developer", "content": "Be brief", "name": "me"}, *M],
        tools=tools,
        extra_body=body,
        extra_headers={"X-Mine": "1"},
        extra_query={"version": "2"},
        settings={"default_headers": {"X-Default": "d"}, "default_query": {"q": "a b"}},
    )
    (received,) = server.received
    assert received.json == {
        "model": "some/model:free",
        "messages": [{"role": "developer", "content": "Be brief", "name": "me"}, *M],
        "tools": tools,
        **body,
    }
    assert received.headers["authorization"] == "Bearer sk-test-0123456789"
    assert (received.headers["x-mine"], received.headers["x-default"]) == ("1", "d")
    assert "q=a+b" in received.path.replace("%20", "+") and "version=2" in received.path


@each
def test_an_answer_keeps_the_fields_that_nobody_knows(asker: Asker, server: FaultServer) -> None:
    own = {
        "id": "c1", "object": "chat.completion", "created": 5, "model": "m-2026", "citations": ["http://a"],
        "choices": [{"index": 0, "finish_reason": "stop", "logprobs": None, "message": {
            "role": "assistant", "content": "Sunday", "refusal": None, "annotations": [], "x": {"y": None}}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "x_time": 0.5},
    }  # fmt: skip
    server.script(replies.body(json.dumps(own).encode()))
    completion = asker(server, "chat.completions.create", model="m", messages=M)
    assert completion.model_dump(exclude_unset=True) == own


@each
def test_the_services_headers_and_the_trail_are_in_the_raw_response(asker: Asker, server: FaultServer) -> None:
    server.script(replies.answer("ok", headers={"x-request-id": "req_1", "x-ratelimit-remaining-requests": "59"}))
    raw = asker(server, "chat.completions.with_raw_response.create", model="m", messages=M)
    assert raw.headers["x-request-id"] == "req_1"
    assert raw.headers["x-ratelimit-remaining-requests"] == "59"
    assert raw.headers["x-g4f-provider"] == asker.package.__name__
    assert (raw.headers["x-g4f-model"], raw.headers["x-g4f-attempts"]) == ("m", "1")
    trail = json.loads(raw.headers["x-g4f-trail"])
    assert [(one["outcome"], one["status"]) for one in trail["attempts"]] == [("ok", 200)]
    assert "sk-test" not in str(raw.headers)


@each
def test_a_stream_comes_chunk_by_chunk(asker: Asker, server: FaultServer) -> None:
    server.script(replies.answer("one two", x_extra=1, headers={"x-request-id": "req_2"}))
    chunks = asker(server, "chat.completions.create", model="m", messages=M, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "one two"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert "stream_options" not in server.received[0].json
    options = {"include_usage": True}
    if asker.package is openai:
        chunks = asker(server, "chat.completions.create", model="m", messages=M, stream=True, stream_options=options)
        assert chunks[-1].usage.total_tokens > 0
        assert server.received[1].json["stream_options"] == options


@each
def test_tools_are_called(asker: Asker, server: FaultServer) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "today", "arguments": '{"zone": "UTC"}'}}
    server.script(replies.answer("", tool_calls=[call]))
    completion = asker(server, "chat.completions.create", model="m", messages=M)
    assert [one.model_dump(exclude_unset=True) for one in completion.choices[0].message.tool_calls] == [call]
    chunks = asker(server, "chat.completions.create", model="m", messages=M, stream=True)
    pieces = [one for chunk in chunks for choice in chunk.choices for one in choice.delta.tool_calls or ()]
    assert "".join(one.function.arguments or "" for one in pieces) == '{"zone": "UTC"}'
    assert (pieces[0].id, pieces[0].function.name) == ("call_1", "today")


@each
def test_an_answer_that_was_withheld_says_so(asker: Asker, server: FaultServer) -> None:
    server.script(replies.answer("", finish="content_filter"))
    completion = asker(server, "chat.completions.create", model="m", messages=M)
    assert completion.choices[0].finish_reason == "content_filter"
    with pytest.raises(asker.package.BadRequestError, match="withheld"):
        asker(server, "chat.completions.create", model="m", messages=M, stream=True)


@each
def test_events_without_choices_are_handed_out(asker: Asker, server: FaultServer) -> None:
    start = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "x": 1}
    said = {"index": 0, "delta": {"content": "ok", "y": [None]}, "finish_reason": "stop", "logprobs": None}
    events = [{**start, "choices": [said]}, {**start, "choices": [], "moderation": {"flagged": False}}]
    server.script(replies.stream([*events, "[DONE]"]))
    chunks = asker(server, "chat.completions.create", model="m", messages=M, stream=True)
    assert [chunk.model_dump(exclude_unset=True) for chunk in chunks] == events


@pytest.mark.parametrize("model", ["groq:gpt-5", "openai:x", ":x", "a/b:free", "", "local", "mödel", "m" * 500])
def test_any_model_is_the_services_own(model: str, server: FaultServer) -> None:
    with OpenAI(api_key="k", base_url=server.base_url) as client:
        assert client.chat.completions.create(model=model, messages=[]).choices[0].message.content == "ok"
        chunks = list(client.chat.completions.create(model=model, messages=[], stream=True))
        assert chunks[-1].choices[0].finish_reason == "stop"
        assert client.embeddings.create(model=model, input="a").data
    assert [one.json["model"] for one in server.received] == [model] * 3


class Day(BaseModel):
    name: str


@pytest.mark.parametrize("asker", [one for one in ASKERS if one.package is openai], ids=str)
def test_an_answer_is_parsed_into_a_type(asker: Asker, server: FaultServer) -> None:
    server.script(replies.answer('{"name": "Sunday"}'))
    completion = asker(server, "chat.completions.parse", model="m", messages=M, response_format=Day)
    assert completion.choices[0].message.parsed == Day(name="Sunday")
    assert server.received[0].json["response_format"]["json_schema"]["name"] == "Day"


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # translations, in newer versions of openai
@each
def test_other_endpoints_are_called(asker: Asker, server: FaultServer) -> None:
    server.script(replies.answer("hello"))
    vectors = asker(server, "embeddings.create", model="m", input=["a", "b"])
    assert len(vectors.data) == 2 and all(isinstance(one, float) for one in vectors.data[1].embedding)
    heard = asker(server, "audio.transcriptions.create", model="m", file=("a.wav", b"RIFF1234"), temperature=0.5)
    assert heard.text == "hello"
    assert server.received[-1].form == {"model": [b"m"], "temperature": [b"0.5"], "file": [b"RIFF1234"]}
    words = ["word", "segment"]
    heard = asker(
        server,
        "audio.transcriptions.create",
        model="m",
        file=b"RIFF1234",
        response_format="verbose_json",
        timestamp_granularities=words,
    )
    assert heard.words[0].word if asker.package is openai else heard.text == "hello"
    assert asker(server, "audio.translations.create", model="m", file=b"RIFF1234").text == "hello"
    assert asker(server, "audio.speech.create", model="m", input="hi", voice="v")[:4] == b"RIFF"
    assert [one.id for one in asker(server, "models.list").data] == ["test-model", "test-model-mini"]
    assert asker(server, "models.retrieve", "test-model").owned_by == "test"
    if asker.package is openai:
        text = asker(server, "audio.transcriptions.create", model="m", file=b"RIFF1234", response_format="text")
        assert text == "hello\n"
        assert asker(server, "images.generate", prompt="a cat").data[0].url == "http://img.invalid/1"
        assert server.received[-1].json == {"prompt": "a cat"}


@each
def test_what_has_no_method_here_is_passed_on(asker: Asker, server: FaultServer) -> None:
    server.script(replies.body(b'{"id": "file-1", "object": "file"}'))
    found = asker(server, "files.retrieve" if asker.package is openai else "files.info", "file-1")
    assert found.id == "file-1"
    assert server.received[0].path.endswith("/files/file-1")
    assert server.received[0].headers["authorization"] == "Bearer sk-test-0123456789"


def test_a_model_that_is_not_listed_is_asked_for_at_its_service(server: FaultServer) -> None:
    def reply(request: replies.Received) -> Any:
        listed = request.path.endswith("/models")
        own = b'{"id": "hidden/one", "object": "model", "created": 1, "owned_by": "x"}'
        return (replies.models("a") if listed else replies.body(own))(request)

    server.script(reply)
    with OpenAI(api_key="k", base_url=server.base_url) as client:
        assert client.models.retrieve("hidden/one").id == "hidden/one"


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_the_given_http_client_makes_the_connections(library: Any, server: FaultServer) -> None:
    seen: list[str] = []
    with library.Client(event_hooks={"request": [lambda request: seen.append(request.url.path)]}) as given:
        client = OpenAI(api_key="k", base_url=server.base_url, http_client=given)
        assert client.chat.completions.create(model="m", messages=M).choices[0].message.content == "ok"
        chunks = list(client.chat.completions.create(model="m", messages=M, stream=True))
        assert chunks[-1].choices[0].finish_reason == "stop"
        client.close()
        assert not given.is_closed
    assert seen == ["/v1/chat/completions"] * 2


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_the_given_http_client_may_have_a_transport_of_its_own(library: Any) -> None:
    def respond(request: Any) -> Any:
        if request.url.path.endswith("/files/x"):
            return library.Response(200, json={"id": "x"})
        return library.Response(418, json={"error": {"message": "a teapot", "code": "tea"}})

    given = library.Client(transport=library.MockTransport(respond))
    client = OpenAI(api_key="k", base_url="http://service.invalid/v1", http_client=given)
    with pytest.raises(openai.APIStatusError, match="a teapot") as raised:
        client.chat.completions.create(model="m", messages=M)
    assert (raised.value.status_code, raised.value.code) == (418, "tea")
    assert client.files.retrieve("x").id == "x"

    async def ask() -> None:
        given = library.AsyncClient(transport=library.MockTransport(respond))
        client = AsyncOpenAI(api_key="k", base_url="http://service.invalid/v1", http_client=given)
        with pytest.raises(openai.APIStatusError, match="a teapot"):
            await client.chat.completions.create(model="m", messages=M)
        assert (await client.files.retrieve("x")).id == "x"
        await given.aclose()

    asyncio.run(ask())
    given.close()


def test_key_and_address_may_change(server: FaultServer) -> None:
    with OpenAI(api_key="first", base_url="http://service.invalid/v1") as client:
        client.base_url = f"{server.origin}/v2"
        client.api_key = "second"
        client.chat.completions.create(model="m", messages=M)
        client.with_options(api_key="third", base_url=f"{server.origin}/v3").embeddings.create(model="m", input="a")
    sent = [(one.path, one.headers["authorization"]) for one in server.received]
    assert sent == [("/v2/chat/completions", "Bearer second"), ("/v3/embeddings", "Bearer third")]


def test_the_classes_are_the_real_ones(monkeypatch: pytest.MonkeyPatch, server: FaultServer) -> None:
    from g4f_lite import openai as ours
    from g4f_lite.openai import groq as ours_of_groq

    assert issubclass(ours.OpenAI, openai.OpenAI) and issubclass(ours_of_groq.AsyncGroq, groq.AsyncGroq)
    assert ours.RateLimitError is openai.RateLimitError
    assert ours_of_groq.RateLimitError is groq.RateLimitError
    assert (ours.__version__, ours_of_groq.__version__) == (openai.__version__, groq.__version__)
    with pytest.raises(openai.OpenAIError, match="api_key"):
        OpenAI()
    monkeypatch.setenv("OPENAI_API_KEY", "from-the-environment")
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    with OpenAI(organization="org", project="proj") as client:
        client.chat.completions.create(model="m", messages=M)
    headers = server.received[0].headers
    assert headers["authorization"] == "Bearer from-the-environment"
    assert (headers["openai-organization"], headers["openai-project"]) == ("org", "proj")
    with OpenAI(base_url=None) as client:
        assert str(client.base_url).startswith(server.origin)
