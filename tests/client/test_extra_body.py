"""What the call itself decides is not overridden by `extra_body`: the plan would be that of another call."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

import pytest
from helpers.driving import MODES, run
from helpers.plain_routes import Plain

from g4f_lite import Client, InvalidRequestError
from g4f_lite.testing import FaultServer, replies


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("who", ["plain", "anthropic", "gemini", "cohere"])
@pytest.mark.parametrize("extra", [{"model": "other"}, {"messages": []}, {"stream": ...}, {"stream": 1}], ids=str)
def test_it_is_refused_before_anything_is_sent(extra: Any, who: str, mode: str, server: FaultServer) -> None:
    if extra == {"stream": ...}:
        extra = {"stream": "stream" not in mode}
    settings = {"keys": {who: "key_123456789"}, "base_urls": {who: server.origin}, "plugins": [Plain]}
    outcome = run(mode, settings, {"provider": who, "model": "m", "extra_body": extra})
    assert isinstance(outcome.error, InvalidRequestError)
    assert f"{next(iter(extra))}=" in outcome.error.message
    assert not outcome.trail.entries
    assert not server.received


@pytest.mark.parametrize("mode", MODES)
def test_what_it_only_repeats_is_sent(mode: str, server: FaultServer) -> None:
    server.script(replies.answer("good"))
    extra = {"stream": "stream" in mode, "top_k": 3}
    assert run(mode, {"routes": [Plain(api_base=server.base_url)]}, {"extra_body": extra}).text == "good"
    assert json.loads(server.received[0].body)["top_k"] == 3


ENDPOINTS: list[Callable[..., Any]] = [
    lambda client, **given: client.embeddings.create(input="text", **given),
    lambda client, **given: client.audio.speech.create(input="text", voice="v", **given),
    lambda client, **given: client.images.generate(prompt="text", **given),
    lambda client, **given: client.audio.transcriptions.create(file=("a.wav", b"sound"), **given),
]


@pytest.mark.parametrize("extra", [{"model": "other"}, {"stream": True}, "own"], ids=str)
@pytest.mark.parametrize("ask", ENDPOINTS)
def test_other_endpoints_refuse_it_too(ask: Callable[..., Any], extra: Any, server: FaultServer) -> None:
    if extra == "own":
        extra = {name: "other" for name in ("input", "prompt", "file") if f"{name}=" in inspect.getsource(ask)}
    everything = frozenset({"embeddings", "speech", "images", "transcription"})
    plain = Plain(api_base=server.base_url, capabilities=everything, default_models=dict.fromkeys(everything, "m"))
    with Client(routes=[plain]) as client, pytest.raises(InvalidRequestError, match="extra_body"):
        ask(client, extra_body=extra)
    assert not server.received
