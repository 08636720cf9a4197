"""Plugins that are given to a client or registered in code, without an installed distribution."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from helpers.driving import MESSAGES
from helpers.plugins import BUNDLED, ask, make
from helpers.sites import provider_code

from g4f_lite import (
    AsyncClient,
    Client,
    ConfigurationError,
    OpenaiTemplate,
    PluginLoadError,
    Provider,
    Trail,
    UnknownProviderError,
    hookimpl,
    provider_names,
    register,
)
from g4f_lite.plugins.registry import process_registry
from g4f_lite.testing import FaultServer


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
        listed = [one for one in client._calls.registry.plugins() if one.source == "client"]
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
    ("plugin", "message"),
    [
        (42, "no hooks"),
        (None, "no hooks"),
        ("groq", "it is the text 'groq'; pass the module, class or object itself"),
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
def test_a_plugin_in_code_that_cannot_be_used_is_refused_and_leaves_nothing(plugin: object, message: str) -> None:
    with pytest.raises(PluginLoadError, match=message):
        Client(plugins=[plugin])
    before = process_registry().plugins()
    with pytest.raises(PluginLoadError, match=message):
        register(plugin)
    assert process_registry().plugins() == before
    process_registry().observe("call_finished", Trail())


@pytest.mark.parametrize("plugins", [Acme, textwrap, "acme", {"acme": Acme}])
def test_one_plugin_in_place_of_a_list_is_refused(plugins: Any) -> None:
    with pytest.raises(ConfigurationError, match="plugins must be a list of providers and hooks, not "):
        Client(plugins=plugins)


def test_a_class_is_instantiated(server: FaultServer) -> None:
    seen: list[Trail] = []

    class Diary:
        @hookimpl
        def call_finished(self, trail: Trail) -> None:
            seen.append(trail)

    with Client(plugins=[Diary], base_urls={"groq": server.base_url}, keys={"groq": "gsk_test"}) as client:
        client.chat.completions.create(messages=[{"role": "user", "content": "hi"}], provider="groq")
    assert [trail.outcome for trail in seen] == ["ok"]
