"""
The suites that check a provider: subclass one of them, name the provider, run pytest.

    class TestAcme(ProviderConformance):
        provider = Acme

Rule: a failure message has what was seen, the rule of the contract, and where it is written. No mocks: the provider's
code is called as the host calls it, and by both clients over real sockets.

    http_suite   `ProviderConformance`, for providers that are reached over HTTP
    local_suite  `LocalProviderConformance`, for providers that answer in-process
    http_base, safety_checks, operation_checks
                 its base; the checks of address, key and threads; those of endpoints other than chat
    common       the checks of both
    contract     the rules, and how a check fails
    asking       the requests of the suites
    operations   the requests of other endpoints, and calls of them
    watching     what the provider's code does, and the keys that it keeps
    service      the answers of the service, and the calls of the provider's code
    calls        calls through both clients
    threads      the same work in several threads
    exchange     a recorded answer, and what the provider must read from it
"""

from __future__ import annotations

from .exchange import Exchange
from .http_suite import ERROR_TABLE, ProviderConformance
from .local_suite import LocalProviderConformance

__all__ = ["ERROR_TABLE", "Exchange", "LocalProviderConformance", "ProviderConformance"]
