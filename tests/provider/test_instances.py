"""A provider whose own code makes it in an odd way works as any other, or is refused before any I/O."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import pytest
from helpers.driving import MESSAGES, MODES, run
from helpers.plain_routes import Plain

import g4f_lite
from g4f_lite import Client, ConfigurationError, PluginLoadError
from g4f_lite.testing import FaultServer


class Names(str, Enum):  # noqa: UP042  # as callers have written it before StrEnum
    ACME = "acme"
    MODEL = "second"


@dataclass(eq=False)
class WithFields(Plain):
    name: str = "acme"
    region: str = "eu"


class NamedByEnum(Plain):
    name = Names.ACME
    default_model = Names.MODEL


class Picky(str):
    """A text of another library, such as a lazy translation, that compares with its own kind alone."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        assert isinstance(other, Picky)
        return str.__eq__(self, other)


class NamedByAnother(Plain):
    name = Picky("acme")
    default_model = Picky("second")


class Exits(Plain):
    name = "acme"

    def __init__(self) -> None:
        raise SystemExit(3)


class MadeOfNothing(Plain):
    name = "acme"

    def __new__(cls) -> Any:
        return None


@dataclass
class Compared(Plain):
    name: str = "acme"


@dataclass(frozen=True)
class HoldsAList(Plain):
    name: str = "acme"
    regions: list[str] = field(default_factory=list)


class Unchecked(Plain):
    name = "Acme Inc."

    def __init__(self) -> None: ...


class WordForAFlag(Plain):
    name = "acme"
    needs_auth = "no"  # type: ignore[assignment]


class FailsWhenAsked(Plain):
    name = "acme"

    @property
    def automatic(self) -> bool:  # type: ignore[override]
        raise KeyError("ACME_REGION")


class PatternOfBytes(Plain):
    name = "acme"
    thinking_models = b"acme-think"  # type: ignore[assignment]


REFUSED: dict[type[Plain], str] = {
    Exits: "SystemExit: 3",
    MadeOfNothing: "NoneType",
    Compared: "eq=False",
    HoldsAList: "eq=False",
    Unchecked: "must match",
    WordForAFlag: "needs_auth must be True or False",
    FailsWhenAsked: "KeyError: 'ACME_REGION'",
    PatternOfBytes: "thinking_models must be a regular expression",
}
WAYS: dict[str, Callable[[type[Plain]], dict[str, Any]]] = {
    "class in routes": lambda kind: {"routes": [kind]},
    "plugin": lambda kind: {"plugins": [kind]},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", REFUSED)
def test_a_class_that_cannot_be_used_is_named(kind: type[Plain], way: str, server: FaultServer) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Client(base_urls={"acme": server.base_url}, **WAYS[way](kind))
    assert str(caught.value).startswith(f"{kind.__name__}() fails: ")
    assert REFUSED[kind] in str(caught.value)
    assert isinstance(caught.value, PluginLoadError) is (way == "plugin")


@pytest.mark.parametrize("mode", MODES)
def test_an_instance_without_a_hash_is_refused_by_the_call(mode: str, server: FaultServer) -> None:
    error = run(mode, {"base_urls": {"acme": server.base_url}}, {"provider": Compared()}).error
    assert isinstance(error, ConfigurationError)
    assert "eq=False" in str(error)
    assert not server.received


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", [WithFields, NamedByEnum, NamedByAnother])
def test_a_class_made_in_its_own_way_answers(kind: type[Plain], mode: str, server: FaultServer) -> None:
    outcome = run(mode, {"plugins": [kind], "base_urls": {"acme": server.base_url}}, {"provider": "acme"})
    assert outcome.completion is not None
    assert (type(outcome.completion.provider), outcome.completion.provider) == (str, "acme")
    (attempt,) = outcome.trail.attempts
    assert str(attempt).startswith("acme:second ")


def test_a_dataclass_is_frozen_as_any_provider() -> None:
    with Client(routes=[one := WithFields()], base_urls={"acme": "http://127.0.0.1:9"}) as client:
        client.explain(messages=MESSAGES)
    with pytest.raises(AttributeError, match="is frozen"):
        one.region = "us"


def test_a_plugin_is_registered_whatever_its_attributes_do() -> None:
    class Observer:
        def __getattr__(self, name: str) -> Any:
            raise LookupError(name)

        @g4f_lite.hookimpl
        def call_started(self, call: Any) -> None: ...

    with Client(plugins=[Observer()]):
        pass
