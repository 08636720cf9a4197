"""What the results of all endpoints have in common."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from helpers.endpoints import ENDPOINTS, MODES, Endpoint, call

from g4f_lite import Transcription
from g4f_lite.testing import FaultServer


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
def test_a_result_names_its_provider_and_model(
    mode: str, endpoint: Endpoint, server: FaultServer, two: dict[str, Any]
) -> None:
    result = call(mode, two, endpoint.method, endpoint.params)
    assert type(result) is endpoint.kind
    assert (result.provider, result.model) == ("alpha", endpoint.model)
    (request,) = server.received
    assert (request.path, request.model) == (endpoint.path, endpoint.model)
    assert request.headers["authorization"] == "Bearer alpha_secret_of_the_tests"
    assert [attempt.outcome for attempt in result.attempts] == ["ok"]
    assert pickle.loads(pickle.dumps(result)) == result
    json.dumps(result.to_dict(), default=str)
    assert "secret" not in repr(result) + str(result.trail) + repr(pickle.dumps(result))
    with pytest.raises(AttributeError):
        result.model = "other"


def test_the_raw_answer_of_many_brackets_is_text() -> None:
    assert Transcription(text="", raw_json=b"[" * 200_000).raw == "[" * 200_000
