"""A value that JSON cannot carry is refused before any I/O, with its place; it is never changed in silence."""

from __future__ import annotations

import array
import collections
import dataclasses
import datetime
import decimal
import enum
import math
import types
import uuid
from typing import Any

import msgspec
import pytest
from helpers.driving import MODES, run

import g4f_lite
from g4f_lite import Client, InvalidRequestError, OpenaiTemplate
from g4f_lite.testing import FaultServer
from g4f_lite.types.json_values import find_fault


class Service(OpenaiTemplate):
    name = "service"
    needs_auth = False
    default_model = "m"
    default_models = {"embeddings": "e", "images": "i", "speech": "s", "transcription": "t"}
    capabilities = frozenset({"streaming", "tools", "json_schema", "embeddings", "images", "speech", "transcription"})


class Kind(enum.Enum):
    A = "a"


class Role(str, enum.Enum):  # noqa: UP042  # the older form, too
    USER = "user"


class Text(enum.StrEnum):
    HI = "hi"


class Number(enum.IntEnum):
    ONE = 1


class Sub(str):
    __slots__ = ()


@dataclasses.dataclass
class Data:
    a: int = 1


CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)
REFUSED = {
    "bytes": (b"x", "decode it to text"),
    "bytearray": (bytearray(b"x"), "decode it to text"),
    "memoryview": (memoryview(b"x"), "decode it to text"),
    "datetime": (datetime.datetime(2020, 1, 1), "isoformat"),
    "date": (datetime.date(2020, 1, 1), "isoformat"),
    "time": (datetime.time(1), "isoformat"),
    "timedelta": (datetime.timedelta(1), "total_seconds"),
    "Decimal": (decimal.Decimal("1.10"), "float or text"),
    "UUID": (uuid.UUID(int=1), "str"),
    "array": (array.array("i", [1]), "make it a list"),
    "range": (range(3), "make it a list"),
    "set": ({1}, "make it a list"),
    "frozenset": (frozenset({1}), "make it a list"),
    "Enum": (Kind.A, ".value"),
    "dataclass": (Data(), "make it of dict"),
    "Struct": (g4f_lite.FunctionCall(), "make it of dict"),
    "NaN": (math.nan, "finite number, not nan"),
    "infinity": (-math.inf, "finite number, not -inf"),
    "integer as key": ({1: 2}, "key 1"),
    "bytes as key": ({b"k": 2}, "key b'k'"),
    "None as key": ({None: 2}, "key None"),
    "half a pair": ("a\ud800", "surrogate"),
    "half a pair as key": ({"\udc00": 1}, "surrogate"),
    "str subclass": (Sub("x"), "plain str"),
    "object": (object(), "make it of dict"),
    "generator": ((one for one in "a"), "make it a list"),
    "deque": (collections.deque(), "make it a list"),
    "mapping": (types.MappingProxyType({}), "make it a dict"),
    "unset": (msgspec.UNSET, "make it of dict"),
    "circle": (CIRCLE, "nested too deeply"),
}
PLACES = {
    "messages[0].content[1].text": lambda value: {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": value}]}]},
    "messages[1].x.y[0]": lambda value: {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "x": {"y": [value]}}]},
    "tools[0].function.parameters.default": lambda value: {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"default": value}}}]},
    "response_format.json_schema.schema.const": lambda value: {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"const": value}}}},
    "metadata.a": lambda value: {"metadata": {"a": value}},
    "extra_body.a[2]": lambda value: {"extra_body": {"a": (1, 2, value)}},
    "prediction.content": lambda value: {"prediction": {"content": value}},
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", REFUSED)
def test_what_json_cannot_carry_is_refused_before_any_io(name: str, place: str, server: FaultServer) -> None:
    value, advice = REFUSED[name]
    with Client(routes=[Service(api_base=server.base_url)]) as client, pytest.raises(InvalidRequestError) as caught:
        client.chat.completions.create(**{"messages": [{"role": "user", "content": "a"}], **PLACES[place](value)})
    assert caught.value.message.startswith(f"{place} " if name != "circle" else "the request is nested")
    assert advice in caught.value.message
    assert not server.received


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("large", [False, True])
def test_it_is_refused_in_each_client_and_in_large_requests(mode: str, large: bool, server: FaultServer) -> None:
    content = [{"type": "text", "text": "a" * (2_000_000 if large else 1)}, {"type": "text", "text": b"x"}]
    outcome = run(
        mode, {"routes": [Service(api_base=server.base_url)]}, {"messages": [{"role": "user", "content": content}]}
    )
    assert isinstance(outcome.error, InvalidRequestError)
    assert outcome.error.message.startswith("messages[0].content[1].text is a value of type bytes")
    assert not server.received


@pytest.mark.parametrize("large", [False, True])
def test_what_json_carries_arrives_as_it_is(large: bool, server: FaultServer) -> None:
    given: dict[str, Any] = {
        "texts": ("a", Text.HI, "ü\U0001f600\x00", ""), "numbers": [0, -1, 2**63, 2**64, -(2**70), 1.5, 1e300, Number.ONE],
        "others": [True, None, collections.OrderedDict(a=1), collections.defaultdict(list, b=[2])],
        "raw": msgspec.Raw(b'{"c":3}'), "text": "a" * (2_000_000 if large else 1),
    }  # fmt: skip
    arrives = {
        "texts": ["a", "hi", "ü\U0001f600\x00", ""], "numbers": [0, -1, 2**63, 2**64, -(2**70), 1.5, 1e300, 1],
        "others": [True, None, {"a": 1}, {"b": [2]}], "raw": {"c": 3}, "text": given["text"],
    }  # fmt: skip
    with Client(routes=[Service(api_base=server.base_url)]) as client:
        client.chat.completions.create(
            messages=[{"role": Role.USER, "content": Text.HI}], extra_body={"z": given}, logit_bias={5: 1, "6": -1}
        )
    (received,) = server.received
    assert received.json["z"] == arrives
    assert received.json["messages"] == [{"role": "user", "content": "hi"}]
    assert received.json["logit_bias"] == {"5": 1, "6": -1}


