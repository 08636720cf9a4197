"""A value that no message can quote as it is ends as any other wrong value: in a short, clear error, before any I/O."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

import g4f_lite
from g4f_lite import AsyncClient, Breaker, Budget, Client, Limits, OpenaiTemplate, Timeouts
from g4f_lite.client.params import CreateParams, RoutingParams
from g4f_lite.client.settings import ClientSettings
from g4f_lite.testing import FaultServer

pytestmark = pytest.mark.no_cover  # a table of repeats

DEPTH = 10_000
LONGEST = 1000
"""Characters of a message: what is wrong, and the beginning of the value."""


class Mute:
    def __repr__(self) -> str:
        raise ZeroDivisionError("mute")


class Nameless:
    def __repr__(self) -> str:
        return None  # type: ignore[return-value]


class Loud:
    def __repr__(self) -> str:
        return "loud" * 30_000


class MuteText(str):
    __slots__ = ()

    def __repr__(self) -> str:
        raise ZeroDivisionError("mute")


class MuteNumber(int):
    def __repr__(self) -> str:
        raise ZeroDivisionError("mute")

    __str__ = __repr__


class MuteList(list[Any]):
    def __repr__(self) -> str:
        raise ZeroDivisionError("mute")


class Several:
    """As an array or a column of a table: a comparison gives many values, and those are neither true nor false."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> Any:
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter([self])

    def __len__(self) -> int:
        return 2

    def __bool__(self) -> bool:
        raise ValueError("the truth value of an array with more than one element is ambiguous")


def nested(wrap: Callable[[Any], Any]) -> Any:
    return functools.reduce(lambda inner, _: wrap(inner), range(DEPTH), wrap("x"))


VALUES: dict[str, Any] = {
    "deep list": nested(lambda inner: [inner]),
    "deep tuple": nested(lambda inner: (inner,)),
    "deep dict": nested(lambda inner: {"a": inner}),
    "deep in a text's place": [nested(lambda inner: [inner])],
    "mute": Mute(),
    "mute in a list": [Mute()],
    "mute as a key": {Mute(): 1},
    "mute as a value": {"groq": Mute()},
    "mute text": MuteText("half a pair \ud800"),
    "mute number": MuteNumber(-1),
    "mute list": MuteList([1.5]),
    "nameless": Nameless(),
    "several": Several(),
    "several in a list": [Several()],
    "several as a value": {"groq": Several()},
    "signalling NaN": Decimal("sNaN"),
    "loud": Loud(),
    "loud as a value": {"groq": Loud()},
    "long number": -(10**5000),
    "long text": "no model " * 30_000,
    "long texts": ["no model " * 30_000],
    "long key": {"no model \ud800" * 30_000: "x"},
    "mute below a long key": {"no model " * 30_000: Mute()},
    "long bytes": b"x" * 100_000,
    "long list": [1.5] * 30_000,
}


def a_tool() -> str:
    """Say something."""
    return "said"


class Service(OpenaiTemplate):
    name = "zzqqzz"
    needs_auth = False
    default_model = "m"
    default_models = {"embeddings": "e", "images": "i", "speech": "s", "transcription": "t", "translation": "t"}
    capabilities = OpenaiTemplate.capabilities | {"embeddings", "images", "speech", "transcription", "translation"}


def complaint(call: Callable[..., Any], keywords: dict[str, Any]) -> str | None:
    """Return what is wrong with how this fails; None if it works, or fails in a clear way."""
    try:
        call(**keywords)
    except g4f_lite.G4FLiteError as error:
        return None if len(str(error)) <= LONGEST else f"a message of {len(str(error))} characters"
    except Exception as error:
        if call is Timeouts and type(error) is ValueError and "must be a number of seconds" in str(error):
            return None
        return f"{type(error).__name__}: {str(error)[:200]}"
    return None


def complaints(call: Callable[..., Any], name: str, **others: Any) -> dict[str, str]:
    found = {kind: complaint(call, {**others, name: value}) for kind, value in VALUES.items()}
    return {kind: said for kind, said in found.items() if said is not None}


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


