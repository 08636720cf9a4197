"""
What goes in and what comes out of everything that is no chat: plain data, named as in OpenAI's library.

The requests are checked already when a provider gets them; None means not set, and is not sent.
"""

from __future__ import annotations

import os
from base64 import b64decode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import msgspec
from msgspec import Meta, field

from ..trail import EMPTY_TRAIL, Attempt, Trail
from ..value import JSONObject, Value
from .chat import Positive, Usage
from .uploads import Progress, UploadFile

OperationName: TypeAlias = Literal["chat", "embeddings", "transcription", "translation", "speech", "images", "models"]
"""What a call asks for. But for `chat` and `models`, also the capability that a provider declares for it."""


# -- what is asked -------------------------------------------------------------------------


class EndpointRequest(Value, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all requests but chats. `model` is the id that the provider knows."""

    operation: ClassVar[OperationName]
    model: str = ""
    extra_body: Mapping[str, Any] | None = None
    extra_headers: Mapping[str, str] | None = None

    def to_body(self) -> JSONObject:
        """Return the parameters that are set, under OpenAI's names; `extra_body` merged in last."""
        body = {
            name: value
            for name in self.__struct_fields__
            if name not in _NOT_SENT and (value := getattr(self, name)) is not None
        }
        return {**body, **(self.extra_body or {})}


_NOT_SENT = ("extra_body", "extra_headers", "file", "progress")


class EmbeddingRequest(EndpointRequest, frozen=True, kw_only=True, omit_defaults=True):
    operation = "embeddings"
    input: str | list[Any]
    """A text, a list of texts, a list of tokens, or a list of such lists."""
    dimensions: Positive | None = None
    encoding_format: Literal["float", "base64"] | None = None
    user: str | None = None

    @property
    def count(self) -> int:
        """How many vectors it asks for."""
        return 1 if isinstance(self.input, str) or isinstance(self.input[0], int) else len(self.input)


class TranslationRequest(EndpointRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Speech in any language to English text."""

    operation: ClassVar[OperationName] = "translation"
    file: UploadFile
    prompt: str | None = None
    response_format: Literal["json", "text", "srt", "verbose_json", "vtt"] | None = None
    temperature: Annotated[float, Meta(ge=0)] | None = None
    progress: Progress | None = None


class TranscriptionRequest(TranslationRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Speech to text in its own language."""

    operation = "transcription"
    language: str | None = None
    timestamp_granularities: list[Literal["word", "segment"]] | None = None


class SpeechRequest(EndpointRequest, frozen=True, kw_only=True, omit_defaults=True):
    operation = "speech"
    input: str
    voice: str
    response_format: str | None = None
    speed: Annotated[float, Meta(gt=0)] | None = None
    instructions: str | None = None


class ImageRequest(EndpointRequest, frozen=True, kw_only=True, omit_defaults=True):
    operation = "images"
    prompt: str
    n: Positive | None = None
    size: str | None = None
    quality: str | None = None
    style: str | None = None
    background: str | None = None
    output_format: str | None = None
    response_format: Literal["url", "b64_json"] | None = None
    user: str | None = None


class ModelsRequest(EndpointRequest, frozen=True, kw_only=True, omit_defaults=True):
    operation = "models"


# -- what is answered ----------------------------------------------------------------------


class MediaUsage(Value, frozen=True, kw_only=True, gc=False):
    """What audio or pictures cost: seconds, or tokens."""

    type: str = ""
    seconds: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0


class Answer(Value, frozen=True, kw_only=True):
    """What all answers have: who gave it, and how it came about."""

    model: str = ""
    """The model that answered, as the provider names it."""
    provider: str = field(default="", name="g4f_lite.provider")
    trail: Trail = field(default=EMPTY_TRAIL, name="g4f_lite.trail")
    raw_json: bytes | None = field(default=None, name="g4f_lite.raw_json")

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        return self.trail.attempts

    @property
    def raw(self) -> Any:
        """The provider's own JSON, decoded afresh at each access; text where it answered with text."""
        if self.raw_json is None:
            return None
        try:
            return msgspec.json.decode(self.raw_json)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self.raw_json.decode("utf-8", "replace")

    def to_dict(self) -> JSONObject:
        """Return OpenAI's JSON of this answer; what is not set is left out."""
        plain: JSONObject = _plain(msgspec.to_builtins(self))
        return plain


def _plain(value: Any) -> Any:
    """Leave out what is not set, and what is ours."""
    if isinstance(value, dict):
        kept = {name: one for name, one in value.items() if one is not None and not name.startswith("g4f_lite.")}
        return {name: _plain(one) for name, one in kept.items()}
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], dict):
        return [_plain(one) for one in value]
    return value


