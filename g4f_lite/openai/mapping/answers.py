"""From a result to a response: the service's own bytes where they say the same, so that no field is lost."""

from __future__ import annotations

import struct
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from ...types.audio import Speech, Transcription
from ...types.chat import ChatCompletion
from ...types.chunks import ChatCompletionChunk
from ...types.embeddings import CreateEmbeddingResponse, Embedding
from ...types.models import ModelList
from ...value import NOT_JSON, JSONObject, decode_json
from .requests import Asked

JSON = "application/json"
_TEXTS = {"text": "text/plain; charset=utf-8", "srt": "text/plain; charset=utf-8", "vtt": "text/vtt; charset=utf-8"}
_ALWAYS = frozenset({"id", "object", "created", "model"})
_ALWAYS_IN_A_CHOICE = frozenset({"index", "finish_reason"})
"""Fields without which the objects of OpenAI's library lack an attribute."""


class _Message(msgspec.Struct, gc=False):
    content: str | None = None
    tool_calls: Any = None


class _Choice(msgspec.Struct, gc=False):
    index: int
    finish_reason: str | None
    message: _Message


class _Answer(msgspec.Struct, gc=False):
    id: Any
    object: Any
    created: Any
    model: Any
    choices: list[_Choice]


_decode = msgspec.json.Decoder(_Answer).decode


class Response(NamedTuple):
    """What to answer over HTTP. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def body_of(result: Any, asked: Asked) -> tuple[str, bytes]:
    """Return content type and body for the result of a call."""
    if isinstance(result, ChatCompletion):
        own = result.raw_json
        if own and (_is_plain(own, result) or says_the_same(decode_json(own), result)):
            return JSON, own
        return JSON, msgspec.json.encode(result.to_dict())
    if isinstance(result, Speech):
        return result.content_type or "application/octet-stream", result.content
    if isinstance(result, Transcription) and (kind := _TEXTS.get(asked.fields.get("response_format", ""))):
        return kind, result.text.encode()
    if isinstance(result, CreateEmbeddingResponse):
        return JSON, _embeddings(result, asked)
    if result.raw_json is not None and isinstance(result.raw, dict) and _has_parts(result.raw, result):
        return JSON, result.raw_json
    return JSON, msgspec.json.encode(result.to_dict())


def _is_plain(own: bytes, result: ChatCompletion) -> bool:
    """As `says_the_same`, of an answer of text alone, as nearly all are, in less time; else False."""
    try:
        answer = _decode(own)
    except NOT_JSON:
        return False
    said = [(one.index, one.finish_reason, one.message.content, one.message.tool_calls) for one in answer.choices]
    return said == [
        (one.index, one.finish_reason, one.message.content, one.message.tool_calls) for one in result.choices
    ]


def _has_parts(own: JSONObject, result: Any) -> bool:
    """Return whether a service's JSON has OpenAI's shape: the data, or the text."""
    if isinstance(result, Transcription):
        return own.get("text") == result.text
    data = own.get("data")
    shown = ("id",) if isinstance(result, ModelList) else ("url", "b64_json")
    return (
        isinstance(data, list)
        and len(data) == len(result.data)
        and all(
            isinstance(one, dict) and all(one.get(name) == getattr(its, name) for name in shown)
            for one, its in zip(data, result.data, strict=True)
        )
    )


def says_the_same(own: Any, result: ChatCompletion | ChatCompletionChunk) -> bool:
    """Return whether a service's JSON of an answer, or of one event, is OpenAI's and needed no mending."""
    choices = own.get("choices") if isinstance(own, dict) else None
    if not isinstance(choices, list) or len(choices) != len(result.choices) or not own.keys() >= _ALWAYS:
        return False
    return all(_same_choice(one, its) for one, its in zip(choices, result.choices, strict=True))


def _same_choice(own: Any, choice: Any) -> bool:
    if not isinstance(own, dict) or not own.keys() >= _ALWAYS_IN_A_CHOICE:
        return False
    if hasattr(choice, "message"):
        said, its = own.get("message"), choice.message
    else:
        said, its = own.get("delta"), choice.delta
    if not isinstance(said, dict) or said.get("content") != its.content:
        return False
    if own["finish_reason"] != choice.finish_reason or own["index"] != choice.index:
        return False
    calls = said.get("tool_calls") or ()
    if not calls and not its.tool_calls:
        return True
    return len(calls) == len(its.tool_calls or ()) and all(
        isinstance(one, dict) and one.get("id") == (call.id or None) and isinstance(one.get("function"), dict)
        for one, call in zip(calls, its.tool_calls or (), strict=True)
    )


def _embeddings(result: CreateEmbeddingResponse, asked: Asked) -> bytes:
    """Return vectors in the encoding that was asked for, whichever one the service has sent."""
    wants_text = asked.fields.get("encoding_format") == "base64"
    if all(isinstance(one.embedding, str) is wants_text for one in result.data) and result.raw_json:
        own = decode_json(result.raw_json)
        if isinstance(own, dict) and [one.get("index") for one in own.get("data", ())] == [*range(len(result.data))]:
            return result.raw_json
    data = [{"object": "embedding", "index": one.index, "embedding": _vector(one, wants_text)} for one in result.data]
    return msgspec.json.encode({"usage": {"prompt_tokens": 0, "total_tokens": 0}, **result.to_dict(), "data": data})


def _vector(embedding: Embedding, wants_text: bool) -> Any:
    if isinstance(embedding.embedding, str) is wants_text:
        return embedding.embedding
    if not wants_text:
        return embedding.vector
    return b64encode(struct.pack(f"<{len(embedding.vector)}f", *embedding.vector)).decode()


def model_in(listed: ModelList, model: str) -> bytes | None:
    """Return the JSON of one model of a list; None if the list does not have it."""
    own = listed.raw
    entries = own.get("data") if isinstance(own, dict) else None
    for one in [*(entries if isinstance(entries, list) else ()), *listed.to_dict()["data"]]:
        if isinstance(one, dict) and one.get("id") == model:
            return msgspec.json.encode(one)
    return None
