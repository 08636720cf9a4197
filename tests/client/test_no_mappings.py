"""What has items, but is no mapping, where a mapping belongs."""

from __future__ import annotations

import collections
from typing import Any

import pytest
from helpers.driving import MODES, run
from helpers.endpoints import seen
from helpers.plain_routes import Plain

from g4f_lite import InvalidRequestError
from g4f_lite.testing import FaultServer

VALUES = {"range": range(3), "text": collections.UserString("x")}


@pytest.mark.parametrize("name", ["tool_choice", "stream_options", "extra_body", "metadata", "response_format"])
@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("mode", MODES)
def test_it_is_refused_before_any_io(mode: str, value: str, name: str, server: FaultServer) -> None:
    outcome = run(mode, {"routes": [Plain(api_base=server.base_url)]}, {name: VALUES[value]})
    assert isinstance(outcome.error, InvalidRequestError)
    assert outcome.error.message.startswith(name)
    assert not server.received


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_other_endpoints_refuse_it_too(mode: str, two: dict[str, Any], server: FaultServer) -> None:
    params: dict[str, Any] = {"input": "a", "extra_body": VALUES["range"]}
    assert isinstance(seen(mode, two, "embeddings.create", params).error, InvalidRequestError)
    assert not server.received
