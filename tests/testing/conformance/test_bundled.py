"""Bundled providers pass the conformance suites."""

from __future__ import annotations

import pytest
from helpers.seeded_bugs import Everything
from helpers.suites import ANSWER, STREAM, checks, run_check

from g4f_lite import OpenaiTemplate, RateLimitError
from g4f_lite.plugins.registry import Registry
from g4f_lite.testing import Exchange, LocalProviderConformance, ProviderConformance, ScriptedProvider
from g4f_lite_providers import BUNDLED
from g4f_lite_providers.anthropic import Anthropic
from g4f_lite_providers.cohere import Cohere
from g4f_lite_providers.gemini import Gemini
from g4f_lite_providers.groq import Groq
from g4f_lite_providers.vertex import Vertex

pytestmark = pytest.mark.no_cover  # it runs each provider often; tests/providers covers them, test_bugs.py the suites


class TestGroq(ProviderConformance):
    provider = Groq
    exchanges = (
        Exchange(name="whole", body=ANSWER, text="Sunday", finish_reason="stop", tools=()),
        Exchange(name="stream", body=STREAM, headers={"content-type": "text/event-stream"}, text="Sunday"),
        Exchange(
            name="slow down",
            body=b'{"error": {"message": "Rate limit reached", "code": "rate_limit_exceeded"}}',
            status=429,
            headers={"retry-after": "2.5"},
            error=RateLimitError,
            retry_after=2.5,
        ),
    )


class TestScripted(LocalProviderConformance):
    provider = ScriptedProvider("Sunday it is")


class TestAnthropic(ProviderConformance):
    provider, shape = Anthropic, "anthropic"


class TestGemini(ProviderConformance):
    provider, shape = Gemini, "gemini"


class TestVertex(ProviderConformance):
    provider, shape = Vertex, "gemini"


class TestCohere(ProviderConformance):
    provider, shape = Cohere, "cohere"


COSTLY = (
    *("test_streams_in_every_byte_split", "test_cut_streams_never_pass_for_whole"),
    *("test_import_and_registration_do_no_io", "test_both_clients"),
)
"""Checks of code that these providers share with Groq."""


def of_openais_protocol() -> list[str]:
    registry = Registry()
    return [name for name in BUNDLED if isinstance(registry.get(name), OpenaiTemplate)]


@pytest.mark.parametrize("name", of_openais_protocol())
def test_a_bundled_provider_of_openais_protocol_passes(name: str, request: pytest.FixtureRequest) -> None:
    suite = type("TestOne", (ProviderConformance,), {"provider": Registry().get(name)})
    for check in sorted(checks(suite) - {*COSTLY}):
        run_check(suite, check, request)


class TestEverything(ProviderConformance):
    provider = Everything
