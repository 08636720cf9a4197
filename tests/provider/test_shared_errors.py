"""A plugin may have one error for all its failures: each call gets its own all the same."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.driving import MODES, run
from helpers.plain_routes import Plain

import g4f_lite
from g4f_lite import LocalProvider, ServerError
from g4f_lite.testing import FaultServer, replies

ONE = ServerError("it is down")


class Classifies(Plain):
    def classify_error(self, reply: Any) -> g4f_lite.ProviderError:
        return ONE


class Builds(Plain):
    def build_request(self, request: Any, *, key: Any, stream: bool) -> Any:
        raise ONE


class Here(LocalProvider):
    name, default_model = "plain", "m"

    def stream(self, request: Any, *, cancelled: Any) -> Any:
        raise ONE


class Refines:
    @g4f_lite.hookimpl
    def refine_error(self, error: Any) -> Any:
        return ONE


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "settings",
    [
        {"routes": [Classifies()]},
        {"routes": [Builds()]},
        {"routes": [Here()]},
        {"routes": [Plain()], "plugins": [Refines()]},
    ],
    ids=["classifies", "builds", "here", "refines"],
)
def test_what_a_call_writes_into_its_error_is_in_no_other(
    settings: dict[str, Any], mode: str, server: FaultServer
) -> None:
    server.script(replies.error(500, "the first"), replies.error(500, "the second"))
    settings = {**settings, "base_urls": {"plain": server.base_url}, "retries": 0}
    first, second = (
        run(mode, settings, {"model": f"plain:{model}", "fallback_models": []}).error for model in ("a", "b")
    )
    assert isinstance(first, ServerError) and isinstance(second, ServerError)
    assert (first.model, second.model) == ("a", "b")
    assert [error.trail.attempts[0].model for error in (first, second)] == ["a", "b"]
    assert "the first" not in repr(second.body)
    assert (ONE.provider, ONE.body, ONE.trail.entries, ONE.__traceback__) == ("", None, (), None)
