"""From a file to a scenario: what may be in it, and what is wrong with one that cannot work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from g4f_lite import ConfigurationError
from g4f_lite.simulation import load, simulate
from g4f_lite.simulation.reading import scenario_from

TRAFFIC: dict[str, Any] = {"rate": 1, "duration_s": 10}


def with_service(**service: Any) -> dict[str, Any]:
    return {"services": {"a": service}, "traffic": TRAFFIC}


def with_phase(**phase: Any) -> dict[str, Any]:
    return with_service(phases=[{"kind": "outage", "from_s": 1, **phase}])


def with_traffic(**traffic: Any) -> dict[str, Any]:
    return {"services": {"a": {}}, "traffic": traffic}


def with_policy(**policy: Any) -> dict[str, Any]:
    return {"services": {"a": {}, "b": {}}, "traffic": TRAFFIC, "policy": policy}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "no [services.NAME]"),
        ({"servces": {}}, "unknown name 'servces'; did you mean 'services'?"),
        (with_service(paralel=3), "[services.a] unknown name 'paralel'; did you mean 'parallel'?"),
        (with_service(parallel="many"), "parallel"),
        (with_service(parallel=0), "parallel 1 or more"),
        (with_service(queue=-1), "queue 0 or more"),
        (with_service(full_status=200), "full_status must be 400 to 599"),
        (with_service(first_content_s=-1), "first_content_s must be 0 or more"),
        (with_service(first_content_s="x"), "first_content_s"),
        (with_service(first_content_s={"median": 1}), "a p95 that is not below it"),
        (with_service(first_content_s={"median": 2, "p95": 1}), "a p95 that is not below it"),
        (with_service(first_content_s={"median": 1, "uniform": [1, 2]}), "must be a number or one of"),
        (with_service(first_content_s={"uniform": [2, 1]}), "uniform is [least, most]"),
        (with_service(first_content_s={"p95": 2, "exponential": 1}), "p95 belongs to median"),
        (with_service(first_content_s={"values": []}), "must have numbers, 0 or more"),
        (with_service(first_content_s={"values": [1, -1]}), "must have numbers, 0 or more"),
        (with_service(first_content_s={"median": 1e300, "p95": 1e308}), "numbers, 0 or more, and 1,000,000 at most"),
        (with_service(total_s=1e7), "total_s must be 0 or more, and 1,000,000 at most"),
        (with_service(first_content_s={"quantiles": [3, 1]}), "quantiles must be two or more numbers that rise"),
        (with_service(first_content_s={"mean": 1}), "unknown name 'mean'; did you mean 'median'?"),
        (with_service(tokens_per_s=0), "tokens_per_s must be more than 0"),
        (with_service(tokens_per_s=1, total_s=1), "tokens_per_s or total_s, not both"),
        (with_service(errors={"cutt": 0.1}), "did you mean 'cut'?"),
        (with_service(errors={"302": 0.1}), "neither a status of 400 to 599 nor one of"),
        (with_service(errors={"500": 0.6, "cut": 0.6}), "together they are more than 1"),
        (with_service(errors={"500": 2}), "500 must be a share of 0 to 1"),
        (with_service(limits={}), "limits needs rpm or tpm"),
        (with_service(limits={"rpm": 0}), "limits rpm and tpm must be 1 or more"),
        (with_service(limits={"rpm": 1, "window": "slidin"}), "not 'slidin'; did you mean 'sliding'?"),
        (with_service(limits={"rpm": 1, "burst": 0.5}), "burst is a share above 0 of a bucket"),
        (with_service(limits={"rpm": 1, "retry_after": -1}), "retry_after must be"),
        (with_service(prices={"prompt": -1}), "prices must be 0 or more"),
        (with_service(models=[]), "models is empty"),
        ({"services": {"A b": {}}, "traffic": TRAFFIC}, "[services.A b] the name must match"),
        (with_phase(until_s=0.5), "phases, number 1: from_s must be 0 or more, and less than until_s"),
        (with_phase(how="refusd"), "did you mean 'refused'?"),
        (with_phase(factor=2), "factor and errors belong to a brownout"),
        (with_phase(untl_s=3), "[services.a.phases, number 1] unknown name 'untl_s'; did you mean 'until_s'?"),
        (with_phase(kind="flapping", share=2), "share 0 to 1"),
        (with_phase(kind="brownout", errors={"x": 1}), "phases, number 1: errors: 'x' is neither"),
        (with_traffic(), "needs rate, bursts, workers or times_s"),
        (with_traffic(rate=1), "needs duration_s or calls, or it has no end"),
        (with_traffic(rate=1e30, duration_s=3), "rate and duration_s make more than 100,000,000 calls"),
        (with_traffic(rate=2, duration_s=1e300), "rate and duration_s make more than 100,000,000 calls"),
        (with_traffic(workers=1, duration_s=1e300), "duration_s must be more than 0, and 100,000,000 at most"),
        (with_traffic(rate=1, calls=10**30), "calls must be 100,000,000 at most"),
        (with_traffic(bursts=[{"at_s": 1, "calls": 10**30}]), "calls must be 100,000,000 at most"),
        (with_traffic(workers=10**9, calls=5), "workers must be 0 to 1,000,000"),
        (with_traffic(workers=1), "needs duration_s or calls, or it has no end"),
        (with_traffic(rate=0, calls=1), "rate must be more than 0"),
        (with_traffic(rate=1, calls=0), "calls and max_tokens must be 1 or more"),
        (with_traffic(bursts=[{"at_s": 1, "calls": 0}]), "bursts need at_s, 0 or more, and calls, 1 or more"),
        (with_traffic(times_s=[-1]), "times_s must be 0 or more"),
        (with_traffic(times_file="none.txt"), "none.txt"),
        (with_traffic(rate=1, calls=1, stream=2), "stream must be true, false or a share of 0 to 1"),
        (with_traffic(rate=1, calls=1, prompt_tokens={"p95": 1}), "prompt_tokens must be a number or one of"),
        ({**with_traffic(rate=1, calls=1), "clients": {"count": 0}}, "[clients] count must be 1 to"),
        (with_policy(routes=["c"]), "[policy] routes: there is no [services.c]"),
        (with_policy(routes=[["a", "b:x"]]), "[services.b] has no model 'x'"),
        (with_policy(limits={"c": {"rpm": 1}}), "[policy] limits: there is no [services.c]"),
        (with_policy(patienc=1), "[policy] unknown name 'patienc'; did you mean 'patience'?"),
    ],
)
def test_a_scenario_that_cannot_work_is_an_error_that_says_where(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        scenario_from(given, "file.toml")
    assert str(caught.value).startswith("file.toml: ")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        ({"retries": -1}, "retries must be a whole number"),
        ({"patience": -1.0}, "patience must be a number of seconds above 0"),
        ({"strategy": "fastes"}, "there is no strategy 'fastes'; did you mean 'fastest'?"),
        ({"hedge_after": 0.0}, "hedge_after must be"),
        ({"timeouts": {"conect": 1.0}}, "timeouts: "),
        ({"timeouts": {"connect": -1.0}}, "Timeouts.connect must be"),
        ({"limits": {"a": {"rpm": 0}}}, "Limits.rpm must be"),
        ({"budget": {"usd": -1}}, "Budget.usd must be"),
        ({"budget": {"usd": 1, "per": "year"}}, "Budget.per must be one of"),
    ],
)
def test_the_checks_of_the_client_check_the_policy_before_anything_runs(policy: dict[str, Any], says: str) -> None:
    scenario = scenario_from({**with_policy(**policy), "name": "mine"})
    with pytest.raises(ConfigurationError) as caught:
        simulate(scenario)
    assert "[policy] of mine: " in str(caught.value)
    assert says in str(caught.value)


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "scenario.toml"
    with pytest.raises(ConfigurationError, match=r"scenario\.toml"):
        load(path)
    path.write_text("[services", "utf-8")
    with pytest.raises(ConfigurationError, match=r"scenario\.toml"):
        load(path)


def test_another_file_takes_what_it_leaves_out_from_the_first_one(tmp_path: Path) -> None:
    first, second = tmp_path / "first.toml", tmp_path / "second.toml"
    first.write_text('seed = 7\n[services.a]\n[services.b]\n[traffic]\ntimes_file = "times.txt"\n', "utf-8")
    (tmp_path / "times.txt").write_text("0.5\n2\n1.5\n", "utf-8")
    second.write_text('[policy]\nroutes = ["b"]\npatience = 1\n', "utf-8")
    base = load(first)
    other = load(second, base=base)
    assert (base.name, other.name) == ("first", "second")
    assert other.services == base.services
    assert other.traffic == base.traffic
    assert other.traffic.times_s == [0.5, 2.0, 1.5]
    assert other.seed == 7
    assert (base.policy.routes, other.policy.routes) == (None, ["b"])
