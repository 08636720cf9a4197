"""What a request asks for, by its method and path."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote

from ...provider.openai_protocol.endpoints import PATHS
from ...types.uploads import UploadFile
from ...value import JSONObject

_BY_PATH = {"/chat/completions": "chat", "/models": "models", **{path: operation for operation, path in PATHS.items()}}
del _BY_PATH[PATHS["image_edits"]]  # which are passed on
_PLACE = re.compile(f"(?P<base>.*?)(?P<path>{'|'.join(map(re.escape, _BY_PATH))})/?")
_MODEL = re.compile(r"(?P<base>.*?)/models/(?P<model>.+)")
_NOT_HERE: Mapping[str, tuple[str, object]] = {
    "transcription": ("stream", True),
    "speech": ("stream_format", "sse"),
    "images": ("stream", True),
}
"""A field of an endpoint's request, and the value of it that asks for events, which only chats have here."""


class Place(NamedTuple):
    """What a method and a path stand for."""

    operation: str
    """`chat`, `models`, `model` for one of them, or another endpoint of the client."""
    base: str
    """The path before the endpoint's own, such as `/v1`."""
    model: str = ""
    """The id that is asked for, if the operation is `model`."""


class Asked:
    """
    What a request asks for.

    Attributes:
        operation: of the place.
        streams: whether the answer is a stream of chunks.
    """

    __slots__ = ("fields", "file", "operation", "place", "streams")

    def __init__(self, place: Place, fields: JSONObject, file: UploadFile | None = None) -> None:
        self.place, self.fields, self.file = place, fields, file
        self.operation = place.operation
        self.streams = self.operation == "chat" and fields.get("stream") is True

    @property
    def can_be_called(self) -> bool:
        """False if the client has no such call: audio or images as events, a recording at an address (Groq's `url`)."""
        if self.operation == "chat":
            return True
        if self.operation in ("transcription", "translation") and self.file is None and self.fields.get("url"):
            return False
        name, value = _NOT_HERE.get(self.operation, ("", None))
        return not name or self.fields.get(name) not in (value, str(value).lower())


def place_of(method: str, path: str) -> Place | None:
    """Return what a method and a path (without the query) stand for; None if no client has a method for it."""
    if found := _PLACE.fullmatch(path):
        operation = _BY_PATH[found["path"]]
        return Place(operation, found["base"]) if method == ("GET" if operation == "models" else "POST") else None
    if method == "GET" and (found := _MODEL.fullmatch(path)):
        return Place("model", found["base"], unquote(found["model"]))
    return None
