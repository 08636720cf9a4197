"""Numbers of a configuration with which nothing could be answered."""

from __future__ import annotations

from typing import Any

import pytest

from g4f_lite import ConfigurationError
from g4f_lite.gateway.settings import checked


@pytest.mark.parametrize("value", [0, -1])
@pytest.mark.parametrize("name", ["max_body", "max_in_flight", "keepalive", "client_stall"])
def test_a_number_that_must_be_above_0(name: str, value: int) -> None:
    with pytest.raises(ConfigurationError, match=rf"^here: \[server\] {name} must be more than 0$"):
        checked({"server": {name: value}}, "here")


@pytest.mark.parametrize("value", [-0.5, float("nan")])
@pytest.mark.parametrize("name", ["drain_delay", "drain_timeout"])
def test_a_wait_that_must_not_be_below_0(name: str, value: float) -> None:
    checked({"server": {name: 0}}, "here")
    with pytest.raises(ConfigurationError, match=rf"{name} must be 0 or more"):
        checked({"server": {name: value}}, "here")


def test_a_model_answers_one_token_at_least() -> None:
    models: dict[str, Any] = {"small": {"routes": ["groq:one"], "max_tokens": 0}}
    with pytest.raises(ConfigurationError, match=r"\[models.small\] max_tokens must be 1 or more"):
        checked({"models": models}, "here")
