"""What callers are told while routes rest, and what they are not told of each other."""

from __future__ import annotations

import pytest
import requests
from helpers.gateways import running, tables

from g4f_lite import Attempt, ServerError, Skipped, Trail
from g4f_lite.gateway.failures import message_of
from g4f_lite.testing import FaultServer, replies

ONE_ROUTE = {"routes": ["groq:one"]}
PATHS = ["chat/completions", "messages"]
SECRET = "the secret words of the first caller"


def asked(url: str, path: str = "chat/completions", text: str = "Hello", *, stream: bool = False) -> requests.Response:
    messages = [{"role": "user", "content": text}]
    body = {"model": "auto", "messages": messages, "max_tokens": 9, "stream": stream}
    return requests.post(f"{url}/{path}", json=body, timeout=30)


@pytest.mark.parametrize("client", [{}, ONE_ROUTE], ids=["two routes", "one"])
@pytest.mark.parametrize("reply", [replies.error(503, "broken", retry_after="400"), replies.reset()])
def test_while_all_routes_rest_a_caller_is_asked_to_come_back(
    reply: replies.Reply, client: dict[str, object], groq: FaultServer
) -> None:
    groq.script(*[reply] * 9)
    with running(
        tables(groq, client={**client, "deadline": 3, "breaker": {"rest": 60, "longest_rest": 60}})
    ) as gateway:
        while (answer := asked(gateway.base_url)).headers["x-g4f-attempts"] != "0":
            assert (answer.status_code, answer.headers["x-should-retry"]) == (502, "false")
        before = len(groq.received)
        answers = [asked(gateway.base_url, path, stream=stream) for path in PATHS for stream in (False, True)]
    assert len(groq.received) == before
    for one in answers:
        assert (one.status_code, one.headers["x-should-retry"]) == (503, "true")
        assert 3 < int(one.headers["retry-after"]) <= 400
    openai, anthropic = answers[0].json()["error"], answers[2].json()["error"]
    assert (openai["type"], openai["code"], anthropic["type"]) == ("overloaded", "routes_resting", "overloaded_error")


@pytest.mark.parametrize("status", [401, 402, 404])
def test_what_does_not_come_back_by_itself_is_not_to_be_tried_again(status: int, groq: FaultServer) -> None:
    groq.script(*[replies.error(status, "no", code="model_not_found" if status == 404 else "no")] * 9)
    with running(tables(groq)) as gateway:
        answers = [asked(gateway.base_url) for _ in range(2)]
    assert answers[1].headers["x-g4f-attempts"] == "0"
    for one in answers:
        assert (one.status_code, one.headers["x-should-retry"]) == (404 if status == 404 else 502, "false")


@pytest.mark.parametrize("after", [None, 1], ids=["before content", "after content"])
@pytest.mark.parametrize("path", PATHS)
def test_a_prompt_that_a_service_quotes_is_told_to_nobody(path: str, after: int | None, groq: FaultServer) -> None:
    reply = replies.error(503, f"cannot answer: {SECRET}", retry_after="400", after=after)
    groq.script(*[reply] * 9)
    with running(tables(groq)) as gateway:
        first = asked(gateway.base_url, path, SECRET, stream=after is not None)
        groq.script(*[replies.error(503, "broken", retry_after="400")] * 9)
        while (second := asked(gateway.base_url, path)).headers["x-g4f-attempts"] != "0":
            pass
    assert "cannot answer: […]" in first.content.decode() and SECRET not in first.text
    assert second.status_code == 503 and SECRET not in second.text


@pytest.mark.parametrize(
    "reply", [replies.body(SECRET.encode(), **{"content-type": "text/plain"}), replies.body(b'"%b"' % SECRET.encode())]
)
def test_what_a_service_said_instead_of_an_answer_is_told_to_no_other_caller(
    reply: replies.Reply, groq: FaultServer
) -> None:
    groq.script(*[reply] * 9)
    breaker = {"failures": 1, "rest": 60, "longest_rest": 60}
    with running(tables(groq, client={**ONE_ROUTE, "deadline": 4, "breaker": breaker})) as gateway:
        asked(gateway.base_url)
        other = asked(gateway.base_url)
    assert other.headers["x-g4f-attempts"] == "0"
    assert SECRET not in other.text and "groq:one: cooling down" in other.json()["error"]["message"]


@pytest.mark.parametrize("client", [{}, ONE_ROUTE], ids=["two routes", "one"])
@pytest.mark.parametrize(
    ("status", "after", "code"),
    [
        (429, "3", None),
        (429, "400", None),
        (402, None, None),
        (401, None, None),
        (404, None, "model_not_found"),
        (503, "400", None),
    ],
)
def test_what_a_service_said_of_a_failure_is_told_to_no_other_caller(
    status: int, after: str | None, code: str | None, client: dict[str, object], groq: FaultServer
) -> None:
    groq.script(*[replies.error(status, f"no: {SECRET}", retry_after=after, code=code)] * 19)
    with running(tables(groq, client={**client, "deadline": 2, "patience": 1})) as gateway:
        own = asked(gateway.base_url)
        before = len(groq.received)
        other = asked(gateway.base_url)
    assert SECRET in own.text and len(groq.received) == before
    assert SECRET not in other.text and "groq:one" in other.json()["error"]["message"]


def test_what_a_service_has_said_in_the_call_itself_is_told_though_its_route_rests_now() -> None:
    error = ServerError("1 vectors for 2 inputs")
    error.provider, error.model = "openai", "one"
    failed = Attempt(provider="openai", model="one", index=1, outcome="ServerError", message=error.message)
    rests = Skipped(provider="openai", model="one", reason="cooling down", message=error.message)
    error.trail = Trail(entries=(failed, rests))
    assert "1 vectors for 2 inputs" in message_of(error, "g4f-1")
    error.trail = Trail(entries=(rests,))
    assert message_of(error, "g4f-1") == "openai:one"  # others were told
