"""The multipart form of an upload: its fields, and its file."""

from __future__ import annotations

import io
from collections.abc import Iterator

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File, parse_form

from ...errors.exceptions import InvalidRequestError
from ...types.uploads import UploadFile
from ...value import JSONObject


def read_form(content_type: str, body: bytes) -> tuple[JSONObject, UploadFile | None]:
    """
    Return the fields of a form, and its file: the part named `file`.

    A field is a text. What is named `name[]`, or comes more than once, is a list of texts.

    Raises:
        InvalidRequestError: it cannot be read, or the file is empty.
    """
    fields: list[tuple[str, str]] = []
    files: list[File] = []
    try:
        parse_form(
            {"Content-Type": content_type.encode("latin-1")},
            io.BytesIO(body),
            lambda field: fields.extend(_texts(field)),
            files.append,
        )
    except (FormParserError, ValueError) as error:  # ValueError: not UTF-8
        raise InvalidRequestError(f"the form cannot be read: {error}") from None
    return _gathered(fields), next((_upload(file) for file in files if file.field_name == b"file"), None)


def _texts(field: Field) -> Iterator[tuple[str, str]]:
    if field.field_name is not None:
        yield field.field_name.decode(), (field.value or b"").decode()


def _gathered(fields: list[tuple[str, str]]) -> JSONObject:
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


def _upload(file: File) -> UploadFile:
    file.file_object.seek(0)
    content = file.file_object.read()
    file.close()
    name = (file.file_name or b"").decode("utf-8", "replace")
    return UploadFile((name, content) if name.strip() else content)
