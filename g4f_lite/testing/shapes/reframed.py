"""A protocol with another framing of its streams."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import openai
from .contract import Failure, Said, Shape


class OpenaiShape(Shape):
    """OpenAI's JSON in a framing of its own: `OpenaiShape("json_lines")`."""

    def __init__(self, framing: str) -> None:
        self.FRAMING = framing

    def whole(self, model: str, said: Said) -> dict[str, Any]:
        return openai.whole(model, said)

    def chunks(self, model: str, said: Said) -> Iterator[dict[str, Any]]:
        return openai.chunks(model, said)

    def error(self, failure: Failure) -> dict[str, Any]:
        return openai.error(failure)
