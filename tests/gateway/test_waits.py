"""Which steps of a call are waits: those that the library has meant, not the time that a busy machine takes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from helpers.admin import Administrator, administrated

from g4f_lite import Attempt, Trail
from g4f_lite.gateway.admin.trails import trail_of
from g4f_lite.gateway.records import Record


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Administrator]:
    with administrated(tmp_path_factory.mktemp("gateway")) as one:
        yield one


@pytest.mark.parametrize(("waited", "kinds"), [(set(), ["attempt"] * 2), ({2}, ["attempt", "wait", "attempt"])])
def test_a_slow_machine_is_no_wait(waited: set[int], kinds: list[str]) -> None:
    record = Record("g4f-1", "key", "chat", "fast")
    attempts = [
        Attempt(
            provider="groq",
            model="one",
            index=index,
            started_at=record.began + index * 5,
            duration=1.0,
            outcome=outcome,
            reason="next leg",
        )
        for index, outcome in ((1, "ServerError"), (2, "ok"))
    ]
    record.trail, record.waited = Trail(entries=tuple(attempts), outcome="ok"), waited
    steps = trail_of(record)["steps"]
    assert [step["kind"] for step in steps] == kinds
    assert [step["seconds"] for step in steps if step["kind"] == "wait"] == [4.0] * len(waited)


def test_a_call_that_waits_for_its_only_route_says_so(admin: Administrator) -> None:
    admin.ask("routes/groq:one/rest", "POST", {"seconds": 6})
    found = admin.ask(f"calls/{admin.call('solo').headers['x-request-id']}")["call"]
    assert [step["kind"] for step in found["steps"]] == ["wait", "attempt"]
    assert (found["steps"][0]["after"], found["outcome"]) == (0.0, "ok")
