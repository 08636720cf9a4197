"""Where the error bodies of a service have their message and code, as its provider declares."""

from __future__ import annotations

import json
from typing import Any

import pytest

import g4f_lite as g
from g4f_lite import OpenaiTemplate, Provider


class Tidbit(OpenaiTemplate):
    name = "tidbit"
    login_url = "https://tidbit.example/keys"
    api_base = "https://tidbit.example/v2"
    api_key_env = ("TIDBIT_API_KEY",)
    default_model = "owl-2"
    error_fields = {"message": "problem.text", "code": "problem.kind", "param": "where"}
    error_codes = {"plan_expired": g.QuotaExceededError}


def classified(body: Any, status: int = 400, provider: Provider | None = None) -> g.ProviderError:
    reply = g.ErrorReply(status=status, body=body if isinstance(body, bytes) else json.dumps(body).encode())
    return (provider or Tidbit()).classify_error(reply)


def test_message_and_code_are_found_where_the_provider_says() -> None:
    error = classified({"problem": {"text": "your plan ended", "kind": "plan_expired"}})
    assert type(error) is g.QuotaExceededError
    assert (error.message, error.code) == ("your plan ended", "plan_expired")


def test_the_words_of_a_message_that_is_found_count() -> None:
    assert type(classified({"problem": {"text": "maximum context length is 8192"}})) is g.ContextWindowError


def test_a_parameter_that_is_found_counts() -> None:
    error = classified({"problem": {"text": "too high"}, "where": "temperature"})
    assert type(error) is g.UnsupportedParameterError


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"<html>", b'{"problem": 7}', b'{"problem": {"text": {}}}', b'{"problem": null}']
)
def test_bodies_of_another_form_are_read_as_before(body: bytes) -> None:
    plain = Tidbit(error_fields={})
    assert type(classified(body, 503)) is type(classified(body, 503, plain)) is g.ServerError
    assert classified(body, 503).message


def test_the_usual_places_are_read_besides() -> None:
    assert classified({"error": {"message": "no such thing"}}).message == "no such thing"


def test_a_body_without_a_known_message_is_quoted() -> None:
    error = classified({"oops": "the hamster is tired"}, 503)
    assert error.message == '{"oops": "the hamster is tired"}'


def test_what_a_quoted_body_says_does_not_decide_the_class() -> None:
    assert type(classified({"temperature": "is not supported"})) is g.InvalidRequestError


@pytest.mark.parametrize("fields", [{"text": "problem"}, {"message": ""}, {"message": 7}, "problem"])
def test_a_wrong_declaration_is_refused(fields: Any) -> None:
    with pytest.raises(g.ConfigurationError, match="tidbit's error_fields must"):
        Tidbit(error_fields=fields)
