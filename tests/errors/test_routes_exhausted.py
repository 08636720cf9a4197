"""An error that stands for several legs is of their common class, whatever is done with it."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from helpers.driving import MODES, run
from helpers.plain_routes import Plain

import g4f_lite
from g4f_lite import RateLimitError, RoutesExhaustedError, ServerError
from g4f_lite.testing import FaultServer, replies


class TwoThings(ServerError, OSError):
    """A plugin's error that no exception group can be."""


@pytest.mark.parametrize(
    ("errors", "common"),
    [
        ([RateLimitError("a"), RateLimitError("b")], RateLimitError),
        ([RateLimitError("a")], RateLimitError),
        ([g4f_lite.NotReadyError("a"), ServerError("b")], ServerError),
        ([g4f_lite.RedirectError("a"), g4f_lite.ConnectionFailedError("b")], g4f_lite.ConnectionFailedError),
        ([RateLimitError("a"), ServerError("b")], g4f_lite.ProviderError),
        ([TwoThings("a"), TwoThings("b")], ServerError),
        ([RoutesExhaustedError("a", [ServerError("b")]), ServerError("c")], ServerError),
    ],
)
def test_the_nearest_common_class_is_a_base(errors: list[g4f_lite.ProviderError], common: type) -> None:
    group = RoutesExhaustedError("none", errors)
    group.trail = g4f_lite.Trail(entries=(g4f_lite.Attempt(provider="p", model="m"),))
    for one in (group, pickle.loads(pickle.dumps(group)), copy.copy(group), group.derive(errors)):
        assert isinstance(one, RoutesExhaustedError)
        found = [kind for kind in type(one).__mro__ if kind.__name__ != "RoutesExhaustedError"]
        assert found[0] is common
        assert (str(one), one.trail, len(one.exceptions)) == ("none", group.trail, len(errors))


def test_a_group_can_be_split() -> None:
    group = RoutesExhaustedError("none", [RateLimitError("a"), ServerError("b"), RateLimitError("c")])
    limited, rest = group.split(RateLimitError)
    assert isinstance(limited, RateLimitError) and not isinstance(rest, RateLimitError)
    assert isinstance(rest, ServerError)
    try:
        raise RoutesExhaustedError("none", [RateLimitError("a"), RateLimitError("b")])
    except* RateLimitError as caught:
        assert [str(one) for one in caught.exceptions] == ["a", "b"]


def test_its_attributes_are_the_last_legs_and_the_shortest_wait() -> None:
    first, last = RateLimitError("a", status=429, retry_after=2.0), RateLimitError("b", status=503, retry_after=9.0)
    last.provider, last.model, last.request_id = "groq", "m", "req_1"
    last.add_note("a note of its own")
    group = RoutesExhaustedError(
        "none",
        [
            first,
            last,
        ],
    )
    assert (group.status, group.retry_after, group.provider, group.request_id) == (503, 2.0, "groq", "req_1")
    assert not hasattr(group, "__notes__")
    assert RoutesExhaustedError("none", [g4f_lite.ConnectionFailedError("a", kind="dns")] * 2).kind == "dns"


def test_own_subclasses_stay_what_they_are() -> None:
    class Mine(RoutesExhaustedError):
        pass

    assert type(Mine("none", [ServerError("a")])) is Mine


@pytest.mark.parametrize(("errors", "raised"), [([], ValueError), ([5], ValueError)])
def test_what_is_no_group_of_errors_is_refused(errors: list, raised: type) -> None:
    with pytest.raises(raised):
        RoutesExhaustedError("none", errors)


def test_callers_catch_what_they_catch_of_one_leg(groq: FaultServer) -> None:
    """The provider has several models, so the call has several legs without the caller's doing."""
    for model in ("openai/gpt-oss-120b", "openai/gpt-oss-20b", "qwen/qwen3.8-27b"):
        groq.on(model, *[replies.error(401, "Invalid API Key", code="invalid_api_key")] * 3)
    with g4f_lite.Client() as client, pytest.raises(g4f_lite.AuthenticationError):
        client.chat.completions.create(messages=[{"role": "user", "content": "hi"}], provider="groq")


class OwnArguments(ServerError):
    def __init__(self, region: str, quota: int) -> None:
        super().__init__(f"{region} is full")
        self.quota = quota


class OwnMaking(ServerError):
    def __new__(cls, region: str, quota: int) -> OwnMaking:
        return super().__new__(cls, region)

    def __init__(self, region: str, quota: int) -> None:
        super().__init__(f"{region} is full")


class OwnMessage(ServerError):
    @property
    def message(self) -> str:
        return "the region is full"


class WriteOnce(ServerError):
    def __setattr__(self, name: str, value: Any) -> None:
        assert name not in vars(self) or name in ("provider", "model", "request_id")
        super().__setattr__(name, value)


class NoHeirs(ServerError):
    def __init_subclass__(cls, **options: Any) -> None:
        raise RuntimeError("it has no heirs")


class OwnKind(type):
    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> OwnKind:
        assert len(bases) == 1
        return super().__new__(cls, name, bases, namespace)


class OneBase(ServerError, metaclass=OwnKind):
    pass


OWN: dict[str, tuple[type, Callable[[], ServerError]]] = {
    "arguments": (OwnArguments, lambda: OwnArguments("eu", 5)),
    "making": (OwnMaking, lambda: OwnMaking("eu", 5)),
    "message": (OwnMessage, lambda: OwnMessage("full")),
    "written once": (WriteOnce, lambda: WriteOnce("full")),
    "no heirs": (ServerError, lambda: NoHeirs("full")),
    "metaclass": (ServerError, lambda: OneBase("full")),
}


@pytest.mark.parametrize("name", OWN)
def test_a_plugins_class_may_be_made_as_it_likes(name: str) -> None:
    common, make = OWN[name]
    group = RoutesExhaustedError("none", [make(), make()])
    for one in (group, group.derive([make()])):
        assert isinstance(one, common)
        assert (str(one), one.message, type(one).__name__) == ("none", "none", "RoutesExhaustedError")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", OWN)
def test_a_call_ends_in_it_if_all_legs_fail_with_a_plugins_class(name: str, mode: str, server: FaultServer) -> None:
    _, make = OWN[name]

    class Careless(Plain):
        def build_request(self, *_: Any, **__: Any) -> Any:
            raise make()

    legs = [Careless(name=name, api_base=server.base_url) for name in ("a", "b")]
    error = run(mode, {"routes": legs, "retries": 0}, {}).error
    assert isinstance(error, ServerError)
    assert "no answer from 2 legs" in str(error)
