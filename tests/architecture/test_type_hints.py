"""`typing.get_type_hints` works on the methods that callers use, with the public names, as docs/architecture.md says."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator
from operator import attrgetter
from typing import Any

import pytest

import g4f_lite

RESOURCES = (
    "chat.completions", "embeddings", "audio.transcriptions", "audio.translations", "audio.speech", "images", "models",
)  # fmt: skip

NAMES = {name: getattr(g4f_lite, name) for name in g4f_lite.__all__}


def public_methods(thing: object) -> Iterator[Any]:
    for name, one in inspect.getmembers(type(thing), inspect.isfunction):
        if not name.startswith("_"):
            yield one


@pytest.mark.parametrize("kind", [g4f_lite.Client, g4f_lite.AsyncClient])
def test_the_hints_of_what_callers_use(kind: type) -> None:
    client = kind()
    assert "return" in typing.get_type_hints(kind.__init__)
    for thing in (client, *(attrgetter(path)(client) for path in RESOURCES)):
        for method in public_methods(thing):
            assert "return" in typing.get_type_hints(method, localns=NAMES), method


@pytest.mark.parametrize("function", [g4f_lite.chat, g4f_lite.stream, g4f_lite.achat, g4f_lite.astream])
def test_the_hints_of_the_shortcuts(function: Any) -> None:
    assert "return" in typing.get_type_hints(function, localns=NAMES)


@pytest.mark.parametrize("method", ["build_request", "build_operation", "parse_operation", "new_stream"])
def test_the_hints_of_what_providers_implement(method: str) -> None:
    assert "return" in typing.get_type_hints(getattr(g4f_lite.Provider, method), localns=NAMES)
