"""An answer that several legs have made is that of the leg that finished it; its cost is the sum."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.plain_routes import Plain, collect

from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Close
from g4f_lite.types.size_limits import MAX_SENT_BACK

ASYNC = ["sync", "async"]


class Continuing(Plain):
    capabilities = Plain.capabilities | {"prefill"}
    usage_costs = {"cost": 1}


def event(who: str, text: str, finish: str | None = None, cost: float | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    usage = {} if cost is None else {"usage": {"prompt_tokens": 5, "completion_tokens": 2, "cost": cost}}
    head = {"id": f"id-{who}", "created": len(who), "model": f"model-{who}", "system_fingerprint": f"fp-{who}"}
    return {**head, "choices": [choice], **usage, **more}


def names(*who: str, **settings: Any) -> dict[str, Any]:
    return {"routes": [Continuing(name=one, default_model=one, **settings) for one in who]}


@pytest.mark.parametrize("mode", ASYNC)
@pytest.mark.parametrize(("costs", "total"), [((0.25, 0.5), 0.75), ((None, 0.5), 0.5), ((0.25, None), None)])
def test_it_bears_the_names_of_the_leg_that_finished_it(
    costs: tuple[float | None, float | None], total: float | None, mode: str, server: FaultServer
) -> None:
    first, second = costs
    cut = replies.stream([event("a", "one "), event("a", "two ", cost=first, x_own="a"), Close()], end=False)
    server.on("a", cut).on("b", replies.stream([event("b", "three"), event("b", "", "stop", cost=second), "[DONE]"]))
    chunks, stream = collect(mode, names("a", "b", api_base=server.base_url), on_interrupt="continue")
    completion = stream.completion
    assert "".join(chunk.text for chunk in chunks) == completion.text == "one two three"
    assert (completion.provider, completion.model) == ("b", "model-b") == (stream.provider, f"model-{stream.model}")
    assert (completion.id, completion.created, completion.system_fingerprint) == ("id-b", 1, "fp-b")
    assert completion.extra == {}
    assert completion.cost == total
    assert (completion.usage is None) == (second is None)
    if completion.usage is not None:
        assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (5, 2)


@pytest.mark.parametrize("mode", ASYNC)
def test_a_model_that_the_last_leg_does_not_name_is_the_one_it_was_asked_for(mode: str, server: FaultServer) -> None:
    nameless = {"choices": [{"index": 0, "delta": {"content": "three"}, "finish_reason": "stop"}]}
    server.on("a", replies.stream([event("a", "one "), Close()], end=False)).on("b", replies.stream([nameless]))
    _, stream = collect(mode, names("a", "b", api_base=server.base_url), on_interrupt="continue")
    completion = stream.completion
    assert (completion.text, completion.provider, completion.model) == ("one three", "b", "b")


@pytest.mark.parametrize("mode", ASYNC)
def test_three_legs_are_added_up(mode: str, server: FaultServer) -> None:
    for who, cost in (("a", 1.0), ("b", 2.0)):
        server.on(who, replies.stream([event(who, f"{who} ", cost=cost), Close()], end=False))
    server.on("c", replies.stream([event("c", "c", "stop", cost=4.0), "[DONE]"]))
    _, stream = collect(mode, names("a", "b", "c", api_base=server.base_url), on_interrupt="continue")
    assert (stream.completion.text, stream.completion.cost, stream.completion.model) == ("a b c", 7.0, "model-c")


@pytest.mark.parametrize("mode", ASYNC)
@pytest.mark.parametrize("too_long", [False, True])
def test_a_text_that_no_model_would_take_is_not_continued_and_not_kept(
    too_long: bool, mode: str, server: FaultServer
) -> None:
    text = "x" * (MAX_SENT_BACK + too_long)
    server.on("a", replies.stream([event("a", text), Close()], end=False))
    server.on("b", replies.stream([event("b", "b"), Close()], end=False))
    settings = names("a", "b", api_base=server.base_url)
    chunks, error = collect(mode, settings, on_interrupt="continue")
    assert [chunk.restarted for chunk in chunks] == [False, too_long]
    assert len(server.received[1].json["messages"]) == (1 if too_long else 2)
    parts = [one.partial_text for one in error.exceptions]
    assert parts == [text[:MAX_SENT_BACK], "b" if too_long else text + "b"]
