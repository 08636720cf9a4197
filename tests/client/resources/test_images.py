"""Images come as bytes or as an address."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.endpoints import MODES, call


@pytest.mark.parametrize("mode", MODES)
def test_images_are_bytes_or_an_address(mode: str, two: dict[str, Any]) -> None:
    drawn = call(mode, two, "images.generate", {"prompt": "A cat", "n": 2, "response_format": "b64_json"})
    assert [image.content[:4] for image in drawn.data] == [b"\x89PNG"] * 2
    (image,) = call(mode, two, "images.generate", {"prompt": "A cat", "size": "1024x1024"}).data
    assert (image.url, image.content) == ("http://img.invalid/1", None)
