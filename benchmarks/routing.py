"""
Routing alone, in a process of its own: plan, health, trail, observers and, after a failure, tenacity. No HTTP, nothing
built, nothing parsed. Prints microseconds of CPU a call, by the number of routes.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable

import g4f_lite
from g4f_lite.call import Call

from .contenders import MESSAGES
from .contenders.g4f_lite_router import Observer

ROUTES = (1, 10, 100, 1000)
_HEADERS = {"content-type": "application/json", "content-length": "300"}


def _client(routes: int) -> g4f_lite.Client:
    providers = [
        g4f_lite.OpenaiTemplate.__class__(
            f"P{number}",
            (g4f_lite.OpenaiTemplate,),
            {"name": f"p{number}", "api_base": f"http://127.0.0.1:1/{number}", "default_model": "a",
             "fallback_models": ("b",), "needs_auth": False},
        )
        for number in range(routes)
    ]  # fmt: skip
    return g4f_lite.Client(routes=[provider() for provider in providers], plugins=[Observer()])


def _succeed(call: Call) -> None:
    run = call.plan.begin()
    call.hooks.observe("attempt_started", run.attempt)
    call.hooks.observe("attempt_finished", call.plan.succeed(run, 200, _HEADERS))


def _fail_once() -> Callable[[Call], None]:
    failed: list[Call] = []

    def attempt(call: Call) -> None:
        if failed:
            failed.clear()
            _succeed(call)
            return
        failed.append(call)
        run = call.plan.begin()
        call.hooks.observe("attempt_started", run.attempt)
        error = g4f_lite.UnsupportedParameterError("not here", status=400)  # the next leg at once, nothing remembered
        call.hooks.observe("attempt_finished", call.plan.fail(run, error))
        raise error

    return attempt


def _microseconds(client: g4f_lite.Client, attempt: Callable[[Call], None], times: int, rounds: int) -> float:
    params = {"messages": MESSAGES}
    taken = []
    for _ in range(rounds):
        began = time.process_time()
        for _ in range(times):
            call = client._core.start(params)
            client._run(call, attempt)
            call.finished()
        taken.append((time.process_time() - began) / times * 1e6)
    return min(taken)  # other load on the machine only adds


def main() -> None:
    rounds = int(sys.argv[1])
    measured = {}
    for routes in ROUTES:
        client = _client(routes)
        gc.collect()
        _microseconds(client, _succeed, 100, 1)
        measured[routes] = {
            "at once": _microseconds(client, _succeed, 400, rounds),
            "after a failure": _microseconds(client, _fail_once(), 400, rounds),
        }
        client.close()
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
