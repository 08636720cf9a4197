"""The multipart form of an upload: its fields, and its file."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, BinaryIO

from python_multipart.decoders import Base64Decoder, QuotedPrintableDecoder
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from ...errors.exceptions import InvalidRequestError
from ...types.uploads import UploadFile
from ...value import JSONObject

_MOST_PARTS = 1000
"""Of a form; those of the services' endpoints have a dozen."""
_DECODERS: dict[bytes, Any] = {b"base64": Base64Decoder, b"quoted-printable": QuotedPrintableDecoder}


def read_form(content_type: str, body: bytes) -> tuple[JSONObject, UploadFile | None]:
    """
    Return the fields of a form, and its file, as `FormReader` does.

    Raises:
        InvalidRequestError: it cannot be read, or the file is empty.
    """
    reader = FormReader(content_type)
    reader.feed(body)
    return reader.end()


class FormReader:
    """
    Reads a form as it comes.

    Args:
        in_memory: bytes of a file that are kept in memory; a larger one is kept on disk, in a file without a name,
            which vanishes when it is closed or the process ends. Fields may not have more.

    Raises:
        InvalidRequestError: the form has no boundary.
    """

    def __init__(self, content_type: str, in_memory: int = sys.maxsize) -> None:
        kind, options = parse_options_header(content_type.encode("latin-1", "replace"))
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise InvalidRequestError("the form cannot be read: it has no boundary")
        self._in_memory = in_memory
        self._fields: list[tuple[bytes, bytearray]] = []
        self._size = self._parts = 0
        self._is_whole = False
        self._file: _File | None = None
        self._part: _Part = _Part()
        self._decoder: Any = self._part
        self._headers: dict[bytes, bytes] = {}
        self._name, self._value = bytearray(), bytearray()
        self._parser = self._made(boundary)

    def _made(self, boundary: bytes) -> MultipartParser:
        try:
            return MultipartParser(
                boundary,
                {
                    "on_part_begin": self._headers.clear,
                    "on_header_field": lambda data, start, end: self._name.extend(data[start:end]),
                    "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
                    "on_header_end": self._keep_header,
                    "on_headers_finished": self._begin,
                    "on_part_data": lambda data, start, end: self._decoder.write(data[start:end]),
                    "on_part_end": self._end_part,
                    "on_end": self._end_form,
                },
            )
        except (FormParserError, ValueError) as error:
            raise InvalidRequestError(f"the form cannot be read: {error}") from None

    def feed(self, data: bytes) -> None:
        """
        Read on.

        Raises:
            InvalidRequestError: it cannot be read.
            OSError: a file cannot be kept on disk.
        """
        try:
            self._parser.write(data)
        except (FormParserError, ValueError) as error:  # ValueError: not UTF-8
            raise InvalidRequestError(f"the form cannot be read: {error}") from None

    def end(self) -> tuple[JSONObject, UploadFile | None]:
        """
        Return the fields, and the file: the first part that has a file name, and is named `file`.

        A field is a text. What is named `name[]`, or comes more than once, is a list of texts.

        Raises:
            InvalidRequestError: the file is empty, a field is no text, or the end of the form has not come.
        """
        if not self._is_whole:
            raise InvalidRequestError("the form cannot be read: it does not end with its boundary")
        try:
            gathered = _gathered((name.decode(), text.decode()) for name, text in self._fields)
        except ValueError as error:
            raise InvalidRequestError(f"the form cannot be read: {error}") from None
        return gathered, None if self._file is None else self._file.upload()

    def close(self) -> None:
        """Remove what is kept on disk."""
        if self._file is not None:
            self._file.close()

    def _keep_header(self) -> None:
        self._headers[bytes(self._name).lower()] = bytes(self._value).strip(b" \t")
        self._name.clear()
        self._value.clear()

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise ValueError(f"it has more than {_MOST_PARTS} parts")
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        if (name := options.get(b"name")) is None:
            raise ValueError("a part has no name")
        if (file_name := options.get(b"filename")) is None:
            self._part = _Field(self._count)
            self._fields.append((name, self._part.content))
        elif name == b"file" and self._file is None:
            self._part = self._file = _File(file_name, self._in_memory)
        else:
            self._part = _Part()
        decoder = _DECODERS.get(self._headers.get(b"content-transfer-encoding", b"").lower())
        self._decoder = self._part if decoder is None else decoder(self._part)

    def _end_part(self) -> None:
        self._decoder.finalize()

    def _end_form(self) -> None:
        self._is_whole = True

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > self._in_memory:
            raise ValueError("its fields are too large")


class _Part:
    """A part that nobody needs. The parser's decoders write into one, too."""

    def write(self, data: bytes) -> int:
        return len(data)

    def finalize(self) -> None:
        """There is nothing to end."""


class _Field(_Part):
    """
    Args:
        count: is told of its bytes.
    """

    def __init__(self, count: Callable[[int], None]) -> None:
        self.content = bytearray()
        self._count = count

    def write(self, data: bytes) -> int:
        self._count(len(data))
        self.content += data
        return len(data)


class _File(_Part):
    """The file: in memory, or on disk."""

    def __init__(self, name: bytes, in_memory: int) -> None:
        self._name = name
        self._in_memory = in_memory
        self._content = bytearray()
        self._kept: BinaryIO | None = None

    def write(self, data: bytes) -> int:
        if self._kept is None and len(self._content) + len(data) > self._in_memory:
            self._kept = tempfile.TemporaryFile()  # noqa: SIM115  # `close` closes it
            self._kept.write(self._content)
            self._content.clear()
        if self._kept is None:
            self._content += data
        else:
            self._kept.write(data)
        return len(data)

    def finalize(self) -> None:
        if self._kept is not None:
            self._kept.flush()
            self._kept.seek(0)

    def upload(self) -> UploadFile:
        content = bytes(self._content) if self._kept is None else self._kept
        name = self._name.decode("utf-8", "replace")
        return UploadFile((name, content) if name.strip() else content)

    def close(self) -> None:
        if self._kept is not None:
            with suppress(OSError):  # what was not written to a full disk is not needed
                self._kept.close()


def _gathered(fields: Iterator[tuple[str, str]]) -> JSONObject:
    gathered: JSONObject = {}
    for name, text in fields:
        plain = name.removesuffix("[]")
        if plain not in gathered:
            gathered[plain] = [text] if plain != name else text
        elif isinstance(before := gathered[plain], list):
            before.append(text)
        else:
            gathered[plain] = [before, text]
    return gathered
