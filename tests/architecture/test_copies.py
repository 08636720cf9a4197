"""Copies and pickles of public objects: whole, or refused with a sentence, and never with a key."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from helpers.driving import MESSAGES
from helpers.providers import Alpha

import g4f_lite
from g4f_lite import AsyncClient, ChatCompletion, Client, ServerSentEvent, UploadFile
from g4f_lite.plugins.registry import process_registry
from g4f_lite.provider.keys import Key
from g4f_lite.testing import FaultServer

COPIES: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda one: pickle.loads(pickle.dumps(one)),
}
VALUES = {
    "model": "m", "messages": ({"role": "user", "content": "a"},), "input": "a", "voice": "v", "prompt": "p",
    "text": "t", "content": b"sound", "file": UploadFile(("a.mp3", b"sound")),
    "image": [UploadFile(("a.png", b"sight"))], "provider": "p",
    "call": g4f_lite.ToolCall(), "completion": ChatCompletion(), "rounds": (), "reason": "r", "url": "http://127.0.0.1/", "status": 200, "body": b"{}", "id": "1", "name": "n", "source": "s",
    "usd": 1.5, "rpm": 2, "call_id": "c", "seconds": 1.0,
}  # fmt: skip
STRUCTS = [
    one for name in sorted(set(g4f_lite.__all__) - {"T"})
    if isinstance(one := getattr(g4f_lite, name), type) and issubclass(one, msgspec.Struct)
]  # fmt: skip


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("kind", STRUCTS)
def test_public_data_is_copied_whole(kind: Any, way: str) -> None:
    names = set(kind.__struct_fields__)
    values = {**VALUES, "data": b"x" if kind is ServerSentEvent else ()}
    one = kind(**{name: value for name, value in values.items() if name in names})
    twin = COPIES[way](one)
    for name in names - {"file", "image"}:
        assert getattr(twin, name) == getattr(one, name)
    for name in names & {"file", "image"}:
        (given,), (made,) = ([*getattr(owner, name)] if name == "image" else [owner.file] for owner in (one, twin))
        assert (made.name, b"".join(made.blocks())) == (given.name, b"".join(given.blocks()))


@pytest.mark.parametrize("way", COPIES)
def test_an_upload_is_copied_unless_it_reads_an_open_file(way: str, tmp_path: Path) -> None:
    path = tmp_path / "speech.wav"
    path.write_bytes(b"RIFF")
    for given in (path, ("other.wav", path), b"ID3"):
        twin = COPIES[way](one := UploadFile(given))
        assert (twin.name, twin.size, b"".join(twin.blocks())) == (one.name, one.size, b"".join(one.blocks()))
    with path.open("rb") as file, pytest.raises(TypeError, match="pass its path or its bytes"):
        COPIES[way](UploadFile(file))


@pytest.mark.parametrize("way", COPIES)
def test_what_holds_connections_says_that_it_cannot_be_copied(way: str, server: FaultServer) -> None:
    settings: dict[str, Any] = {"routes": [Alpha(api_base=server.base_url, api_key="k")]}
    with Client(**settings) as client, client.chat.completions.create(messages=MESSAGES, stream=True) as stream:
        for one in (client, stream, process_registry()):
            with pytest.raises(TypeError, match=f"{type(one).__name__} can be neither copied nor pickled: .*another"):
                COPIES[way](one)
        if way != "copy":
            with pytest.raises(TypeError, match="can be neither copied nor pickled"):
                COPIES[way](client.chat)
        for _ in stream:
            pass
        assert COPIES[way](stream.completion) == stream.completion

    async def call() -> None:
        async with AsyncClient(**settings) as client:
            stream = await client.chat.completions.create(messages=MESSAGES, stream=True)
            for one in (client, stream):
                with pytest.raises(TypeError, match="can be neither copied nor pickled: "):
                    COPIES[way](one)
            async for _ in stream:
                pass

    asyncio.run(call())


@pytest.mark.parametrize("way", ["copy", "deepcopy"])
def test_a_copied_provider_keeps_its_key(way: str) -> None:
    def function() -> str:
        return "k"

    for key in ("alpha-key", function):
        twin = COPIES[way](Alpha(api_key=key, model_aliases={"a": "b"}))
        assert (twin.api_key, twin.model_aliases) == (key, {"a": "b"})
        with Client(routes=[twin]) as client:
            assert client.explain().tiers[0][0].key
        with pytest.raises(AttributeError, match="frozen"):
            twin.name = "other"
    assert copy.deepcopy([Key("alpha-key", "argument")])[0].value == "alpha-key"


def test_a_pickled_provider_is_no_keyless_one(monkeypatch: pytest.MonkeyPatch) -> None:
    pickled = pickle.dumps(Alpha(api_key="alpha-key"))
    assert b"alpha-key" not in pickled
    monkeypatch.setenv("ALPHA_API_KEY", "another-account")
    for twin in (pickle.loads(pickled), copy.deepcopy(pickle.loads(pickled)), pickle.loads(pickle.dumps(pickle.loads(pickled)))):  # fmt: skip
        with (
            Client(routes=[twin]) as client,
            pytest.raises(g4f_lite.ConfigurationError, match=r"left out when .*keys="),
        ):
            client.explain()
        with Client(routes=[twin], keys={"alpha": "given"}) as client:
            assert client.explain().tiers[0][0].key
        with Client(routes=[twin.replace(api_key="alpha-key")]) as client:
            assert client.explain().tiers[0][0].key
    with Client(routes=[pickle.loads(pickle.dumps(Alpha()))]) as client:
        assert client.explain().tiers[0][0].key


@pytest.mark.parametrize("way", COPIES)
def test_an_error_keeps_its_attributes(way: str) -> None:
    error = g4f_lite.StreamInterruptedError("cut", status=200, code="c")
    error.partial_text, error.body, error.request_id = "so far", {"a": [1]}, "r"
    error.add_note("note")
    quota = g4f_lite.QuotaExceededError("none")
    quota.of_model = True
    timeout = g4f_lite.ProviderTimeoutError("late", phase="stall")
    refused = g4f_lite.ConnectionFailedError("no", kind="refused")
    for one in (error, quota, timeout, refused, g4f_lite.RedirectError("away", status=301)):
        twin = COPIES[way](one)
        assert (type(twin), str(twin), vars(twin)) == (type(one), str(one), vars(one))


def test_a_parsed_completion_is_pickled() -> None:
    assert pickle.loads(pickle.dumps(ChatCompletion(parsed={"a": 1}))).parsed == {"a": 1}
