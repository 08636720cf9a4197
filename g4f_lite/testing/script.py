"""
The requests that a fault server receives, and the actions that its replies are made of.

Rule: plain data; the server does the I/O.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import unquote, urlsplit

from .shapes import Shape, ShapeName, cohere, gemini

ENDPOINTS = (
    "/embeddings", "/audio/transcriptions", "/audio/translations", "/audio/speech", "/images/generations",
    "/images/edits", "/models",
)  # fmt: skip


class Received(NamedTuple):
    """One request as it reached the server; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    read_by: Shape | None = None
    """The protocol that the server or the reply was given; None: the path decides."""

    @property
    def json(self) -> Any:
        """The decoded body, {} if it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return {}

    @property
    def endpoint(self) -> str:
        """The endpoint of OpenAI with which its path ends, such as `/embeddings`; "" for chat and unknown paths."""
        path = urlsplit(self.path).path
        return next((one for one in ENDPOINTS if path.endswith(one)), "")

    @property
    def form(self) -> dict[str, list[bytes]]:
        """The fields of a multipart form, each with its values."""
        fields: dict[str, list[bytes]] = {}
        for head, content in self._parts():
            if named := re.search(r'[; ]name="([^"]*)"', head):
                fields.setdefault(named[1], []).append(content)
        return fields

    @property
    def filename(self) -> str | None:
        """The name of the file in a multipart form."""
        found = (re.search(r'filename="([^"]*)"', head) for head, _ in self._parts())
        return next((one[1] for one in found if one), None)

    def _parts(self) -> Iterator[tuple[str, bytes]]:
        kind, _, boundary = self.headers.get("content-type", "").partition("; boundary=")
        if kind == "multipart/form-data" and boundary:
            for part in (b"\r\n" + self.body).split(f"\r\n--{boundary}".encode())[1:-1]:
                head, _, content = part.partition(b"\r\n\r\n")
                yield head.decode(), content

    @property
    def shape(self) -> ShapeName:
        """The protocol of its path."""
        if gemini.PATH.search(self.path):
            return "gemini"
        path = urlsplit(self.path).path
        if path.endswith(cohere.PATH_END):
            return "cohere"
        return "anthropic" if path.endswith("/messages") else "openai"

    @property
    def model(self) -> str:
        """The requested model: from the path for Gemini, else from the body or form; a given protocol decides."""
        if read := getattr(self.read_by, "model_of", None):  # an object may have only the other members of a shape
            return str(read(self._replace(read_by=None)))
        if found := gemini.PATH.search(self.path):
            return unquote(found["model"])
        if "multipart" in self.headers.get("content-type", ""):
            return b"".join(self.form.get("model", [])).decode()
        return str(self._member("model", ""))

    @property
    def stream(self) -> bool:
        """Whether it asks for a stream: from the path for Gemini, else from the body; a given protocol decides."""
        if read := getattr(self.read_by, "streams", None):
            return bool(read(self._replace(read_by=None)))
        if found := gemini.PATH.search(self.path):
            return found["method"] == "streamGenerateContent"
        return bool(self._member("stream", False))

    def _member(self, name: str, otherwise: object) -> object:
        return self.json.get(name, otherwise) if isinstance(self.json, dict) else otherwise


class Pause(NamedTuple):
    """Send nothing for this many seconds, or until the client disconnects or the server is closed."""

    seconds: float


class Close(NamedTuple):
    """Close the connection properly, or with a reset."""

    reset: bool = False


Action: TypeAlias = bytes | Pause | Close


Reply: TypeAlias = Callable[[Received], Iterable[Action]]
"""A function that returns the actions for one request. The connection stays open after the last one."""
