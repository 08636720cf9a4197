"""Everything but chat: one table of scenarios, both clients, over the same routing and failover."""

from __future__ import annotations

import asyncio
import io
import json
import os
import pickle
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from helpers.driving import QUICK, Outcome

import g4f_lite
from g4f_lite import AsyncClient, Client, OpenaiTemplate, Timeouts
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.replies import answer, error
from g4f_lite.testing.server import Reply

MODES = ("sync", "async")
CALM = {**QUICK, "timeouts": Timeouts(connect=10, total=10)}
"""So that a slow machine does not look like a silent server."""
SOON = {"timeouts": Timeouts(connect=10, total=1)}
ALL = frozenset({"embeddings", "transcription", "translation", "speech", "images"})
WAV = b"RIFF\x24\0\0\0WAVEfmt " + b"\0" * 40


class Alpha(OpenaiTemplate):
    name = "alpha"
    api_key = "alpha_secret_of_the_tests"
    default_models = {
        "embeddings": ("vectors", "other-vectors"),
        "transcription": ("ears", "ears-2"),
        "translation": "ears",
        "speech": "mouth",
        "images": "brush",
    }
    capabilities = ALL


class Beta(Alpha):
    name = "beta"
    api_key = "beta_secret_of_the_tests"


class ChatOnly(OpenaiTemplate):
    name = "chat-only"
    api_key = "chat_secret_of_the_tests"
    default_model = "talker"
    fallback_models = ("talker-2",)
    automatic = False


class Endpoint(NamedTuple):
    """How one of them is called."""

    name: str
    method: str
    params: dict[str, Any]
    path: str
    model: str
    kind: type

    def __str__(self) -> str:
        return self.name


ENDPOINTS = [
    Endpoint("embeddings", "embeddings.create", {"input": ["one", "two"]}, "/v1/embeddings", "vectors",
             g4f_lite.CreateEmbeddingResponse),
    Endpoint("transcription", "audio.transcriptions.create", {"file": ("talk.wav", WAV)}, "/v1/audio/transcriptions",
             "ears", g4f_lite.Transcription),
    Endpoint("translation", "audio.translations.create", {"file": ("talk.wav", WAV)}, "/v1/audio/translations",
             "ears", g4f_lite.Transcription),
    Endpoint("speech", "audio.speech.create", {"input": "Hello", "voice": "troy"}, "/v1/audio/speech", "mouth",
             g4f_lite.Speech),
    Endpoint("images", "images.generate", {"prompt": "A cat"}, "/v1/images/generations", "brush",
             g4f_lite.ImagesResponse),
]  # fmt: skip
BY_NAME = {endpoint.name: endpoint for endpoint in ENDPOINTS}
HEARD = BY_NAME["transcription"]


def reach(client: Any, method: str) -> Callable[..., Any]:
    for name in method.split("."):
        client = getattr(client, name)
    return client


def call(mode: str, settings: dict[str, Any], method: str, params: dict[str, Any]) -> Any:
    if mode == "sync":
        with Client(**{**CALM, **settings}) as client:
            return reach(client, method)(**params)

    async def main() -> Any:
        async with AsyncClient(**{**CALM, **settings}) as client:
            return await reach(client, method)(**params)

    return asyncio.run(main())


def seen(mode: str, settings: dict[str, Any], method: str, params: dict[str, Any]) -> Outcome:
    try:
        result = call(mode, settings, method, params)
        return Outcome("", result, None, result.trail)
    except g4f_lite.G4FLiteError as failure:
        return Outcome("", None, failure, failure.trail)


@pytest.fixture
def two(server: FaultServer) -> dict[str, Any]:
    """Settings of a client with two providers, both on the server."""
    routes = [Alpha(api_base=server.base_url), Beta(api_base=server.base_url)]
    return {"routes": routes, "plugins": [Alpha, Beta, ChatOnly]}


# -- good answers --------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
def test_an_answer_tells_who_gave_it(mode: str, endpoint: Endpoint, server: FaultServer, two: dict[str, Any]) -> None:
    result = call(mode, two, endpoint.method, endpoint.params)
    assert type(result) is endpoint.kind
    assert (result.provider, result.model) == ("alpha", endpoint.model)
    (request,) = server.received
    assert (request.path, request.model) == (endpoint.path, endpoint.model)
    assert request.headers["authorization"] == "Bearer alpha_secret_of_the_tests"
    assert [attempt.outcome for attempt in result.attempts] == ["ok"]
    assert pickle.loads(pickle.dumps(result)) == result
    json.dumps(result.to_dict(), default=str)
    assert "secret" not in repr(result) + str(result.trail) + repr(pickle.dumps(result))
    with pytest.raises(AttributeError):
        result.model = "other"


