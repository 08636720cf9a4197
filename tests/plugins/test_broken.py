"""A plugin that cannot be used is named by its error, and all others work."""

from __future__ import annotations

import logging
import sys
import warnings
from typing import Any, NamedTuple

import pytest
from helpers.driving import MODES, run
from helpers.plugins import BUNDLED, ask, info, make
from helpers.sites import Site, provider_code
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from g4f_lite import Client, PluginLoadError, PluginWarning, provider_names
from g4f_lite.plugins.registry import Registry, process_registry
from g4f_lite.provider.base import NAME
from g4f_lite.testing import FaultServer


@pytest.mark.no_cover
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.one_of(
        st.binary(max_size=60),
        st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12)), max_size=4).map(
            lambda pairs: "".join(f"{name}={value}\n" for name, value in pairs).encode("utf-8", "replace")
        ),
    )
)
def test_no_metadata_can_break_the_registry(body: bytes, site: Site) -> None:
    site.metadata("stranger", b"[g4f_lite]\n" + body)
    registry = Registry()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)  # random metadata may use a name twice
        names = registry.names()
    assert names[: len(BUNDLED)] == BUNDLED
    assert all(NAME.fullmatch(name) for name in names)
    for one in registry.plugins():
        if one.source == "third-party" and one.name not in names:
            with pytest.raises(PluginLoadError):
                registry.get(one.name)


