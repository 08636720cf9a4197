"""What is Redis's own: its URL, its keys, its script, its answers that are lost, and its clock."""

from __future__ import annotations

import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import quote

import pytest
from helpers.redis_server import RedisServer, redis_server
from helpers.states import LONG, calls, look, requests, reserve, settle, tell, usd

from g4f_lite import ConfigurationError
from g4f_lite.health.shared_state import Amount, BeginProbe, Event, Look, Reservation, Reserve, Restore, Settle, Tell
from g4f_lite.health.stores.link import StateLink
from g4f_lite.health.stores.redis import RedisState

SECRET = "s3cr@t:/?"


@pytest.fixture
def state(server: RedisServer) -> Iterator[RedisState]:
    with closing(RedisState(server.url)) as state:
        yield state


@pytest.mark.parametrize("url", [
    "", "redis", "http://127.0.0.1:6379", "redis://127.0.0.1:port", "redis://127.0.0.1:99999", "redis://[::1",
    "redis://:hunter2@127.0.0.1/zero", "redis://:hunter2@127.0.0.1/0?db=-1", "redis://:hunter2@127.0.0.1/1/2",
    "redis://:hunter2@127.0.0.1/0?socket_timeout=60", "redis://:hunter2@127.0.0.1/0?retry_on_timeout=yes",
    "redis://:hunter2@127.0.0.1/0?ssl_ca_certs=ca.pem", "redis://:hunter2@127.0.0.1/0?hunter2", "unix://", "unix:///",
    "unix:///tmp/redis.sock?db=hunter2", "redis://:hunter2@127.0.0.1/0#hunter2", "redis://127.0.0.1/²",
])  # fmt: skip
def test_a_wrong_url_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(ConfigurationError, match="the URL of the state") as raised:
        RedisState(url)
    assert "hunter2" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("url", [
    "redis://", "redis://localhost", "redis://127.0.0.1:1/0", "rediss://user:pw@host:6380/3?ssl_ca_certs=/ca.pem",
    "unix:///tmp/redis.sock", "unix://:pw@/tmp/redis.sock?db=2", "redis://[::1]:6379/1",
])  # fmt: skip
def test_a_state_connects_only_when_it_is_used(url: str) -> None:
    state = RedisState(url)
    assert "pw" not in repr(state)
    state.close()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ConfigurationError, match=r"redis is not installed; run: .*\[redis\]"):
        RedisState("redis://127.0.0.1")


def test_a_server_that_is_not_there_is_named(server: RedisServer) -> None:
    server.kill()
    state = RedisState(server.url)
    with pytest.raises(OSError, match=f"redis://127.0.0.1:{server.port}: .*refused"):
        state.execute([Look(0, "me")])
    state.close()


def test_a_socket_and_a_database(server: RedisServer) -> None:
    one, two, three = (RedisState(server.unix_url + end) for end in ("", "?db=0", "?db=3"))
    reserve(one, usd(0), granted=True)
    reserve(one, usd(5), granted=True)
    assert two.used("budget")["nano-usd", "total"].reserved == 5
    assert three.used("budget") == {}
    for state in (one, two, three):
        state.close()


def test_a_password_is_used_and_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    with redis_server("--requirepass", SECRET) as server:
        good, wrong = (f"redis://:{quote(one, safe='')}@127.0.0.1:{server.port}/0" for one in (SECRET, "wr0ng"))
        state = RedisState(good)
        assert look(state).members == 1
        state.close()
        state = RedisState(wrong)
        with pytest.raises(OSError) as raised:
            look(state)
        link = StateLink(state, owned=True)
        link.ask((Look(0, "me"),))
        link.close()
        shown = [*traceback.format_exception(raised.value), repr(raised.value), repr(state), *caplog.messages]
        assert caplog.messages and not any("wr0ng" in one for one in shown)


def test_the_script_is_loaded_again(state: RedisState, server: RedisServer) -> None:
    reserve(state, usd(1))
    with server.client() as client:
        client.script_flush()
        assert reserve(state, usd(1)).refused_by is None
        client.script_flush()
    assert reserve(state, usd(1)).refused_by is None
    assert state.used("budget")["nano-usd", "total"].reserved == 3


def test_all_keys_end_and_have_one_tag(state: RedisState, server: RedisServer) -> None:
    windows = ("minute", "24h", "day", "week", "month", "total")
    reserve(state, calls(2), *(usd(1, window=one) for one in windows), id="a")  # type: ignore[arg-type]
    reserve(state, usd(1), lease_ms=1)
    settle(state, "a")
    for host in ("", "one"):
        tell(state, host=host)
    state.execute([BeginProbe("leg", "a", LONG), Look(0, "me"), Restore((usd(5),))])
    with server.client() as client:
        keys = client.keys()
        ends = {key: client.ttl(key) for key in keys}
    assert len(keys) > 14
    assert all(key.startswith("{g4f_lite}:") for key in keys)
    assert {key for key, end in ends.items() if end < 0} <= {"{g4f_lite}:generation"}  # made by the fixture
    state.execute([Look(0, "me")])
    with server.client() as client:
        assert client.ttl("{g4f_lite}:generation") > 300 * 86_400


def test_a_prefix_is_a_state_of_its_own(server: RedisServer) -> None:
    server.admit("other")
    one, two = RedisState(server.url), RedisState(server.url, prefix="other")
    reserve(one, usd(5))
    assert reserve(two, usd(5)).refused_by is None
    assert [state.used("budget")["nano-usd", "total"].reserved for state in (one, two)] == [5, 5]
    one.close()
    two.close()