@pytest.mark.parametrize("mode", MODES)
def test_vectors_come_in_the_order_of_the_texts(mode: str, server: FaultServer, two: dict[str, Any]) -> None:
    plain = call(mode, two, "embeddings.create", {"input": ["b", "a"], "dimensions": 3, "user": "me"})
    assert [one.index for one in plain.data] == [0, 1]
    assert [len(one.vector) for one in plain.data] == [3, 3]
    assert plain.data[0].vector != plain.data[1].vector
    assert plain.usage.prompt_tokens == plain.usage.total_tokens == 10
    assert plain.raw["data"][1]["embedding"] == list(plain.data[1].vector)
    assert server.received[0].json == {"model": "vectors", "input": ["b", "a"], "dimensions": 3, "user": "me"}
    coded = call(mode, two, "embeddings.create", {"input": ["b", "a"], "dimensions": 3, "encoding_format": "base64"})
    assert isinstance(coded.data[0].embedding, str)
    assert [one.vector for one in coded.data] == [one.vector for one in plain.data]
    shuffled = {"data": [{"index": 1, "embedding": [2]}, {"index": 0, "embedding": [1]}], "model": None}
    server.script(replies.body(json.dumps(shuffled).encode()))
    assert [one.vector for one in call(mode, two, "embeddings.create", {"input": ["a", "b"]}).data] == [(1.0,), (2.0,)]
    one = call(mode, two | {"retries": 0}, "embeddings.create", {"input": [[1, 2], [3]]})
    assert len(one.data) == 2


@pytest.mark.parametrize("mode", MODES)
def test_all_that_is_told_about_speech_is_there(mode: str, server: FaultServer, two: dict[str, Any]) -> None:
    server.script(answer("guten Tag"))
    asked = {"language": "de", "prompt": "Grüße", "temperature": 0.2, "response_format": "verbose_json"}
    told = call(mode, two, HEARD.method, {**HEARD.params, **asked, "timestamp_granularities": ("word", "segment")})
    assert (told.text, told.language, told.duration) == ("guten Tag", "English", 1.0)
    assert [word.word for word in told.words] == ["guten", "Tag"]
    assert told.segments[0].text == "guten Tag"
    (request,) = server.received
    form = {name: [value.decode() for value in values] for name, values in request.form.items() if name != "file"}
    assert form == {
        "model": ["ears"],
        "language": ["de"],
        "prompt": ["Grüße"],
        "temperature": ["0.2"],
        "response_format": ["verbose_json"],
        "timestamp_granularities[]": ["word", "segment"],
    }
    assert (request.form["file"], request.filename) == ([WAV], "talk.wav")
    for wanted, text in (("text", "guten Tag\n"), ("vtt", "WEBVTT\n\n00:00.000 --> 00:01.000\nguten Tag\n")):
        told = call(mode, two, HEARD.method, {**HEARD.params, "response_format": wanted})
        assert told.text == told.raw == text


@pytest.mark.parametrize("mode", MODES)
def test_audio_and_pictures_are_bytes(mode: str, tmp_path: Path, two: dict[str, Any]) -> None:
    spoken = call(mode, two, "audio.speech.create", {"input": "Hello", "voice": "troy", "response_format": "wav"})
    assert spoken.content.startswith(b"RIFF")
    assert spoken.raw is spoken.content
    assert spoken.content_type == "audio/wav"
    spoken.write_to_file(tmp_path / "hello.wav")
    assert (tmp_path / "hello.wav").read_bytes() == spoken.content
    drawn = call(mode, two, "images.generate", {"prompt": "A cat", "n": 2, "response_format": "b64_json"})
    assert [image.content[:4] for image in drawn.data] == [b"\x89PNG"] * 2
    (image,) = call(mode, two, "images.generate", {"prompt": "A cat", "size": "1024x1024"}).data
    assert (image.url, image.content) == ("http://img.invalid/1", None)


def test_groq_hears_and_speaks(groq: FaultServer) -> None:
    with Client() as client:
        heard = client.audio.transcriptions.create(file=("a.mp3", b"ID3"), provider="groq")
        english = client.audio.translations.create(file=("a.mp3", b"ID3"), provider="groq")
        spoken = client.audio.speech.create(input="Hello", voice="troy", provider="groq")
        assert [heard.model, english.model, spoken.model] == [
            "whisper-large-v3-turbo",
            "whisper-large-v3",
            "canopylabs/orpheus-v1-english",
        ]
        groq.received.clear()
        with pytest.raises(g4f_lite.UnsupportedParameterError, match="srt"):
            client.audio.transcriptions.create(
                file=b"ID3", provider="groq", model="whisper-large-v3", response_format="srt", fallback_models=[]
            )
        with pytest.raises(g4f_lite.NoUsableRouteError, match="offers no embeddings"):
            client.embeddings.create(input="a", provider="groq")
    assert not groq.received


