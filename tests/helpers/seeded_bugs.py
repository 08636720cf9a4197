"""Providers with a bug in an endpoint other than chat, or in what a newcomer gets wrong, and the checks that find them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from time import sleep
from typing import Any

import msgspec

from g4f_lite import (
    Answer,
    ChatCompletion,
    ChatCompletionChunk,
    ChatRequest,
    EndpointRequest,
    HTTPRequest,
    HTTPResponse,
    Provider,
    ServerSentEvent,
    StreamParser,
    Upload,
)
from g4f_lite.types.uploads import UploadFile
from helpers.suites import Bug, Good

EVERYTHING = frozenset(
    {"streaming", "tools", "stream_usage", "embeddings", "transcription", "translation", "speech", "images"}
)


class Everything(Good):
    """Good at every endpoint."""

    capabilities = EVERYTHING
    default_models = {
        name: f"good-{name}" for name in ("embeddings", "transcription", "translation", "speech", "images")
    }


Sent = Callable[[HTTPRequest, EndpointRequest, str | None], HTTPRequest]


def sends(change: Sent, *, only: str = "", **attributes: Any) -> type[Provider]:
    class Seeded(Everything):
        def build_operation(self, request: EndpointRequest, *, key: str | None) -> HTTPRequest:
            outgoing = super().build_operation(request, key=key)
            return change(outgoing, request, key) if only in ("", request.operation) else outgoing

    for name, value in attributes.items():
        setattr(Seeded, name, value)
    return Seeded


def asks(change: Callable[[EndpointRequest], EndpointRequest], only: str = "") -> type[Provider]:
    class Seeded(Everything):
        def build_operation(self, request: EndpointRequest, *, key: str | None) -> HTTPRequest:
            return super().build_operation(change(request) if only in ("", request.operation) else request, key=key)

    return Seeded


def without(name: str, only: str) -> type[Provider]:
    return asks(lambda request: msgspec.structs.replace(request, **{name: None}), only)


def reads(change: Callable[[Any], Any], only: str) -> type[Provider]:
    class Seeded(Everything):
        def parse_operation(self, request: EndpointRequest, response: HTTPResponse) -> Answer:
            answer = super().parse_operation(request, response)
            return change(answer) if request.operation == only else answer

    return Seeded


def chats(change: Callable[[ChatRequest], object]) -> type[Provider]:
    class Seeded(Good):
        def build_request(self, request: ChatRequest, *, key: str | None, stream: bool) -> HTTPRequest:
            changed = change(request)
            return super().build_request(
                changed if isinstance(changed, ChatRequest) else request, key=key, stream=stream
            )

    return Seeded


def answers(**changes: Any) -> type[Provider]:
    class Seeded(Good):
        def parse_response(self, response: HTTPResponse) -> ChatCompletion:
            return msgspec.structs.replace(super().parse_response(response), **changes)

    return Seeded


def moved(outgoing: HTTPRequest, **changes: Any) -> HTTPRequest:
    return msgspec.structs.replace(outgoing, **changes)


def elsewhere(outgoing: HTTPRequest, request: object, key: object) -> HTTPRequest:
    return moved(outgoing, url="https://api.good.example/v1" + outgoing.url[outgoing.url.rindex("/") :])


class KeptOnClass(Good):
    last_key = ""

    def build_request(self, request: ChatRequest, *, key: str | None, stream: bool) -> HTTPRequest:
        type(self).last_key = key or ""
        return super().build_request(request, key=key, stream=stream)


class KeptInInstance(Good):
    def build_request(self, request: ChatRequest, *, key: str | None, stream: bool) -> HTTPRequest:
        vars(self)["seen"] = [{"key": key}]
        return super().build_request(request, key=key, stream=stream)


class LosesReasoning(Good):
    def parse_response(self, response: HTTPResponse) -> ChatCompletion:
        body = response.body.replace(b'"reasoning"', b'"thoughts"')
        return super().parse_response(moved_response(response, body))


def moved_response(response: HTTPResponse, body: bytes) -> HTTPResponse:
    return msgspec.structs.replace(response, body=body)


class LosesReasoningInStreams(Good):
    def new_stream(self, request: ChatRequest) -> StreamParser:
        inner = super().new_stream(request)

        class Parser:
            done = False

            def feed(self, event: ServerSentEvent) -> Iterable[ChatCompletionChunk]:
                found = inner.feed(msgspec.structs.replace(event, data=event.data.replace(b'"reasoning"', b'"x"')))
                self.done = bool(getattr(inner, "done", False))
                return found

            def close(self) -> Iterable[ChatCompletionChunk]:
                return inner.close()

        return Parser()


class SleepsWhileReading(Good):
    def parse_response(self, response: HTTPResponse) -> ChatCompletion:
        time.sleep(0)
        return super().parse_response(response)


class RaisesOnJunk(Everything):
    def parse_operation(self, request: EndpointRequest, response: HTTPResponse) -> Answer:
        if request.operation == "embeddings":
            msgspec.json.decode(response.body)
        return super().parse_operation(request, response)


def open_file(request: object) -> None:
    Path(__file__).open().close()


NOISE = UploadFile(("other.wav", b"another recording"))
PURE, MODELS = "test_requests_are_pure_and_hold_all_messages", "models"
BUILDS, DROPS = "test_other_endpoints_build_what_is_asked_for", "test_parameters_of_other_endpoints_are_sent_or_refused"
KEYS, BOTH = "test_other_endpoints_send_the_key_in_a_header_alone", "test_other_endpoints_answer_both_clients"
JUNK, SAID = "test_what_other_endpoints_cannot_understand_is_an_error", "test_all_that_an_answer_says_is_read"
SECRECY = "test_the_key_is_sent_and_never_shown"

MORE = [
    # -- chat
    Bug("always the default model", chats(lambda request: msgspec.structs.replace(request, model="good-1")), PURE, "'another-model-7' is asked for"),
    Bug("the environment read", chats(lambda request: os.environ.get("HOME")), PURE, "build_request reads the environment"),
    Bug("the environment read by getenv", chats(lambda request: os.getenv("GOOD_REGION")), PURE, "reads the environment"),
    Bug("a sleep", chats(lambda request: time.sleep(0.001)), PURE, "build_request sleeps"),
    Bug("a sleep by another name", chats(lambda request: sleep(0)), PURE, "build_request sleeps"),
    Bug("a file read", chats(open_file), PURE, "build_request opens a file"),
    Bug("usage lost", answers(usage=None), SAID, "the usage of a whole answer is read as None"),
    Bug("reasoning lost", LosesReasoning, SAID, "the reasoning of a whole answer"),
    Bug("reasoning lost in streams", LosesReasoningInStreams, SAID, "the reasoning of a stream"),
    Bug("a sleep while reading", SleepsWhileReading, SAID, "parse_response sleeps"),
    Bug("a key kept on the class", KeptOnClass, SECRECY, "KeptOnClass.last_key keeps the key"),
    Bug("a key kept in the instance", KeptInInstance, SECRECY, "the instance's seen keeps the key"),
    # -- other endpoints: the request
    Bug("a hard-coded host of models", sends(elsewhere, only=MODELS), BUILDS, "models: with api_base="),
    Bug("a hard-coded host of embeddings", sends(elsewhere, only="embeddings"), BUILDS, "embeddings: with api_base="),
    Bug("a hard-coded host of images", sends(elsewhere, only="images"), BUILDS, "images: with api_base="),
    Bug("a wrong path of embeddings", sends(lambda outgoing, request, key: moved(
        outgoing, url=outgoing.url.replace("/embeddings", "/embedding")), only="embeddings"), BUILDS, "not to"),
    Bug("a wrong path of speech", sends(lambda outgoing, request, key: moved(
        outgoing, url=outgoing.url.replace("/audio/speech", "/speech")), only="speech"), BUILDS, "not to"),
    Bug("translations sent to transcriptions", sends(lambda outgoing, request, key: moved(
        outgoing, url=outgoing.url.replace("translations", "transcriptions")), only="translation"), BUILDS, "translation: a request goes to"),
    Bug("a sleep for speech", sends(lambda outgoing, request, key: (time.sleep(0), outgoing)[1], only="speech"), BUILDS, "speech sleeps"),
    Bug("the environment read for models", sends(
        lambda outgoing, request, key: (os.environ.get("HOME"), outgoing)[1], only=MODELS), BUILDS, "models reads the environment"),
    Bug("a default model of embeddings", asks(lambda request: msgspec.structs.replace(
        request, model="good-embeddings"), "embeddings"), BUILDS, "embeddings: the model 'another-model-7'"),
    Bug("a default model of transcriptions", asks(lambda request: msgspec.structs.replace(
        request, model="good-transcription"), "transcription"), BUILDS, "transcription: the model 'another-model-7'"),
    Bug("the first input alone", asks(lambda request: msgspec.structs.replace(
        request, input=request.input[:1]), "embeddings"), BUILDS, "'two' is not in the request"),  # type: ignore[attr-defined]  # embeddings have an input
    Bug("a voice dropped", asks(lambda request: msgspec.structs.replace(request, voice=""), "speech"), BUILDS, "'voice-7' is not"),
    Bug("headers of the caller dropped", asks(lambda request: msgspec.structs.replace(request, extra_headers=None)), BUILDS, "extra_headers are not sent"),
    Bug("a body of chance", sends(lambda outgoing, request, key: moved(outgoing, body=str(time.monotonic_ns()).encode()), only="images"), BUILDS, "different request"),
    Bug("declared, and not written", type("Seeded", (Everything,), {"build_operation": Provider.build_operation}), BUILDS, "is declared, but refused"),
    Bug("foreign exceptions while building", sends(lambda outgoing, request, key: {}["nothing"], only="images"), BUILDS, "build_operation raises KeyError"),
    # -- other endpoints: parameters
    Bug("dimensions dropped", without("dimensions", "embeddings"), DROPS, "dimensions=1237 is neither"),
    Bug("an encoding dropped", without("encoding_format", "embeddings"), DROPS, "encoding_format='base64' is neither"),
    Bug("a language dropped", without("language", "transcription"), DROPS, "language='xq' is neither"),
    Bug("a prompt dropped", without("prompt", "translation"), DROPS, "translation: prompt="),
    Bug("a speed dropped", without("speed", "speech"), DROPS, "speed=1.375 is neither"),
    Bug("a size dropped", without("size", "images"), DROPS, "size='size-7' is neither"),
    # -- other endpoints: the key
    Bug("models without a key", sends(lambda outgoing, request, key: moved(outgoing, headers={}), only=MODELS), KEYS, "models: needs_auth is True"),
    Bug("models with the key in their URL", sends(lambda outgoing, request, key: moved(
        outgoing, url=f"{outgoing.url}?key={key}"), only=MODELS), KEYS, "models: the URL holds the key"),
    Bug("embeddings without a key", sends(lambda outgoing, request, key: moved(outgoing, headers={}), only="embeddings"), KEYS, "embeddings: needs_auth"),
    Bug("images with the key in their body", sends(lambda outgoing, request, key: moved(
        outgoing, body=b'{"key": "' + (key or "").encode() + b'"}'), only="images"), KEYS, "images: the body holds the key"),
    Bug("None for a key of models", sends(lambda outgoing, request, key: moved(
        outgoing, headers={"authorization": f"Bearer {key}"}), needs_auth=False), KEYS, "Bearer None"),
    # -- other endpoints: the answer
    Bug("a truncated list of models", reads(lambda found: msgspec.structs.replace(found, data=found.data[:100]), MODELS), BOTH, "models: Client gives"),
    Bug("vectors in their order of arrival", reads(lambda found: msgspec.structs.replace(
        found, data=found.data[::-1]), "embeddings"), BOTH, "embeddings: Client gives"),
    Bug("usage of embeddings lost", reads(lambda found: msgspec.structs.replace(found, usage=None), "embeddings"), BOTH, "embeddings: Client gives"),
    Bug("the first image alone", reads(lambda found: msgspec.structs.replace(found, data=found.data[:1]), "images"), BOTH, "images: Client gives"),
    Bug("a type of audio lost", reads(lambda found: msgspec.structs.replace(found, content_type=""), "speech"), BOTH, "speech: Client gives"),
    Bug("a text cut", reads(lambda found: msgspec.structs.replace(found, text=found.text[:5]), "transcription"), BOTH, "transcription: Client gives"),
    Bug("another file", sends(lambda outgoing, request, key: moved(
        outgoing, body=Upload([("model", request.model)], NOISE)), only="translation"), BOTH, "translation: no file is sent"),
    Bug("foreign exceptions while reading", RaisesOnJunk, JUNK, "embeddings: parse_operation raises"),
    Bug("an empty list of junk", type("Seeded", (Everything,), {"parse_operation": lambda self, request, response: Answer()}), JUNK, "is read as"),
]  # fmt: skip
