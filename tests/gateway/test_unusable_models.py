"""A name whose routes or strategy do not exist is found before anybody is answered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from g4f_lite import ConfigurationError
from g4f_lite.gateway.key_store import KeyStore
from g4f_lite.gateway.overview import overview
from g4f_lite.gateway.server import Gateway
from g4f_lite.gateway.settings import checked


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"routes": ["groq"], "strategy": "fast"}, r"\[models.quick\]: there is no strategy 'fast'"),
        ({"routes": ["grok:x"]}, r"\[models.quick\]: there is no provider 'grok'"),
        ({"routes": [["groq", ""]]}, r"\[models.quick\]: there is no provider ''"),
    ],
)
def test_it_is_an_error_of_the_configuration(model: Any, message: str, tmp_path: Path) -> None:
    settings = checked({"models": {"good": {"routes": ["groq"]}, "quick": model}}, "here")
    with pytest.raises(ConfigurationError, match=message):
        Gateway(settings)
    with pytest.raises(ConfigurationError, match=message):
        overview(settings, KeyStore(tmp_path / "gateway.db"))


@pytest.mark.parametrize("name", ["drain_delay", "drain_timeout"])
def test_a_wait_that_never_ends_is_an_error(name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"\[server\] {name} must be 0 or more seconds"):
        checked({"server": {name: float("inf")}}, "here")