HALF = "\ud83d"


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"messages": [{"role": HALF, "content": "a"}]}, "messages[0].role holds half"),
        ({"messages": [{"role": "user", "content": "a", HALF: 1}]}, "messages[0] has the key '\\ud83d'"),
        ({"messages": [{"role": "user", "content": HALF}]}, "messages[0].content holds half"),
        ({"stop": [HALF]}, "stop[0] holds half"),
        ({"user": HALF}, "user holds half"),
        ({"tools": [{"type": "function", "function": {"name": HALF}}]}, "tools[0].function.name holds half"),
        ({"model": HALF, "provider": Service(api_base="http://127.0.0.1:9")}, "the model '\\ud83d' holds half"),
        ({"fallback_models": [HALF]}, "the model '\\ud83d' holds half"),
        ({"logit_bias": {HALF: 1}}, "logit_bias has the key"),
        ({"logit_bias": {1.5: 1}}, "logit_bias has the key 1.5"),
        ({"logit_bias": {True: 1}}, "logit_bias has the key True"),
        ({"metadata": {1: 1}}, "metadata has the key 1"),
        ({"extra_body": {1: 1}}, "extra_body has the key 1"),
        ({"extra_headers": {"x-a": HALF}}, "extra_headers['x-a'] cannot be sent"),
        ({"temperature": decimal.Decimal("0.5")}, "temperature is a value of type Decimal"),
        ({"temperature": math.nan}, "temperature must be a finite number"),
        ({"messages": [{"role": "user", "content": "a", Kind.A: 1}]}, "messages[0] has the key <Kind.A"),
        ({"messages": [{"role": "user", "content": "a", Text.HI: 1}]}, "the names of a message's fields"),
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_a_text_that_cannot_be_sent_charges_no_leg(params: Any, message: str, mode: str, server: FaultServer) -> None:
    outcome = run(mode, {"routes": [Service(api_base=server.base_url)]}, params)
    assert isinstance(outcome.error, (InvalidRequestError, g4f_lite.ConfigurationError))
    assert str(outcome.error).startswith(message)
    assert not outcome.trail.attempts
    assert not server.received


def test_the_other_endpoints_refuse_it_too(server: FaultServer) -> None:
    with Client(routes=[Service(api_base=server.base_url)]) as client:
        for call, message in (
            (lambda: client.embeddings.create(input=["a", HALF]), r"input\[1\] holds half"),
            (lambda: client.embeddings.create(input="a", extra_body={"a": b"x"}), r"extra_body\.a is a value of type bytes"),
            (lambda: client.images.generate(prompt="a", extra_body={"a": math.nan}), r"extra_body\.a must be a finite"),
            (lambda: client.audio.speech.create(input="a", voice=HALF), "voice holds half"),
            (lambda: client.audio.speech.create(input="a", voice="v", model=HALF, provider=Service(api_base=server.base_url)), "the model"),
            (lambda: client.audio.transcriptions.create(file=("a.mp3", b"x"), prompt=HALF), "prompt holds half"),
            (lambda: client.audio.transcriptions.create(file=("a.mp3", b"x"), extra_body={"a": {b"x"}}), "a value of type set"),
        ):  # fmt: skip
            with pytest.raises((InvalidRequestError, g4f_lite.ConfigurationError), match=message):
                call()  # type: ignore[no-untyped-call]
    assert not server.received


def test_settings_that_cannot_be_sent_are_refused() -> None:
    for make in (
        lambda: Client(keys={"groq": HALF}),
        lambda: Client(base_urls={"groq": f"http://{HALF}"}),
        lambda: Client(proxy=f"http://{HALF}"),
        lambda: Client(routes=[HALF]),
        lambda: Service(name=HALF),
        lambda: Client(routes=[Service(api_base="http://127.0.0.1:9", default_model=HALF)]).explain(),
    ):
        with pytest.raises(g4f_lite.ConfigurationError):
            make()


def test_a_million_tokens_are_looked_at_at_once() -> None:
    assert find_fault({"input": [[1] * 500_000, [2] * 500_000]}) is None
    assert find_fault({"input": [[1], [2.5, math.inf]]}) == "input[1][1] must be a finite number, not inf"


@pytest.mark.parametrize(
    "value", [range(3), array.array("i", [1]), memoryview(b"x")], ids=lambda one: type(one).__name__
)
def test_a_value_with_items_is_no_message_and_no_part_of_one(value: Any) -> None:
    call = {"role": "assistant", "content": None, "tool_calls": [value]}
    for messages in ([value], [{"role": "user", "content": [value]}], [call]):
        with Client(routes=[Service(api_base="http://127.0.0.1:9")]) as client:
            with pytest.raises(InvalidRequestError, match=f"is a value of type {type(value).__name__}"):
                client.chat.completions.create(messages=messages)