# -- failover ------------------------------------------------------------------------------


class Scenario(NamedTuple):
    name: str
    replies: tuple[Reply, ...]
    outcomes: tuple[str, ...]
    """Of the attempts."""
    error: type[Exception] | None = None
    settings: dict[str, Any] = {}
    params: dict[str, Any] = {}
    only: frozenset[str] = ALL


NEXT = (answer("fine"),)
EMPTY = {
    "embeddings": b'{"data": []}',
    "transcription": b'{"language": "de"}',
    "translation": b'{"text": null}',
    "speech": b"",
    "images": b'{"created": 1, "data": [{"revised_prompt": "x"}]}',
}


def of_endpoint(bodies: dict[str, bytes], **headers: str) -> Reply:
    return lambda request: replies.body(bodies[_NAMES[request.path]], **headers)(request)


_NAMES = {endpoint.path: endpoint.name for endpoint in ENDPOINTS}
_TWICE = ("MalformedResponseError", "MalformedResponseError", "ok")

SCENARIOS = [
    Scenario("a 429 with a long wait", (error(429, "slow down", retry_after="9"), *NEXT), ("RateLimitError", "ok")),
    Scenario("a 503 that passes", (error(503, "down"), *NEXT), ("ServerError", "ok")),
    Scenario("a refused key", (error(401, "no"), *NEXT), ("AuthenticationError", "ok")),
    Scenario("no such model", (error(404, "gone", code="model_not_found"), *NEXT), ("ModelUnavailableError", "ok")),
    Scenario("too large a file", (error(413, "too large"), *NEXT), ("RequestTooLargeError", "ok")),
    Scenario("a parameter it does not know", (error(400, "`x` is not supported"), *NEXT),
             ("UnsupportedParameterError", "ok")),
    Scenario("broken JSON", (replies.body(b'{"data": ['),) * 2 + NEXT, _TWICE, only=ALL - {"speech"}),
    Scenario("JSON of another shape", (replies.body(b'{"data": 5, "text": 5}'),) * 2 + NEXT, _TWICE),
    Scenario("a list", (replies.body(b"[]"),) * 2 + NEXT, _TWICE),
    Scenario("nothing in it", (of_endpoint(EMPTY, content_type="application/json"),) * 2 + NEXT, _TWICE),
    Scenario("nothing at all", (replies.body(b"", content_type="audio/wav"),) * 2 + NEXT, _TWICE),
    Scenario("a web page", (replies.html(),) * 2 + NEXT, _TWICE),
    Scenario("an error inside a 200", (replies.body(b'{"error": {"message": "no"}}'),) * 3 + NEXT,
             ("ServerError", "ServerError", "ServerError", "ok")),
    Scenario("a cut body", (replies.cut(),) * 2 + NEXT, ("ConnectionFailedError", "ConnectionFailedError", "ok")),
    Scenario("fewer bytes than announced", (replies.wrong_length(),) * 2 + NEXT,
             ("ConnectionFailedError", "ConnectionFailedError", "ok")),
    Scenario("a reset", (replies.reset(),) * 2 + NEXT, ("ConnectionFailedError", "ConnectionFailedError", "ok")),
    Scenario("silence", (replies.silence(), *NEXT), ("ProviderTimeoutError", "ok"), settings=SOON,
             only=frozenset({"embeddings", "transcription"})),
    Scenario("silence inside the body", (replies.silence("body"), *NEXT), ("ProviderTimeoutError", "ok"), settings=SOON,
             only=frozenset({"speech", "translation"})),
    Scenario("a compressed answer", (replies.gzipped("fine"),), ("ok",)),
    Scenario("the deadline", (replies.silence(),), ("DeadlineExceededError",), g4f_lite.DeadlineExceededError,
             {"timeouts": Timeouts()}, {"timeout": 0.3}),
    Scenario("an invalid request", (error(400, "odd"),), ("InvalidRequestError",), g4f_lite.InvalidRequestError),
    Scenario("all are down", (error(503, "down"),), ("ServerError",) * 6, g4f_lite.RoutesExhaustedError),
]  # fmt: skip


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_both_clients_see_the_same(scenario: Scenario, server: FaultServer, two: dict[str, Any]) -> None:
    for name in sorted(scenario.only):
        endpoint = BY_NAME[name]
        outcomes = []
        for mode in MODES:
            server.script(*scenario.replies)
            params = {**endpoint.params, **scenario.params}
            if name == "transcription":  # its second model is tried before the second provider
                params["fallback_models"] = []
            params["provider"] = two["routes"]
            outcomes.append(seen(mode, {"plugins": two["plugins"], **scenario.settings}, endpoint.method, params))
        for outcome in outcomes:
            assert type(outcome.error) is (scenario.error or type(None)), (name, outcome.error)
            assert tuple(attempt.outcome for attempt in outcome.trail.attempts) == scenario.outcomes, name
            assert "secret" not in str(outcome.trail) + str(outcome.error) + repr(outcome.completion)
            if outcome.completion is not None:
                assert outcome.completion.provider == outcome.trail.attempts[-1].provider
        assert outcomes[0].trace == outcomes[1].trace, name


