"""`/admin/api/`: who may ask, what is told of calls, routes, spend and keys, and what can be changed."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from helpers.admin import ADMIN, PAID, Administrator, Events, administrated
from helpers.driving import eventually
from helpers.gateways import key_table

from g4f_lite.gateway.key_store import KeyStore
from g4f_lite.gateway.settings import BudgetSettings, KeySettings
from g4f_lite.testing import replies

TEAMS = {"search": {"budget": {"usd": 200, "per": "month"}}}
KEYS = key_table(team="search", budget={"usd": 5, "per": "day"})


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Administrator]:
    """One gateway for all cases: each looks only at what it has done itself."""
    with administrated(tmp_path_factory.mktemp("gateway"), teams=TEAMS, keys=KEYS) as one:
        yield one


@pytest.fixture(autouse=True)
def awake(admin: Administrator) -> Iterator[None]:
    yield
    for route in ("groq:one", PAID):
        admin.ask(f"routes/{route}/wake", "POST")


ENDPOINTS = [
    ("GET", "status"), ("GET", "routes"), ("GET", "calls"), ("GET", "calls/x"), ("GET", "spend"), ("GET", "keys"),
    ("GET", "config"), ("GET", "live"), ("POST", "keys"), ("PATCH", "keys/team-a"), ("DELETE", "keys/team-a"),
    ("POST", "keys/team-a/rotate"), ("POST", "routes/groq:one/rest"), ("POST", "routes/groq:one/wake"),
    ("GET", "nothing"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_only_the_administrator_gets_in(admin: Administrator, method: str, path: str) -> None:
    url = f"{admin.gateway.url}/admin/api/{path}"
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {ADMIN}"},
        {"x-api-key": ADMIN},
        {"Cookie": f"key={ADMIN}"},
    ):
        answer = requests.request(method, f"{url}?key={ADMIN}", headers=headers, timeout=30)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
    answer = requests.options(url, headers={"Origin": "https://example.com"}, timeout=30)
    assert answer.status_code == 401
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


def test_the_whole_trail_of_a_call(admin: Administrator) -> None:
    admin.upstream.script(replies.error(500, "out of order"), replies.answer("It is Sunday."))
    call_id = admin.call().headers["x-request-id"]
    found = admin.ask(f"calls/{call_id}")["call"]
    assert (found["status"], found["outcome"], found["route"], found["attempts"]) == (200, "ok", PAID, 2)
    first, second = (step for step in found["steps"] if step["kind"] == "attempt")
    assert (first["route"], first["outcome"], first["status"]) == ("groq:one", "ServerError", 500)
    assert first["message"] == "out of order" and first["next"]
    assert (second["route"], second["outcome"], second["usage"]["total"]) == (PAID, "ok", found["tokens"])
    assert second["after"] >= first["after"] + first["seconds"] > 0
    assert found["usd"] == second["usd"] > 0
    assert found["key"] == "admin"


def test_waits_are_steps(admin: Administrator) -> None:
    admin.upstream.script(replies.error(429, "slow down", retry_after=0.3), replies.answer("ok"))
    found = admin.ask(f"calls/{admin.call('solo').headers['x-request-id']}")["call"]
    assert [step["kind"] for step in found["steps"]] == ["attempt", "wait", "attempt"]
    assert found["steps"][1]["seconds"] >= 0.25 and found["steps"][1]["reason"]


def test_nothing_that_was_said_is_told(admin: Administrator) -> None:
    quoted = "my password is hunter2, do not tell"
    told = f'the prompt "{quoted}" is not allowed'
    admin.upstream.script(replies.error(400, told), replies.answer("the answer of the service"))
    ids = []
    for _ in range(2):
        answer = admin.call("solo", messages=[{"role": "user", "content": quoted}])
        ids.append(answer.headers["x-request-id"])
    found = [admin.raw("GET", f"calls/{one}").text for one in ids] + [admin.raw("GET", "routes").text]
    assert "is not allowed" in found[0] and "[…]" in found[0]
    for text in found:
        assert "hunter2" not in text and "the answer of the service" not in text and "gsk_secret" not in text


def test_calls_are_listed_newest_first_in_pages(admin: Administrator) -> None:
    ids = [admin.call("solo").headers["x-request-id"] for _ in range(5)]
    page = admin.ask("calls?limit=2&model=solo")
    assert [one["id"] for one in page["calls"]] == [ids[4], ids[3]]
    page = admin.ask(f"calls?limit=3&model=solo&before={page['before']}")
    assert [one["id"] for one in page["calls"]] == [ids[2], ids[1], ids[0]]


def test_calls_are_found_by_key_route_model_and_outcome(admin: Administrator) -> None:
    admin.upstream.script(replies.error(400, "no"), replies.answer("ok"))
    failed = admin.call("solo").headers["x-request-id"]
    good = admin.call("fast").headers["x-request-id"]
    refused = admin.call("no-such-model").headers["x-request-id"]

    def listed(query: str) -> set[str]:
        return {one["id"] for one in admin.ask(f"calls?limit=500&{query}")["calls"]} & {failed, good, refused}

    assert listed("outcome=failed") == {failed, refused}
    assert listed("outcome=ok") == {good} and listed("outcome=404") == {refused} == listed("outcome=refused")
    assert listed("outcome=InvalidRequestError") == {failed} == listed("model=solo")
    assert listed("route=groq:one") == {failed, good} and listed("key=admin") == {failed, good, refused}
    assert listed("key=team-a") == set()


def test_a_refused_call_says_why(admin: Administrator) -> None:
    found = admin.ask(f"calls/{admin.call('no-such-model').headers['x-request-id']}")["call"]
    assert (found["outcome"], found["status"], found["steps"]) == ("refused", 404, [])
    assert "no-such-model" in found["error"]


def test_a_route_goes_down_and_is_woken(admin: Administrator) -> None:
    admin.upstream.script(replies.error(403, "go away"), replies.answer("ok"))
    call_id = admin.call().headers["x-request-id"]
    row = admin.route("groq:one")
    assert (row["state"], row["models"]) == ("resting", ["fast", "solo"])
    assert time.time() < row["until"] < time.time() + 3600 and "PermissionDenied" in row["reason"]
    assert (row["error"]["status"], row["error"]["message"], row["error"]["call"]) == (403, "go away", call_id)
    woken = admin.ask("routes/groq:one/wake", "POST")
    assert [(one["state"], one["until"]) for one in woken["routes"]] == [("failing", None)]
    admin.call()
    row = admin.route("groq:one")
    assert row["state"] == "ready" and row["first_content"][-1] > 0 and row["last_ok"]


def test_a_route_is_put_to_rest(admin: Administrator) -> None:
    rested = admin.ask("routes/groq%3Aone/rest", "POST", {"seconds": 3600})
    assert rested["operations"] == ["chat"] and rested["routes"][0]["state"] == "resting"
    assert rested["routes"][0]["by_hand"] and not admin.route(PAID)["by_hand"]
    assert admin.call().headers["x-g4f-route"] == PAID
    assert admin.call("solo").status_code == 503
    admin.ask("routes/groq:one/wake", "POST")
    assert admin.call().headers["x-g4f-route"] == "groq:one"


def test_spend_by_key_team_model_and_day(admin: Administrator) -> None:
    secret = admin.ask("keys", "POST", {"name": "payer", "team": "search", "budget": {"usd": 2, "per": "month"}})["key"]
    before = admin.ask("spend")
    admin.ask("routes/groq:one/rest", "POST")
    costs = [float(admin.call(key=secret).headers["x-g4f-cost-usd"]) for _ in range(3)]
    after = admin.ask("spend")

    def usd(found: Any, by: str, name: str) -> float:
        return sum(row["usd"] for row in found[by] if row["name"] == name)

    today = time.strftime("%Y-%m-%d", time.gmtime())
    for by, name in (("key", "payer"), ("team", "search"), ("model", PAID), ("day", today)):
        assert usd(after, by, name) - usd(before, by, name) == pytest.approx(sum(costs)), by
    assert after["total"]["usd"] - before["total"]["usd"] == pytest.approx(sum(costs))

    def used() -> list[Any]:
        found = admin.ask("spend")["budgets"]
        return [found[scope]["used_usd"] for scope in ("key/payer", "team/search")]

    assert after["budgets"]["key/payer"]["usd"] == 2 and after["budgets"]["team/search"]["usd"] == 200
    assert eventually(lambda: used() == pytest.approx([sum(costs)] * 2, abs=1e-7), 20)  # what is reserved goes back
    assert {"key", "model", "team"} & admin.ask("spend?by=day&days=1").keys() == set()
    row = next(row for row in admin.ask("keys")["keys"] if row["name"] == "payer")
    assert row["used"] == admin.ask("spend")["budgets"]["key/payer"]
    admin.ask("keys/payer", "DELETE")


def test_the_life_of_a_key(admin: Administrator, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "g4f_lite.gateway")
    made = admin.ask("keys", "POST", {"name": "team-b", "models": ["solo"], "rpm": 50})
    secret = made["key"]
    assert secret.startswith(made["shown"]) and len(secret) == 47
    assert admin.call("solo", secret).status_code == 200 and admin.call("fast", secret).status_code == 404
    assert secret not in admin.raw("GET", "keys").text
    row = admin.ask("keys/team-b", "PATCH", {"disabled": True})
    assert (row["disabled"], row["rpm"], row["models"]) == (True, 50, ["solo"])
    assert admin.call("solo", secret).status_code == 401
    row = admin.ask("keys/team-b", "PATCH", {"disabled": False, "rpm": None, "models": ["*"], "parallel": 7})
    assert (row["disabled"], row["rpm"], row["parallel"], row["models"]) == (False, None, 7, ["*"])
    assert admin.call("fast", secret).status_code == 200
    other = admin.ask("keys/team-b/rotate", "POST")["key"]
    assert (admin.call("fast", secret).status_code, admin.call("fast", other).status_code) == (401, 200)
    assert admin.ask("keys/team-b", "DELETE") == {"worker": made["worker"], "name": "team-b", "deleted": True}
    assert admin.call("fast", other).status_code == 401
    lines = [json.loads(one.message) for one in caplog.records if '"by":"admin"' in one.message]
    assert [one["change"] for one in lines] == [
        "POST keys", "PATCH keys/team-b", "PATCH keys/team-b", "POST keys/team-b/rotate", "DELETE keys/team-b",
    ]  # fmt: skip
    assert lines[1]["body"] == {"disabled": True} and lines[1]["from"] == "127.0.0.1"
    assert secret not in caplog.text and other not in caplog.text


REFUSED: list[tuple[str, str, Any, int, str]] = [
    ("GET", "statsu", None, 404, "did you mean '/admin/api/status'?"),
    ("DELETE", "calls", None, 404, "it takes GET"),
    ("GET", "calls?limit=0", None, 400, "limit must be a number from 1 to 500"),
    ("GET", "calls?limti=5", None, 400, "did you mean 'limit'?"),
    ("GET", "calls?before=x", None, 400, "before must be a number"),
    ("GET", "calls/g4f-none", None, 404, "there is no call 'g4f-none'"),
    ("GET", "spend?by=keys", None, 400, "did you mean 'key'?"),
    ("GET", "spend?days=401", None, 400, "days must be a number from 1 to 400"),
    ("POST", "keys", {}, 400, "name must have"),
    ("POST", "keys", {"name": "a/b"}, 400, "name must have"),
    ("POST", "keys", ["x"], 400, "must be a JSON object"),
    ("POST", "keys", {"name": "x", "rmp": 5}, 400, "did you mean 'rpm'?"),
    ("POST", "keys", {"name": "x", "rpm": 0}, 400, "rpm must be 1 or more"),
    ("POST", "keys", {"name": "x", "rpm": "5"}, 400, "must be a whole number, not a text"),
    ("POST", "keys", {"name": "x", "hash": "sha256:1"}, 400, "leave out hash"),
    ("POST", "keys", {"name": "x", "budget": {"usd": -1}}, 400, "budget must be more than 0"),
    ("POST", "keys", {"name": "x", "expires": "tomorrow"}, 400, "must be a date"),
    ("POST", "keys", {"name": "x", "team": "serach"}, 400, "did you mean 'search'?"),
    ("POST", "keys", {"name": "team-a"}, 400, "in the configuration already"),
    ("POST", "keys", {"name": "kept"}, 400, "there is a key 'kept' already"),
    ("PATCH", "keys/kept", {}, 400, "names nothing to change"),
    ("PATCH", "keys/kept", {"rmp": None}, 400, "did you mean 'rpm'?"),
    ("PATCH", "keys/kept", {"tpm": -1, "disabled": True}, 400, "tpm must be 1 or more"),
    ("PATCH", "keys/kpet", {"rpm": 1}, 404, "did you mean 'kept'?"),
    ("PATCH", "keys/team-a", {"rpm": 1}, 400, "is in the configuration; change it there"),
    ("DELETE", "keys/team-a", None, 400, "is in the configuration; change it there"),
    ("DELETE", "keys/nobody", None, 404, "there is no key 'nobody'"),
    ("POST", "keys/nobody/rotate", None, 404, "there is no key 'nobody'"),
    ("POST", "routes/groq:oen/wake", None, 404, "did you mean 'groq:one'?"),
    ("POST", "routes/groq:one/wake", {"seconds": 1}, 400, "takes no body"),
    ("POST", "routes/groq:one/rest", {"seconds": 0}, 400, "seconds must be"),
    ("POST", "routes/groq:one/rest", {"seconds": 1e9}, 400, "604800 at most"),
    ("POST", "routes/groq:one/rest", {"minutes": 5}, 400, "not 'minutes'"),
]


def test_what_is_wrong_is_refused_and_changes_nothing(admin: Administrator) -> None:
    admin.ask("keys", "POST", {"name": "kept"})
    keys = [row["name"] for row in admin.ask("keys")["keys"]], admin.ask("config")
    for method, path, body, status, message in REFUSED:
        found, said = admin.refusal(method, path, body)
        assert found == status and message in said, (method, path, body, found, said)
    assert admin.refusal("POST", "keys", {"name": "x" * 70_000})[0] == 413
    answer = admin.raw("POST", "keys", data=b"{not json")
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "the body is not JSON")
    assert admin.raw("DELETE", "keys/kept", data=b"{not json").status_code == 400
    assert ([row["name"] for row in admin.ask("keys")["keys"]], admin.ask("config")) == keys
    assert next(row for row in admin.ask("keys")["keys"] if row["name"] == "kept")["tpm"] is None
    assert admin.route("groq:one")["state"] != "resting"
    admin.ask("keys/kept", "DELETE")


def test_the_configuration_has_no_secrets(admin: Administrator) -> None:
    text = admin.raw("GET", "config").text
    found = json.loads(text)["config"]
    assert found["models"]["fast"]["routes"] == ["groq:one", PAID]
    assert found["keys"]["team-a"]["hash"].endswith("…") and len(found["keys"]["team-a"]["hash"]) < 20
    assert ADMIN not in text and "gsk_secret" not in text


def test_status(admin: Administrator) -> None:
    before = admin.ask("status")
    admin.call("solo")
    after = admin.ask("status")
    assert after["calls"] == before["calls"] + 1 and after["last_minute"]["calls"] > 0
    assert (after["state"], after["in_flight"], after["models"]) == ("ok", 0, ["fast", "solo", "paid"])
    assert after["worker"] == before["worker"]


def test_calls_and_routes_are_told_as_they_change(admin: Administrator) -> None:
    events = Events(admin)
    hello = events.next("hello")
    assert {"status", "routes", "calls", "worker"} <= hello.keys()
    admin.upstream.script(replies.error(403, "go away"), replies.answer("ok"))
    call_id = admin.call().headers["x-request-id"]
    call = events.next("call")
    assert (call["id"], [step["route"] for step in call["steps"] if step["kind"] == "attempt"]) == (
        call_id,
        ["groq:one", PAID],
    )

    def is_(state: str) -> Any:
        return lambda found: ("groq:one", state) in [(row["route"], row["state"]) for row in found["routes"]]

    events.next("routes", is_("resting"))
    admin.ask("routes/groq:one/wake", "POST")
    events.next("routes", is_("failing"))
    events.close()
    live = admin.gateway.gateway.views._live
    assert eventually(lambda: not live, 20)


def test_what_was_spent_outlives_the_gateway(tmp_path: Path) -> None:
    with administrated(tmp_path) as first:
        for _ in range(2):
            first.call("solo")
    with administrated(tmp_path) as second:
        found = second.ask("spend")
        assert (found["total"]["calls"], found["model"][0]["name"]) == (2, "groq:one")
    assert (tmp_path / "gateway-spend.db").stat().st_mode & 0o777 == 0o600


def test_two_processes_count_together(tmp_path: Path) -> None:
    settings = KeySettings(budget=BudgetSettings(usd=2))
    secret = KeyStore(tmp_path / "gateway.db").new("both", settings)
    with administrated(tmp_path) as first, administrated(tmp_path) as second:
        assert [one.call("paid", secret).status_code for one in (first, second)] == [200, 200]
        assert eventually(lambda: first.ask("spend")["total"]["calls"] == 2, 20)
        (row,) = first.ask("spend")["key"]
        assert (row["name"], row["calls"]) == ("both", 2)
        assert eventually(lambda: first.ask("keys")["keys"][0]["used"]["used_usd"] == pytest.approx(row["usd"]), 20)


def test_a_rest_holds_in_all_processes_also_in_later_ones(tmp_path: Path) -> None:
    workers = {"server": {"workers": 2, "drain_delay": 0.0}}

    def states(*all_of_them: Administrator) -> list[str]:
        return [str(one.route("groq:one")["state"]) for one in all_of_them]

    with administrated(tmp_path, **workers) as first, administrated(tmp_path, **workers) as second:
        first.ask("routes/groq:one/rest", "POST", {"seconds": 3600})
        assert eventually(lambda: states(first, second) == ["resting", "resting"], 20)
        with administrated(tmp_path, **workers) as third:
            assert eventually(lambda: states(third) == ["resting"], 20)
            second.ask("routes/groq:one/wake", "POST")
            assert eventually(lambda: states(first, second, third) == ["ready"] * 3, 20)


def test_routes_without_a_key_and_those_that_callers_name(tmp_path: Path) -> None:
    models = {"gone": {"routes": ["mistral:large"]}, "any/*": {"routes": ["openai:*"]}}
    with administrated(tmp_path, models=models) as admin:
        assert [(one["route"], one["state"]) for one in admin.ask("routes")["routes"]] == [
            ("mistral:large", "unusable")
        ]
        assert "MISTRAL_API_KEY" in admin.route("mistral:large")["reason"]
        assert admin.refusal("POST", "routes/mistral:large/rest")[0] == 400
        body = {"model": "any/text-embedding-3-small", "input": "hello"}
        url = f"{admin.gateway.base_url}/embeddings"
        assert requests.post(url, json=body, timeout=30).status_code == 200
        row = admin.route("openai:text-embedding-3-small")
        assert (row["operation"], row["state"], row["models"]) == ("embeddings", "ready", [])
        rested = admin.ask("routes/openai:text-embedding-3-small/rest", "POST", {"seconds": 3600})
        assert rested["operations"] == ["embeddings"] and rested["routes"][0]["state"] == "resting"
        assert requests.post(url, json=body, timeout=30).status_code == 503


def test_who_watches_hears_a_silence_and_the_end(tmp_path: Path) -> None:
    with administrated(tmp_path, server={"keepalive": 0.05}) as admin:
        events = Events(admin)
        assert events.next("keep-alive") is None
        admin.gateway.stop()
        assert "about to stop" in events.next("end")["reason"]