@pytest.mark.parametrize("entry_points", [b"\xff\xfe", b"[somebody]\nno equals sign\n", b"[g4f_lite]\nx\n"])
def test_broken_metadata_of_one_distribution_does_not_hide_the_others(
    entry_points: bytes, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.add("acme-plugin", provider_code("acme"), providers=["acme"])
    site.metadata("aaa", entry_points)
    site.metadata("nameless", b"[g4f_lite]\nnameless = plug_nameless\n", named=False)
    assert provider_names() == [*BUNDLED, "acme"]
    assert caplog.text.count("cannot be read") == 2
    assert str(site.path) in caplog.text


HEAD = """
from g4f_lite import OpenaiTemplate, Provider, hookimpl

class P(OpenaiTemplate):
    name = "broken"
    needs_auth = False
"""


class Broken(NamedTuple):
    """A plugin with the entry point `broken`, and parts of its error's message."""

    name: str
    code: str
    parts: tuple[str, ...]
    value: str | None = None


def registering(body: str, before: str = "") -> str:
    return f"{HEAD}\n{before}\n@hookimpl\ndef register_providers(register): {body}\n"


BROKEN = [
    Broken("raises on import", "raise RuntimeError('on import')", ("RuntimeError: on import (at plug_", "_plugin.py:1)")),
    Broken("leaves on import", "import sys\nsys.exit('bye')", ("SystemExit: bye (at plug_", "_plugin.py:2)")),
    Broken("has a syntax error", "def (", ("SyntaxError",)),
    Broken("warns on import", "import warnings\nwarnings.warn('old', DeprecationWarning)", ("DeprecationWarning",)),
    Broken("misses a dependency", "import nobody_has_this", ("ModuleNotFoundError", "nobody_has_this", "_plugin.py:1)")),
    Broken("is not there", "", ("ModuleNotFoundError", "plug_nowhere"), value="plug_nowhere"),
    Broken("has no such object", HEAD, ("AttributeError", "nothing"), value="plug_broken_plugin:nothing"),
    Broken("is None", HEAD, ("no hooks",), value="plug_broken_plugin:__doc__"),
    Broken("forgets the marker", HEAD + "def register_providers(register): register(P)", ("no hooks", "hookimpl")),
    Broken("misspells a hook", HEAD + "@hookimpl\ndef register_provider(register): register(P)",
           ("unknown hook 'register_provider'",)),
    Broken("has a wrong signature", HEAD + "@hookimpl\ndef register_providers(register, more): register(P)", ("more",)),
    Broken("has a coroutine for a hook", registering("register(P)", "@hookimpl\nasync def call_finished(trail): ...\n"),
           ("call_finished", "plain function")),
    Broken("wraps a hook", registering("register(P)", "@hookimpl(wrapper=True)\ndef call_finished(): return (yield)\n"),
           ("call_finished", "plain function")),
    Broken("registers a strategy that is none",
           registering("register(P)", "@hookimpl\ndef register_strategies(register): register('x', 5)\n"), ("'x' and 5",)),
]  # fmt: skip
BROKEN_PROVIDERS = [
    Broken("fails in its hook", registering("register(P), 1 / 0"), ("ZeroDivisionError", "(at plug_broken_plugin.py:10)")),
    Broken("leaves in its hook", registering("raise SystemExit"), ("SystemExit",)),
    Broken("registers junk", registering("register(42)"), ("not 42 (at plug_broken_plugin.py:10)",)),
    Broken("registers an abstract class", registering("register(H)", "class H(Provider): name = 'broken'"),
           ("H()", "abstract", "(at plug_broken_plugin.py:10)")),
    Broken("registers twice", registering("register(P), register(P())"), ("twice",)),
    Broken("registers nothing", registering("pass"), ("no provider",)),
    Broken("registers another name", registering("register(P)", "P.name = 'other'"),
           ("named 'broken'", "registers other")),
    Broken("registers an impossible name", registering("register(P)", "P.name = 'No Name'"), ("'No Name'",)),
    Broken("forgets a comma", registering("register(P)", "P.api_key_env = ('WK_API_KEY')"),
           ("api_key_env must be a tuple of texts, such as ('one',) with its comma; it is a str",)),
    Broken("has a text of fallbacks", registering("register(P)", "P.fallback_models = 'm2'"), ("fallback_models must be",)),
    Broken("has numbers for texts", registering("register(P)", "P.fallback_models = (1, 2)"), ("a tuple of other things",)),
    Broken("renames with a list", registering("register(P)", "P.renamed_parameters = [('seed', 'random_seed')]"),
           ("renamed_parameters must be a mapping, such as {'one': 'other'}; it is a list",)),
    Broken("has a text of capabilities", registering("register(P)", "P.capabilities = 'tools'"),
           ("capabilities must be a set of texts, such as frozenset({'one'}); it is a str",)),
    Broken("fails when it is made", registering("register(P)", "def made(self): raise KeyError('CORP')\nP.__init__ = made"),
           ("P() fails: KeyError: 'CORP' (at plug_broken_plugin.py:8)",)),
    Broken("is only a class", registering("register(P)"),
           ("it is a provider class; name the module that registers it",), value="plug_broken_plugin:P"),
    Broken("asks for itself", "from g4f_lite import Client\nClient().explain(provider='broken')", ("requests itself",)),
]  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN + BROKEN_PROVIDERS, ids=lambda broken: broken.name)
def test_a_broken_plugin_is_named_and_all_others_work(broken: Broken, site: Site, groq: FaultServer) -> None:
    """The error of a call and the list of plugins name it; all others work."""
    site.add("broken-plugin", broken.code, providers=["broken"], value=broken.value)
    site.add("acme-plugin", provider_code("acme"), providers=["acme"])
    with Client(base_urls={"acme": groq.base_url}) as client:
        for _ in range(2):
            with pytest.raises(PluginLoadError) as caught:
                ask(client, provider="broken")
            for part in ("'broken'", "broken-plugin 1.0", "G4F_LITE_LOAD_PLUGINS", *broken.parts):
                assert part in str(caught.value)
        assert groq.received == []
        assert ask(client, provider="acme") == ask(client, provider="groq") == "ok"
    assert provider_names() == [*BUNDLED, "acme", "broken"]
    assert info("acme").error is None
    listed = info("broken")
    assert listed.error is not None
    assert all(part in listed.error for part in broken.parts)
    assert (listed.distribution, listed.providers) == ("broken-plugin", ())