@pytest.mark.parametrize("mode", MODES)
def test_a_provider_that_does_not_offer_it_is_skipped_with_the_reason(
    mode: str, server: FaultServer, two: dict[str, Any]
) -> None:
    routes = [ChatOnly(api_base=server.base_url), *two["routes"]]
    for endpoint in ENDPOINTS:
        result = call(mode, {**two, "routes": routes}, endpoint.method, endpoint.params)
        assert result.provider == "alpha"
        assert [str(entry) for entry in result.trail.skipped[:1]] == [f"chat-only skipped: offers no {endpoint.name}"]
        lone = seen(mode, {"routes": routes[:1]}, endpoint.method, endpoint.params)
        assert type(lone.error) is g4f_lite.NoUsableRouteError
        assert f"offers no {endpoint.name}" in str(lone.error)


@pytest.mark.parametrize("mode", MODES)
def test_the_next_model_of_a_provider_comes_before_the_next_provider_when_it_is_named(
    mode: str, server: FaultServer, two: dict[str, Any]
) -> None:
    server.on("ears", error(429, "slow down", retry_after="9"))
    result = call(mode, two, HEARD.method, {**HEARD.params, "provider": two["routes"][0]})
    assert result.model == "ears-2"
    assert server.received[0].form["file"] == server.received[1].form["file"] == [WAV]


@pytest.mark.parametrize("mode", MODES)
def test_vectors_of_two_models_are_never_mixed_up(mode: str, server: FaultServer, two: dict[str, Any]) -> None:
    other = Beta(api_base=server.base_url, default_models={"embeddings": "strange"})
    settings = {**two, "routes": [two["routes"][0], other]}
    server.on("vectors", error(503, "down"))
    failed = seen(mode, settings, "embeddings.create", {"input": "a"})
    assert type(failed.error) is g4f_lite.ServerError
    assert set(server.models) == {"vectors"}
    assert "beta:strange skipped: its vectors do not compare with those of vectors" in str(failed.trail)
    asked = {"input": "a", "fallback_models": [":strange"]}
    assert (
        call(mode, settings, "embeddings.create", {**asked, "provider": other, "model": "vectors"}).model == "strange"
    )


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ([{"embedding": [1]}], "1 vectors for 2 inputs"),
        ([{"embedding": [1]}] * 3, "3 vectors for 2 inputs"),
        ([{"embedding": [1], "index": 1}] * 2, "not in the order"),
        ([{"embedding": [1]}, {"embedding": []}], "a vector is empty"),
        ([{"embedding": [1]}, {"embedding": [2, None]}], "another shape"),
        ([{"embedding": "AACAPw=="}, {"embedding": "%%%"}], "not base64 of numbers"),
        ([{"embedding": "AACAPw=="}, {"embedding": "AAA="}], "not base64 of numbers"),
    ],
)
def test_vectors_that_do_not_fit_the_inputs_are_no_answer(
    data: list[Any], told: str, server: FaultServer, two: dict[str, Any]
) -> None:
    server.script(replies.body(json.dumps({"data": data}).encode()))
    for mode in MODES:
        params = {"input": ["a", "b"], "provider": two["routes"][0], "retries": 0}
        outcome = seen(mode, two, "embeddings.create", params)
        assert type(outcome.error) is g4f_lite.MalformedResponseError
        assert told in str(outcome.error)


@pytest.mark.parametrize("mode", MODES)
def test_a_service_that_ignores_dimensions_is_left(mode: str, server: FaultServer, two: dict[str, Any]) -> None:
    server.script(replies.body(b'{"data": [{"embedding": [1, 2]}]}'), answer())
    result = call(mode, two, "embeddings.create", {"input": "a", "dimensions": 7, "provider": two["routes"]})
    assert [one.outcome for one in result.attempts] == ["UnsupportedParameterError", "ok"]
    assert len(result.data[0].vector) == 7


