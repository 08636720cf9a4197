"""The legs of a provider, the reason if there are none, and the dependencies of both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.providers import Day

from g4f_lite import Client, HTTPRequest, MissingKeyError, NoUsableRouteError, OpenaiTemplate
from g4f_lite.provider.base import Provider
from g4f_lite.provider.keys import store_key
from g4f_lite.routing.leg_factory import Dependencies, LegFactory


class Open(Day):
    name = "open"
    api_key_env = ()
    needs_auth = False


class Closed(Open):
    """A provider that says itself why it cannot be used."""

    name = "closed"

    def unavailable_reason(self) -> str | None:
        return "no key fits its lock"


STORED, NOTHING = Dependencies(stored_keys=True), Dependencies()


@pytest.mark.parametrize(
    ("provider", "keys", "environment", "stored", "sources", "expected"),
    [
        (Day(), {}, "", "", None, STORED),
        (Day(), {}, "", "s", ["stored"], STORED),
        (Day(), {}, "e", "s", ["DAY_API_KEY"], NOTHING),
        (Day(), {"day": ["a", "b"]}, "e", "s", ["argument", "argument"], NOTHING),
        (Day(needs_auth=False), {}, "", "", [None], STORED),
        (Open(), {}, "", "s", [None], NOTHING),
    ],
)
def test_only_a_result_that_looked_for_a_stored_key_depends_on_the_stored_keys(
    provider: Provider,
    keys: dict[str, Any],
    environment: str,
    stored: str,
    sources: list[str | None] | None,
    expected: Dependencies,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DAY_API_KEY", environment)
    if stored:
        store_key(provider.name, stored)
    legs, obstacle, depends_on = LegFactory(keys).legs(provider, "sunday")
    assert [leg.key and leg.key.source for leg in legs] == (sources or [])
    assert (obstacle is not None and obstacle.lacks_key) == (sources is None)
    assert depends_on == expected


def test_an_unreadable_key_file_counts_as_a_missing_key_that_depends_on_the_file() -> None:
    path: Path = store_key("day", "s")
    path.write_text("[", "utf-8")
    legs, obstacle, depends_on = LegFactory().legs(Day(), "sunday")
    assert not legs
    assert obstacle is not None
    assert (obstacle.lacks_key, str(path) in obstacle.reason, depends_on) == (True, True, STORED)


def test_a_missing_address_is_not_a_missing_key() -> None:
    result = LegFactory({"day": "k"}).legs(Day(api_base="https://{DAY_HOST}/v1"), "sunday")
    assert result.obstacle is not None
    assert (result.obstacle.lacks_key, "set DAY_HOST" in result.obstacle.reason) == (False, True)


def test_an_address_may_be_given_late_but_not_never(monkeypatch: pytest.MonkeyPatch) -> None:
    class Placeless(OpenaiTemplate):
        name, needs_auth = "placeless", False

    obstacle = LegFactory().legs(Placeless(), "m").obstacle
    assert obstacle is not None
    assert obstacle.reason == "no address: set the provider's api_base or PLACELESS_API_BASE, or pass base_urls="
    assert LegFactory().legs(Placeless(api_base="http://127.0.0.1:9"), "m").legs
    assert LegFactory(base_urls={"placeless": "http://127.0.0.1:9"}).legs(Placeless(), "m").legs
    monkeypatch.setenv("PLACELESS_API_BASE", "http://127.0.0.1:9")
    assert LegFactory().legs(Placeless(), "m").legs


def test_a_provider_that_builds_its_own_requests_needs_no_address() -> None:
    class Own(OpenaiTemplate):
        name, needs_auth = "own", False

        def build_request(self, request: Any, *, key: str | None, stream: bool) -> HTTPRequest:
            return HTTPRequest(url="http://127.0.0.1:9/own", headers={}, body=b"")

    assert LegFactory().legs(Own(), "m").legs


def test_a_providers_own_reason_is_a_dependency_and_not_a_missing_key() -> None:
    closed = Closed()
    assert LegFactory().legs(closed, "sunday").depends_on == Dependencies(False, ((closed, "no key fits its lock"),))
    with Client(plugins=[closed]) as client, pytest.raises(NoUsableRouteError) as caught:
        client.explain(provider="closed")
    assert not isinstance(caught.value, MissingKeyError)
    assert [skipped.lacks_key for skipped in caught.value.trail.skipped] == [False]


def test_a_skipped_leg_says_that_it_lacks_a_key() -> None:
    with Client(plugins=[Day]) as client, pytest.raises(MissingKeyError) as caught:
        client.explain(provider="day")
    assert [skipped.lacks_key for skipped in caught.value.trail.skipped] == [True]
    assert caught.value.trail.to_dict()["skipped"][0]["lacks_key"] is True
