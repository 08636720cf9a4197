"""What no page asks of `/admin/api/`, and two who watch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from helpers.admin import Administrator, Events, administrated


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Administrator]:
    with administrated(tmp_path_factory.mktemp("gateway")) as one:
        yield one


@pytest.mark.parametrize(
    "body", [b"[" * 60_000, b'{"a":' * 12_000, b'{"models":' + b"[" * 60_000], ids=["list", "object", "value"]
)
def test_a_body_that_is_nested_too_deeply_is_refused(admin: Administrator, body: bytes) -> None:
    answer = admin.raw("POST", "keys", data=body)
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "the body is not JSON")


def test_what_is_wrong_is_named_without_a_place_in_a_file(admin: Administrator) -> None:
    for limits, wanted in (
        ({"expires": "soon"}, "expires must be"),
        ({"rpm": "x"}, "rpm: must be a whole number, not a text"),
    ):
        assert admin.refusal("POST", "keys", {"name": "odd", **limits})[1].startswith(wanted)


def test_the_methods_of_a_path_are_told(admin: Administrator) -> None:
    assert admin.refusal("POST", "live") == (404, "there is no POST /admin/api/live; it takes GET")


def test_one_who_comes_between_two_changes_hears_of_the_second(admin: Administrator) -> None:
    def rests(data: Any) -> bool:
        return any(one["route"] == "groq:one" and one["state"] == "resting" for one in data["routes"])

    first = Events(admin)
    first.next("routes")
    for _ in range(4):
        admin.ask("routes/groq:one/rest", "POST")
        second = Events(admin)
        assert rests(second.next("hello"))
        admin.ask("routes/groq:one/wake", "POST")
        second.next("routes", lambda data: not rests(data))
        second.close()
    first.close()
