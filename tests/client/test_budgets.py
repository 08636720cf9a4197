"""`budget=`: no more is spent than allowed, and the rest is not lost."""

from __future__ import annotations

import time
from typing import Any

import pytest
from helpers.driving import MESSAGES, MODES, run
from helpers.limited import Counted, Day, FastState, Night
from helpers.sharing import ask_all

import g4f_lite
from g4f_lite import Budget, BudgetExceededError, Client, ConfigurationError, NoUsableRouteError, QuotaExceededError
from g4f_lite.health.quotas import price_of
from g4f_lite.testing import FaultServer, replies

MODEL = "openai/gpt-oss-120b"
ONE = {"model": f"groq:{MODEL}", "fallback_models": [], "max_tokens": 20}
"""The keywords of a call with one leg."""


def nano(client_settings: dict[str, Any]) -> int:
    """Return what a call costs at the price that genai-prices has: 5 tokens of a prompt and 1 of an answer."""
    with Client(**client_settings) as client:
        cost = client.chat.completions.create(messages=MESSAGES, **ONE).trail.cost
    assert cost is not None
    return round(cost * 1e9)


def spent(state: FastState, window: str = "day", name: str = "default") -> int:
    return state.used(f"budget/{name}")["nano-usd", window].spent


def only(groq: FaultServer, **more: Any) -> dict[str, Any]:
    return {"keys": {"groq": "gsk_budget"}, "base_urls": {"groq": groq.base_url}, "routes": [f"groq:{MODEL}"], **more}


@pytest.mark.parametrize("mode", MODES)
def test_what_calls_cost_is_counted_to_the_nano_dollar(mode: str, groq: FaultServer) -> None:
    state = FastState()
    one = nano(only(groq))
    for _ in range(3):
        assert run(mode, only(groq, budget=Budget(usd=1), state=state), ONE).text == "ok"
    assert spent(state) == 3 * one > 0
    assert state.under_way("budget/default") == 0


@pytest.mark.no_cover
@pytest.mark.parametrize("mode", MODES)
def test_parallel_calls_never_spend_more_than_the_budget(mode: str, groq: FaultServer) -> None:
    groq.script(Counted(0.01))
    state, usd = FastState(), 0.0001
    budget = only(groq, budget=Budget(usd=usd), state=state, deadline=60)
    answers = ask_all(mode, budget, ONE, 120, 50)
    refused = [one for one in answers if isinstance(one, Exception)]
    assert {type(one) for one in refused} == {BudgetExceededError}
    most = max(amount.amount for _, reserve in state.granted for amount in reserve.amounts)
    assert usd * 1e9 - most <= spent(state) <= usd * 1e9
    assert len(groq.received) == len(answers) - len(refused)
    assert state.under_way("budget/default") == 0


@pytest.mark.parametrize("mode", MODES)
def test_a_spent_budget_is_final_and_tells_when_the_next_one_begins(mode: str, groq: FaultServer) -> None:
    state = FastState()
    error = run(mode, only(groq, budget=Budget(usd=1e-6), state=state), ONE).error
    assert type(error) is BudgetExceededError and isinstance(error, QuotaExceededError)
    assert error.code == "insufficient_quota"
    assert "the budget of $1e-06 a day is spent: it has no room for $" in str(error)
    assert error.attempts == () and groq.received == []
    assert error.trail.skipped[0].reason == error.message


@pytest.mark.parametrize("mode", MODES)
def test_after_the_end_of_the_window_there_is_a_new_budget(mode: str, groq: FaultServer) -> None:
    state = FastState()
    run(mode, only(groq, budget=Budget(usd=1, name="large"), state=state), ONE)
    most = state.granted[0][1].amounts[0].amount
    one = only(groq, budget=Budget(usd=most / 1e9), state=state)
    assert run(mode, one, ONE).text == "ok"
    error = run(mode, one, ONE).error
    assert isinstance(error, BudgetExceededError)
    assert error.retry_at is not None
    left = error.retry_at - time.time()
    assert 0 < left <= 86_400
    state.began -= left + 1  # time passes
    again = run(mode, one, ONE)
    assert (again.text, again.error) == ("ok", None)


def test_a_budget_in_all_has_no_next_one(groq: FaultServer) -> None:
    state = FastState()
    error = run("sync", only(groq, budget=Budget(usd=1e-6, per="total"), state=state), ONE).error
    assert isinstance(error, BudgetExceededError) and error.retry_at is None
    assert "the budget of $1e-06 in all is spent" in str(error)


