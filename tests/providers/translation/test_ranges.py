"""Numbers that a service does not take are fitted if that changes nothing, else the call goes elsewhere."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from helpers.driving import MODES, run
from helpers.plain_routes import Plain
from helpers.protocol_reading import PROVIDERS, REQUEST

from g4f_lite import UnsupportedParameterError
from g4f_lite.testing import FaultServer, replies


def body_of(who: str, **params: Any) -> Any:
    request = msgspec.structs.replace(REQUEST, **params)
    return json.loads(PROVIDERS[who].build_request(request, key=None, stream=False).body)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "sent"), [(0, 0.01), (0.001, 0.01), (0.01, 0.01), (0.5, 0.5), (0.99, 0.99), (1, 0.99)]
)
def test_top_p_is_fitted_to_the_range_of_cohere(asked: float, sent: float) -> None:
    assert body_of("cohere", top_p=asked)["p"] == sent
    assert "p" not in body_of("cohere")


OUTSIDE = [
    ("anthropic", {"temperature": 1.5}), ("cohere", {"temperature": 1.01}), ("gemini", {"temperature": 2.5}),
    ("cohere", {"frequency_penalty": 1.5}), ("cohere", {"presence_penalty": -0.1}), ("cohere", {"seed": -1}),
    ("cohere", {"seed": 2**64}), ("gemini", {"seed": 2**31}), ("gemini", {"seed": -(2**31) - 1}),
]  # fmt: skip


@pytest.mark.parametrize(("who", "params"), OUTSIDE)
def test_a_number_outside_of_a_range_is_refused_by_name(who: str, params: dict[str, Any]) -> None:
    name = next(iter(params))
    with pytest.raises(UnsupportedParameterError, match=rf"takes a {name} between \S+ and \S+, not "):
        body_of(who, **params)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("who", "params"), OUTSIDE)
def test_such_a_call_goes_to_another_leg(who: str, params: dict[str, Any], mode: str, server: FaultServer) -> None:
    server.script(replies.answer("good"))
    settings = {"keys": {who: "key_123456789"}, "base_urls": {who: server.origin}}
    outcome = run(mode, {"routes": [who, Plain(api_base=server.base_url)], **settings}, params)
    assert (outcome.text, len(server.received)) == ("good", 1)
    assert outcome.trail.attempts[0].outcome == "UnsupportedParameterError"