class Embedding(Value, frozen=True, kw_only=True, gc=False):
    index: int = 0
    embedding: tuple[float, ...] | str = ()
    """Numbers; with `encoding_format="base64"` the text that was sent."""
    object: str = "embedding"

    @property
    def vector(self) -> tuple[float, ...]:
        """The numbers, however they were sent."""
        if not isinstance(self.embedding, str):
            return self.embedding
        from struct import iter_unpack

        return tuple(number for (number,) in iter_unpack("<f", b64decode(self.embedding, validate=True)))


class CreateEmbeddingResponse(Answer, frozen=True, kw_only=True):
    """One vector for each input, in the order of the inputs."""

    object: str = "list"
    data: tuple[Embedding, ...]
    usage: Usage | None = None

    def __repr__(self) -> str:
        return f"CreateEmbeddingResponse({self.provider}:{self.model}, {len(self.data)} vectors, usage={self.usage!r})"


class TranscriptionWord(Value, frozen=True, kw_only=True, gc=False):
    word: str = ""
    start: float = 0.0
    end: float = 0.0


class TranscriptionSegment(Value, frozen=True, kw_only=True, gc=False):
    id: int = 0
    text: str = ""
    start: float = 0.0
    end: float = 0.0
    seek: int | None = None
    tokens: tuple[int, ...] | None = None
    temperature: float | None = None
    avg_logprob: float | None = None
    compression_ratio: float | None = None
    no_speech_prob: float | None = None


class Transcription(Answer, frozen=True, kw_only=True):
    """What was said. All but `text` comes with `response_format="verbose_json"`; times are seconds."""

    text: str
    """With `response_format` "srt" or "vtt" the subtitles, as they are."""
    language: str | None = None
    duration: float | None = None
    segments: tuple[TranscriptionSegment, ...] | None = None
    words: tuple[TranscriptionWord, ...] | None = None
    usage: MediaUsage | None = None

    def __repr__(self) -> str:
        return f"Transcription({self.provider}:{self.model}, text={self.text[:60]!r})"


class Speech(Answer, frozen=True, kw_only=True):
    """Spoken text."""

    content: bytes
    content_type: str = ""
    usage: MediaUsage | None = None

    @property
    def raw(self) -> bytes:
        """The bytes, as they came."""
        return self.content

    def write_to_file(self, path: str | os.PathLike[str]) -> None:
        """Write the audio to a file."""
        Path(path).write_bytes(self.content)

    def __repr__(self) -> str:
        return f"Speech({self.provider}:{self.model}, {len(self.content)} bytes of {self.content_type or 'audio'})"


class Image(Value, frozen=True, kw_only=True):
    url: str | None = None
    b64_json: str | None = None
    revised_prompt: str | None = None

    @property
    def content(self) -> bytes | None:
        """The picture, if it came with the answer and not as a URL."""
        return None if self.b64_json is None else b64decode(self.b64_json)


class ImagesResponse(Answer, frozen=True, kw_only=True):
    created: int = 0
    data: tuple[Image, ...]
    usage: MediaUsage | None = None

    def __repr__(self) -> str:
        return f"ImagesResponse({self.provider}:{self.model}, {len(self.data)} images)"


class Model(Value, frozen=True, kw_only=True):
    id: str
    created: int = 0
    owned_by: str = ""
    object: str = "model"
    # Ours, see ModelList.
    provider: str = field(default="", name="g4f_lite.provider")
    live: bool = field(default=True, name="g4f_lite.live")
    """False: not from the service, but from the provider's own list."""


class ModelList(Answer, frozen=True, kw_only=True):
    """The models of one provider, or of several. Iterate over it, or over `data`."""

    object: str = "list"
    data: tuple[Model, ...]
    usage: None = None

    @property
    def live(self) -> bool:
        """Whether each provider has answered; else the trail says why one has not."""
        return all(model.live for model in self.data)

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(model.id for model in self.data)

    def __repr__(self) -> str:
        return f"ModelList({self.provider or 'several'}, {len(self.data)} models, live={self.live})"

    def __iter__(self) -> Iterator[Model]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)

    def to_dict(self) -> JSONObject:
        """Return OpenAI's JSON, with `provider` and `live` of each model."""
        data = [
            {"id": one.id, "object": one.object, "created": one.created, "owned_by": one.owned_by}
            | {"provider": one.provider, "live": one.live}
            for one in self.data
        ]
        return {"object": self.object, "data": data}
