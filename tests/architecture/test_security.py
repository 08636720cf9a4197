"""The limits in SECURITY.md are those of the code."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from g4f_lite.types import size_limits

PAGE = Path(__file__).parents[2].joinpath("SECURITY.md").read_text("utf-8")
ROWS = re.findall(r"^\| [^|]+ \| ([0-9][^|]*) \| `([^`]+)` \|$", PAGE, re.MULTILINE)
UNITS = {"": 1, "s": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def value_of(place: str) -> Any:
    """Return the constant, the default of a field, or the default of a parameter of a class."""
    owner, _, name = place.rpartition(".")
    try:
        return getattr(import_module(owner), name)
    except ModuleNotFoundError:
        module, _, kind = owner.rpartition(".")
        found = getattr(import_module(module), kind)
        default = inspect.signature(found).parameters[name].default
        return getattr(found(), name) if default is inspect.Parameter.empty else default


@pytest.mark.parametrize(("shown", "place"), ROWS)
def test_a_limit_is_as_the_page_says(shown: str, place: str) -> None:
    number, _, unit = shown.partition(" ")
    assert int(number) * UNITS[unit] == value_of(place)


def test_the_page_has_every_limit_of_an_answer() -> None:
    assert len(ROWS) > 10
    shown = {place.rpartition(".")[2] for _, place in ROWS}
    assert {name for name in vars(size_limits) if name.startswith("MAX_")} <= shown
