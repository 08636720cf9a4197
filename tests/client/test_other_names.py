"""A method or a field under the name that another library has for it: the error says what to use."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest
from helpers.driving import MESSAGES

import g4f_lite
from g4f_lite import AsyncClient, ChatCompletion, ChatCompletionChunk, Client
from g4f_lite.errors import other_names
from g4f_lite.testing import FaultServer


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("completion", r"g4f_lite\.chat"),
        ("acompletion", r"g4f_lite\.achat"),
        ("Router", "Client"),
        ("OpenAI", r"from g4f_lite\.openai import OpenAI"),
    ],
)
def test_the_package_says_what_to_use(name: str, meant: str) -> None:
    with pytest.raises(AttributeError, match=rf"^module 'g4f_lite' has no attribute '{name}'; use {meant}"):
        getattr(g4f_lite, name)


@pytest.mark.parametrize("client", [Client, AsyncClient])
@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("completion", r"client\.chat\.completions\.create"),
        ("responses", r"client\.chat\..*g4f_lite\.openai\.OpenAI has it"),
        ("beta", "response_model="),
        ("with_options", "keywords of each call"),
        ("run_tools", r"client\.chat\.run_tools"),
        ("chat.create", r"client\.chat\.completions\.create"),
        ("chat.completions.parse", r"create\(response_model=…\)"),
        ("chat.completions.stream", r"create\(stream=True\)"),
        ("chat.completions.with_raw_response", r"\.raw and \.trail"),
        ("images.create", r"generate\(prompt=…\)"),
        ("models.retrieve", r"list\(…\)"),
    ],
)
def test_a_client_says_what_to_use(path: str, meant: str, client: Callable[..., Any]) -> None:
    found = client()
    *steps, name = path.split(".")
    for step in steps:
        found = getattr(found, step)
    owner = type(found).__name__
    with pytest.raises(AttributeError, match=f"^'{owner}' object has no attribute '{name}'; use .*{meant}") as caught:
        getattr(found, name)
    assert (caught.value.name, caught.value.obj) == (name, found)
    with pytest.raises(AttributeError, match=f"^'{owner}' object has no attribute 'nothing'$"):
        _ = found.nothing
    assert not hasattr(found, "__len__")


def test_answers_and_streams_say_what_to_use(groq: FaultServer) -> None:
    with Client() as client:
        whole: Any = client.chat.completions.create(messages=MESSAGES, provider="groq")
        with client.chat.completions.create(messages=MESSAGES, provider="groq", stream=True) as stream:
            chunks: Any = stream
            with pytest.raises(AttributeError, match=r"use `for chunk in stream` and chunk\.text"):
                _ = chunks.text
            chunk: Any = next(iter(stream))
    for answer, name, meant in (
        (whole, "content", r"\.text"),
        (whole, "message", r"\.choices\[0\]\.message"),
        (whole, "dict", r"\.to_dict\(\)"),
        (chunk, "content", r"\.text"),
    ):
        with pytest.raises(AttributeError, match=f"has no attribute '{name}'; use {meant}"):
            getattr(answer, name)
        assert pickle.loads(pickle.dumps(answer)) == answer


def test_no_name_is_one_that_is_there() -> None:
    with Client() as client:
        there: dict[str, object] = {
            "g4f_lite": g4f_lite,
            "BaseClient": client,
            "Chat": client.chat,
            "Completions": client.chat.completions,
            "Images": client.images,
            "Models": client.models,
            "BaseStream": g4f_lite.Stream,
            "ChatCompletion": ChatCompletion(),
            "ChatCompletionChunk": ChatCompletionChunk(),
        }
    assert there.keys() == other_names._MEANT.keys()
    for owner, names in other_names._MEANT.items():
        assert [name for name in names if hasattr(there[owner], name)] == []