def test_what_fails_at_one_endpoint_does_not_stop_the_chat(server: FaultServer) -> None:
    both = Alpha(api_base=server.base_url, default_model="vectors")
    server.script(error(404, "no such path"), answer("chat works"))
    with Client() as client:
        with pytest.raises(g4f_lite.ModelUnavailableError):
            client.embeddings.create(input="a", provider=both)
        reply = client.chat.completions.create(messages=[{"role": "user", "content": "hi"}], provider=both)
    assert reply.text == "chat works"


def test_explain_tells_the_plan_of_any_operation(two: dict[str, Any]) -> None:
    with Client(**two) as client:
        told = client.explain(operation="transcription")
        assert [[leg.model for leg in tier] for tier in told.tiers] == [["ears"], ["ears"], ["ears-2"], ["ears-2"]]
        assert [leg.model for (leg,) in client.explain(operation="embeddings").tiers] == ["vectors", "vectors"]
        with pytest.raises(g4f_lite.ConfigurationError, match="did you mean 'speech'"):
            client.explain(operation="speach")  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="did you mean 'provider'"):
            client.explain(operation="speech", providr="alpha")  # type: ignore[call-arg]


@pytest.mark.parametrize("mode", MODES)
def test_a_model_alone_finds_who_serves_it_for_this(mode: str, server: FaultServer, two: dict[str, Any]) -> None:
    settings = {**two, "base_urls": {"alpha": server.base_url, "beta": server.base_url}, "routes": None}
    assert call(mode, settings, HEARD.method, {**HEARD.params, "model": "ears-2"}).provider == "alpha"
    with pytest.raises(g4f_lite.UnknownModelError, match="did you mean 'ears"):
        call(mode, settings, HEARD.method, {**HEARD.params, "model": "earz"})
    with pytest.raises(g4f_lite.UnknownModelError, match="no default model for speech"):
        mute = Alpha(api_base=server.base_url, default_models={})
        call(mode, settings, "audio.speech.create", {"input": "a", "voice": "b", "provider": mute})


# -- bad input, before any I/O -------------------------------------------------------------

