"""The version of a registry: caches of its content are valid while it does not change."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from g4f_lite import OpenaiTemplate, PluginLoadError, Trail, hookimpl
from g4f_lite.plugins.registry import Registry


class Acme(OpenaiTemplate):
    name = "acme"
    api_base = "http://127.0.0.1:9/v1"
    default_model = "m"


def observer(seen: list[str], name: str) -> SimpleNamespace:
    @hookimpl
    def call_finished(trail: Trail) -> None:
        seen.append(name)

    return SimpleNamespace(__name__=name, call_finished=call_finished)


def test_a_registry_and_those_on_top_of_it_share_their_version() -> None:
    parent = Registry()
    child, other = Registry(parent=parent), Registry(parent=parent)
    versions = [(parent.version, child.version, other.version)]
    for registry in (parent, child):
        registry.register(Acme)
        versions.append((parent.version, child.version, other.version))
    assert all(len(set(shown)) == 1 for shown in versions)
    assert versions == sorted(set(versions))
    assert type(parent.version) is int
    assert Registry().version == 0


def test_the_version_rises_when_plugins_are_read_loaded_and_refused() -> None:
    registry = Registry()
    versions = [registry.version]
    registry.names()
    versions.append(registry.version)
    registry.get("groq")
    versions.append(registry.version)
    with pytest.raises(PluginLoadError):
        registry.register(SimpleNamespace(__name__="empty"))
    versions.append(registry.version)
    registry.get("groq")
    assert versions == sorted(set(versions))
    assert registry.version == versions[-1]


def test_observers_that_come_later_are_called_by_registries_on_top() -> None:
    seen: list[str] = []
    parent = Registry()
    child = Registry([observer(seen, "child")], parent=parent)
    child.observe("call_finished", Trail())
    parent.register(observer(seen, "parent"))
    child.observe("call_finished", Trail())
    parent.observe("call_finished", Trail())
    assert seen == ["child", "child", "parent", "parent"]