ENDPOINTS: dict[str, dict[str, Any]] = {
    "embeddings.create": {"input": "x", "dimensions": 1, "encoding_format": "float"},
    "images.generate": {"prompt": "x", "n": 1, "size": "1x1"},
    "audio.speech.create": {"input": "x", "voice": "v", "speed": 1},
    "audio.transcriptions.create": {"file": b"x", "language": "en", "prompt": "x", "temperature": 0},
}
REQUIRED = {"input": "x", "prompt": "x", "voice": "v", "file": b"x"}
SHARED = (*RoutingParams.__annotations__, "extra_body", "extra_headers")
OF_VALUES: list[tuple[Callable[..., Any], str]] = [
    *((Limits, name) for name in Limits.__struct_fields__),
    *((functools.partial(Budget, usd=1), name) for name in Budget.__struct_fields__),
    *((Breaker, name) for name in Breaker.__struct_fields__),
    *((Timeouts, name) for name in Timeouts.__struct_fields__),
]


@pytest.mark.parametrize("name", [*CreateParams.__annotations__, "messages", "stream", "max_rounds"])
def test_a_keyword_of_a_chat(name: str, server: FaultServer) -> None:
    given = {"messages": [{"role": "user", "content": "x"}], "provider": Service, "retries": 0}
    with Client(base_urls={"zzqqzz": server.base_url}) as client:
        chat = client.chat
        if name != "max_rounds":
            assert complaints(chat.completions.create, name, **given) == {}
            assert complaints(client.explain, name, **given) == {}
        assert complaints(chat.run_tools, name, **{"tools": [a_tool], **given}) == {}


@pytest.mark.parametrize("name", ["role", "content", "name", "tool_calls", "tool_call_id"])
def test_a_field_of_a_message(name: str, server: FaultServer) -> None:
    with Client(base_urls={"zzqqzz": server.base_url}) as client:

        def ask(**message: Any) -> None:
            client.chat.completions.create(messages=[message], provider=Service, retries=0)

        assert complaints(ask, name, role="user", content="x") == {}
        assert complaints(ask, name, role="assistant", content="x") == {}


@pytest.mark.parametrize(
    ("method", "name"), [(method, name) for method, own in ENDPOINTS.items() for name in (*own, *SHARED)]
)
def test_a_keyword_of_another_endpoint(method: str, name: str, server: FaultServer) -> None:
    with Client(base_urls={"zzqqzz": server.base_url}) as client:
        given = {name: value for name, value in ENDPOINTS[method].items() if name in REQUIRED}
        call = operator.attrgetter(method)(client)
        assert complaints(call, name, **{"provider": Service, "retries": 0, **given}) == {}


@pytest.mark.parametrize("name", ["provider", "max_age", "timeout", "retries"])
def test_a_keyword_of_the_list_of_models(name: str, server: FaultServer) -> None:
    with Client(base_urls={"zzqqzz": server.base_url}) as client:
        assert complaints(client.models.list, name, provider=Service, retries=0) == {}


@pytest.mark.parametrize("name", [*ClientSettings.__annotations__, "proxy", "ssl_context", "hedge_after"])
def test_a_setting_of_a_client(name: str) -> None:
    for client in (AsyncClient,) if name == "hedge_after" else (Client, AsyncClient):
        assert complaints(client, name) == {}


@pytest.mark.parametrize(("kind", "name"), OF_VALUES)
def test_a_field_of_a_setting(kind: Callable[..., Any], name: str) -> None:
    assert complaints(kind, name) == {}


@pytest.mark.parametrize("name", ["route", "seconds", "operation"])
def test_an_argument_of_rest(name: str) -> None:
    with Client() as client:
        assert complaints(client.rest, name, route="groq", seconds=1) == {}
        if name != "seconds":
            assert complaints(client.wake, name, route="groq") == {}


ATTRIBUTES = [
    name for name in dir(OpenaiTemplate) if not name.startswith("_") and not callable(getattr(OpenaiTemplate, name))
]


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_attribute_of_a_provider(name: str) -> None:
    assert complaints(Service, name) == {}


@pytest.mark.parametrize("call", [g4f_lite.image_part, g4f_lite.audio_part, g4f_lite.register, g4f_lite.UploadFile])
def test_the_argument_of_a_function(call: Callable[..., Any]) -> None:
    def one(given: Any) -> None:
        call(given)

    assert complaints(one, "given") == {}
