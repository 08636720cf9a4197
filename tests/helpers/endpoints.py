"""Every endpoint but chat, and two providers that serve them all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

import g4f_lite
from g4f_lite import AsyncClient, Client, OpenaiTemplate, Timeouts
from g4f_lite.testing import FaultServer

from .driving import QUICK, Outcome

MODES = ("sync", "async")
CALM = {**QUICK, "timeouts": Timeouts(connect=10, total=10)}
"""Long enough that a slow machine does not look like a silent server."""
SOON = {"timeouts": Timeouts(connect=10, total=1)}
ALL = frozenset({"embeddings", "transcription", "translation", "speech", "images", "image_edits"})
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
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
        "image_edits": "brush",
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
    """An endpoint, and how it is called."""

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
    Endpoint("image_edits", "images.edit", {"image": ("cat.png", PNG), "prompt": "A hat"}, "/v1/images/edits", "brush",
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


def two_providers(server: FaultServer) -> dict[str, Any]:
    """Settings of a client with two providers, both on the server."""
    routes = [Alpha(api_base=server.base_url), Beta(api_base=server.base_url)]
    return {"routes": routes, "plugins": [Alpha, Beta, ChatOnly]}
