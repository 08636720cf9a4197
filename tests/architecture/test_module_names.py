"""Modules that are named in strings exist. A wrong name would fail only where it is used, such as in a fork."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import pairwise
from types import ModuleType

import pytest
from helpers.installing import ROOT

import g4f_lite
import g4f_lite.openai
import g4f_lite.testing

PACKAGE = ROOT / "g4f_lite"
PACKAGES = (g4f_lite, g4f_lite.openai, g4f_lite.testing)
"""Those whose names are imported on first use."""
_RUN = re.compile(r"python -m (g4f_lite[\w.]*)")
_TAKE_NAMES = ("preload_before_fork", "import_module")


def strings_of(nodes: Iterable[ast.expr]) -> list[str]:
    return [node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else "" for node in nodes]


def named_in(tree: ast.Module) -> Iterator[str]:
    """Yield the modules that a file names: as arguments, after `-m`, and in texts that say how to run one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _TAKE_NAMES:
            yield from (name for name in strings_of(node.args) if name and not name.startswith("."))
        elif isinstance(node, (ast.List, ast.Tuple)):
            yield from (name for flag, name in pairwise(strings_of(node.elts)) if flag == "-m" and name)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _RUN.findall(node.value.replace("`", " "))


def named() -> Iterator[str]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield from named_in(ast.parse(path.read_text("utf-8")))
    for package in PACKAGES:
        yield from (f"{package.__name__}.{module}" for module in package._MODULES)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    groups = [project["scripts"], *project["entry-points"].values()]
    yield from (target.partition(":")[0] for group in groups for target in group.values())


@pytest.mark.no_cover
def test_names_are_found_in_every_place() -> None:
    assert {
        "difflib",
        "g4f_lite.plugins.registry",
        "g4f_lite.plugins.subprocess_load",
        "g4f_lite.testing.server",
        "g4f_lite.testing.import_trial",
        "g4f_lite.testing.pytest_plugin",
        "g4f_lite.cli",
    } <= set(named())


@pytest.mark.no_cover
def test_a_module_that_is_named_in_a_string_is_there() -> None:
    for name in sorted(set(named())):
        import_module(name)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_name_of_a_lazy_table_is_in_its_module(package: ModuleType) -> None:
    for name in package.__all__:
        assert hasattr(package, name)
