"""
The registry. Third-party distributions are real ones, as an installer leaves them: a `*.dist-info`
folder and a module, in a folder on `sys.path`.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import os
import subprocess
import sys
import textwrap
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from helpers.driving import MESSAGES, MODES, run
from helpers.sites import Site, provider_code
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import g4f_lite
import g4f_lite_providers
from g4f_lite import (
    AsyncClient,
    Attempt,
    Client,
    ErrorReply,
    Leg,
    ModelUnavailableError,
    OpenaiTemplate,
    PluginInfo,
    PluginLoadError,
    PluginWarning,
    Provider,
    ProviderError,
    Strategy,
    StrategyContext,
    Trail,
    UnknownProviderError,
    hookimpl,
    hookspecs,
    provider_names,
    register,
)
from g4f_lite.plugins import NAME, Registry, process_registry
from g4f_lite.testing import FaultServer, replies

BUNDLED = list(g4f_lite_providers.BUNDLED)
A, B = "openai/gpt-oss-120b", "openai/gpt-oss-20b"
TWO = {"provider": "groq", "fallback_models": [B]}


def make(name: str, server: FaultServer | None = None, **attributes: Any) -> Provider:
    """Return a provider without a key."""

    class Made(OpenaiTemplate):
        needs_auth = False
        default_model = f"model-of-{name}"

    base = server.base_url if server is not None else "http://127.0.0.1:9/v1"
    return Made(name=name, api_base=base, **attributes)


def info(name: str, source: str = "third-party") -> PluginInfo:
    [found] = [one for one in process_registry().plugins() if (one.name, one.source) == (name, source)]
    return found


def ask(client: Client, **params: Any) -> str:
    return client.chat.completions.create(messages=MESSAGES, **params).text


# -- names ---------------------------------------------------------------------------------


def test_names_come_without_imports_and_one_plugin_is_loaded_on_demand(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.add("acme-one", provider_code("acme"), providers=["acme"])
    site.add("acme-two", "raise RuntimeError('imported')", providers=["boom"])
    site.add("acme-eye", "from g4f_lite import hookimpl\n@hookimpl\ndef call_finished(trail): ...", hooks=["eye"])
    program = """
        import json, sys

        def loaded():
            data = {"g4f_lite_providers.catalogue", "g4f_lite_providers.row"}
            return [name for name in sys.modules if name not in data and (
                    name in ("requests", "aiohttp", "tenacity") or name.startswith(("plug_", "g4f_lite_providers.")))]

        import g4f_lite
        seen = [loaded(), g4f_lite.provider_names(), loaded()]
        from g4f_lite.plugins import process_registry
        seen += [process_registry().get("acme").name, loaded()]
        g4f_lite.Client()
        json.dump([*seen, "plug_acme_eye" in sys.modules, "plug_acme_two" in sys.modules], sys.stdout)
    """
    environment = {name: value for name, value in os.environ.items() if name != "G4F_LITE_LOAD_PLUGINS"}
    environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    before, names, after_names, acme, after_acme, hooks_loaded, broken_imported = json.loads(ran.stdout)
    assert before == after_names == []
    assert names == [*BUNDLED, "acme", "boom"]
    assert (acme, after_acme) == ("acme", ["plug_acme_one"])
    assert hooks_loaded
    assert not broken_imported


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        (None, [*BUNDLED, "acme", "other"]),
        ("", BUNDLED),
        ("  ", BUNDLED),
        ("acme-plugin", [*BUNDLED, "acme"]),
        (" Other.Plugin , ACME_plugin", [*BUNDLED, "acme", "other"]),
        ("nobody", BUNDLED),
    ],
)
def test_the_environment_says_which_distributions_are_used(
    allowed: str | None, expected: list[str], site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.add("Acme_Plugin", provider_code("acme"), providers=["acme"])
    site.add("other-plugin", provider_code("other"), providers=["other"], hooks=["other"])
    if allowed is not None:
        monkeypatch.setenv("G4F_LITE_LOAD_PLUGINS", allowed)
    assert provider_names() == expected
    Client().close()
    assert ("plug_other_plugin" in sys.modules) == ("other" in expected)


def test_an_installed_provider_answers_by_name_and_is_listed_with_its_distribution(
    site: Site, server: FaultServer
) -> None:
    site.add("acme-plugin", provider_code("acme"), providers=["acme"])
    with Client(base_urls={"acme": server.base_url}) as client:
        assert info("acme") == PluginInfo(
            name="acme", source="third-party", distribution="acme-plugin", version="1.0", loaded=False
        )
        assert ask(client, provider="acme") == "ok"
    assert info("acme").loaded
    assert info("acme").providers == ("acme",)


def test_one_module_may_stand_behind_two_names_and_in_both_groups(site: Site) -> None:
    code = (
        provider_code("acme", "acme-eu") + "\nseen = []\n@hookimpl\ndef call_finished(trail):\n    seen.append(trail)"
    )
    module = site.add("acme-plugin", code, providers=["acme", "acme-eu"], hooks=["acme"])
    registry = process_registry()
    registry.scan()
    assert [registry.get(name).name for name in ("acme-eu", "acme")] == ["acme-eu", "acme"]
    registry.observe("call_finished", Trail())
    assert sys.modules[module].seen == [Trail()]
    both = ("acme", "acme-eu")
    listed = [(one.name, one.providers, one.error) for one in registry.plugins() if one.source == "third-party"]
    assert listed == [("acme", both, None), ("acme-eu", both, None), ("acme", (), None)]


def test_one_name_in_both_groups_may_mean_two_modules(site: Site) -> None:
    hooks = site.add("acme-hooks", "from g4f_lite import hookimpl\nseen = []\n@hookimpl\ndef call_finished(trail):\n"
                     "    seen.append(trail)")  # fmt: skip
    module = site.add("acme", provider_code("acme") + "\n@hookimpl\ndef attempt_started(attempt): ...")
    site.metadata("acme", f"[g4f_lite]\nacme = {module}\n[g4f_lite.hooks]\nacme = {hooks}\n".encode())
    registry = process_registry()
    registry.scan()
    registry.get("acme")
    registry.observe("call_finished", Trail())
    assert sys.modules[hooks].seen == [Trail()]
    assert [one.error for one in registry.plugins() if one.source == "third-party"] == [None, None]


def test_threads_that_ask_at_once_load_a_plugin_once(site: Site) -> None:
    slow = "import time\nLOADS = []\ntime.sleep(0.05)\n" + provider_code("acme").replace(
        "    register(P0)", "    LOADS.append(1)\n    register(P0)"
    )
    module = site.add("acme-plugin", slow, providers=["acme"])
    got: list[Provider] = []
    threads = [threading.Thread(target=lambda: got.append(process_registry().get("acme"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(got) == 8
    assert len(set(map(id, got))) == 1
    assert sys.modules[module].LOADS == [1]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.one_of(
        st.binary(max_size=60),
        st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12)), max_size=4).map(
            lambda pairs: "".join(f"{name}={value}\n" for name, value in pairs).encode("utf-8", "replace")
        ),
    )
)
def test_no_metadata_can_take_the_registry_down(body: bytes, site: Site) -> None:
    site.metadata("stranger", b"[g4f_lite]\n" + body)
    registry = Registry()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)  # a name may happen to be taken twice
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


# -- precedence ----------------------------------------------------------------------------


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
        assert client._core.registry.get("groq").label == "client"
    assert registry.get("groq").label == "process"
    assert provider_names() == [*BUNDLED]
    assert "plug_usurper" not in sys.modules
    assert [(one.source, one.shadowed_by) for one in registry.plugins() if one.name == "groq"] == [
        ("bundled", "'groq' (code)"), ("third-party", "'groq' (bundled)"), ("code", None),
    ]  # fmt: skip


def test_what_was_registered_before_the_first_client_shadows_too(site: Site) -> None:
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


def test_registering_a_name_again_replaces_the_first_in_silence() -> None:
    register(make("acme", label="first"))
    register(make("acme", label="second"))
    assert process_registry().get("acme").label == "second"


def test_automatic_names_are_bundled_then_added_then_third_party_by_name_then_local(site: Site) -> None:
    site.add("one", provider_code("zebra"), providers=["zebra"])
    site.add("two", provider_code("ant"), providers=["ant"])
    register(make("mine"))
    assert process_registry().automatic_names() == [*BUNDLED[:-1], "mine", "ant", "zebra", "local"]


# -- plugins that are broken ---------------------------------------------------------------

HEAD = """
from g4f_lite import OpenaiTemplate, Provider, hookimpl

