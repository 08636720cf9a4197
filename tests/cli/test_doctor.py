"""`g4f-lite doctor` says what can be used, and what is missing."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from helpers.commands import KEY, Cli, Free

import g4f_lite
import g4f_lite_providers
from g4f_lite.cli.doctor import DEPENDENCIES, EXTRAS
from g4f_lite.errors.suggestions import install_hint
from g4f_lite.testing import FaultServer


@pytest.fixture
def only_groq(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation whose only provider is Groq."""
    monkeypatch.setattr(g4f_lite_providers, "BUNDLED", {"groq": g4f_lite_providers.BUNDLED["groq"]})


def test_the_doctor_finds_a_usable_provider(cli: Cli, groq: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:pa/ss@proxy:3128")
    monkeypatch.setitem(EXTRAS, "future", ("surely-not-installed",))
    ran = cli("doctor")
    assert ran.code == 0
    rows = {tuple(line.split("\t")[:2]): line.split("\t")[2] for line in ran.out.splitlines()}
    assert rows["provider", "groq"].startswith("ok; key ")
    assert rows["provider", "groq"].endswith(f"address {groq.base_url} from GROQ_API_BASE")
    assert rows["proxy", "https"] == "http://…@proxy:3128"
    assert ("package", "msgspec") in rows
    assert rows["extra", "future"] == f"missing: {install_hint('future')}"
    assert KEY not in ran.out
    report = json.loads(cli("doctor", "--json").out)
    assert report["usable"] is True
    assert report["extras"]["cli"]["click"]
    assert groq.received == []


def test_an_address_for_other_libraries_is_noticed(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-tests")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:8080/v1")
    assert "OPENAI_BASE_URL is not read: set OPENAI_API_BASE\n" in cli("doctor").out
    monkeypatch.setenv("OPENAI_API_BASE", "http://127.0.0.1:8080/v1")
    assert "OPENAI_BASE_URL" not in cli("doctor").out


@pytest.mark.usefixtures("only_groq")
def test_the_doctor_fails_when_nothing_can_be_used(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    g4f_lite.register(Free)  # used only when named
    ran = cli("doctor")
    assert ran.code == 3
    assert "provider\tfree\tok; needs no key; used only when named\n" in ran.out
    assert "provider\tgroq\tnot usable; no key; get one at https://console.groq.com/keys\n" in ran.out
    assert "no provider can be used" in ran.err
    assert json.loads(cli("doctor", "--json").out)["usable"] is False
    monkeypatch.setenv("GROQ_API_KEY", "gsk_x")
    monkeypatch.setenv("GROQ_API_BASE", "nonsense")
    assert "provider\tgroq\tnot working: GROQ_API_BASE must be an address" in cli("doctor").out


def test_the_doctor_counts_providers_that_only_lack_a_key(cli: Cli, groq: FaultServer) -> None:
    rows = [line.split("\t") for line in cli("doctor").out.splitlines() if line.startswith("provider")]
    keyless = [name for _, name, state in rows if state.startswith("not usable; no key; get one at https://")]
    assert len(keyless) == 3
    [(others, state)] = [(name, state) for _, name, state in rows if name.endswith(" others")]
    assert int(others.split()[0]) == state.partition(";")[0].count(",") + 1 > 10


def test_the_doctor_says_which_variable_is_set_in_vain(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEBIUS_APIKEY", "secret")
    monkeypatch.setenv("HF_HUB_TOKEN", " ")
    report = cli("doctor")
    rows = {line.split("\t")[1]: line.split("\t")[2] for line in report.out.splitlines()}
    assert rows["nebius"].endswith("; NEBIUS_APIKEY is set, but is not read")
    assert report.out.count("is set, but is not read") == 1
    told = {one["name"]: one["set_in_vain"] for one in json.loads(cli("doctor", "--json").out)["providers"]}
    assert {name for name, variable in told.items() if variable} == {"nebius"}
    assert "secret" not in report.out


def test_the_doctor_knows_the_same_dependencies_as_the_package() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]

    def names(requirements: list[str]) -> tuple[str, ...]:
        return tuple(re.split(r"[<>=\[]", one)[0] for one in requirements)

    extras = {
        name: names(some)
        for name, some in project["optional-dependencies"].items()
        if name not in ("browser", "dev", "ecosystem")
    }
    assert names(project["dependencies"]) == DEPENDENCIES
    assert extras == EXTRAS
