"""A class body with a name that is nearly an attribute's, and methods that are no plain functions."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cached_property
from typing import Any

import pytest
from helpers.catalogue import PROVIDERS
from helpers.driving import MODES, run
from helpers.suites import Good, run_check

import g4f_lite as g
from g4f_lite.provider.misspelt import misspelt
from g4f_lite.testing import FaultServer, LocalProviderConformance, ProviderConformance, replies


class Corp(Good):
    name = "corp"
    needs_auth = False


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("chat_pth", "chat_path"),
        ("error_field", "error_fields"),
        ("renamed_params", "renamed_parameters"),
        ("capabilites", "capabilities"),
        ("default_modell", "default_model"),
        ("Api_Base", "api_base"),
    ],
)
@pytest.mark.parametrize("module", ["acme", "g4f_lite_acme"])
def test_a_misspelt_attribute_of_a_class_is_a_warning_at_its_line(module: str, given: str, meant: str) -> None:
    with pytest.warns(UserWarning, match=rf"Bug\.{given} .*did you mean '{meant}'\?") as caught:
        type("Bug", (Corp,), {given: (), "__module__": module})
    assert caught[0].filename == __file__


OWN: dict[str, Any] = {
    "_chat_pth": "/talk",
    "chat_pth": lambda self: "/talk",
    "error_field": property(lambda self: 1),
    "api_bass": cached_property(lambda self: 1),
    "capabilites": staticmethod(lambda: 1),
    "urls": (),
    "names": (),
    "region": "eu",
    "retry_codes": (),
    "voices": (),
    "timeout_s": 3,
    "__slots__": (),
}


@pytest.mark.parametrize("attribute", OWN)
def test_other_names_of_a_plugin_are_its_own(attribute: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        type("Own", (Corp,), {attribute: OWN[attribute]})


def test_a_name_beside_the_one_that_it_resembles_is_no_mistake() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        owner = type("Owner", (Corp,), {"models_path": "/list", "model_path": "/weights"})
        type("Heir", (owner,), {"model_path": "/others"})


def test_no_bundled_provider_has_one() -> None:
    assert not [found for one in PROVIDERS.values() for owner in type(one).__mro__ for found in misspelt(owner)]


def test_the_suite_finds_it(request: pytest.FixtureRequest) -> None:
    with pytest.warns(UserWarning):
        bug = type("Bug", (Corp,), {"chat_pth": "/talk"})
    heir = type("Heir", (bug,), {})
    suite = type("TestBug", (ProviderConformance,), {"provider": heir})
    with pytest.raises(pytest.fail.Exception, match="chat_pth is no attribute; did you mean 'chat_path'"):
        run_check(suite, "test_name_and_attributes", request)


def test_the_suite_finds_a_misspelt_parameter_of_an_endpoint(request: pytest.FixtureRequest) -> None:
    names = {"embeddings": {"dimension": "size", "own": None}}
    bug = type("Bug", (Corp,), {"capabilities": frozenset({"embeddings"}), "endpoint_parameters": names})
    suite = type("TestBug", (ProviderConformance,), {"provider": bug})
    with pytest.raises(pytest.fail.Exception, match="embeddings has 'dimension'; did you mean 'dimensions'"):
        run_check(suite, "test_parameters_of_other_endpoints_are_sent_or_refused", request)


# -- methods ---------------------------------------------------------------------------------


async def _awaited(self: Any, body: dict[str, Any]) -> None:
    body["mode"] = "quick"


def _yields(self: Any, body: dict[str, Any]) -> Any:
    yield body.update(mode="quick")


def _copies(self: Any, body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "mode": "quick"}


def _same(self: Any, body: dict[str, Any]) -> dict[str, Any]:
    body["mode"] = "quick"
    return body


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("method", "what"), [(_awaited, "a coroutine"), (_yields, "generator"), (_copies, "another dict")]
)
def test_an_adapt_body_without_an_effect_is_an_error(mode: str, method: Callable[..., Any], what: str) -> None:
    corp = type("Bug", (Corp,), {"adapt_body": method})
    with FaultServer() as server:
        error = run(mode, {"routes": [corp()], "base_urls": {"corp": server.base_url}}, {"provider": "corp"}).error
        assert not server.received
    assert isinstance(error, g.MalformedResponseError)
    assert f"adapt_body changes the body in place, but returns {what}" in str(error)


@pytest.mark.parametrize("method", [_same, lambda self, body: body.pop("own", {"size": 3})], ids=["same", "popped"])
def test_what_adapt_body_returns_besides_does_not_matter(method: Callable[..., Any]) -> None:
    corp = type("Fine", (Corp,), {"adapt_body": method})
    with FaultServer() as server:
        server.script(replies.answer("Sunday"))
        assert run("sync", {"routes": [corp()], "base_urls": {"corp": server.base_url}}, {"provider": "corp"}).text


async def _later(*_: Any, **__: Any) -> Any:
    return None


@pytest.mark.parametrize("method", ["requested_wait", "adapt_body", "schema_rules_for", "parse_operation"])
def test_the_suite_finds_methods_that_are_no_plain_functions(method: str, request: pytest.FixtureRequest) -> None:
    suite = type("TestBug", (ProviderConformance,), {"provider": type("Bug", (Corp,), {method: _later})})
    with pytest.raises(pytest.fail.Exception, match=f"{method} is an async function"):
        run_check(suite, "test_name_and_attributes", request)


def test_the_suite_finds_them_of_a_local_provider(request: pytest.FixtureRequest) -> None:
    bug = type("Bug", (g.LocalProvider,), {"name": "near", "default_model": "m", "stream": _later})
    suite = type("TestBug", (LocalProviderConformance,), {"provider": bug})
    with pytest.raises(pytest.fail.Exception, match="stream is an async function"):
        run_check(suite, "test_name_and_attributes", request)
