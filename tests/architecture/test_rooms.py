"""The order of the rooms: imports point downwards and make no cycle. docs/architecture.md has the picture."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest
from helpers.arrows import MODULES, PACKAGE, imports_of, room_of
from helpers.installing import ROOT

# From the lowest to the highest. A room may import those of earlier lines; rooms of one line do not import each other.
ORDER = """
    ground
    records
    errors
    types
    provider
    health transport
    routing
    plugins failover
    call
    client observability
    openai testing
    gateway bulk simulation
    cli
"""
LEVELS = {room: level for level, line in enumerate(ORDER.strip().splitlines()) for room in line.split()}
LONGEST, MOST_ENTRIES = 400, 21


@cache
def arrows() -> dict[str, set[str]]:
    """Return what each module imports. Not read with this file, which every worker of the tests does."""
    return {module: set(imports_of(module)) - {module} for module in MODULES if module != "g4f_lite"}


@pytest.mark.no_cover
def test_every_room_has_its_place_in_the_order() -> None:
    assert {room_of(module) for module in arrows()} == set(LEVELS)


def test_imports_point_downwards() -> None:
    for module, targets in arrows().items():
        room = room_of(module)
        for target in targets:
            # Public names are for users and for the command; other rooms import the module that defines the name.
            assert target != "g4f_lite" or room == "cli", module
            assert room_of(target) == room or LEVELS[room_of(target)] < LEVELS[room], f"{module}: {target}"


def test_no_import_goes_in_circles() -> None:
    """Repeatedly remove the modules that import none of the remaining ones; return what remains."""
    left = dict(arrows())
    while free := [module for module, targets in left.items() if not targets & left.keys()]:
        for module in free:
            del left[module]
    assert not left


WITH_PLATES = [
    room for room in LEVELS if room not in ("ground", "observability", "openai", "testing", "bulk", "simulation", "cli")
] + ["openai/mapping"]


@pytest.mark.parametrize("room", WITH_PLATES)
def test_a_room_says_what_is_in_it_and_imports_nothing(room: str) -> None:
    for plate in (PACKAGE / room).rglob("__init__.py"):
        tree = ast.parse(plate.read_text("utf-8"))
        assert len(tree.body) == 1, f"{plate} holds more than a docstring"
        rows = re.findall(r"^\| ((?:`[\w/*]+` ?)+)\|", ast.get_docstring(tree) or "", re.MULTILINE)
        named = {name for row in rows for name in re.findall(r"`([\w/*]+)`", row)}
        files = {entry.stem for entry in plate.parent.glob("*.py") if entry != plate}
        folders = {f"{entry.parent.name}/" for entry in plate.parent.glob("*/__init__.py")}
        if "*" in named:  # a row for all other files
            named = (named - {"*"}) | files
        assert named == files | folders, plate


def test_modules_are_short_and_the_top_level_is_small() -> None:
    for path in [*MODULES.values(), *(ROOT / "providers").rglob("*.py")]:
        assert len(path.read_text("utf-8").splitlines()) <= LONGEST, path
    marks = {"__pycache__", "__init__.py", "__main__.py", "py.typed"}
    assert len([entry for entry in PACKAGE.iterdir() if entry.name not in marks]) <= MOST_ENTRIES
