"""pyright passes on the examples: those of the docs, of `examples/`, and what type checkers see of the public names."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from helpers.installing import ROOT

PAGES = [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]
EXAMPLES = [path for path in ROOT.glob("examples/**/*.py") if "tests" not in path.parts]


def programs(page: Path) -> list[str]:
    """Return the code of a page with its line numbers: one program, but for the page whose examples stand alone."""
    text = page.read_text("utf-8")
    lines, found = [""] * (text.count("\n") + 1), []
    for block in re.finditer(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        start, code = text[: block.start(1)].count("\n"), block[1].splitlines()
        lines[start : start + len(code)] = code
        if page.name == "ecosystem.md":
            found.append("\n" * start + block[1])
    return found or ["\n".join(lines)]


def test_pyright_passes_on_the_examples(tmp_path: Path) -> None:
    for page in PAGES:
        if page.name != "tutorial.md":  # its blocks are files of a project: tests/integration/test_authors.py
            for number, code in enumerate(programs(page)):
                name = "_".join(page.relative_to(ROOT).with_suffix("").parts)
                (tmp_path / f"{name}_{number}.py").write_text(code, "utf-8")
    files = [tmp_path, *EXAMPLES, ROOT / "tests" / "typing" / "public.py"]
    command = [sys.executable, "-m", "pyright", "--level", "error", "--pythonpath", sys.executable, *map(str, files)]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=500, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
