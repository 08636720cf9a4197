"""The precedence of several providers with one name, and the order in which names are tried."""

from __future__ import annotations

import sys
import warnings

import pytest
from helpers.plugins import BUNDLED, make
from helpers.sites import Site, provider_code

from g4f_lite import Client, PluginWarning, provider_names, register
from g4f_lite.plugins.registry import process_registry


def test_the_client_comes_before_the_process_before_the_bundled_before_third_parties(site: Site) -> None:
    site.add("usurper", provider_code("groq", label="third party"), providers=["groq"])
    with pytest.warns(PluginWarning, match=r"'groq' of the distribution usurper 1.0 is shadowed by 'groq' \(bundled\)"):
        Client().close()
    registry = process_registry()
    assert registry.get("groq").label == "Groq"
    with pytest.warns(PluginWarning, match=r"'groq' \(bundled\) is shadowed by 'groq' \(code\)"):
        register(make("groq", label="process"))
    assert registry.get("groq").label == "process"
    with pytest.warns(PluginWarning, match=r"'groq' \(code\) is shadowed by 'groq' \(client\)") as caught:
        client = Client(plugins=[make("groq", label="client")])
    assert [warning.filename for warning in caught] == [__file__]
    with client:
        assert client._calls.registry.get("groq").label == "client"
    assert registry.get("groq").label == "process"
    assert provider_names() == [*BUNDLED]
    assert "plug_usurper" not in sys.modules
    assert [(one.source, one.shadowed_by) for one in registry.plugins() if one.name == "groq"] == [
        ("bundled", "'groq' (code)"), ("third-party", "'groq' (bundled)"), ("code", None),
    ]  # fmt: skip


def test_a_registration_before_the_first_client_shadows_too(site: Site) -> None:
    site.add("acme-plugin", provider_code("acme", label="third party"), providers=["acme"])
    register(make("acme", label="process"))
    with pytest.warns(PluginWarning, match=r"'acme' of the distribution acme-plugin 1.0 is shadowed by .* \(code\)"):
        assert provider_names() == ["acme", *BUNDLED]
    assert process_registry().get("acme").label == "process"


def test_of_two_third_parties_the_first_by_distribution_counts(site: Site) -> None:
    site.add("zeta", provider_code("acme", label="zeta"), providers=["acme"])
    site.add("beta", provider_code("acme", label="beta"), providers=["acme"])
    with pytest.warns(PluginWarning, match=r"distribution zeta 1.0 is shadowed by .* distribution beta 1.0"):
        assert process_registry().get("acme").label == "beta"


def test_registering_a_name_again_replaces_the_first_without_a_warning() -> None:
    register(make("acme", label="first"))
    register(make("acme", label="second"))
    assert process_registry().get("acme").label == "second"


def test_a_class_that_is_given_twice_shadows_nothing() -> None:
    acme = make("acme")
    register(acme)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Client(plugins=[acme, acme])
    with pytest.warns(PluginWarning, match="shadowed"):
        Client(plugins=[make("acme")])


def test_automatic_names_are_bundled_then_added_then_third_party_by_name_then_local(site: Site) -> None:
    site.add("one", provider_code("zebra"), providers=["zebra"])
    site.add("two", provider_code("ant"), providers=["ant"])
    register(make("mine"))
    assert process_registry().automatic_names() == [*BUNDLED[:-1], "mine", "ant", "zebra", "local"]
