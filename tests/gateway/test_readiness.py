"""Readiness: while it starts, and with Redis stopped under load."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import requests
from helpers.driving import eventually
from helpers.gateways import KEY, MESSAGES, Running, key_table, running, tables
from helpers.redis_server import redis_server

from g4f_lite.gateway.server import Gateway
from g4f_lite.gateway.settings import checked
from g4f_lite.testing import FaultServer

ONE_ROUTE = {"routes": ["groq:one"]}


def ready(gateway: Running) -> tuple[int, Any]:
    answer = requests.get(f"{gateway.url}/health/ready", timeout=60)
    return answer.status_code, answer.json()


def store_up(gateway: Running) -> bool:
    headers = {"Authorization": f"Bearer {gateway.gateway.made_admin_key}"}
    return "g4f_lite_store_up 1.0" in requests.get(f"{gateway.url}/metrics", headers=headers, timeout=60).text


def has_shares(gateway: Running) -> bool:
    """Return whether Redis keeps something free for this process: it does so when it is looked at, each second."""
    shares = gateway.gateway.link._writer.fallback.shares()  # type: ignore[attr-defined]
    return bool(shares) and all(one.amount > 0 for one in shares)


def test_redis_is_stopped_under_load_and_comes_back(groq: FaultServer) -> None:
    failed, answered, stop = [], [], threading.Event()

    def load() -> None:
        with requests.Session() as session:
            while not stop.is_set():
                answer = session.post(
                    f"{gateway.base_url}/chat/completions",
                    json={"messages": MESSAGES},
                    headers={"Authorization": f"Bearer {KEY}"},
                    timeout=60,
                )
                (answered if answer.status_code == 200 else failed).append(answer.text)

    with redis_server() as redis:
        keys = key_table(rpm=1_000_000, parallel=64)
        with running(tables(groq, server={"shared": redis.url}, client=ONE_ROUTE, keys=keys)) as gateway:
            assert ready(gateway) == (200, {"status": "ok"})
            assert eventually(lambda: store_up(gateway), 30)
            callers = [threading.Thread(target=load) for _ in range(3)]
            for one in callers:
                one.start()
            try:
                assert eventually(lambda: len(answered) > 10 and has_shares(gateway), 20)
                redis.kill()
                assert eventually(lambda: ready(gateway) == (200, {"status": "degraded", "away": ["redis"]}), 20)
                assert eventually(lambda: not store_up(gateway), 30)
                before = len(answered)
                assert eventually(lambda: len(answered) > before + 10, 20), failed[-1:]
                redis.start()
                assert eventually(lambda: ready(gateway) == (200, {"status": "ok"}), 20)
                before = len(answered)
                assert eventually(lambda: len(answered) > before + 10, 20), failed[-1:]
            finally:
                stop.set()
                for one in callers:
                    one.join(30)
    assert not failed, (len(failed), len(answered), sorted(set(failed)))


def test_it_is_not_ready_before_it_has_asked_its_state(groq: FaultServer) -> None:
    with redis_server() as redis, socket.create_server(("127.0.0.1", 0)) as listener:
        url = "http://{}:{}/health/ready".format(*listener.getsockname())
        early: list[requests.Response] = []
        caller = threading.Thread(target=lambda: early.append(requests.get(url, timeout=60)))

        async def start() -> requests.Response:
            gateway = Gateway(checked(tables(groq, server={"shared": redis.url}, client=ONE_ROUTE), "test"))
            await gateway.start(listener.dup())
            late = await asyncio.to_thread(requests.get, url, timeout=60)
            await gateway.stop()
            return late

        redis.pause()  # it connects, and answers nothing
        caller.start()
        assert eventually(caller.is_alive)
        late = asyncio.run(start())
        redis.resume()
        caller.join(20)
    assert (early[0].status_code, early[0].json()) == (503, {"status": "starting"})
    assert late.status_code == 200
