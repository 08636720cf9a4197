"""
OpenAI's other endpoints: embeddings, audio, images, the list of models.

Source: OpenAI's API reference; Groq's answers for audio.
"""

from __future__ import annotations

import json
import struct
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .contract import PROMPT_TOKENS, Said

if TYPE_CHECKING:
    from ..script import Received

DIMENSIONS = 4
MODELS = ("test-model", "test-model-mini")
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="  # a PNG of 1 x 1
_JSON = "application/json"
_DRAWN = ("n", "response_format")


def whole(request: Received, said: Said) -> tuple[bytes, str]:
    """Return body and content type of a successful answer; for audio, the text is that of `said`."""
    asked = request.json if isinstance(request.json, dict) else {}
    match request.endpoint:
        case "/embeddings":
            return _dump(embeddings(request.model, asked))
        case "/audio/speech":
            return wave(said.text), "audio/wav"
        case "/images/generations" | "/images/edits":
            asked = asked or {name: values[0].decode() for name, values in request.form.items() if name in _DRAWN}
            image = (
                {"b64_json": PIXEL} if asked.get("response_format") == "b64_json" else {"url": "http://img.invalid/1"}
            )
            return _dump({"created": 1_700_000_000, "data": [image] * int(asked.get("n", 1))})
        case "/models":
            return _dump(models(MODELS))
    return _transcription(request.form, said.text)


def embeddings(model: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return a vector for each input, which depends on its text alone."""
    given = asked.get("input", "")
    inputs = given if isinstance(given, list) and given and not isinstance(given[0], int) else [given]
    vectors = [_vector(str(one), asked.get("dimensions", DIMENSIONS)) for one in inputs]
    encoded: list[Any] = list(vectors)
    if asked.get("encoding_format") == "base64":
        encoded = [b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode() for vector in vectors]
    data = [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(encoded)]
    usage = {"prompt_tokens": PROMPT_TOKENS * len(inputs), "total_tokens": PROMPT_TOKENS * len(inputs)}
    return {"object": "list", "model": model, "data": data, "usage": usage}


def _vector(text: str, dimensions: int) -> list[float]:
    return [(sum(text.encode()) * (number + 1) % 256) / 256 for number in range(dimensions)]


def models(ids: Sequence[str]) -> dict[str, Any]:
    data = [{"id": one, "object": "model", "created": 1_700_000_000, "owned_by": "test"} for one in ids]
    return {"object": "list", "data": data}


def wave(text: str) -> bytes:
    """Return a silent WAV file of a hundredth of a second per letter."""
    samples = b"\0\0" * (80 * len(text))
    kind = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16)
    data = struct.pack("<4sI", b"data", len(samples)) + samples
    return struct.pack("<4sI4s", b"RIFF", 4 + len(kind) + len(data), b"WAVE") + kind + data


def _transcription(form: Mapping[str, Sequence[bytes]], text: str) -> tuple[bytes, str]:
    wanted = form.get("response_format", [b"json"])[0].decode()
    if wanted == "text":
        return f"{text}\n".encode(), "text/plain; charset=utf-8"
    if wanted == "srt":
        return f"1\n00:00:00,000 --> 00:00:01,000\n{text}\n".encode(), "text/plain; charset=utf-8"
    if wanted == "vtt":
        return f"WEBVTT\n\n00:00.000 --> 00:01.000\n{text}\n".encode(), "text/vtt; charset=utf-8"
    said: dict[str, Any] = {"text": text, "x_groq": {"id": "req_test"}}
    if wanted == "verbose_json":
        segment = {"id": 0, "seek": 0, "start": 0.0, "end": 1.0, "text": text, "tokens": [1], "temperature": 0.0}
        segment |= {"avg_logprob": -0.1, "compression_ratio": 1.0, "no_speech_prob": 0.01}
        said |= {"task": "transcribe", "language": "English", "duration": 1.0, "segments": [segment]}
        if b"word" in form.get("timestamp_granularities[]", []):
            said["words"] = [{"word": word, "start": 0.0, "end": 1.0} for word in text.split()]
    return _dump(said)


def _dump(content: object) -> tuple[bytes, str]:
    return json.dumps(content).encode(), _JSON
