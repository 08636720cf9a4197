"""Images: the request and its result."""

from __future__ import annotations

from binascii import a2b_base64
from typing import Annotated, Literal

from msgspec import Meta

from .chat_request import Positive
from .endpoint import Answer, EndpointRequest, MediaUsage
from .results import Result, SentField
from .uploads import Progress, UploadFile


class ImageRequest(EndpointRequest, frozen=True, kw_only=True, omit_defaults=True):
    """What `images.generate` asks for, checked; each attempt sets its model."""

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


class ImageEditRequest(EndpointRequest, frozen=True, kw_only=True, omit_defaults=True):
    """What `images.edit` asks for, checked; each attempt sets its model."""

    operation = "image_edits"
    image: list[UploadFile]
    """The images to edit, or to take parts from."""
    mask: UploadFile | None = None
    """A PNG of the first image's size; where it is transparent, the image is edited."""
    prompt: str
    n: Positive | None = None
    size: str | None = None
    quality: str | None = None
    background: str | None = None
    input_fidelity: str | None = None
    output_format: str | None = None
    output_compression: Annotated[int, Meta(ge=0, le=100)] | None = None
    response_format: Literal["url", "b64_json"] | None = None
    user: str | None = None
    progress: Progress | None = None

    @property
    def files(self) -> list[tuple[str, UploadFile]]:
        """The files, each with the name of its field in the form."""
        field = "image[]" if len(self.image) > 1 else "image"
        return [*((field, one) for one in self.image), *([("mask", self.mask)] if self.mask is not None else [])]


class Image(Result, frozen=True, kw_only=True):
    """One image: its address, or its bytes in base64."""

    url: str | None = None
    b64_json: str | None = None
    """The image in base64, without the `data:image/png;base64,` that some services put before it."""
    revised_prompt: str | None = None

    @property
    def content(self) -> bytes | None:
        """The image, if the response contains it and not its URL. ValueError: it is not base64."""
        return None if self.b64_json is None else a2b_base64(self.b64_json, strict_mode=True)


def as_plain_base64(image: Image) -> Image:
    """Return an image without a `data:` URL, in either field: its base64 is in `b64_json`, padded, without breaks."""
    url, given, prompt = image.url, image.b64_json, image.revised_prompt
    del image  # the caller holds it no more, either, so that a large one is in memory twice, not three times
    if not given:
        if url is None or url[:5].lower() != "data:":
            return Image(url=url, b64_json=given, revised_prompt=prompt)
        given = url
        url = None
    if given[:5].lower() == "data:":
        given = given.partition(",")[2]
    given = "".join(given.split())
    given = given.replace("-", "+").replace("_", "/").rstrip("=")  # no copy if there is none of them
    given += "=" * (-len(given) % 4)
    return Image(url=url, b64_json=given, revised_prompt=prompt)


class ImagesResponse(Answer, frozen=True, kw_only=True):
    """The images of one request. Iterate over `data`."""

    created: int = 0
    data: tuple[Image, ...]
    usage: MediaUsage | None = None
    background = SentField()
    output_format = SentField()
    quality = SentField()
    size = SentField()

    def __repr__(self) -> str:
        return f"ImagesResponse({self.provider}:{self.model}, {len(self.data)} images)"