def test_a_batch_is_one_round_trip(state: RedisState, server: RedisServer) -> None:
    reserve(state, usd(1))
    with server.client() as client:
        before = client.info("commandstats")["cmdstat_evalsha"]["calls"]
        state.execute([Reserve(str(number), (usd(1),), LONG) for number in range(100)])
        assert client.info("commandstats")["cmdstat_evalsha"]["calls"] == before + 1


def test_the_clock_of_a_process_does_not_matter(state: RedisState, monkeypatch: pytest.MonkeyPatch) -> None:
    other = RedisState(f"redis://127.0.0.1:{state._settings['port']}")
    reserve(state, requests(2), id="a")
    settle(state, "a", 1)
    began = time.time()
    monkeypatch.setattr(time, "time", lambda: began + 3600)
    assert reserve(other, requests(2)).left == (0,)
    refused = reserve(other, requests(2))
    assert refused.refused_by == 0
    monkeypatch.setattr(time, "time", lambda: began - 3600)
    assert reserve(state, requests(2)).refused_by == 0
    other.close()


def test_odd_texts_and_numbers_are_carried(state: RedisState) -> None:
    event = Event("cooldown", ("leg\ud800",), LONG, "RateLimitError", "half a pair: \ud83d")
    state.execute([Tell(event)])
    assert [one.message for one in look(state).events] == ["half a pair: ?"]
    most = (1 << 53) - 1
    huge = Amount("budget", "nano-usd", "total", 1 << 90, 1 << 70)
    assert reserve(state, huge).refused_by == 0  # a limit beyond 2^53 - 1 counts as that
    assert reserve(state, usd(1, 1 << 60)).left == (most - 1,)
    assert reserve(state, usd(most, 1 << 60)).held


def test_only_the_largest_of_what_is_told_after_a_loss_counts(state: RedisState) -> None:
    reserve(state, usd(3), id="since")
    for amount in (40, 70, 55, 70):
        state.execute([Restore((usd(amount), requests(amount=amount), calls(amount=amount)))])
    assert state.used("budget")["nano-usd", "total"] == (70, 3, 0)
    assert state.used("leg")["requests", "minute"] == (70, 0, 0)
    assert ("calls", "parallel") not in state.used("leg")


def test_a_new_state_gives_nothing_out_at_first(server: RedisServer) -> None:
    state = RedisState(server.url, prefix="new")
    begun = time.monotonic()
    first = reserve(state, usd(1))
    assert first.held and first.refused_by == 0 and 0 < first.wait_ms <= 1000
    assert reserve(state) == Reservation()
    assert reserve(state, usd(1), granted=True).refused_by is None
    while (answer := reserve(state, usd(1))).refused_by is not None:
        assert answer.held and time.monotonic() - begun < 20
        time.sleep(answer.wait_ms / 1000)
    assert time.monotonic() - begun >= 1.4
    state.close()


def test_a_new_state_waits_on_if_the_server_was_paused_meanwhile(server: RedisServer) -> None:
    """Those who know what was used before could not tell."""
    state = RedisState(server.url, prefix="new")
    assert reserve(state, usd(1)).held
    server.pause()
    time.sleep(1.6)
    server.resume()
    assert reserve(state, usd(1)).held
    state.close()


class Cable:
    """Between a client and a server; may lose answers."""

    def __init__(self, port: int) -> None:
        self.server = port
        self.losing = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.server))
            threading.Thread(target=self._carry, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self._carry, args=(far, near, True), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        try:
            while piece := source.recv(65536):
                if answers and self.losing:
                    self.losing -= 1
                    break
                target.sendall(piece)
        except OSError:
            pass
        for one in (source, target):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            if not answers:
                one.close()


@contextmanager
def cable(server: RedisServer) -> Iterator[Cable]:
    between = Cable(server.port)
    yield between
    between.listener.shutdown(socket.SHUT_RDWR)
    between.listener.close()


def test_what_is_sent_again_because_its_answer_was_lost_is_applied_once(server: RedisServer) -> None:
    with cable(server) as between:
        link = StateLink(RedisState(f"redis://127.0.0.1:{between.port}"), owned=True)
        link.ask((Reserve("first", (usd(1, 1000),), LONG),))
        for number in range(5):
            between.losing = 1
            (answer,) = link.ask((Reserve(f"lost {number}", (usd(10, 1000),), LONG),))
            assert isinstance(answer, Reservation) and answer.refused_by is None
        between.losing = 1
        link.tell(Settle("lost 0", (4,)))
        link.tell(Tell(Event("cooldown", ("leg",), LONG, "RateLimitError", "slow down")))
        link.close()
    state = RedisState(server.url)
    assert state.used("budget")["nano-usd", "total"] == (4, 41, 0)
    assert [event.name for event in look(state).events] == [("leg",)]
    state.close()


def test_a_bad_answer_is_an_error_of_the_state(server: RedisServer) -> None:
    state = RedisState(server.url)
    reserve(state, usd(1))
    with server.client() as client:
        client.set("{g4f_lite}:ends", "not what it is")
    with pytest.raises(OSError, match="WRONGTYPE"):
        reserve(state, usd(1))
    with server.client() as client:
        client.delete("{g4f_lite}:ends")
    assert reserve(state, usd(1)).refused_by is None
    state.close()


def test_a_new_state_begins_to_wait_again_after_each_short_pause(server: RedisServer) -> None:
    """Those who know what was used before look once a second: one that was not answered may be late to tell."""
    state = RedisState(server.url, prefix="new")
    began = time.monotonic()
    for _ in range(3):
        for _ in range(4):
            reserve(state, usd(1))
            time.sleep(0.1)
        server.pause()
        time.sleep(0.4)
        server.resume()
    waits, seconds = reserve(state, usd(1)).waits, time.monotonic() - began
    assert waits or seconds > 5.5  # it does not wait for ever
    state.close()
