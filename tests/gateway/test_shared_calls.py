"""What processes tell each other of their calls."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from helpers.admin import PAID, Administrator, Events, administrated
from helpers.driving import eventually

from g4f_lite.gateway.admin.file import AdminFile
from g4f_lite.gateway.admin.recent import KEPT, KEPT_REFUSED, Recent
from g4f_lite.gateway.admin.shared_calls import Counted, SharedCalls
from g4f_lite.gateway.records import Record
from g4f_lite.openai.mapping.requests import Asked, place_of
from g4f_lite.records.trail import Attempt, Trail
from g4f_lite.testing import replies
from g4f_lite.types.endpoint import MediaUsage
from g4f_lite.types.usage import Usage

WORKERS: dict[str, Any] = {"server": {"workers": 2, "drain_delay": 0.0}}


def ids(admin: Administrator) -> list[str]:
    return [one["id"] for one in admin.ask("calls?limit=500")["calls"]]


def test_each_process_tells_the_calls_of_all(tmp_path: Path) -> None:
    with administrated(tmp_path, **WORKERS) as first, administrated(tmp_path, **WORKERS) as second:
        events = Events(second)
        events.next("hello")
        first.upstream.script(replies.error(500, "out of order"), replies.answer("It is Sunday."))
        answered = first.call().headers["x-request-id"]
        refused = first.call("no-such-model").headers["x-request-id"]
        own = second.call("solo").headers["x-request-id"]
        heard = events.next("call", lambda call: call["id"] == answered)
        events.close()
        known = first.ask(f"calls/{answered}")["call"]
        assert known["attempts"] == 2 and known["usd"] > 0 and known["steps"][0]["message"] == "out of order"
        assert second.ask(f"calls/{answered}")["call"] == known == heard
        assert eventually(lambda: all(ids(one) == [own, refused, answered] for one in (first, second)), 20)
        assert second.ask(f"calls/{refused}") == first.ask(f"calls/{refused}")
        assert [one.ask("status")["calls"] for one in (first, second)] == [3, 3]
        error = second.route("groq:one")["error"]
        assert (error["call"], error["message"]) == (answered, "out of order")
        assert second.route(PAID)["attempts"] == 1
        with administrated(tmp_path, **WORKERS) as third:
            assert eventually(lambda: ids(third) == [own, refused, answered], 20)


def test_what_was_said_is_not_in_the_file(tmp_path: Path) -> None:
    quoted = "my password is hunter2, do not tell"
    with administrated(tmp_path, **WORKERS) as first:
        first.upstream.script(replies.error(400, f'the prompt "{quoted}" is not allowed'), replies.answer("said"))
        failed = first.call("solo", messages=[{"role": "user", "content": quoted}]).headers["x-request-id"]
    with administrated(tmp_path, **WORKERS) as second:
        assert eventually(lambda: ids(second) == [failed], 20)
        assert "is not allowed" in second.ask(f"calls/{failed}")["call"]["error"]
    assert b"is not allowed" in (tmp_path / "gateway-spend.db").read_bytes()
    for path in tmp_path.iterdir():
        assert b"hunter2" not in path.read_bytes()


def test_calls_under_way_count_until_their_process_ends(tmp_path: Path) -> None:
    go_on = threading.Event()

    def counts() -> tuple[int, int]:
        status = first.ask("status")
        return status["in_flight"], status["calls"]

    with administrated(tmp_path, **WORKERS) as first:
        with administrated(tmp_path, **WORKERS) as second:
            second.upstream.script(lambda request: (go_on.wait(30), replies.answer("ok")(request))[1])
            caller = threading.Thread(target=second.call, args=("solo",))
            caller.start()
            assert eventually(lambda: counts() == (1, 0), 20)
            go_on.set()
            caller.join()
            assert eventually(lambda: counts() == (0, 1), 20)
        with closing(sqlite3.connect(tmp_path / "gateway-spend.db")) as table:
            assert table.execute("SELECT count(*) FROM workers").fetchone() == (1,)
        assert eventually(lambda: counts() == (0, 0), 20)
        assert len(ids(first)) == 1


def test_a_file_that_cannot_be_used_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder := tmp_path / "own").mkdir()
    said = "what other workers tell cannot be read"
    with caplog.at_level(logging.WARNING, "g4f_lite.gateway"), administrated(folder, **WORKERS) as admin:
        folder.rename(tmp_path / "away")  # while threads may write into it
        assert eventually(lambda: said in caplog.text, 20)
        gateway = admin.gateway
        for _ in range(3):
            asyncio.run_coroutine_threadsafe(gateway.gateway.views._share(), gateway.loop).result(30)
        assert caplog.text.count(said) == 1
        (tmp_path / "away").rename(folder)


# -- the file ------------------------------------------------------------------------------


def ended(recent: Recent, name: str, *, refused: bool = False) -> Record:
    record = Record(name, "key", "chat", "model")
    record.end(404 if refused else 200)
    if not refused:
        record.trail = Trail(entries=(Attempt(provider="groq", model="one", outcome="ok"),), outcome="ok")
    recent.add(record, Asked(place_of("POST", "/v1/chat/completions"), {}))
    return record


def heard_by(shared: SharedCalls) -> list[Record]:
    for _ in range(2):  # as if the task of the first one had been cancelled: an administrator has hung up
        shared.exchange([], Counted())
    found = list(shared.heard)
    shared.heard.clear()
    return found


def test_a_flood_of_refusals_displaces_no_calls(tmp_path: Path) -> None:
    file, recent = AdminFile(tmp_path / "spend.db"), Recent()
    teller, listener = SharedCalls(file, "1"), SharedCalls(file, "2")
    for number in range(3):
        for _ in range(KEPT):
            ended(recent, f"call {number}")
            ended(recent, f"refused {number}", refused=True)
        teller.exchange(recent.own_after(teller.shared_up_to), Counted())
    heard = heard_by(listener)
    assert [one.request_id for one in heard if one.trail is not None] == ["call 2"] * KEPT
    assert [one.request_id for one in heard if one.trail is None] == ["refused 2"] * KEPT_REFUSED
    assert {one.worker for one in heard} == {"1"}
    assert heard_by(listener) == []


def test_what_could_not_be_told_is_told_once_later(tmp_path: Path) -> None:
    (folder := tmp_path / "own").mkdir()
    file, recent = AdminFile(folder / "spend.db"), Recent()
    teller, listener = SharedCalls(file, "1"), SharedCalls(file, "2")
    ended(recent, "first")
    shutil.rmtree(folder)
    with pytest.raises((OSError, sqlite3.Error)):
        teller.exchange(recent.own_after(teller.shared_up_to), Counted())
    folder.mkdir()
    ended(recent, "second")
    both = recent.own_after(teller.shared_up_to)
    for _ in range(2):  # as if the first one had been cancelled while its thread went on
        teller.exchange(both, Counted(in_flight=3, ended=2))
    assert [one.request_id for one in heard_by(listener)] == ["first", "second"]
    assert listener.others == Counted(in_flight=3, ended=2)
    teller.exchange([], None)
    assert (heard_by(listener), listener.others) == ([], Counted())


def test_the_usage_of_media_stays_what_it_is(tmp_path: Path) -> None:
    file, recent, usage = AdminFile(tmp_path / "spend.db"), Recent(), MediaUsage(type="tokens", total_tokens=7)
    record = ended(recent, "image")
    record.trail = Trail(entries=(Attempt(provider="openai", model="image", outcome="ok", usage=usage),), outcome="ok")
    SharedCalls(file, "1").exchange([record], Counted())
    (heard,) = heard_by(SharedCalls(file, "2"))
    assert heard.trail is not None and heard.trail.usage == usage


def test_a_call_that_cannot_be_told_or_heard_is_left_out(tmp_path: Path) -> None:
    file, recent = AdminFile(tmp_path / "spend.db"), Recent()
    teller = SharedCalls(file, "1")
    for usage in (object(), Usage(total_tokens=10**30), Usage(extra={"half": "\ud800"}), "odd"):
        record = ended(recent, "odd")
        record.trail = Trail(entries=(Attempt(provider="groq", model="one", outcome="ok", usage=usage),), outcome="ok")
    ended(recent, "good")
    teller.exchange(recent.own_after(0), Counted())
    with closing(sqlite3.connect(tmp_path / "spend.db")) as table, table:
        for call in (b"", b"\x01", b"\x93\x01\x02\x03", msgspec.msgpack.encode(["id"] * 30)):
            table.execute("INSERT INTO calls (teller, at, refused, call) VALUES ('3/x', ?, 0, ?)", (time.time(), call))
    assert [one.request_id for one in heard_by(SharedCalls(file, "2"))] == ["good"]
