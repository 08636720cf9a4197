"""The suite plays errors where the provider says that its service has them."""

from __future__ import annotations

import pytest
from helpers.suites import Good, run_check

from g4f_lite import HTTPResponse, QuotaExceededError, ServerError
from g4f_lite.testing import Failure, OpenaiShape, ProviderConformance, Said
from g4f_lite.testing.conformance.service import Service
from g4f_lite.types.chat import ChatCompletion


class Corp(Good):
    error_fields = {"message": "fault.text", "code": "fault.kind"}
    error_codes = {"plan_ended": QuotaExceededError, "melted": ServerError}


class Flat(Good):
    error_fields = {"message": "words", "code": "words.kind", "type": "kind"}
    stream_framing = "json_lines"


@pytest.mark.no_cover  # tests/provider covers what it finds
class TestCorp(ProviderConformance):
    provider = Corp


@pytest.mark.no_cover  # as above
class TestFlat(ProviderConformance):
    provider = Flat


def test_errors_are_where_they_are_declared() -> None:
    error = OpenaiShape("sse", Corp.error_fields).error(Failure(503, "kaboom", code="melted"))
    assert error == {"fault": {"text": "kaboom", "kind": "melted"}}
    assert OpenaiShape("sse", {"code": "kind"}).error(Failure(503, "kaboom", code="melted")) == {
        "error": {"message": "kaboom", "type": "invalid_request_error", "code": None, "param": None},
        "kind": "melted",
    }
    assert OpenaiShape("sse", Flat.error_fields).error(Failure(503, "kaboom", type="odd", code="melted")) == {
        "words": "kaboom",
        "kind": "odd",
    }


def test_a_stream_still_ends_as_openai_ends_it() -> None:
    assert Service("openai", error_fields=Corp.error_fields).events(Said(("a",)))[-1] == b"data: [DONE]\n\n"


class Blind(Corp):
    """It reads OpenAI's errors alone inside a 200."""

    def parse_response(self, response: HTTPResponse) -> ChatCompletion:
        plain = Good.replace(self, error_fields={})
        return Good.parse_response(plain, response)


def test_code_that_does_not_read_them_is_found(request: pytest.FixtureRequest) -> None:
    suite = type("TestBug", (ProviderConformance,), {"provider": Blind})
    with pytest.raises(pytest.fail.Exception, match="an error inside a 200 is read as"):
        run_check(suite, "test_errors_inside_answers", request)
