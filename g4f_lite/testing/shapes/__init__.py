"""The protocols that the fault server speaks, one module each behind one contract."""

from __future__ import annotations

from . import anthropic, cohere, gemini, openai
from .contract import Failure, Said, Shape, ShapeName

__all__ = ["SHAPES", "Failure", "Said", "Shape", "ShapeName"]

SHAPES: dict[ShapeName, Shape] = {"openai": openai, "anthropic": anthropic, "gemini": gemini, "cohere": cohere}
