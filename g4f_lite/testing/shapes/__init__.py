"""
The protocols of the fault server, with one contract.

Rule: pure functions from what the model says to JSON and events; no I/O, and no knowledge of the providers under test.

    contract          what a model or an error says, and what a shape makes of it
    openai            chat completions
    openai_endpoints  embeddings, audio, images and the list of models
    anthropic         Messages
    gemini            generateContent
    cohere            chat, version 2
"""

from __future__ import annotations

from . import anthropic, cohere, gemini, openai
from .contract import Failure, Said, Shape, ShapeName

__all__ = ["SHAPES", "Failure", "Said", "Shape", "ShapeName"]

SHAPES: dict[ShapeName, Shape] = {"openai": openai, "anthropic": anthropic, "gemini": gemini, "cohere": cohere}