@pytest.mark.parametrize("name", ["Acme", "acme inc", "-acme", "acmé"])
def test_an_entry_point_that_is_not_a_provider_name_fails_when_it_is_used(name: str, site: Site) -> None:
    site.add("acme-plugin", provider_code("acme"), providers=[name])
    assert provider_names() == BUNDLED
    for client_plugins in (None, [make("mine")]):
        with Client(plugins=client_plugins) as client, pytest.raises(PluginLoadError) as caught:
            ask(client, provider=name)
        assert "is not a provider name" in str(caught.value)
        assert "acme-plugin 1.0" in str(caught.value)
    assert "is not a provider name" in (info(name).error or "")


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.name)
def test_a_broken_hook_plugin_does_not_keep_a_client_from_being_made(
    broken: Broken, site: Site, groq: FaultServer
) -> None:
    """It is listed with its error, and one warning has it, however many clients there are."""
    value = broken.value and broken.value.replace("broken_plugin", "sour_plugin")
    site.add("sour-plugin", broken.code, hooks=["sour"], value=value)
    with pytest.warns(PluginWarning) as caught:
        warnings.simplefilter("error", DeprecationWarning)  # of one of the plugins
        for _ in range(2):
            with Client() as client:
                assert ask(client, provider="groq") == "ok"
    [told] = [str(warning.message) for warning in caught]
    assert "the plugin 'sour' of the distribution sour-plugin 1.0 is switched off: " in told
    assert all(part in told and part in str(info("sour").error) for part in broken.parts)
    assert (info("sour").distribution, info("sour").providers) == ("sour-plugin", ())


@pytest.mark.parametrize("mode", MODES)
def test_a_broken_plugin_among_others_is_skipped_and_the_trail_says_why(
    mode: str, site: Site, groq: FaultServer
) -> None:
    site.add("broken-plugin", "raise RuntimeError('on import')", providers=["broken"])
    ways: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"routes": ["broken", "groq"]}, {}),
        ({}, {"provider": ["broken", "groq"]}),
        ({}, {"provider": "groq", "fallback_models": ["broken:m"]}),
        ({}, {"model": "gpt-oss-120b"}),
        ({}, {}),
    ]
    for settings_given, params in ways:
        outcome = run(mode, settings_given, params)
        assert outcome.text == "ok", outcome.error
        [skipped] = [one for one in outcome.trail.skipped if one.provider.startswith("broken")]
        assert "RuntimeError: on import" in skipped.reason


def test_a_broken_plugin_leaves_nothing_registered(site: Site, groq: FaultServer) -> None:
    code = (
        HEAD
        + """
SEEN = []
@hookimpl
def attempt_started(attempt): SEEN.append(attempt)
@hookimpl
def register_strategies(register): register("mine", lambda legs, context: legs)
@hookimpl
def register_providers(register): register(P), 1 / 0
"""
    )
    module = site.add("broken-plugin", code, providers=["broken"])
    with Client() as client:
        with pytest.raises(PluginLoadError):
            ask(client, provider="broken")
        ask(client, provider="groq")
        assert process_registry().strategy("mine") is None
    assert sys.modules[module].SEEN == []


def test_the_traceback_of_a_broken_plugin_is_in_the_debug_log(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.add("broken-plugin", "raise RuntimeError('on import')", providers=["broken"])
    with caplog.at_level(logging.DEBUG, "g4f_lite.plugins"), pytest.raises(PluginLoadError):
        process_registry().get("broken")
    assert "plug_broken_plugin.py" in caplog.text


def test_an_interrupted_import_is_tried_again(site: Site) -> None:
    site.add("acme-plugin", "raise KeyboardInterrupt", providers=["acme"])
    with pytest.raises(KeyboardInterrupt):
        process_registry().get("acme")
    site.add("acme-plugin", provider_code("acme"), providers=["acme"])
    assert process_registry().get("acme").name == "acme"
