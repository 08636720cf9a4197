"""Parameters are checked before any I/O."""

from __future__ import annotations

import io
from typing import Any

import pytest
from helpers.endpoints import HEARD, MODES, call

import g4f_lite
from g4f_lite.testing import FaultServer

E, S, P, T = "embeddings.create", "audio.speech.create", "images.generate", HEARD.method
BAD: list[tuple[str, dict[str, Any], type[Exception], str]] = [
    (E, {}, TypeError, r"embeddings\.create\(\) needs input=|missing 1 required keyword"),
    (E, {"input": ""}, g4f_lite.InvalidRequestError, "input is empty"),
    (E, {"input": []}, g4f_lite.InvalidRequestError, "input is empty"),
    (E, {"input": ["a", " "]}, g4f_lite.InvalidRequestError, r"input\[1\] is empty"),
    (E, {"input": ["a", 1]}, g4f_lite.InvalidRequestError, "texts alone, or tokens alone, not int, str"),
    (E, {"input": [[1, "a"]]}, g4f_lite.InvalidRequestError, r"input\[0\] must hold tokens"),
    (E, {"input": [[]]}, g4f_lite.InvalidRequestError, r"input\[0\] is empty"),
    (E, {"input": [True]}, g4f_lite.InvalidRequestError, "not bool"),
    (E, {"input": b"bytes"}, g4f_lite.InvalidRequestError, "not bytes"),
    (E, {"input": "a", "dimensions": 0}, g4f_lite.InvalidRequestError, "dimensions must be"),
    (E, {"input": "a", "encoding_format": "hex"}, g4f_lite.InvalidRequestError, "encoding_format"),
    (E, {"input": "a", "dimension": 3}, TypeError, "did you mean 'dimensions'"),
    (E, {"input": "a", "stream": True}, TypeError, "no parameter 'stream'"),
    (E, {"input": "a", "extra_headers": {"x": "é"}}, g4f_lite.InvalidRequestError, "extra_headers"),
    (E, {"input": "a", "extra_body": {"x": object()}}, g4f_lite.InvalidRequestError, "JSON"),
    (E, {"input": "a", "model": 5}, g4f_lite.ConfigurationError, "model must be"),
    (E, {"input": "a", "timeout": 0}, g4f_lite.InvalidRequestError, "timeout must be"),
    (S, {"input": "", "voice": "troy"}, g4f_lite.InvalidRequestError, "input is empty"),
    (S, {"input": "a", "voice": ""}, g4f_lite.InvalidRequestError, "voice is empty"),
    (S, {"input": "a", "voice": 5}, g4f_lite.InvalidRequestError, "voice must be"),
    (S, {"input": "a", "voice": "b", "speed": 0}, g4f_lite.InvalidRequestError, "speed must be"),
    (P, {"prompt": " "}, g4f_lite.InvalidRequestError, "prompt is empty"),
    (P, {"prompt": "a", "n": 0}, g4f_lite.InvalidRequestError, "n must be"),
    (P, {"prompt": "a", "sise": "1x1"}, TypeError, "did you mean 'size'"),
    (T, {"file": "missing.wav"}, g4f_lite.InvalidRequestError, "'missing.wav' cannot be read: No such file"),
    (T, {"file": "."}, g4f_lite.InvalidRequestError, "is a folder"),
    (T, {"file": "/dev/null"}, g4f_lite.InvalidRequestError, "not a regular file"),
    (T, {"file": "a\0b"}, g4f_lite.InvalidRequestError, "cannot be read"),
    (T, {"file": b""}, g4f_lite.InvalidRequestError, "file is empty"),
    (T, {"file": 5}, g4f_lite.InvalidRequestError, "a path, bytes, a binary file.*not int"),
    (T, {"file": ("a.wav",)}, g4f_lite.InvalidRequestError, "must be .name, content."),
    (T, {"file": ("", b"x")}, g4f_lite.InvalidRequestError, "must be .name, content."),
    (T, {"file": io.StringIO("x")}, g4f_lite.InvalidRequestError, "binary mode"),
    (T, {"file": b"x", "response_format": "xml"}, g4f_lite.InvalidRequestError, "response_format"),
    (T, {"file": b"x", "temperature": -1}, g4f_lite.InvalidRequestError, "temperature must be"),
    (T, {"file": b"x", "timestamp_granularities": ["letter"]}, g4f_lite.InvalidRequestError, "timestamp_granularities"),
    (T, {"file": b"x", "progress": 5}, g4f_lite.InvalidRequestError, "progress must be"),
    (T, {"file": b"x", "lang": "de"}, TypeError, "did you mean 'language'"),
    ("models.list", {"model": "x"}, TypeError, r"models\.list\(\) has no parameter 'model'"),
    ("models.list", {"max_age": -1}, g4f_lite.InvalidRequestError, "max_age must be"),
    ("models.list", {"provider": "alhpa"}, g4f_lite.UnknownProviderError, "alpha"),
]  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("method", "params", "kind", "message"), BAD, ids=[f"{index} {row[0]}" for index, row in enumerate(BAD)]
)
def test_mistakes_are_reported_before_anything_is_sent(
    mode: str, method: str, params: dict[str, Any], kind: type[Exception], message: str,
    server: FaultServer, two: dict[str, Any],
) -> None:  # fmt: skip
    with pytest.raises(kind, match=message):
        call(mode, two, method, params)
    assert not server.connections