E, S, P, T = "embeddings.create", "audio.speech.create", "images.generate", HEARD.method
BAD: list[tuple[str, dict[str, Any], type[Exception], str]] = [
    (E, {}, TypeError, r"embeddings\.create\(\) needs input=|missing 1 required keyword"),
    (E, {"input": ""}, g4f_lite.InvalidRequestError, "input is empty"),
    (E, {"input": []}, g4f_lite.InvalidRequestError, "input is empty"),
    (E, {"input": ["a", " "]}, g4f_lite.InvalidRequestError, r"input\[1\] is empty"),
    (E, {"input": ["a", 1]}, g4f_lite.InvalidRequestError, "texts alone, or tokens alone, not int, str"),
    (E, {"input": [[1, "a"]]}, g4f_lite.InvalidRequestError, r"input\[0\] must hold tokens"),
    (E, {"input": [[]]}, g4f_lite.InvalidRequestError, r"input\[0\] is empty"),
    (E, {"input": [True]}, g4f_lite.InvalidRequestError, "not bool"),
    (E, {"input": b"bytes"}, g4f_lite.InvalidRequestError, "not bytes"),
    (E, {"input": "a", "dimensions": 0}, g4f_lite.InvalidRequestError, "dimensions must be"),
    (E, {"input": "a", "encoding_format": "hex"}, g4f_lite.InvalidRequestError, "encoding_format"),
    (E, {"input": "a", "dimension": 3}, TypeError, "did you mean 'dimensions'"),
    (E, {"input": "a", "stream": True}, TypeError, "no parameter 'stream'"),
    (E, {"input": "a", "extra_headers": {"x": "é"}}, g4f_lite.InvalidRequestError, "extra_headers"),
    (E, {"input": "a", "extra_body": {"x": object()}}, g4f_lite.InvalidRequestError, "JSON"),
    (E, {"input": "a", "model": 5}, g4f_lite.ConfigurationError, "model must be"),
    (E, {"input": "a", "timeout": 0}, g4f_lite.InvalidRequestError, "timeout must be"),
    (S, {"input": "", "voice": "troy"}, g4f_lite.InvalidRequestError, "input is empty"),
    (S, {"input": "a", "voice": ""}, g4f_lite.InvalidRequestError, "voice is empty"),
    (S, {"input": "a", "voice": 5}, g4f_lite.InvalidRequestError, "voice must be"),
    (S, {"input": "a", "voice": "b", "speed": 0}, g4f_lite.InvalidRequestError, "speed must be"),
    (P, {"prompt": " "}, g4f_lite.InvalidRequestError, "prompt is empty"),
    (P, {"prompt": "a", "n": 0}, g4f_lite.InvalidRequestError, "n must be"),
    (P, {"prompt": "a", "sise": "1x1"}, TypeError, "did you mean 'size'"),
    (T, {"file": "missing.wav"}, g4f_lite.InvalidRequestError, "'missing.wav' cannot be read: No such file"),
    (T, {"file": "."}, g4f_lite.InvalidRequestError, "is a folder"),
    (T, {"file": "/dev/null"}, g4f_lite.InvalidRequestError, "no regular file"),
    (T, {"file": "a\0b"}, g4f_lite.InvalidRequestError, "cannot be read"),
    (T, {"file": b""}, g4f_lite.InvalidRequestError, "file is empty"),
    (T, {"file": 5}, g4f_lite.InvalidRequestError, "a path, bytes, a binary file.*not int"),
    (T, {"file": ("a.wav",)}, g4f_lite.InvalidRequestError, "must be .name, content."),
    (T, {"file": ("", b"x")}, g4f_lite.InvalidRequestError, "must be .name, content."),
    (T, {"file": io.StringIO("x")}, g4f_lite.InvalidRequestError, "binary mode"),
    (T, {"file": b"x", "response_format": "xml"}, g4f_lite.InvalidRequestError, "response_format"),
    (T, {"file": b"x", "temperature": -1}, g4f_lite.InvalidRequestError, "temperature must be"),
    (T, {"file": b"x", "timestamp_granularities": ["letter"]}, g4f_lite.InvalidRequestError, "timestamp_granularities"),
    (T, {"file": b"x", "progress": 5}, g4f_lite.InvalidRequestError, "progress must be"),
    (T, {"file": b"x", "lang": "de"}, TypeError, "did you mean 'language'"),
    ("models.list", {"model": "x"}, TypeError, r"models\.list\(\) has no parameter 'model'"),
    ("models.list", {"max_age": -1}, g4f_lite.InvalidRequestError, "max_age must be"),
    ("models.list", {"provider": "alhpa"}, g4f_lite.UnknownProviderError, "alpha"),
]  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("method", "params", "kind", "told"), BAD, ids=[f"{index} {row[0]}" for index, row in enumerate(BAD)]
)
def test_mistakes_are_told_before_anything_is_sent(
    mode: str, method: str, params: dict[str, Any], kind: type[Exception], told: str,
    server: FaultServer, two: dict[str, Any],
) -> None:  # fmt: skip
    with pytest.raises(kind, match=told):
        call(mode, two, method, params)
    assert not server.connections


def test_what_can_be_read_only_once_is_refused(two: dict[str, Any]) -> None:
    reading, writing = os.pipe()
    with open(reading, "rb") as pipe, open(writing, "wb"), pytest.raises(g4f_lite.InvalidRequestError, match="twice"):
        call("sync", two, T, {"file": pipe})


# -- uploads -------------------------------------------------------------------------------

BIG = bytes(range(256)) * (80 * 1024)  # 20 MiB


def as_path(file: Path) -> Any:
    return file


def as_string(file: Path) -> Any:
    return str(file)


def as_bytes(file: Path) -> Any:
    return (file.name, file.read_bytes())


def as_memory(file: Path) -> Any:
    return ("big.wav", io.BytesIO(file.read_bytes()))


def as_named_path(file: Path) -> Any:
    return ("big.wav", file)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("form", [as_path, as_string, as_bytes, as_memory, as_named_path])
def test_a_file_is_sent_whole_in_any_form_and_again_for_each_attempt(
    mode: str, form: Callable[[Path], Any], tmp_path: Path, server: FaultServer, two: dict[str, Any]
) -> None:
    file = tmp_path / "big.wav"
    content = BIG[: 1 << 20] + b"end"
    file.write_bytes(content)
    server.script(error(503, "down"), error(429, "slow down", retry_after="9"), answer("heard"))
    calls: list[tuple[int, int]] = []
    given = {"file": form(file), "progress": lambda sent, total: calls.append((sent, total))}
    assert call(mode, two, T, {**given, "provider": two["routes"], "fallback_models": []}).text == "heard"
    assert [request.form["file"] == [content] for request in server.received] == [True] * 3
    assert [request.filename for request in server.received] == ["big.wav"] * 3
    assert all(total == len(content) for _, total in calls)
    assert [sent for sent, total in calls if sent == total] == [len(content)] * 3
    starts = [index for index, (sent, _) in enumerate(calls) if index == 0 or sent < calls[index - 1][0]]
    assert len(starts) == 3
    assert calls[starts[1] : starts[2]] == calls[: starts[1]]


