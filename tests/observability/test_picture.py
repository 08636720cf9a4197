"""The picture of a failover in the documentation shows the spans that the SDK exports."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from xml.etree import ElementTree

DOCS = Path(__file__).parents[2] / "docs"
NAMESPACE = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    found = [one.text or "" for one in ElementTree.fromstring(svg).iter(f"{NAMESPACE}text")]
    return [text for text in found if re.fullmatch(r"\d+ ms", text) is None]


def test_the_picture_shows_what_is_exported() -> None:
    draw = runpy.run_path(str(DOCS / "draw_trace.py"))
    fresh, committed = draw["picture"](draw["failover"]()), (DOCS / "failover.svg").read_text("utf-8")
    assert texts(fresh) == texts(committed), "run python docs/draw_trace.py"
    assert len(texts(fresh)) == 4 * 2 + 1  # each span with its attributes, and the wait
    assert "(failover.svg)" in (DOCS / "observability.md").read_text("utf-8")
