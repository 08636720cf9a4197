"""The arguments of calls: what cannot work is refused with a clear error, and nothing of the caller's is changed."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import strategies as st

from g4f_lite import Client, ConfigurationError, G4FLiteError, InvalidRequestError, UnsupportedParameterError
from g4f_lite.call.attempt import ActiveAttempt
from g4f_lite.call.endpoints import ENDPOINTS
from g4f_lite.call.stream_attempt import StreamAttempt
from g4f_lite.client.params import CreateParams
from g4f_lite.types.http import HTTPRequest

from . import seeds
from .mutation import changed, places
from .promises import KEY, require
from .running import Check

CLEAR = (ConfigurationError, InvalidRequestError, UnsupportedParameterError)
NAMES = ["openai", "anthropic", "gemini", "cohere", "groq", "mistral", "minimax", "xai"]


@contextmanager
def checking() -> Iterator[Check]:
    with Client(keys=dict.fromkeys(seeds.PROVIDERS, KEY), retries=0) as client:

        def check(operation: str, name: str, params: dict[str, Any]) -> None:
            _check(client, operation, name, params)

        yield check


def _check(client: Client, operation: str, name: str, params: dict[str, Any]) -> None:
    given = {"provider": name, "fallback_models": [], **params}
    before = copy.deepcopy(given)
    try:
        outgoing = _build(client, operation, given)
    except G4FLiteError as error:
        require(isinstance(error, CLEAR), "a mistake of the caller is said to be one", repr(error))
        require(str(error).strip() and "provider's code" not in str(error), "a mistake is explained", repr(error))
    except TypeError as error:
        require("() " in str(error), "a TypeError is about the keywords", repr(error))
    else:
        if outgoing is not None and isinstance(outgoing.body, bytes):
            body = json.loads(outgoing.body, parse_constant=_refuse) if outgoing.body else {}
            require(isinstance(body, dict), "a request is a JSON object", outgoing.body)
            require(
                KEY not in outgoing.url + outgoing.body.decode() + repr(outgoing), "the key is in the headers alone"
            )
    require(repr(given) == repr(before), "what the caller holds is not changed", (before, given))


def _refuse(constant: str) -> None:
    require(False, "a request is JSON", constant)


def _build(client: Client, operation: str, given: dict[str, Any]) -> HTTPRequest | None:
    call = client._calls.chat_call(given) if operation == "chat" else client._calls.endpoint_call(operation, given)
    kind = StreamAttempt if call.plan.stream else ActiveAttempt
    with call, kind(call) as attempt:
        outgoing = attempt.outgoing
        attempt.succeed(None, None)
        call.finish()
    return outgoing if isinstance(outgoing, HTTPRequest) else None


TEXT = st.sampled_from(("", " ", "Hi", "é", "\ud800", "\0", "a" * 300, "user", "assistant", "tool", "system", "call_1", "http://a.invalid/x.png",
                        "data:image/png;base64,AAAA", "data:,", "auto", "none", "required", "json_object", "json_schema"))  # fmt: skip
NUMBER = st.sampled_from((0, 1, -1, 2, 0.5, -0.0, 1e308, float("nan"), float("inf"), 2**63, 2**64, 10**400, True))
LEAF = st.one_of(
    st.none(),
    st.booleans(),
    NUMBER,
    TEXT,
    st.sampled_from((b"", b"\xff", (), (1,), {1}, {1: 2}, {"": None}, [[]], {None: 1})),
)
FIELDS = st.sampled_from(
    ["role", "content", "type", "text", "image_url", "url", "tool_calls", "function", "name", "arguments", "id", "tool_call_id",
     "index", "parameters", "properties", "items", "$ref", "$defs", "anyOf", "enum", "required", "strict", "schema", "json_schema",
     "additionalProperties", "cache_control", "reasoning_details", "reasoning_content", "refusal", "audio", "input_audio", "data",
     "format", "file", "file_data", "filename", "detail", "extra_content", "input", "thinking", "signature"]
)  # fmt: skip
JUNK = st.recursive(
    LEAF, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(FIELDS, inner, max_size=4)), max_leaves=8
)
PARTS = (
    {"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
    {"type": "image_url", "image_url": {"url": "http://a.invalid/x.png"}}, {"type": "text", "text": "b", "cache_control": {"type": "ephemeral"}},
    {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}, {"type": "refusal", "refusal": "no"},
    {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"}},
)  # fmt: skip
PART = st.sampled_from(PARTS)
CALLS = [{"id": "call_1", "type": "function", "function": {"name": "find", "arguments": '{"a": 1}'}}]
MESSAGES: list[Any] = [
    {"role": "user", "content": "Hi"}, {"role": "system", "content": "Be brief"}, {"role": "developer", "content": "x"},
    {"role": "assistant", "content": None, "tool_calls": CALLS}, {"role": "tool", "tool_call_id": "call_1", "content": "7"},
    {"role": "assistant", "content": "so", "reasoning_content": "hm"}, {"role": "assistant", "content": [{"type": "text", "text": "b"}]},
    {"role": "function", "name": "find", "content": "7"}, {"role": "user", "content": [*PARTS], "name": "ann"},
]  # fmt: skip
SCHEMA = {"type": "object", "properties": {"a": {"type": ["integer", "null"]}, "b": {"$ref": "#/$defs/B"}}, "required": ["a"],
          "$defs": {"B": {"anyOf": [{"enum": ["x", 1]}, {"type": "array", "items": {"type": "string"}}]}}, "additionalProperties": False}  # fmt: skip
GOOD: dict[str, Any] = {
    "messages": MESSAGES[:1], "temperature": 0.5, "max_tokens": 5, "stop": ["a"], "n": 1, "stream": True,
    "tools": [{"type": "function", "function": {"name": "find", "parameters": SCHEMA, "strict": True}}], "tool_choice": "auto",
    "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}, "seed": 1, "logit_bias": {"1": 2},
    "reasoning_effort": "low", "extra_body": {"a": 1}, "extra_headers": {"x-a": "b"}, "stream_options": {"include_usage": True},
    "model": "m", "timeout": 3.0, "metadata": {"a": "b"}, "modalities": ["text"], "user": "ann", "prediction": {"type": "content", "content": "a"},
}  # fmt: skip
OTHER: dict[str, dict[str, Any]] = {
    "embeddings": {"input": ["a", "b"], "dimensions": 3, "encoding_format": "float", "user": "ann"},
    "speech": {"input": "Hi", "voice": "v", "speed": 1.5, "response_format": "wav"},
    "images": {"prompt": "a cat", "n": 2, "size": "1x1"},
    "transcription": {
        "file": ("a.wav", b"RIFF"),
        "language": "en",
        "temperature": 0.0,
        "timestamp_granularities": ["word"],
    },
    "models": {},
}
_SAFE = frozenset({"provider", "deadline", "timeouts", "strategy"})  # a call may ask for hours of patience


@st.composite
def _edited(draw: st.DrawFn, value: Any) -> Any:
    """Return a copy with one value, or a few, replaced by junk or by another good one."""
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.sampled_from(places(value)))
        new = draw(st.one_of(JUNK, PART, st.sampled_from(MESSAGES), st.just(SCHEMA)))
        name = draw(FIELDS)
        if draw(st.booleans()):
            value = changed(value, place, lambda inside, step: inside.__setitem__(step, new))  # noqa: B023
        else:
            value = changed(value, place, lambda inside, step: _put(inside[step], name, new))  # noqa: B023
    return value


def _put(inside: Any, name: str, new: Any) -> None:
    if isinstance(inside, dict):
        inside[name] = new
    elif isinstance(inside, list):
        inside.append(new)


@st.composite
def _cases(draw: st.DrawFn) -> tuple[Any, ...]:
    operation = draw(st.sampled_from(("chat", "chat", "chat", *OTHER)))
    good = GOOD if operation == "chat" else OTHER[operation]
    params: dict[str, Any] = {}
    if operation == "chat":
        messages = draw(st.lists(st.sampled_from(MESSAGES), min_size=1, max_size=4))
        params["messages"] = draw(_edited(messages))
    known = [
        *good,
        *good,
        *(sorted(CreateParams.__annotations__.keys() - _SAFE) if operation == "chat" else good),
        "unknown",
    ]
    for name in draw(st.lists(st.sampled_from(known), max_size=5, unique=True)):
        params[name] = draw(st.one_of(_edited(good[name]), JUNK) if name in good else JUNK)
    for name in ENDPOINTS[operation].required if operation != "chat" else ():
        params.setdefault(name, good[name])
    return operation, draw(st.sampled_from(NAMES)), params


CASES = _cases()
SEEDS: list[tuple[Any, ...]] = [
    *(("chat", name, {"messages": MESSAGES[:1]}) for name in seeds.PROVIDERS),
    *(("chat", name, {"messages": MESSAGES[:1], field: value}) for name in NAMES for field, value in GOOD.items()),
    *(("chat", name, {"messages": MESSAGES}) for name in NAMES),
    *(("chat", name, {**GOOD, "messages": MESSAGES}) for name in NAMES),
    *((operation, name, params) for name in ("openai", "groq") for operation, params in OTHER.items()),
]
