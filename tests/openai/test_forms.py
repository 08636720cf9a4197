"""A form is read the same however it is cut; what is large is kept on disk, in a file without a name."""

from __future__ import annotations

import base64

import pytest

from g4f_lite import InvalidRequestError
from g4f_lite.openai.mapping.forms import FormReader, read_form

KIND = "multipart/form-data; boundary=B"
CONTENT = bytes(range(256)) * 8


def part(name: str, content: bytes, more: str = "", *headers: str) -> bytes:
    head = f'--B\r\nContent-Disposition: form-data; name="{name}"{more}\r\n' + "".join(f"{one}\r\n" for one in headers)
    return head.encode() + b"\r\n" + content + b"\r\n"


FORM = b"".join((
    part("model", b"ears"),
    part("granularities[]", b"word"),
    part("include", b"a"),
    part("include", "ü".encode()),
    part("other", b"x" * 999, '; filename="o.bin"'),
    part("file", CONTENT, '; filename="talk.wav"', "Content-Type: audio/wav"),
    part("file", b"the second", '; filename="b.wav"'),
    b"--B--\r\n",
))  # fmt: skip


@pytest.mark.parametrize("in_memory", [100, 1 << 20])
@pytest.mark.parametrize("step", [1, 7, 100, len(FORM)])
def test_a_form_is_the_same_however_it_is_cut(step: int, in_memory: int) -> None:
    reader = FormReader(KIND, in_memory)
    for start in range(0, len(FORM), step):
        reader.feed(FORM[start : start + step])
    fields, file = reader.end()
    assert fields == {"model": "ears", "granularities": ["word"], "include": ["a", "ü"]}
    assert file is not None and (file.name, file.in_memory) == ("talk.wav", in_memory > 100)
    assert [b"".join(file.blocks()) for _ in range(2)] == [CONTENT] * 2
    reader.close()


def test_an_encoded_file_is_decoded() -> None:
    encoded = part("file", base64.b64encode(CONTENT), '; filename="a.wav"', "Content-Transfer-Encoding: Base64")
    _, file = read_form(KIND, encoded + b"--B--\r\n")
    assert file is not None and b"".join(file.blocks()) == CONTENT


@pytest.mark.parametrize(
    "form",
    [
        part("prompt", b"x" * 101),
        b"".join(part(f"field{number}", b"x" * 30) for number in range(4)),
        b'--B\r\nContent-Disposition: form-data; filename="a.wav"\r\n\r\nx\r\n',
        b"--B\r\n\r\nx\r\n",
        part("model", b"\xff"),
        part("file", b"", '; filename="a.wav"'),
        part("file", b"???", '; filename="a.wav"', "Content-Transfer-Encoding: base64"),
        b"--C\r\n",
        part("x", b"") * 1001,
    ],
)
def test_what_is_no_form_is_refused(form: bytes) -> None:
    reader = FormReader(KIND, 100)
    with pytest.raises(InvalidRequestError):
        reader.feed(form + b"--B--\r\n")
        reader.end()


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=", f"{KIND}{'x' * 300}"])
def test_a_form_without_a_usable_boundary_is_refused(kind: str) -> None:
    with pytest.raises(InvalidRequestError):
        read_form(kind, FORM)


@pytest.mark.parametrize("end", [b"the second", b"b.wav", b"ears", b"rs\r\n", b"--\r\n"])
def test_a_form_that_breaks_off_is_refused(end: bytes) -> None:
    reader = FormReader(KIND, 100)
    reader.feed(FORM[: FORM.rindex(end)])
    with pytest.raises(InvalidRequestError, match="it does not end with its boundary"):
        reader.end()
    reader.close()
