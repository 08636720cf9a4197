"""Where the address of a provider comes from."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.providers import Alpha

import g4f_lite
from g4f_lite import Client


def test_an_address_comes_from_argument_environment_and_class_in_this_order(monkeypatch: pytest.MonkeyPatch) -> None:
    def address(**settings: Any) -> str:
        with Client(plugins=[Alpha], keys={"alpha": "k"}, **settings) as client:
            return client.explain(provider="alpha").tiers[0][0].base_url

    assert address() == "http://127.0.0.1:1/v1"
    monkeypatch.setenv("ALPHA_API_BASE", "http://127.0.0.1:7/v1/")
    assert address() == "http://127.0.0.1:7/v1"
    assert address(base_urls={"alpha": "http://127.0.0.1:8"}) == "http://127.0.0.1:8"
    monkeypatch.setenv("ALPHA_API_BASE", "nonsense")
    with pytest.raises(g4f_lite.ConfigurationError, match="ALPHA_API_BASE"):
        address()
