"""
Routing alone: plan, health, trail, observers and, after a failure, tenacity. It sends, builds and parses nothing.

It has the interface of a contender, with a function for each number of routes.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import partial

import g4f_lite
from g4f_lite.call.call import Call

from .cases import ROUTES
from .contenders import MESSAGES
from .contenders.g4f_lite_router import Observer

_HEADERS = {"content-type": "application/json", "content-length": "300"}


def _client(routes: int) -> g4f_lite.Client:
    providers = [
        type(
            f"P{number}",
            (g4f_lite.OpenaiTemplate,),
            {"name": f"p{number}", "api_base": f"http://127.0.0.1:1/{number}", "default_model": "a",
             "fallback_models": ("b",), "needs_auth": False},
        )
        for number in range(routes)
    ]  # fmt: skip
    return g4f_lite.Client(routes=[provider() for provider in providers], plugins=[Observer()])


def _succeed(call: Call) -> None:
    state = call.plan.begin()
    call.hooks.observe("attempt_started", state.attempt)
    call.hooks.observe("attempt_finished", call.plan.succeed(state, 200, _HEADERS))


def _fail_once() -> Callable[[Call], None]:
    failed: list[Call] = []

    def attempt(call: Call) -> None:
        if failed:
            failed.clear()
            _succeed(call)
            return
        failed.append(call)
        state = call.plan.begin()
        call.hooks.observe("attempt_started", state.attempt)
        error = g4f_lite.UnsupportedParameterError("not here", status=400)  # fails over at once and is not remembered
        call.hooks.observe("attempt_finished", call.plan.fail(state, error))
        try:
            raise error
        finally:
            del error  # as in a driver: a name in this frame would make a cycle with its traceback

    return attempt


def _routed(attempt: Callable[[], Callable[[Call], None]], routes: int, _base: str) -> Callable[[], bool]:
    client, act, params = _client(routes), attempt(), {"messages": MESSAGES}
    gc.collect()

    def call() -> bool:
        call = client._calls.chat_call(params)
        client._driver.run(call, act)
        call.finish()
        return True

    return call


at_once_1, at_once_10, at_once_100, at_once_1000 = (partial(_routed, lambda: _succeed, routes) for routes in ROUTES)
after_failure_1, after_failure_10, after_failure_100, after_failure_1000 = (
    partial(_routed, _fail_once, routes) for routes in ROUTES
)
