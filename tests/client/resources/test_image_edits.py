"""`images.edit`: several files in one form, in both clients."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from helpers.endpoints import MODES, PNG, call

import g4f_lite
from g4f_lite.testing import FaultServer
from g4f_lite.testing.replies import answer, error

JPEG = b"\xff\xd8\xff\xe0" + b"\1" * 40
WEBP = b"RIFF\x24\0\0\0WEBPVP8 " + b"\0" * 40


def parts(request: Any) -> list[tuple[str, bytes]]:
    return [(head, content) for head, content in request._parts() if "filename" in head]


def on_disk(folder: Path) -> Any:
    (folder / "cat.png").write_bytes(PNG)
    return folder / "cat.png"


def nameless(folder: Path) -> Any:
    file = BytesIO(JPEG)
    file.name = str(folder / "tmpm8utko9h")  # type: ignore[attr-defined]
    return file


FORMS: dict[str, tuple[Callable[[Path], Any], str, str, bytes]] = {
    "a path": (on_disk, "cat.png", "image/png", PNG),
    "a path as text": (lambda folder: str(on_disk(folder)), "cat.png", "image/png", PNG),
    "bytes": (lambda folder: WEBP, "image.webp", "image/webp", WEBP),
    "a name and bytes": (lambda folder: ("hat.JPG", JPEG), "hat.JPG", "image/jpeg", JPEG),
    "a file in memory": (lambda folder: BytesIO(b"GIF89a" + PNG), "image.gif", "image/gif", b"GIF89a" + PNG),
    "a file without an ending": (nameless, "tmpm8utko9h.jpg", "image/jpeg", JPEG),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("form", FORMS)
def test_an_image_is_sent_with_its_name_and_type(
    form: str, mode: str, tmp_path: Path, server: FaultServer, two: dict[str, Any]
) -> None:
    given, name, kind, content = FORMS[form]
    drawn = call(mode, two, "images.edit", {"image": given(tmp_path), "prompt": "A hat", "size": "auto"})
    assert drawn.data[0].url == "http://img.invalid/1"
    (request,) = server.received
    assert request.form == {"model": [b"brush"], "prompt": [b"A hat"], "size": [b"auto"], "image": [content]}
    ((head, _),) = parts(request)
    assert f'name="image"; filename="{name}"' in head
    assert f"content-type: {kind}" in head


@pytest.mark.parametrize("mode", MODES)
def test_several_images_and_a_mask_are_sent_again_to_the_next_leg(
    mode: str, tmp_path: Path, server: FaultServer, two: dict[str, Any]
) -> None:
    server.script(error(503, "down"), answer(""))
    big = PNG + b"\2" * (1 << 20)
    (tmp_path / "big.png").write_bytes(big)
    sent: list[tuple[int, int]] = []
    asked = {"n": 2, "response_format": "b64_json", "output_compression": 50, "extra_body": {"seed": 3}}
    files = {"image": [tmp_path / "big.png", WEBP], "mask": ("mask.png", PNG)}
    drawn = call(mode, two, "images.edit", {**files, **asked, "prompt": "x", "progress": lambda *at: sent.append(at)})
    assert [len(image.content) > 20 for image in drawn.data] == [True, True]
    assert [attempt.outcome for attempt in drawn.attempts] == ["ServerError", "ok"]
    for request in server.received:
        assert int(request.headers["content-length"]) == len(request.body)
        assert [head.split("name=")[1].split('"')[1] for head, _ in parts(request)] == ["image[]", "image[]", "mask"]
        assert request.form["image[]"] == [big, WEBP]
        assert request.form["mask"] == [PNG]
        assert request.form["seed"] == [b"3"]
    assert sent[-1] == (len(big) + len(WEBP) + len(PNG),) * 2


REFUSED: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "no image": ({"prompt": "x"}, TypeError, "image"),
    "no images": ({"image": [], "prompt": "x"}, g4f_lite.InvalidRequestError, "image is empty"),
    "an empty image": ({"image": b"", "prompt": "x"}, g4f_lite.InvalidRequestError, "image is empty"),
    "no prompt": ({"image": PNG, "prompt": " "}, g4f_lite.InvalidRequestError, "prompt is empty"),
    "a number": ({"image": 3, "prompt": "x"}, g4f_lite.InvalidRequestError, "image must be a path"),
    "a mask that is none": ({"image": PNG, "mask": 3, "prompt": "x"}, g4f_lite.InvalidRequestError, "mask must be"),
    "no such file": ({"image": "/no/such.png", "prompt": "x"}, g4f_lite.InvalidRequestError, "cannot be read"),
    "style": ({"image": PNG, "prompt": "x", "style": "vivid"}, TypeError, "style"),
    "progress": ({"image": PNG, "prompt": "x", "progress": 3}, Exception, "progress"),
    "in extra_body": ({"image": PNG, "prompt": "x", "extra_body": {"mask": "y"}}, g4f_lite.InvalidRequestError, "mask"),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_sent_is_refused_before(name: str, mode: str, server: FaultServer, two: dict[str, Any]) -> None:
    params, kind, match = REFUSED[name]
    with pytest.raises(kind, match=match):
        call(mode, two, "images.edit", params)
    assert not server.received


@pytest.mark.parametrize("mode", MODES)
def test_openai_edits_images(mode: str, server: FaultServer) -> None:
    settings = {"keys": {"openai": "sk-test-key"}, "base_urls": {"openai": server.base_url}}
    asked = {"image": PNG, "prompt": "x", "provider": "openai", "response_format": "b64_json"}
    assert call(mode, settings, "images.edit", asked).model == "gpt-image-2"
    assert "response_format" not in server.received[0].form  # its models give nothing else, and refuse the parameter
