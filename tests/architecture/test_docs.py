"""What README and docs show is run, and what they name exists."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from g4f_lite.testing import FaultServer

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CHANGELOG.md",
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("providers/*.md"),
        *ROOT.glob("examples/*.md"),
    ]
)
# tests/integration/test_authors.py takes the steps of the tutorial.
WITH_PYTHON = [page for page in PAGES if "```python" in page.read_text("utf-8") and page.name != "tutorial.md"]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", WITH_PYTHON, ids=name)
def test_the_python_of_a_page_runs(page: Path, groq: FaultServer) -> None:
    namespace: dict[str, object] = {"__name__": "__main__"}
    text = page.read_text("utf-8")
    for block in re.finditer(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        line = text[: block.start(1)].count("\n")
        exec(compile("\n" * line + block.group(1), name(page), "exec"), namespace)
    assert groq.received or "FaultServer" in text


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text("utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_the_tables_of_the_providers_are_not_stale() -> None:
    generate = runpy.run_path(str(ROOT / "docs" / "generate.py"))
    text = generate["PAGE"].read_text("utf-8")
    assert generate["page"](text) == text, "run python docs/generate.py"


def test_each_room_stands_in_the_picture_of_the_architecture() -> None:
    picture = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    for entry in (ROOT / "g4f_lite").iterdir():
        if (entry / "__init__.py").exists():
            assert f"`{entry.name}/`" in picture, entry.name


def test_providers_import_public_names_only() -> None:
    for path in (ROOT / "providers").rglob("*.py"):
        for target in re.findall(r"(?:from|import) (g4f_lite[\w.]*)", path.read_text("utf-8")):
            assert target.split(".")[0] == "g4f_lite_providers" or target == "g4f_lite", f"{path.name}: {target}"


def test_no_lock_is_hidden_in_a_property() -> None:
    """Before Python 3.12 a `cached_property` has one for all instances, which a forked child may find held for ever."""
    for path in [*(ROOT / "g4f_lite").rglob("*.py"), *(ROOT / "providers").rglob("*.py")]:
        assert "@cached_property" not in path.read_text("utf-8"), path.name