class P(OpenaiTemplate):
    name = "broken"
    needs_auth = False
"""


class Broken(NamedTuple):
    """A plugin with the entry point `broken`, and words that must be in its error."""

    name: str
    code: str
    told: tuple[str, ...]
    value: str | None = None


def registering(body: str, before: str = "") -> str:
    return f"{HEAD}\n{before}\n@hookimpl\ndef register_providers(register): {body}\n"


BROKEN = [
    Broken("raises on import", "raise RuntimeError('on import')", ("RuntimeError: on import",)),
    Broken("leaves on import", "import sys\nsys.exit('bye')", ("SystemExit: bye",)),
    Broken("has a syntax error", "def (", ("SyntaxError",)),
    Broken("warns on import", "import warnings\nwarnings.warn('old', DeprecationWarning)", ("DeprecationWarning",)),
    Broken("misses a dependency", "import nobody_has_this", ("ModuleNotFoundError", "nobody_has_this")),
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
    Broken("fails in its hook", registering("register(P), 1 / 0"), ("ZeroDivisionError",)),
    Broken("leaves in its hook", registering("raise SystemExit"), ("SystemExit",)),
    Broken("registers junk", registering("register(42)"), ("not 42",)),
    Broken("registers an abstract class", registering("register(H)", "class H(Provider): name = 'broken'"),
           ("H()", "abstract")),
    Broken("registers twice", registering("register(P), register(P())"), ("twice",)),
    Broken("registers nothing", registering("pass"), ("no provider",)),
    Broken("registers another name", registering("register(P)", "P.name = 'other'"),
           ("named 'broken'", "registers other")),
    Broken("registers an impossible name", registering("register(P)", "P.name = 'No Name'"), ("'No Name'",)),
    Broken("asks for itself", "from g4f_lite import Client\nClient().explain(provider='broken')", ("asks for itself",)),
]  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN + BROKEN_PROVIDERS, ids=lambda broken: broken.name)
def test_a_plugin_that(broken: Broken, site: Site, groq: FaultServer) -> None:
    """…is named by the error when it is asked for, and by the list of plugins; all others work."""
    site.add("broken-plugin", broken.code, providers=["broken"], value=broken.value)
    site.add("acme-plugin", provider_code("acme"), providers=["acme"])
    with Client(base_urls={"acme": groq.base_url}) as client:
        for _ in range(2):
            with pytest.raises(PluginLoadError) as caught:
                ask(client, provider="broken")
            for told in ("'broken'", "broken-plugin 1.0", "G4F_LITE_LOAD_PLUGINS", *broken.told):
                assert told in str(caught.value)
        assert groq.received == []
        assert ask(client, provider="acme") == ask(client, provider="groq") == "ok"
    assert provider_names() == [*BUNDLED, "acme", "broken"]
    assert info("acme").error is None
    listed = info("broken")
    assert listed.error is not None
    assert all(told in listed.error for told in broken.told)
    assert (listed.distribution, listed.providers) == ("broken-plugin", ())


@pytest.mark.parametrize("name", ["Acme", "acme inc", "-acme", "acmé"])
def test_an_entry_point_that_is_no_provider_name_is_told_to_those_who_ask(name: str, site: Site) -> None:
    site.add("acme-plugin", provider_code("acme"), providers=[name])
    assert provider_names() == BUNDLED
    for client_plugins in (None, [make("mine")]):
        with Client(plugins=client_plugins) as client, pytest.raises(PluginLoadError) as caught:
            ask(client, provider=name)
        assert "is no provider name" in str(caught.value)
        assert "acme-plugin 1.0" in str(caught.value)
    assert "is no provider name" in (info(name).error or "")


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.name)
def test_a_plugin_of_hooks_that(broken: Broken, site: Site, groq: FaultServer) -> None:
    """…does not keep a client from being made, and is listed with its error."""
    value = broken.value and broken.value.replace("broken_plugin", "sour_plugin")
    site.add("sour-plugin", broken.code, hooks=["sour"], value=value)
    with Client() as client:
        assert ask(client, provider="groq") == "ok"
    assert all(told in str(info("sour").error) for told in broken.told)
    assert (info("sour").distribution, info("sour").providers) == ("sour-plugin", ())


@pytest.mark.parametrize("mode", MODES)
def test_a_broken_plugin_among_others_is_left_out_and_the_trail_says_why(
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


def test_nothing_of_a_broken_plugin_stays(site: Site, groq: FaultServer) -> None:
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


def test_an_unknown_name_is_told_with_the_nearest_one(site: Site) -> None:
    site.add("acme-plugin", provider_code("acme"), providers=["acme"])
    with pytest.raises(UnknownProviderError, match="did you mean 'acme'"):
        process_registry().get("acmi")
    with Client(plugins=[make("mine")]) as client, pytest.raises(UnknownProviderError, match="'mine'"):
        ask(client, provider="mime")


# -- plugins given in code -----------------------------------------------------------------


class Acme(OpenaiTemplate):
    name = "acme"
    api_base = "http://127.0.0.1:9/v1"
    needs_auth = False
    default_model = "acme-1"


def module_with_hooks() -> ModuleType:
    module = ModuleType("a_module")
    exec(provider_code("acme", "acme-eu"), module.__dict__)
    return module


class ObjectWithHooks:
    @hookimpl
    def register_providers(self, register: Callable[[type[Provider] | Provider], None]) -> None:
        register(Acme)
        register(make("acme-eu"))


IN_CODE: dict[str, Callable[[], object]] = {
    "a class": lambda: Acme,
    "an instance": lambda: Acme(label="mine"),
    "a module": module_with_hooks,
    "an object": ObjectWithHooks,
}


@pytest.mark.parametrize("kind", IN_CODE)
def test_plugins_in_code_belong_to_their_client(kind: str, server: FaultServer) -> None:
    with Client(plugins=[IN_CODE[kind]()], base_urls={"acme": server.base_url}) as client:
        assert ask(client, provider="acme") == "ok"
        listed = [one for one in client._core.registry.plugins() if one.source == "client"]
        assert ["acme" in one.providers for one in listed] == [True]
    assert provider_names() == BUNDLED
    with Client() as other, pytest.raises(UnknownProviderError):
        ask(other, provider="acme")


@pytest.mark.parametrize("kind", IN_CODE)
def test_registered_plugins_belong_to_every_client(kind: str, server: FaultServer) -> None:
    with Client(base_urls={"acme": server.base_url}) as client:
        register(IN_CODE[kind]())
        assert ask(client, provider="acme") == "ok"
        with Client(plugins=[make("mine")], base_urls={"acme": server.base_url}) as other:
            assert ask(other, provider="acme") == "ok"

    async def both() -> str:
        async with AsyncClient(base_urls={"acme": server.base_url}) as client:
            return (await client.chat.completions.create(messages=MESSAGES, provider="acme")).text

    assert asyncio.run(both()) == "ok"
    assert "acme" in provider_names()
    assert sum("acme" in one.providers for one in process_registry().plugins()) == 1


def object_with(name: str, function: Callable[..., Any], **options: Any) -> object:
    """Return a plugin object with one hook."""
    return type("Odd", (), {name: hookimpl(function, **options)})()


def wrapping(self: object, trail: Trail) -> Iterator[None]:
    yield


async def later(self: object, trail: Trail) -> None: ...


def failing(self: object, register: object) -> None:
    raise SystemExit("bye")


class Unmakeable(Acme):
    def __init__(self) -> None:
        raise OSError("no disk")


@pytest.mark.parametrize(
    ("plugin", "told"),
    [
        (42, "no hooks"),
        (None, "no hooks"),
        ("groq", "no hooks"),
        (textwrap, "'textwrap'.*no hooks"),
        (Unmakeable, r"Unmakeable\(\) fails: OSError: no disk"),
        (Provider, "abstract"),
        (object_with("call_finishd", lambda self: None), "unknown hook 'call_finishd'"),
        (object_with("call_finished", lambda self, trial: None), "trial"),
        (object_with("register_providers", failing), "SystemExit: bye"),
        (object_with("call_finished", later), "call_finished is a coroutine"),
        (object_with("call_finished", wrapping), "no plain function"),
        (object_with("call_finished", wrapping, wrapper=True), "no plain function"),
        (object_with("register_strategies", lambda self, register: register("x", None)), "'x' and None"),
    ],
)
def test_a_plugin_in_code_that_cannot_be_used_is_refused_and_leaves_nothing(plugin: object, told: str) -> None:
    with pytest.raises(PluginLoadError, match=told):
        Client(plugins=[plugin])
    before = process_registry().plugins()
    with pytest.raises(PluginLoadError, match=told):
        register(plugin)
    assert process_registry().plugins() == before
    process_registry().observe("call_finished", Trail())


# -- observers -----------------------------------------------------------------------------


class Witness:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str | None]] = []
        self.attempts: list[Attempt] = []
        self.trails: list[Trail] = []

    @hookimpl
    def attempt_started(self, attempt: Attempt) -> None:
        self.told.append(("started", attempt.model))
        assert (attempt.outcome, attempt.duration) == (None, None)

    @hookimpl
    def attempt_finished(self, attempt: Attempt) -> None:
        self.told.append(("finished", attempt.outcome))
        self.attempts.append(attempt)

    @hookimpl
    def call_finished(self, trail: Trail) -> None:
        self.told.append(("call", None))
        self.trails.append(trail)


@pytest.mark.parametrize("mode", MODES)
def test_observers_see_each_attempt_and_the_call_however_it_ends(mode: str, groq: FaultServer) -> None:
    gone, down = replies.error(404, "gone", code="model_not_found"), replies.error(503, "down")
    stories: list[tuple[Any, list[tuple[str, str | None]]]] = [
        ((replies.answer(), replies.answer()), [("started", A), ("finished", "ok"), ("call", None)]),
        (
            (gone, replies.answer()),
            [("started", A), ("finished", "ModelUnavailableError"), ("started", B), ("finished", "ok"), ("call", None)],
        ),
        (
            (gone, down),
            [
                *[("started", A), ("finished", "ModelUnavailableError")],
                *[("started", B), ("finished", "ServerError")] * 2,
                ("call", None),
            ],
        ),
    ]
    if "stream" in mode:
        cut = [("started", A), ("finished", "StreamInterruptedError"), ("call", None)]
        stories.append(((replies.cut(2), replies.answer()), cut))
    for (of_a, of_b), expected in stories:
        witness = Witness()
        groq.on(A, of_a).on(B, of_b)
        outcome = run(mode, {"plugins": [witness], "retries": 1}, TWO)
        assert witness.told == expected
        assert witness.trails == [outcome.trail]
        assert tuple(witness.attempts) == outcome.trail.attempts


def test_observers_see_a_stream_that_its_caller_closes_early(groq: FaultServer) -> None:
    witness = Witness()
    groq.script(replies.silence("stream", 2))
    with Client(plugins=[witness]) as client:
        with client.chat.completions.create(messages=MESSAGES, provider="groq", stream=True) as stream:
            next(iter(stream))
            assert witness.told == [("started", A)]
    assert witness.told == [("started", A), ("finished", "ok"), ("call", None)]
    assert "closed by the caller" in str(witness.attempts[0])


@pytest.mark.parametrize("mode", MODES)
def test_an_observer_that_fails_is_logged_and_hurts_nobody(
    mode: str, groq: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    class Clumsy:
        @hookimpl
        def attempt_started(self, attempt: Attempt) -> None:
            raise SystemExit("at the start")

        @hookimpl
        def attempt_finished(self, attempt: Attempt) -> None:
            raise ValueError("at the end")

        @hookimpl
        def call_finished(self) -> None:
            raise asyncio.CancelledError

    first, last, everywhere = Witness(), Witness(), Witness()
    register(everywhere)
    outcome = run(mode, {"plugins": [first, Clumsy(), last]}, TWO)
    assert (outcome.text, outcome.error) == ("ok", None)
    assert first.told == last.told == everywhere.told == [("started", A), ("finished", "ok"), ("call", None)]
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert told == [
        "the observer attempt_started of the plugin 'Clumsy' (client) failed: SystemExit: at the start",
        "the observer attempt_finished of the plugin 'Clumsy' (client) failed: ValueError: at the end",
        "the observer call_finished of the plugin 'Clumsy' (client) failed: CancelledError",
    ]


def test_an_installed_observer_sees_every_client(site: Site, groq: FaultServer) -> None:
    code = "from g4f_lite import hookimpl\nseen = []\n@hookimpl\ndef call_finished(trail):\n    seen.append(trail)"
    module = site.add("meter", code, hooks=["meter"])
    for client_plugins in (None, [make("mine")]):
        with Client(plugins=client_plugins) as client:
            ask(client, provider="groq")
    assert len(sys.modules[module].seen) == 2


# -- error rules ---------------------------------------------------------------------------


class Rule:
    """Answers each error with this."""

    def __init__(self, answer: object) -> None:
        self.answer = answer
        self.asked: list[tuple[Provider, ErrorReply, ProviderError]] = []

    @hookimpl
    def refine_error(self, provider: Provider, reply: ErrorReply, error: ProviderError) -> Any:
        self.asked.append((provider, reply, error))
        if isinstance(self.answer, type):
            raise self.answer("from the rule")
        return self.answer


@pytest.mark.parametrize("mode", MODES)
def test_an_error_rule_changes_what_the_router_does(mode: str, groq: FaultServer) -> None:
    groq.on(A, replies.error(400, "our model sleeps", x_zone="eu")).on(B, replies.answer("from b"))
    assert type(run(mode, {}, TWO).error) is g4f_lite.InvalidRequestError
    rule = Rule(ModelUnavailableError("it sleeps", status=400))
    outcome = run(mode, {"plugins": [rule]}, TWO)
    assert outcome.text == "from b"
    assert str(outcome.trail.attempts[0].message) == "it sleeps"
    [(provider, reply, error)] = rule.asked
    assert (provider.name, provider.api_base) == ("groq", groq.base_url)
    assert (reply.status, reply.headers["x-zone"]) == (400, "eu")
    assert type(error) is g4f_lite.InvalidRequestError


def test_the_first_error_rule_with_a_result_counts(groq: FaultServer, caplog: pytest.LogCaptureFixture) -> None:
    groq.script(replies.error(400, "odd"))
    never, first = Rule(ModelUnavailableError("never")), Rule(g4f_lite.ContentFilterError("first"))
    junk, none, raising, leaving = Rule("junk"), Rule(None), Rule(ZeroDivisionError), Rule(SystemExit)
    outcome = run("sync", {"plugins": [never, first, junk, none, raising, leaving]}, TWO)
    assert type(outcome.error) is g4f_lite.ContentFilterError
    assert [len(rule.asked) for rule in (never, first, junk, none, raising, leaving)] == [0, 1, 1, 1, 1, 1]
    told = [record.getMessage().rpartition("(client)")[2] for record in caplog.records if record.levelname == "ERROR"]
    assert "failed: SystemExit: from the rule" in told[0]
    assert "failed: ZeroDivisionError: from the rule" in told[1]
    assert "returned str, no ProviderError" in told[2]
    assert len(told) == 3


# -- strategies ----------------------------------------------------------------------------


def backwards(legs: Sequence[Leg], context: StrategyContext) -> Sequence[Leg]:
    assert context.request.messages[0]["role"] == "user"
    return legs[::-1]


class Strategies:
    @hookimpl
    def register_strategies(self, register: Callable[[str, Strategy], None]) -> None:
        register("backwards", backwards)


@pytest.fixture
def pair(server: FaultServer) -> list[Provider]:
    """Two providers that stand equal."""
    return [make("one", server), make("two", server)]


def test_a_plugins_strategy_is_used_by_name_or_as_a_function(pair: list[Provider], server: FaultServer) -> None:
    with Client(plugins=[Strategies()]) as client:
        for strategy in ("backwards", backwards, lambda legs, context: iter(legs[1:])):
            server.received.clear()
            ask(client, provider=pair, strategy=strategy)
            assert server.models == ["model-of-two"]
            tiers = client.explain(provider=pair, strategy=strategy).tiers
            assert [leg.provider for leg in tiers[0]] == ["two", "one"]
        server.received.clear()
        ask(client, provider=pair)
        assert server.models == ["model-of-one"]
    register(Strategies())
    for client_plugins in (None, [make("mine")]):
        with Client(strategy="backwards", plugins=client_plugins) as client:
            assert client.explain(provider=pair).tiers[0][0].provider == "two"
    with pytest.raises(g4f_lite.ConfigurationError, match="did you mean 'backwards'"):
        Client(strategy="backward")


def test_an_installed_strategy_is_used_by_name(site: Site, pair: list[Provider]) -> None:
    site.add(
        "orders",
        "from g4f_lite import hookimpl\n@hookimpl\ndef register_strategies(register):\n"
        "    register('reverse', lambda legs, context: legs[::-1])",
        hooks=["orders"],
    )
    with Client(strategy="reverse") as client:
        assert client.explain(provider=pair).tiers[0][0].provider == "two"


def test_a_strategy_never_moves_a_leg_to_another_tier(pair: list[Provider], server: FaultServer) -> None:
    server.script(replies.error(404, "gone", code="model_not_found"), replies.answer("ok"))
    with Client(routes=pair) as client:
        ask(client, strategy=backwards)
    assert server.models == ["model-of-one", "model-of-two"]


def raising_strategy(legs: Sequence[Leg], context: StrategyContext) -> Sequence[Leg]:
    raise KeyError("no order")


@pytest.mark.parametrize(
    ("strategy", "told"),
    [
        (raising_strategy, "the strategy raising_strategy failed: KeyError: 'no order'"),
        (lambda legs, context: None, "failed: TypeError"),
        (lambda legs, context: [*legs, "groq"], "'groq', which is no leg of the tier"),
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_a_strategy_that_fails_is_named_before_anything_is_sent(
    mode: str, strategy: Any, told: str, pair: list[Provider], server: FaultServer
) -> None:
    outcome = run(mode, {}, {"provider": pair, "strategy": strategy})
    assert isinstance(outcome.error, g4f_lite.ConfigurationError)
    assert told in str(outcome.error)
    assert server.received == []


# -- the docs ------------------------------------------------------------------------------


def test_every_hook_is_documented_with_its_signature_and_an_example() -> None:
    page = (Path(__file__).parents[2] / "docs" / "plugins" / "hooks.md").read_text(encoding="utf-8")
    sections = {section.partition("`\n")[0]: section for section in page.split("\n## `")[1:]}
    documented = []
    for name, hook in inspect.getmembers(hookspecs, inspect.isfunction):
        if hasattr(hook, "g4f_lite_spec"):
            signature = inspect.signature(hook)
            heading = f"{name}({', '.join(signature.parameters)})"
            types = ", ".join(f"`{one.name}: {one.annotation}`" for one in signature.parameters.values())
            assert f"{types} → `{signature.return_annotation}`" in sections[heading]
            assert f"def {name}(" in sections[heading].partition("```python\n")[2].partition("```")[0]
            documented.append(heading)
    assert sorted(documented) == sorted(sections)
