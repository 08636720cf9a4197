"""
The suite that proves a provider: subclass one of the two, name the provider, run pytest.

    class TestAcme(ProviderConformance):
        provider = Acme

A failure says what was seen, what the contract wants, and where that is written.
"""

from __future__ import annotations

from .exchange import Exchange
from .http_suite import ERROR_TABLE, ProviderConformance
from .local_suite import LocalProviderConformance

__all__ = ["ERROR_TABLE", "Exchange", "LocalProviderConformance", "ProviderConformance"]
