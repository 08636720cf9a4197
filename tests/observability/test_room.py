"""The room costs nothing where it is not used, and is built as any plugin may be."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest
from helpers.arrows import MODULES, imports_of
from helpers.driving import MESSAGES
from helpers.imports import python
from helpers.sites import Site

import g4f_lite.observability
from g4f_lite import Client
from g4f_lite.plugins.registry import process_registry
from g4f_lite.testing import FaultServer

ROOM = [module for module in MODULES if module.startswith("g4f_lite.observability.")]
GROUND = {"g4f_lite.value", "g4f_lite.version", "g4f_lite.errors.suggestions"}
"""Of the library's own, not of its work: types, the version, how to install an extra."""


@pytest.mark.parametrize("module", ROOM)
def test_a_third_party_could_have_written_it(module: str) -> None:
    """What it imports from the rest of the library are public names."""
    outside = set(imports_of(module)) - {*ROOM, "g4f_lite.observability"} - GROUND
    tree = ast.parse(MODULES[module].read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 2:
            home = f"g4f_lite.{node.module}" if node.module else "g4f_lite"
            for name in [one.name for one in node.names] if home in outside else []:
                found = getattr(importlib.import_module(home), name)
                assert name == "exceptions" or getattr(g4f_lite, name) is found, f"{home}.{name}"


def test_nothing_is_imported_before_it_is_used(groq: FaultServer) -> None:
    done = python(f"""
import sys
from g4f_lite import Client
with Client(keys={{"groq": "gsk_of_the_tests"}}, base_urls={{"groq": {groq.base_url!r}}}) as client:
    assert client.chat.completions.create(messages={MESSAGES!r}, provider="groq").text
import g4f_lite.observability
print(*sys.modules)""")
    assert done.returncode == 0, done.stderr
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"opentelemetry", "prometheus_client"}
    assert not [name for name in done.stdout.split() if name.startswith("g4f_lite.observability.")]


@pytest.mark.parametrize(
    ("missing", "used", "extra"),
    [
        ("opentelemetry", "from g4f_lite.observability import Tracing", "otel"),
        ("prometheus_client", "from g4f_lite.observability import prometheus_text", "prometheus"),
        ("prometheus_client", "from g4f_lite.observability import Metrics; Metrics()", "prometheus"),
    ],
)
def test_what_is_missing_says_how_to_install_it(missing: str, used: str, extra: str) -> None:
    done = python(f"import sys; sys.modules[{missing!r}] = None\n{used}")
    assert f"'.[{extra}]' in the checkout" in done.stderr.splitlines()[-1]
    assert done.stderr.splitlines()[-1].startswith(f"ImportError: {missing} is not installed")


@pytest.mark.parametrize("kept", ["opentelemetry", "prometheus_client"])
def test_each_extra_works_without_the_other(kept: str) -> None:
    missing = "prometheus_client" if kept == "opentelemetry" else "opentelemetry"
    use = (
        "from opentelemetry.sdk.metrics import MeterProvider; observability.Metrics(meter_provider=MeterProvider())"
        if kept == "opentelemetry"
        else "observability.Metrics(); observability.prometheus_text()"
    )
    done = python(f"""
import sys
sys.modules[{missing!r}] = None
from g4f_lite import observability
{use}
observability.CallLogger()""")
    assert done.returncode == 0, done.stderr


PLUGIN = """
from g4f_lite.observability import CallLogger
logger = CallLogger()
"""


@pytest.mark.parametrize("value", ["plug_team_telemetry:logger", "g4f_lite.observability:CallLogger"])
def test_entry_points_load_it(value: str, site: Site, groq: FaultServer, caplog: pytest.LogCaptureFixture) -> None:
    site.add("team-telemetry", PLUGIN, hooks=["telemetry"], value=value)
    caplog.set_level("INFO", "g4f_lite.calls")
    with Client() as client:
        client.chat.completions.create(messages=MESSAGES, provider="groq")
    (listed,) = [one for one in process_registry().plugins() if one.distribution == "team-telemetry"]
    assert listed.error is None, listed.error
    assert [record.name for record in caplog.records].count("g4f_lite.calls") == 1


def test_the_documentation_names_all_that_is_exported() -> None:
    page = (Path(__file__).parents[2] / "docs" / "observability.md").read_text("utf-8")
    assert all(f"`{name}" in page or f"{name}(" in page for name in g4f_lite.observability.__all__)
