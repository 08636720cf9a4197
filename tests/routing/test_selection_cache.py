"""A selection is cached until anything that it depends on changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.providers import Day

from g4f_lite import MissingKeyError, UnknownProviderError, register
from g4f_lite.plugins.registry import Registry, process_registry
from g4f_lite.provider.keys import remove_key, store_key
from g4f_lite.routing.leg_factory import LegFactory
from g4f_lite.routing.selection_cache import SelectionCache


class Moody(Day):
    """A provider that can be used if a file exists."""

    name = "moody"
    needs_auth = False
    switch = Path()

    def unavailable_reason(self) -> str | None:
        return None if self.switch.exists() else "it is switched off"


def selections(*plugins: object) -> SelectionCache:
    return SelectionCache(Registry(plugins, parent=process_registry()), LegFactory(), None)


def seen(selections: SelectionCache) -> list[tuple[str, str | None, str | None]]:
    tiers = selections.get("day", None, None).tiers
    return [
        (leg.provider.api_base, leg.key and leg.key.value, leg.key and leg.key.source) for tier in tiers for leg in tier
    ]


def test_the_legs_are_reused_while_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAY_API_KEY", "one")
    known = selections(Day())
    first = known.get("day", None, ["sunday", "monday"])
    assert known.get("day", None, ("sunday", "monday")) is first
    assert known.get("day", None, ["monday"]) is not first
    assert known.get("day", "monday", ["sunday", "monday"]) is not first


def test_a_change_of_the_environment_takes_effect_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    known = selections(Day())
    with pytest.raises(MissingKeyError):
        seen(known)
    monkeypatch.setenv("DAY_API_KEY", "one")
    assert seen(known) == [("http://127.0.0.1:1/v1", "one", "DAY_API_KEY")]
    monkeypatch.setenv("DAY_API_KEY", "two")
    monkeypatch.setenv("DAY_API_BASE", "http://127.0.0.1:2/v1")
    assert seen(known) == [("http://127.0.0.1:2/v1", "two", "DAY_API_KEY")]
    monkeypatch.delenv("DAY_API_KEY")
    with pytest.raises(MissingKeyError):
        seen(known)


def test_a_change_of_the_stored_keys_takes_effect_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    known = selections(Day())
    for value in ("one", "three"):
        store_key("day", value)
        assert seen(known) == [("http://127.0.0.1:1/v1", value, "stored")]
    monkeypatch.setenv("G4F_LITE_CONFIG_DIR", str(tmp_path / "elsewhere"))
    store_key("day", "four")
    assert seen(known) == [("http://127.0.0.1:1/v1", "four", "stored")]
    remove_key("day")
    with pytest.raises(MissingKeyError):
        seen(known)


def test_a_later_registration_takes_effect_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAY_API_KEY", "one")
    known = selections()
    with pytest.raises(UnknownProviderError):
        seen(known)
    register(Day())
    assert seen(known)[0][0] == "http://127.0.0.1:1/v1"
    register(Day(api_base="http://127.0.0.1:3/v1"))
    assert seen(known)[0][0] == "http://127.0.0.1:3/v1"


def test_a_provider_is_asked_each_time_whether_it_can_be_used(tmp_path: Path) -> None:
    switch = tmp_path / "switch"
    known = selections(Moody(switch=switch), Day(needs_auth=False))

    def names() -> list[str]:
        return [leg.provider.name for tier in known.get("day", None, ["moody:x"]).tiers for leg in tier]

    assert names() == ["day"]
    switch.touch()
    assert names() == ["day", "moody"]
    switch.unlink()
    assert names() == ["day"]
