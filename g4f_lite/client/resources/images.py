"""`client.images`."""

from __future__ import annotations

from typing import Literal, Unpack

from ...types.images import ImagesResponse
from ..endpoint_requests import EndpointParams
from .base import AsyncResource, Resource


class ImageParams(EndpointParams, total=False):
    """Keywords of `images.generate` besides `prompt`."""

    n: int | None
    size: str | None
    quality: str | None
    style: str | None
    background: str | None
    output_format: str | None
    response_format: Literal["url", "b64_json"] | None
    user: str | None


class Images(Resource):
    def generate(self, *, prompt: str, **params: Unpack[ImageParams]) -> ImagesResponse:
        """Draw pictures; each has a `url`, or its bytes in `.content`."""
        answer: ImagesResponse = self._answer("images", {"prompt": prompt, **params})
        return answer


class AsyncImages(AsyncResource):
    async def generate(self, *, prompt: str, **params: Unpack[ImageParams]) -> ImagesResponse:
        """As the method of `Client`."""
        answer: ImagesResponse = await self._answer("images", {"prompt": prompt, **params})
        return answer
