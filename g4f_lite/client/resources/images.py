"""`client.images`."""

from __future__ import annotations

from typing import Literal, Unpack

from ...types.images import ImagesResponse
from ...types.uploads import FileParam, Progress
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


class ImageEditParams(EndpointParams, total=False):
    """Keywords of `images.edit` besides `image` and `prompt`."""

    mask: FileParam | None
    n: int | None
    size: str | None
    quality: str | None
    background: str | None
    input_fidelity: str | None
    output_format: str | None
    output_compression: int | None
    response_format: Literal["url", "b64_json"] | None
    user: str | None
    progress: Progress | None


class Images(Resource):
    def generate(self, *, prompt: str, **params: Unpack[ImageParams]) -> ImagesResponse:
        """Draw pictures; each has a `url`, or its bytes in `.content`."""
        answer: ImagesResponse = self._answer("images", {"prompt": prompt, **params})
        return answer

    def edit(
        self, *, image: FileParam | list[FileParam], prompt: str, **params: Unpack[ImageEditParams]
    ) -> ImagesResponse:
        """
        Change a picture, or make one of several.

        Args:
            image: a path, bytes, a binary file, or (name, any of these); a list for several. As for transcriptions,
                files are read while they are sent, and again for each attempt.
            mask: a file, too: a PNG that is transparent where the first image is to change.
        """
        answer: ImagesResponse = self._answer("image_edits", {"image": image, "prompt": prompt, **params})
        return answer


class AsyncImages(AsyncResource):
    async def generate(self, *, prompt: str, **params: Unpack[ImageParams]) -> ImagesResponse:
        """As the method of `Client`."""
        answer: ImagesResponse = await self._answer("images", {"prompt": prompt, **params})
        return answer

    async def edit(
        self, *, image: FileParam | list[FileParam], prompt: str, **params: Unpack[ImageEditParams]
    ) -> ImagesResponse:
        """As the method of `Client`."""
        answer: ImagesResponse = await self._answer("image_edits", {"image": image, "prompt": prompt, **params})
        return answer
