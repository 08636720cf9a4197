"""The suite streams OpenAI's JSON in the framing of the provider, and wants the message of an error, not its body."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from helpers.suites import Good, run_check

from g4f_lite.testing import Failure, OpenaiShape, ProviderConformance, Said, Shape
from g4f_lite.testing.shapes import SHAPES


class Lines(Good):
    stream_framing = "json_lines"
    auth_header = ("x-good-key", "")


class Array(Good):
    stream_framing = "json_array"


@pytest.mark.no_cover  # tests/call covers the framings
class TestLines(ProviderConformance):
    provider = Lines


@pytest.mark.no_cover  # as above
class TestArray(ProviderConformance):
    provider = Array


class Problem(Shape):
    """OpenAI's, but for its errors."""

    def whole(self, model: str, said: Said) -> dict[str, Any]:
        return SHAPES["openai"].whole(model, said)

    def chunks(self, model: str, said: Said) -> Iterator[dict[str, Any]]:
        return SHAPES["openai"].chunks(model, said)

    def error(self, failure: Failure) -> dict[str, Any]:
        return {"problem": failure.message}


@pytest.mark.parametrize("fields", [{}, {"message": "trouble"}])
def test_a_body_quoted_in_place_of_its_message_is_found(fields: dict[str, str], request: pytest.FixtureRequest) -> None:
    provider = type("Bug", (Good,), {"error_fields": fields})
    suite = type("TestBug", (ProviderConformance,), {"provider": provider, "shape": Problem()})
    with pytest.raises(pytest.fail.Exception, match="`error_fields` declares where the service's message is"):
        run_check(suite, "test_the_error_table", request)


def test_a_declared_message_is_enough(request: pytest.FixtureRequest) -> None:
    provider = type("Told", (Good,), {"error_fields": {"message": "problem"}})
    suite = type("TestTold", (ProviderConformance,), {"provider": provider, "shape": Problem()})
    run_check(suite, "test_the_error_table", request)


def test_a_given_shape_keeps_its_framing() -> None:
    suite = type("TestGiven", (ProviderConformance,), {"provider": Lines, "shape": OpenaiShape("sse")})
    assert suite().service.events(Said(("Sunday",)))[0].startswith(b"data:")
