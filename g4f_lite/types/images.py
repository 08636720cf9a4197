"""Images: the request and its result."""

from __future__ import annotations

from base64 import b64decode
from typing import Literal

from ..value import Value
from .chat import Positive
from .endpoint import Answer, EndpointRequest, MediaUsage


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


class Image(Value, frozen=True, kw_only=True):
    url: str | None = None
    b64_json: str | None = None
    revised_prompt: str | None = None

    @property
    def content(self) -> bytes | None:
        """The image, if the response contains it and not its URL."""
        return None if self.b64_json is None else b64decode(self.b64_json)


class ImagesResponse(Answer, frozen=True, kw_only=True):
    created: int = 0
    data: tuple[Image, ...]
    usage: MediaUsage | None = None

    def __repr__(self) -> str:
        return f"ImagesResponse({self.provider}:{self.model}, {len(self.data)} images)"
