"""How this package is installed is the same everywhere: from a checkout or a wheel, as it is on no index."""

from __future__ import annotations

import re

import pytest
from helpers.installing import ROOT

import g4f_lite_providers.local_weights
from g4f_lite.errors.suggestions import install_hint

TEXTS = [
    path
    for folder in ("g4f_lite", "providers", "docs", "examples")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".py", ".md")
] + [ROOT / "README.md"]


def test_no_text_installs_it_by_its_name() -> None:
    wrong = re.compile(r"""pip install ["']?g4f_lite\b(?!-…)""")
    assert [path for path in TEXTS if wrong.search(path.read_text("utf-8"))] == []


def test_messages_have_the_same_words() -> None:
    """A literal would be another wording; the provider `local` has its own, as it imports public names only."""
    assert install_hint("local") == g4f_lite_providers.local_weights.INSTALL
    literal = re.compile(r"pip install '\.\[\w+\]' in the checkout")
    ours = [path.name for path in TEXTS if path.suffix == ".py" and literal.search(path.read_text("utf-8"))]
    assert ours == ["local_weights.py"]


@pytest.mark.parametrize("extra", ["cli", "local", "openai", "prices", "redis", "tools", "vertex"])
def test_the_page_names_the_extra(extra: str) -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    assert f"`{extra}`" in page