@pytest.mark.parametrize("mode", MODES)
def test_a_cheaper_leg_is_used_if_the_first_one_is_too_expensive(mode: str, groq: FaultServer) -> None:
    state = FastState()
    client_settings = only(groq, budget=Budget(usd=1.5e-5), state=state)
    client_settings["routes"] = [f"groq:{MODEL}", "groq:openai/gpt-oss-20b"]
    outcome = run(mode, client_settings, {"max_tokens": 20})
    assert outcome.completion is not None and outcome.completion.model == "openai/gpt-oss-20b"
    assert outcome.trace[0].startswith(f"groq:{MODEL} skipped: the budget of $1.5e-05 a day is spent")


@pytest.mark.parametrize("mode", MODES)
def test_a_route_of_unknown_price_is_not_used_unless_it_is_allowed(mode: str, groq: FaultServer) -> None:
    unpriced = {"model": "made-up", "provider": "groq", "fallback_models": []}
    refused = run(mode, only(groq, budget=Budget(usd=1), state=FastState()), unpriced)
    assert isinstance(refused.error, NoUsableRouteError)
    assert "the price of groq:made-up is not known" in str(refused.error) and 'unknown_price="allow"' in str(
        refused.error
    )
    assert groq.received == []
    state = FastState()
    allowed = only(groq, budget=Budget(usd=1, unknown_price="allow"), state=state)
    assert run(mode, allowed, unpriced).text == "ok"
    assert state.under_way("budget/default") == 0


def test_what_runs_here_without_a_key_costs_nothing(server: FaultServer) -> None:
    state = FastState()
    routes = [Day(api_base=server.base_url)]
    with Client(routes=routes, budget=Budget(usd=1e-9), state=state) as client:
        assert client.chat.completions.create(messages=MESSAGES).text == "ok"
    with (
        Client(routes=[Night(api_base=server.base_url, needs_auth=True, api_key="k")], budget=Budget(usd=1)) as client,
        pytest.raises(NoUsableRouteError, match="price of night:moon is not known"),
    ):
        client.chat.completions.create(messages=MESSAGES)


def test_the_price_of_images_is_not_known_and_lists_of_models_are_free(two: dict[str, Any]) -> None:
    with Client(**two, budget=Budget(usd=1)) as client:
        client.models.list(provider="alpha")
        with pytest.raises(NoUsableRouteError, match="is not known"):
            client.images.generate(prompt="a sun", provider="alpha")
    with Client(**two, budget=Budget(usd=1, unknown_price="allow")) as client:
        client.images.generate(prompt="a sun", provider="alpha")


@pytest.mark.parametrize("mode", MODES)
def test_a_failed_call_costs_nothing_and_one_that_is_cut_what_it_reserved(mode: str, groq: FaultServer) -> None:
    groq.script(replies.error(400, "no"))
    state = FastState()
    run(mode, only(groq, budget=Budget(usd=1), state=state, retries=0), ONE)
    assert spent(state) == 0
    groq.script(replies.silence())
    params = {**ONE, "timeout": 0.3}
    run(mode, only(groq, budget=Budget(usd=1), state=state, retries=0), params)
    assert spent(state) == state.granted[-1][1].amounts[0].amount > 0
    assert state.under_way("budget/default") == 0


def test_clients_with_one_state_share_a_budget_by_its_name(groq: FaultServer) -> None:
    state = FastState()
    one = nano(only(groq))
    with (
        Client(**only(groq, budget=Budget(usd=1, name="team"), state=state)) as first,
        Client(**only(groq, budget=Budget(usd=1, name="team"), state=state)) as second,
        Client(**only(groq, budget=Budget(usd=1, name="other"), state=state)) as third,
    ):
        for client in (first, second, third):
            client.chat.completions.create(messages=MESSAGES, **ONE)
    assert (spent(state, name="team"), spent(state, name="other")) == (2 * one, one)


def test_the_price_is_that_of_the_list(groq: FaultServer) -> None:
    with Client(**only(groq)) as client:
        ((leg,),) = client._calls.router.select(ONE).tiers
    price = price_of(leg)
    assert price is not None and 0 < price.prompt < price.completion


@pytest.mark.parametrize(
    "wrong",
    [
        {"usd": 0}, {"usd": -1}, {"usd": True}, {"usd": float("inf")}, {"usd": float("nan")}, {"usd": "5"},
        {"usd": 1, "per": "hour"}, {"usd": 1, "name": " "}, {"usd": 1, "when_down": "x"},
        {"usd": 1, "unknown_price": True},
    ],
)  # fmt: skip
def test_a_budget_that_is_none_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(g4f_lite.ConfigurationError, match=r"Budget\."):
        Budget(**wrong)


@pytest.mark.parametrize(
    "usd", [0, -1, True, "1", float("nan"), float("inf"), 1e308, 10**400], ids=lambda usd: repr(usd)[:5]
)
def test_an_amount_that_cannot_be_counted_is_refused(usd: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"Budget\.usd must be a number above 0, and 1e\+15 at most"):
        Budget(usd=usd)