@pytest.mark.parametrize("mode", MODES)
def test_a_large_file_goes_out_piece_by_piece_however_slowly_it_is_received(mode: str, tmp_path: Path) -> None:
    file = tmp_path / "big.wav"
    file.write_bytes(BIG)
    calls: list[int] = []
    with FaultServer(read_pause=0.012) as slow:
        begun = time.monotonic()
        # The whole takes longer than `total`: that is for a silence, and there is none.
        settings = {"timeouts": Timeouts(connect=2.5, total=3), "base_urls": {"alpha": slow.base_url}}
        told = call(mode, {**settings, "plugins": [Alpha]}, T,
                    {"file": file, "provider": "alpha", "progress": lambda sent, total: calls.append(sent)})  # fmt: skip
        assert time.monotonic() - begun > 3
        assert told.attempts[0].number == 1
        assert slow.received[0].form["file"] == [BIG]
    assert calls == sorted(calls)
    assert calls[-1] == len(BIG)
    assert len(calls) >= 20


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("timeouts", "limit", "kind"),
    [
        (Timeouts(connect=0.2), 0.6, g4f_lite.DeadlineExceededError),
        (Timeouts(connect=0.1, total=0.4), 9.0, g4f_lite.ProviderTimeoutError),
    ],
)
def test_a_server_that_stops_receiving_does_not_hold_the_call(
    mode: str, timeouts: Timeouts, limit: float, kind: type[Exception]
) -> None:
    with FaultServer(read_pause=60) as stuck:
        begun = time.monotonic()
        settings = {"plugins": [Alpha], "base_urls": {"alpha": stuck.base_url}, "timeouts": timeouts, "retries": 0}
        params = {"file": ("a.wav", BIG), "provider": "alpha", "model": "ears", "fallback_models": []}
        with pytest.raises(kind):
            call(mode, settings, T, {**params, "deadline": limit})
        assert time.monotonic() - begun < 3


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("failure", [ValueError, BrokenPipeError, KeyError])
def test_what_the_callback_raises_comes_out_as_it_is(
    mode: str, failure: type[Exception], server: FaultServer, two: dict[str, Any]
) -> None:
    def progress(sent: int, total: int) -> None:
        raise failure("mine")

    with pytest.raises(failure, match="mine"):
        call(mode, two, T, {"file": ("a.wav", BIG), "progress": progress})


@pytest.mark.parametrize("mode", MODES)
def test_a_file_that_changes_under_way_stops_the_call(
    mode: str, tmp_path: Path, server: FaultServer, two: dict[str, Any]
) -> None:
    file = tmp_path / "talk.wav"
    file.write_bytes(BIG[: 1 << 20])
    server.script(error(503, "down"), answer("never"))

    def shorten(sent: int, total: int) -> None:
        if sent == total:
            file.write_bytes(b"short")

    with pytest.raises(g4f_lite.InvalidRequestError, match=r"'talk.wav' has become shorter"):
        call(mode, two, T, {"file": file, "progress": shorten})


@pytest.mark.parametrize("mode", MODES)
def test_progress_is_told_in_the_thread_of_the_caller(mode: str, tmp_path: Path, two: dict[str, Any]) -> None:
    file = tmp_path / "talk.wav"
    file.write_bytes(WAV)
    threads: list[object] = []
    call(mode, two, T, {"file": file, "progress": lambda *_: threads.append(threading.current_thread())})
    assert set(threads) == {threading.main_thread()}


def test_two_attempts_at_once_read_one_file_object_without_mixing_it_up(
    server: FaultServer, two: dict[str, Any]
) -> None:
    server.script(replies.raw(replies.Pause(0.4), replies.Close()), answer("second"))
    file = io.BytesIO(b"skipped" + BIG)
    file.seek(7)

    async def main() -> None:
        async with AsyncClient(**two, hedge_after=0.01) as client:
            heard = await client.audio.transcriptions.create(file=("a.wav", file))
            assert heard.text

    asyncio.run(main())
    assert all(request.form["file"] == [BIG] for request in server.received)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (b"RIFF1234", "audio.wav"),
        (b"ID3abc", "audio.mp3"),
        (b"OggSabc", "audio.ogg"),
        (b"\0\0\0\x20ftypM4A ", "audio.m4a"),
        (b"unknown", "audio"),
        (bytearray(b"fLaC"), "audio.flac"),
        (('we "ird\r\n.wav', b"x"), "we %22ird%0D%0A.wav"),
    ],
)
def test_a_file_without_a_name_gets_one_by_its_content(
    given: Any, name: str, server: FaultServer, two: dict[str, Any]
) -> None:
    call("sync", two, T, {"file": given})
    assert server.received[0].filename == name
    assert server.received[0].model == "ears"


