"""Each endpoint, asked by the real package over a socket, answers as the service behind it has."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest
import requests
from helpers.endpoints import PNG, WAV
from helpers.gateways import MESSAGES, Running, running, tables
from prometheus_client.parser import text_string_to_metric_families

from g4f_lite.testing import FaultServer, replies


@pytest.fixture
def gateway(groq: FaultServer) -> Iterator[Running]:
    with running(tables(groq)) as one:
        yield one


@pytest.fixture
def client(gateway: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=gateway.base_url, api_key="anything", max_retries=0) as one:
        yield one


def test_a_chat(client: openai.OpenAI, groq: FaultServer) -> None:
    groq.script(replies.answer("It is Sunday.", own_field={"a": 1}))
    raw = client.chat.completions.with_raw_response.create(
        model="auto", messages=MESSAGES, temperature=0.5, extra_body={"top_k": 9}
    )
    message = raw.parse().choices[0].message
    assert (message.content, message.to_dict()["own_field"]) == ("It is Sunday.", {"a": 1})
    assert (raw.headers["x-g4f-route"], raw.headers["x-g4f-attempts"]) == ("groq:one", "1")
    sent = groq.received[0]
    assert (sent.json["temperature"], sent.json["top_k"], sent.json["model"]) == (0.5, 9, "one")
    assert sent.headers["authorization"] == "Bearer gsk_secret_of_the_tests"
    assert not [name for name in sent.headers if name.startswith("x-stainless")]


def test_a_stream(client: openai.OpenAI, groq: FaultServer) -> None:
    groq.script(replies.answer("one two three"))
    options = {"include_usage": True}
    chunks = list(
        client.chat.completions.create(model="auto", messages=MESSAGES, stream=True, stream_options=options)  # type: ignore[call-overload]
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "one two three"
    assert [chunk.usage.total_tokens for chunk in chunks if chunk.usage] == [8]


def test_tools(client: openai.OpenAI, groq: FaultServer) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}}
    groq.script(replies.answer("", tool_calls=[call]))
    completion = client.chat.completions.create(
        model="auto",
        messages=MESSAGES,
        tools=[{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}],
    )
    found = completion.choices[0].message.tool_calls
    assert found is not None and found[0].to_dict() == call
    assert groq.received[0].json["tools"][0]["function"]["name"] == "weather"


@pytest.mark.filterwarnings("ignore:deprecated")
def test_the_other_endpoints(client: openai.OpenAI, groq: FaultServer) -> None:
    client = client.with_options(max_retries=0)
    vectors = client.embeddings.create(model="openai:v", input=["one", "two"])
    assert len(vectors.data) == 2 and len(vectors.data[0].embedding) > 1
    heard = client.audio.transcriptions.create(model="openai:ears", file=("talk.wav", WAV))
    assert heard.text
    assert client.audio.translations.create(model="openai:ears", file=("talk.wav", WAV)).text
    assert client.audio.speech.create(model="openai:mouth", input="Hello", voice="troy").read()
    assert client.images.generate(model="openai:brush", prompt="A cat").data
    assert [one.path for one in groq.received] == [
        "/v1/embeddings", "/v1/audio/transcriptions", "/v1/audio/translations", "/v1/audio/speech",
        "/v1/images/generations",
    ]  # fmt: skip


def test_models_are_those_of_the_routes_and_nobody_is_asked(client: openai.OpenAI, groq: FaultServer) -> None:
    assert [one.id for one in client.models.list()] == ["auto", "groq:one", "openai:two"]
    assert client.models.retrieve("groq:one").id == "groq:one"
    with pytest.raises(openai.NotFoundError, match="there is no model 'gpt-0' here"):
        client.models.retrieve("gpt-0")
    assert groq.received == []


def test_another_route_answers_and_the_headers_say_so(client: openai.OpenAI, groq: FaultServer) -> None:
    groq.script(replies.error(503, "busy"), replies.answer("from the second"))
    raw = client.chat.completions.with_raw_response.create(model="auto", messages=MESSAGES)
    assert (raw.headers["x-g4f-route"], raw.headers["x-g4f-attempts"]) == ("openai:two", "2")


def test_health_asks_nobody(gateway: Running, groq: FaultServer) -> None:
    for path in ("live", "ready"):
        assert requests.get(f"{gateway.url}/health/{path}", timeout=10).json() == {"status": "ok"}
    assert requests.get(f"{gateway.url}/health/else", timeout=10).status_code == 404
    assert groq.received == []


@pytest.mark.parametrize(
    ("method", "path", "hint"),
    [
        ("POST", "/v1/chat/completion", "did you mean '/v1/chat/completions'?"),
        ("GET", "/v1/chat/completions", "GET /v1/chat/completions"),
        ("POST", "/chat/completions", "did you mean '/v1/chat/completions'?"),
        ("POST", "/v2/x", "POST /v2/x"),
    ],
)
def test_a_wrong_path_gets_the_nearest(method: str, path: str, hint: str, gateway: Running) -> None:
    answer = requests.request(method, gateway.url + path, data="{}", timeout=10)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["type"]) == (404, "not_found", "invalid_request_error")
    assert hint in error["message"]


def test_an_image_in_a_message_goes_on(client: openai.OpenAI, groq: FaultServer) -> None:
    import base64

    url = "data:image/png;base64," + base64.b64encode(PNG).decode()
    content = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": url}}]
    client.chat.completions.create(model="openai:gpt-9", messages=[{"role": "user", "content": content}])  # type: ignore[list-item,misc]
    assert groq.received[0].json["messages"][0]["content"] == content


def test_metrics_are_for_the_administrator(groq: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("G4F_ADMIN_KEY", "g4f-admin")
    with running(tables(groq, server={"admin": {"env": "G4F_ADMIN_KEY"}})) as gateway:
        requests.post(f"{gateway.base_url}/chat/completions", json={"messages": MESSAGES}, timeout=20)
        assert gateway.gateway.made_admin_key is None
        for key in ("", "Bearer wrong", "Basic g4f-admin"):
            assert requests.get(f"{gateway.url}/metrics", headers={"Authorization": key}, timeout=20).status_code == 401
        answer = requests.get(f"{gateway.url}/metrics", headers={"Authorization": "Bearer g4f-admin"}, timeout=20)
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert any(
        sample.value >= 1 and "groq" in str(sample.labels) for family in families.values() for sample in family.samples
    )
