"""Parameters of embeddings, audio and images that a service names otherwise, or does not take."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.catalogue import at
from helpers.endpoints import MODES, Alpha, call

import g4f_lite
from g4f_lite.testing import FaultServer, replies

VECTORS = replies.body(json.dumps({"data": [{"index": 0, "embedding": [0.5] * 256}], "model": "m"}).encode())
FILE = ("talk.wav", b"RIFF\x24\0\0\0WAVEfmt ")


class Acme(Alpha):
    name = "acme"
    endpoint_parameters = {
        "embeddings": {"dimensions": "size", "user": None, "encoding_format": ("float",)},
        "speech": {"speed": "tempo", "instructions": None},
        "images": {"size": "resolution", "style": None},
        "transcription": {"language": "lang", "timestamp_granularities": None},
    }


def acme(server: FaultServer) -> dict[str, Any]:
    return {"plugins": [Acme], "base_urls": {"acme": server.base_url}}


def ask(mode: str, settings: dict[str, Any], method: str, params: dict[str, Any], provider: str = "acme") -> Any:
    return call(mode, settings, method, {"provider": provider, **params})


@pytest.mark.parametrize("mode", MODES)
def test_a_parameter_is_sent_under_the_services_own_name(mode: str, server: FaultServer) -> None:
    server.on("/embeddings", VECTORS)
    asked = {"input": "a", "dimensions": 256, "encoding_format": "float", "extra_body": {"dimensions": 7}}
    ask(mode, acme(server), "embeddings.create", asked)
    ask(mode, acme(server), "audio.speech.create", {"input": "Hi", "voice": "v", "speed": 2.0})
    ask(mode, acme(server), "images.generate", {"prompt": "A cat", "size": "1x1"})
    ask(mode, acme(server), "audio.transcriptions.create", {"file": FILE, "language": "de"})
    vectors, speech, image, heard = server.received
    assert vectors.json == {"model": "vectors", "input": "a", "size": 256, "encoding_format": "float", "dimensions": 7}
    assert speech.json == {"model": "mouth", "input": "Hi", "voice": "v", "tempo": 2.0}
    assert image.json == {"model": "brush", "prompt": "A cat", "resolution": "1x1"}
    assert heard.form["lang"] == [b"de"]
    assert "language" not in heard.form


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("method", "params", "message"),
    [
        ("embeddings.create", {"input": "a", "user": "me"}, "acme does not support the parameter 'user' of embeddings"),
        ("embeddings.create", {"input": "a", "encoding_format": "base64"}, "acme takes encoding_format='float' only"),
        ("audio.speech.create", {"input": "Hi", "voice": "v", "instructions": "slowly"}, "'instructions' of speech"),
        ("images.generate", {"prompt": "A cat", "style": "vivid"}, "'style' of images"),
        (
            "audio.transcriptions.create",
            {"file": FILE, "timestamp_granularities": ["word"]},
            "'timestamp_granularities' of transcription",
        ),
    ],
)
def test_a_parameter_that_the_service_does_not_take_is_refused_before_sending(
    mode: str, method: str, params: dict[str, Any], message: str, server: FaultServer
) -> None:
    with pytest.raises(g4f_lite.UnsupportedParameterError, match=message):
        ask(mode, acme(server), method, {**params, "model": "m", "fallback_models": []})
    assert not server.received


@pytest.mark.parametrize("mode", MODES)
def test_mistral_has_its_own_name_for_dimensions(mode: str, server: FaultServer) -> None:
    server.script(VECTORS)
    answer = ask(mode, at("mistral", server), "embeddings.create", {"input": "a", "dimensions": 256}, "mistral")
    assert len(answer.data[0].vector) == 256
    assert server.received[0].json == {"model": "mistral-embed", "input": "a", "output_dimension": 256}
    with pytest.raises(g4f_lite.UnsupportedParameterError, match="'user'"):
        ask(mode, at("mistral", server), "embeddings.create", {"input": "a", "user": "me"}, "mistral")


GEMINI = {"embeddings": [{"values": [0.5] * 256}, {"values": [0.25] * 256}], "usageMetadata": {"promptTokenCount": 4}}
COHERE = {
    "id": "x",
    "embeddings": {"float": [[0.5] * 256, [0.25] * 256]},
    "meta": {"billed_units": {"input_tokens": 4}},
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("provider", "answer", "path", "sent"),
    [
        (
            "gemini",
            GEMINI,
            "/models/gemini-embedding-001:batchEmbedContents",
            {
                "requests": [
                    {
                        "model": "models/gemini-embedding-001",
                        "content": {"parts": [{"text": text}]},
                        "outputDimensionality": 256,
                    }
                    for text in "ab"
                ]
            },
        ),
        (
            "cohere",
            COHERE,
            "/v2/embed",
            {
                "model": "embed-v4.0",
                "texts": ["a", "b"],
                "input_type": "search_document",
                "embedding_types": ["float"],
                "output_dimension": 256,
            },
        ),
    ],
)
def test_services_with_a_protocol_of_their_own_make_vectors(
    mode: str, provider: str, answer: dict[str, Any], path: str, sent: dict[str, Any], server: FaultServer
) -> None:
    server.script(replies.body(json.dumps(answer).encode()))
    made = ask(mode, at(provider, server), "embeddings.create", {"input": ["a", "b"], "dimensions": 256}, provider)
    assert [one.vector for one in made.data] == [(0.5,) * 256, (0.25,) * 256]
    assert (made.usage.prompt_tokens, made.model) == (4, made.attempts[0].model)
    (request,) = server.received
    assert (request.path.removeprefix("/v1"), request.json) == (path, sent)
    assert "k-s3cret" in request.headers.get("x-goog-api-key", "") + request.headers.get("authorization", "")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("provider", ["gemini", "cohere"])
@pytest.mark.parametrize("params", [{"input": [1, 2]}, {"input": ["a"] * 101}, {"input": "a", "user": "me"}])
def test_they_refuse_what_they_do_not_take_before_sending(
    mode: str, provider: str, params: dict[str, Any], server: FaultServer
) -> None:
    with pytest.raises(g4f_lite.UnsupportedParameterError):
        ask(mode, at(provider, server), "embeddings.create", params, provider)
    assert not server.received


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("provider", ["gemini", "cohere"])
def test_errors_and_other_answers_of_theirs_fail(mode: str, provider: str, server: FaultServer) -> None:
    server.script(replies.body(b'{"error": {"code": 404, "message": "model not found", "status": "NOT_FOUND"}}', 404))
    with pytest.raises(g4f_lite.ModelUnavailableError):
        ask(mode, at(provider, server), "embeddings.create", {"input": "a"}, provider)
    server.script(replies.body(b'{"embeddings": 7}'))
    with pytest.raises(g4f_lite.MalformedResponseError):
        ask(mode, at(provider, server), "embeddings.create", {"input": "a", "model": "other"}, provider)


@pytest.mark.parametrize("mode", MODES)
def test_cohere_sends_base64_and_takes_its_own_parameters(mode: str, server: FaultServer) -> None:
    server.script(replies.body(b'{"embeddings": {"base64": ["AAAAPw=="]}}'))
    asked = {"input": "a", "encoding_format": "base64", "extra_body": {"input_type": "search_query"}}
    made = ask(mode, at("cohere", server), "embeddings.create", asked, "cohere")
    assert (made.data[0].embedding, made.data[0].vector, made.usage) == ("AAAAPw==", (0.5,), None)
    assert server.received[0].json["input_type"] == "search_query"


# -- speakers ------------------------------------------------------------------------------

DIARIZED = {
    "task": "transcribe",
    "duration": 5.2,
    "text": "Agent: Hi. A: Bye.",
    "segments": [
        {"type": "transcript.text.segment", "id": "seg_001", "start": 0.0, "end": 4.7, "text": "Hi.", "speaker": "agent"},
        {"type": "transcript.text.segment", "id": "seg_002", "start": 4.7, "end": 5.2, "text": "Bye.", "speaker": "A"},
    ],
    "usage": {"type": "duration", "seconds": 6},
}  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
def test_a_transcription_tells_who_speaks(mode: str, server: FaultServer) -> None:
    server.script(replies.body(json.dumps(DIARIZED).encode()))
    asked = {"file": FILE, "response_format": "diarized_json", "known_speaker_names": ["agent"]}
    heard = ask(mode, at("openai", server), "audio.transcriptions.create", asked, "openai")
    assert [(one.id, one.speaker, one.text, one.start, one.end) for one in heard.segments] == [
        ("seg_001", "agent", "Hi.", 0.0, 4.7),
        ("seg_002", "A", "Bye.", 4.7, 5.2),
    ]
    assert (heard.text, heard.usage.seconds, heard.model) == (DIARIZED["text"], 6.0, "gpt-4o-transcribe-diarize")
    assert heard.to_dict()["segments"][0]["speaker"] == "agent"
    (request,) = server.received  # models that tell no speakers apart were not sent the file
    form = {name: values for name, values in request.form.items() if name != "file"}
    assert form == {
        "model": [b"gpt-4o-transcribe-diarize"],
        "response_format": [b"diarized_json"],
        "known_speaker_names[]": [b"agent"],
        "chunking_strategy": [b"auto"],  # required of recordings of more than 30 s
    }
    assert [attempt.model for attempt in heard.attempts][:2] == ["gpt-4o-mini-transcribe", "whisper-1"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("answer", "speakers", "ids"),
    [
        ({"segments": [{"text": "Hi", "speaker_id": "speaker_1"}]}, ["speaker_1"], [0]),  # Mistral
        ({"speaker_segments": [{"id": 4, "text": "Hi", "speaker_id": "SPEAKER_00"}]}, ["SPEAKER_00"], [4]),  # Together
        ({"segments": [{"id": 1, "text": "Hi", "speaker": 0}, {"id": 2, "text": "Yo"}]}, [0, None], [1, 2]),
    ],
)
def test_speakers_of_other_services_are_kept(
    mode: str, answer: dict[str, Any], speakers: list[Any], ids: list[int], server: FaultServer
) -> None:
    server.script(replies.body(json.dumps({"text": "Hi", **answer}).encode()))
    asked = {"file": FILE, "response_format": "verbose_json", "extra_body": {"diarize": True}}
    heard = ask(mode, {"plugins": [Alpha], "base_urls": {"alpha": server.base_url}}, "audio.transcriptions.create",
                asked, "alpha")  # fmt: skip
    assert [one.speaker for one in heard.segments] == speakers
    assert [one.id for one in heard.segments] == ids


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("provider", "params", "message"),
    [
        ("groq", {"response_format": "diarized_json"}, "'json' or 'text' or 'verbose_json' only"),
        ("groq", {"known_speaker_names": ["a"]}, "known_speaker_names"),
        ("openai", {"model": "whisper-1", "response_format": "diarized_json"}, "whisper-1 gives no diarized_json"),
        ("openai", {"model": "whisper-1", "known_speaker_names": ["a"]}, "tells no speakers apart"),
        ("openai", {"model": "gpt-4o-transcribe", "response_format": "srt"}, "gives no srt"),
        ("openai", {"model": "gpt-4o-transcribe-diarize", "prompt": "Hm"}, "takes no prompt"),
    ],
)
def test_a_file_is_not_sent_in_vain(
    mode: str, provider: str, params: dict[str, Any], message: str, server: FaultServer
) -> None:
    asked = {"model": "whisper-large-v3", "fallback_models": [], "file": FILE, **params}
    with pytest.raises(g4f_lite.UnsupportedParameterError, match=message):
        ask(mode, at(provider, server), "audio.transcriptions.create", asked, provider)
    assert not server.received


@pytest.mark.parametrize("mode", MODES)
def test_subtitles_come_from_the_model_that_has_them(mode: str, server: FaultServer) -> None:
    heard = ask(mode, at("openai", server), "audio.transcriptions.create",
                {"file": FILE, "response_format": "vtt"}, "openai")  # fmt: skip
    assert heard.text.startswith("WEBVTT")
    assert server.models == ["whisper-1"]


@pytest.mark.parametrize("mode", MODES)
def test_a_model_that_always_sends_the_image_is_not_asked_for_its_form(mode: str, server: FaultServer) -> None:
    asked = {"prompt": "A cat", "response_format": "b64_json"}
    server.script(replies.body(b'{"created": 1, "data": [{"b64_json": "/9j/4A=="}]}'))
    assert ask(mode, at("openai", server), "images.generate", asked, "openai").data[0].content == b"\xff\xd8\xff\xe0"
    assert server.received[0].json == {"model": "gpt-image-2", "prompt": "A cat"}
    refused = {"prompt": "A cat", "response_format": "url", "model": "gpt-image-1", "fallback_models": []}
    with pytest.raises(g4f_lite.UnsupportedParameterError, match="b64_json"):
        ask(mode, at("openai", server), "images.generate", refused, "openai")