# -- the list of models --------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_models_are_listed_live(mode: str, server: FaultServer, two: dict[str, Any]) -> None:
    server.script(replies.models("m-1", "m-2"))
    alpha = two["routes"][0]
    listed = call(mode, two, "models.list", {"provider": alpha})
    assert (listed.ids, listed.live, listed.provider, len(listed)) == (("m-1", "m-2"), True, "alpha", 2)
    assert [(model.id, model.provider, model.live) for model in listed] == [
        ("m-1", "alpha", True),
        ("m-2", "alpha", True),
    ]
    assert [str(one.route) for one in listed.attempts] == ["alpha"]
    (request,) = server.received
    assert (request.method, request.path, request.body) == ("GET", "/v1/models", b"")
    assert pickle.loads(pickle.dumps(listed)) == listed
    assert listed.to_dict()["data"][0] == {
        "id": "m-1", "object": "model", "created": 1_700_000_000, "owned_by": "test", "provider": "alpha", "live": True,
    }  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
def test_without_a_provider_all_are_asked_and_each_model_names_its_own(
    mode: str, server: FaultServer, two: dict[str, Any]
) -> None:
    server.script(replies.models("a"), error(503, "down"))
    listed = call(mode, {**two, "retries": 0}, "models.list", {})
    assert [(model.provider, model.id, model.live) for model in listed] == [
        ("alpha", "a", True),
        *(("beta", name, False) for name in ("vectors", "other-vectors", "ears", "ears-2", "mouth", "brush")),
    ]
    assert not listed.live
    assert [attempt.outcome for attempt in listed.attempts] == ["ok", "ServerError"]


FAILURES = [error(503, "down"), error(401, "no"), replies.html(), replies.body(b"[5]"), replies.reset(), replies.silence(),
            replies.body(b'{"data": 5}'), error(404, "no such path")]  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("failure", FAILURES, ids=range(len(FAILURES)))
def test_when_the_service_does_not_answer_its_own_list_stands_in(mode: str, failure: Reply, groq: FaultServer) -> None:
    groq.script(failure)
    listed = call(mode, {"retries": 0, **SOON}, "models.list", {"provider": "groq"})
    assert not listed.live
    assert listed.ids[0] == "openai/gpt-oss-120b"
    assert "whisper-large-v3" in listed.ids
    assert listed.attempts[-1].outcome != "ok"
    assert listed.raw is None
    nothing = OpenaiTemplate(name="bare", api_base=groq.base_url, needs_auth=False)
    with pytest.raises(g4f_lite.ProviderError):
        call(mode, {"retries": 0, **SOON}, "models.list", {"provider": nothing})


@pytest.mark.parametrize("mode", MODES)
def test_without_a_key_nothing_is_sent(mode: str, monkeypatch: pytest.MonkeyPatch, groq: FaultServer) -> None:
    monkeypatch.delenv("GROQ_API_KEY")
    listed = call(mode, {}, "models.list", {"provider": "groq"})
    assert not listed.live
    assert "no key" in str(listed.trail)
    assert not groq.connections


def test_a_list_is_kept_for_a_while(server: FaultServer, two: dict[str, Any]) -> None:
    server.script(replies.models("first"), replies.models("second"))
    alpha = two["routes"][0]
    with Client(**two) as client:
        assert [client.models.list(provider=alpha).ids for _ in range(3)] == [("first",)] * 3
        assert client.models.list(provider=alpha, max_age=0).ids == ("second",)
        assert client.models.list(provider=alpha).ids == ("second",)
    assert len(server.received) == 2

    async def main() -> None:
        async with AsyncClient(**two) as client:
            assert [(await client.models.list(provider=alpha)).ids for _ in range(2)] == [("second",)] * 2

    asyncio.run(main())
    assert len(server.received) == 3


def test_a_failure_is_not_kept(server: FaultServer, two: dict[str, Any]) -> None:
    server.script(replies.body(b"[5]"), replies.models("there"))
    with Client(**two, retries=0) as client:
        assert not client.models.list(provider=two["routes"][0]).live
        assert client.models.list(provider=two["routes"][0]).ids == ("there",)
