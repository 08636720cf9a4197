"""What a caller is told of an exception. No sockets."""

from __future__ import annotations

import pytest

from g4f_lite import G4FLiteError, InvalidRequestError
from g4f_lite.gateway.failures import error_json, failure_of, message_of


@pytest.mark.parametrize("error", [RuntimeError("what the code holds"), G4FLiteError("what the code holds")])
def test_a_fault_of_the_gateway_itself_shows_nothing_of_its_code(error: Exception) -> None:
    assert (failure_of(error).status, failure_of(error).type) == (500, "server_error")
    assert "g4f-17" in message_of(error, "g4f-17")
    assert b"what the code holds" not in error_json(error, "g4f-17")


def test_a_mistake_of_the_caller_is_told() -> None:
    assert message_of(InvalidRequestError("n must be a number"), "g4f-17") == "n must be a number"
