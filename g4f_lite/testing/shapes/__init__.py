"""
The protocols of the fault server, with one contract.

Rule: pure functions from what the model says to JSON and events; no I/O, and no knowledge of the providers under test.

    contract          what a model or an error says, and what a shape makes of it
    openai            chat completions
    reframed          OpenAI's JSON in another framing than server-sent events, or with its errors elsewhere
    openai_endpoints  embeddings, audio, images and the list of models
    anthropic         Messages
    gemini            generateContent
    cohere            chat, version 2
"""

from __future__ import annotations

from typing import TypeAlias

from . import anthropic, cohere, gemini, openai
from .contract import Failure, Said, Shape, ShapeName
from .reframed import OpenaiShape

__all__ = ["SHAPES", "AnyShape", "Failure", "OpenaiShape", "Said", "Shape", "ShapeName", "resolved"]

SHAPES: dict[ShapeName, Shape] = {"openai": openai, "anthropic": anthropic, "gemini": gemini, "cohere": cohere}
AnyShape: TypeAlias = ShapeName | Shape | None


def resolved(shape: AnyShape) -> Shape | None:
    """Return the shape of that name, or the shape itself. An unknown name raises `ValueError`."""
    if not isinstance(shape, str):
        return shape
    if shape not in SHAPES:
        raise ValueError(f"unknown shape {shape!r}; known: {', '.join(SHAPES)}")
    return SHAPES[shape]
