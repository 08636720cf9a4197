"""The requests of the endpoints other than chat, what the service answers, and calls of both clients."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from ...client.async_client import AsyncClient
from ...client.client import Client
from ...errors.exceptions import G4FLiteError
from ...provider.base import Provider
from ...types.audio import SpeechRequest, TranscriptionRequest, TranslationRequest
from ...types.embeddings import EmbeddingRequest
from ...types.endpoint import EndpointRequest
from ...types.images import ImageEditRequest, ImageRequest
from ...types.models import ModelsRequest
from ...types.uploads import UploadFile
from .. import replies
from ..script import Reply
from ..server import FaultServer
from .asking import PROMPT, model_of
from .calls import CLIENTS
from .service import SECRET

SOUND = b"RIFF of the conformance suite"
INPUTS = ["Grüße", "two", "three"]
MODELS = [f"listed-{number}" for number in range(150)]
_VECTORS = {
    "data": [{"index": index, "embedding": [float(index), 0.5]} for index in (2, 0, 1)],
    "model": "m",
    "usage": {"prompt_tokens": 77, "total_tokens": 77},
}


class Endpoint(NamedTuple):
    """How one endpoint is asked, and what must come of it."""

    request: Callable[..., EndpointRequest]
    content: dict[str, Any]
    """What every request needs, as the provider's code gets it."""
    texts: tuple[str, ...]
    """What must be in the request."""
    parameters: dict[str, tuple[Any, str]]
    """For each parameter: a value, and its text in the request."""
    method: str
    """Of the client."""
    keywords: dict[str, Any]
    reply: Reply
    means: Callable[[Any], object]
    """What is compared of the result."""
    wanted: object


def _json(content: object) -> Reply:
    return replies.body(json.dumps(content).encode(), content_type="application/json")


_HEARD: dict[str, tuple[Any, str]] = {"prompt": ("Names: Zoë", "Names: Zoë"), "temperature": (0.375, "0.375")}
_DRAWN: dict[str, tuple[Any, str]] = {name: (f"{name}-7", f"{name}-7") for name in ("size", "quality", "style", "user")}
ENDPOINTS: dict[str, Endpoint] = {
    "embeddings": Endpoint(
        EmbeddingRequest, {"input": INPUTS}, tuple(INPUTS),
        {"dimensions": (1237, "1237"), "encoding_format": ("base64", "base64"), "user": ("user-7", "user-7")},
        "embeddings.create", {"input": INPUTS}, _json(_VECTORS),
        lambda found: ([one.embedding for one in found.data], found.usage and found.usage.prompt_tokens),
        ([(0.0, 0.5), (1.0, 0.5), (2.0, 0.5)], 77),
    ),
    "transcription": Endpoint(
        TranscriptionRequest, {"file": UploadFile(("clip.wav", SOUND))}, (), {**_HEARD, "language": ("xq", "xq")},
        "audio.transcriptions.create", {"file": ("clip.wav", SOUND)}, _json({"text": "Sunday it is"}),
        lambda found: found.text, "Sunday it is",
    ),
    "translation": Endpoint(
        TranslationRequest, {"file": UploadFile(("clip.wav", SOUND))}, (), _HEARD,
        "audio.translations.create", {"file": ("clip.wav", SOUND)}, _json({"text": "Sunday it is"}),
        lambda found: found.text, "Sunday it is",
    ),
    "speech": Endpoint(
        SpeechRequest, {"input": PROMPT, "voice": "voice-7"}, (PROMPT, "voice-7"),
        {"response_format": ("flac", "flac"), "speed": (1.375, "1.375"), "instructions": ("slowly", "slowly")},
        "audio.speech.create", {"input": PROMPT, "voice": "voice-7"},
        replies.body(SOUND, content_type="audio/wav"), lambda found: (found.content, found.content_type),
        (SOUND, "audio/wav"),
    ),
    "images": Endpoint(
        ImageRequest, {"prompt": PROMPT}, (PROMPT,), {**_DRAWN, "response_format": ("url", "url")},
        "images.generate", {"prompt": PROMPT}, _json({"created": 1, "data": [{"url": "http://i.invalid/1"}] * 3}),
        lambda found: [one.url for one in found.data], ["http://i.invalid/1"] * 3,
    ),
    "image_edits": Endpoint(
        ImageEditRequest, {"prompt": PROMPT, "image": [UploadFile(("clip.png", SOUND))]}, (PROMPT, "clip.png"),
        {name: sent for name, sent in _DRAWN.items() if name != "style"},
        "images.edit", {"prompt": PROMPT, "image": ("clip.png", SOUND)},
        _json({"created": 1, "data": [{"url": "http://i.invalid/1"}] * 3}),
        lambda found: [one.url for one in found.data], ["http://i.invalid/1"] * 3,
    ),
    "models": Endpoint(
        ModelsRequest, {}, (), {}, "models.list", {"max_age": 0}, replies.models(*MODELS),
        lambda found: list(found.ids), MODELS,
    ),
}  # fmt: skip


def endpoints_of(one: Provider) -> dict[str, Endpoint]:
    """Return the endpoints that a provider declares."""
    return {
        name: endpoint
        for name, endpoint in ENDPOINTS.items()
        if (one.lists_models if name == "models" else name in one.capabilities)
    }


def request_of(one: Provider, operation: str, **params: Any) -> EndpointRequest:
    """Return a checked request; its model is the provider's for this endpoint."""
    endpoint = ENDPOINTS[operation]
    model = "" if operation == "models" else (*one.models_for(operation), model_of(one))[0]
    return endpoint.request(**{"model": model, **endpoint.content, **params})


def result_of(client: str, one: Provider, operation: str, server: FaultServer) -> object:
    """Make a call; return what its result means, or the name and message of its error."""
    endpoint = ENDPOINTS[operation]
    settings: dict[str, Any] = {"retries": 0, "routes": [one]}
    settings |= {"base_urls": {one.name: server.base_url}, "keys": {one.name: SECRET}}
    params = {**endpoint.keywords, "provider": one}
    if operation != "models":
        params |= {"model": request_of(one, operation).model, "fallback_models": []}

    def method(api: Any) -> Any:
        for name in endpoint.method.split("."):
            api = getattr(api, name)
        return api(**params)

    async def concurrent() -> Any:
        async with AsyncClient(**settings) as api:
            return await method(api)

    try:
        if client == CLIENTS[0]:
            with Client(**settings) as api:
                return endpoint.means(method(api))
        return endpoint.means(asyncio.run(concurrent()))
    except G4FLiteError as error:
        return f"{type(error).__name__}: {error}"
