"""Runs single checks of a conformance suite, and checks the failures that they report."""

from __future__ import annotations

import inspect
from typing import NamedTuple

import pytest

from g4f_lite import OpenaiTemplate
from g4f_lite.testing.conformance.contract import PAGE

ANSWER = b'{"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Sunday"}}]}'
STREAM = (
    b'data: {"choices": [{"index": 0, "delta": {"content": "Sun"}}]}\n\n'
    b'data: {"choices": [{"index": 0, "delta": {"content": "day"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
)


class Good(OpenaiTemplate):
    name = "good"
    label = "Good"
    login_url = "https://good.example/keys"
    api_base = "https://api.good.example/v1"
    api_key_env = ("GOOD_API_KEY",)
    default_model = "good-1"
    model_aliases = {"big": "good-1"}


class Bug(NamedTuple):
    """A provider, the check that must find it, and a part of the failure's message."""

    name: str
    provider: object
    check: str
    message: str


ATTRIBUTES, SHOWN = "test_name_and_attributes", "test_a_key_does_not_show_in_repr_or_pickle"
IMPORTS = "test_import_and_registration_do_no_io"


def run_check(suite: type, check: str, request: pytest.FixtureRequest) -> None:
    method = getattr(suite(), check)
    method(**{name: request.getfixturevalue(name) for name in inspect.signature(method).parameters})


def checks(suite: type) -> set[str]:
    return {name for name in dir(suite) if name.startswith("test_")}


def assert_explained(failure: str, message: str) -> None:
    assert message in failure
    assert "the contract:" in failure
    assert f"written in:    {PAGE}" in failure
