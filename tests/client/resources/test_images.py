"""Images come as bytes or as an address."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from typing import Any

import pytest
from helpers.endpoints import MODES, call

from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Reply


@pytest.mark.parametrize("mode", MODES)
def test_images_are_bytes_or_an_address(mode: str, two: dict[str, Any]) -> None:
    drawn = call(mode, two, "images.generate", {"prompt": "A cat", "n": 2, "response_format": "b64_json"})
    assert [image.content[:4] for image in drawn.data] == [b"\x89PNG"] * 2
    (image,) = call(mode, two, "images.generate", {"prompt": "A cat", "size": "1024x1024"}).data
    assert (image.url, image.content) == ("http://img.invalid/1", None)


PICTURE = b"\xff\xd8\xff\xe0" + bytes(range(256))
ENCODED = b64encode(PICTURE).decode()


def drawn_as(**image: Any) -> Reply:
    return replies.body(json.dumps({"created": 1, "data": [image]}).encode())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "image",
    [
        {"b64_json": ENCODED},
        {"b64_json": f"data:image/jpeg;base64,{ENCODED}"},
        {"b64_json": f"DATA:image/jpeg;charset=utf-8;BASE64,{ENCODED}"},
        {"b64_json": "\n".join(ENCODED[at : at + 76] for at in range(0, len(ENCODED), 76))},
        {"b64_json": urlsafe_b64encode(PICTURE).decode().rstrip("=")},
        {"url": f"data:image/jpeg;base64,{ENCODED}"},
        {"url": f"data:image/jpeg;base64,{ENCODED}", "b64_json": None, "revised_prompt": "A cat"},
    ],
    ids=["plain", "with a prefix", "with an odd prefix", "in lines", "for URLs", "as an address", "beside null"],
)
def test_an_image_is_its_bytes_however_they_were_written(
    mode: str, image: dict[str, Any], server: FaultServer, two: dict[str, Any]
) -> None:
    server.script(drawn_as(**image))
    (drawn,) = call(mode, two, "images.generate", {"prompt": "A cat", "response_format": "b64_json"}).data
    assert drawn.content == PICTURE
    assert (drawn.b64_json, drawn.url) == (ENCODED, None)
    assert drawn.revised_prompt == image.get("revised_prompt")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "body",
    [
        {"images": [{"url": "https://img.invalid/1"}], "seed": 5},
        {"images": ["https://img.invalid/1"]},
        {"data": ["https://img.invalid/1"]},
        {"data": [None, {"url": "https://img.invalid/1"}]},
    ],
    ids=["images", "addresses", "strings", "null"],
)
def test_images_in_another_list(mode: str, body: Any, server: FaultServer, two: dict[str, Any]) -> None:
    server.script(replies.body(json.dumps(body).encode()))
    (image,) = call(mode, two, "images.generate", {"prompt": "A cat"}).data
    assert image.url == "https://img.invalid/1"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "text",
    ["data:image/png;base64,", "data:image/png;base64,!!!!", "not base64!", "c", ENCODED[:50] + "ä" + ENCODED[50:],
     b64encode(b'{"error": "no"}').decode(), b64encode(b"<!DOCTYPE html><html>").decode(),
     b64encode(b"The picture cannot be drawn.\n").decode()],
)  # fmt: skip
def test_what_is_no_image_is_malformed(mode: str, text: str, server: FaultServer, two: dict[str, Any]) -> None:
    server.script(drawn_as(b64_json=text), drawn_as(b64_json=text), replies.answer())
    drawn = call(mode, two, "images.generate", {"prompt": "A cat", "response_format": "b64_json"})
    assert [attempt.outcome for attempt in drawn.attempts] == ["MalformedResponseError"] * 2 + ["ok"]
