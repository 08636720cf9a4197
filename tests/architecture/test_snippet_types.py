"""`mypy --strict` passes on the code of the documentation and on the examples; pyright: tests/openai/ecosystem."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from helpers.installing import ROOT, unmeasured

PAGES = [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]
EXAMPLES = [path for path in ROOT.glob("examples/**/*.py") if "tests" not in path.parts]
NOT_INSTALLED = '# mypy: disable-error-code="import-not-found, untyped-decorator"'
APART = ("tutorial.md", "ecosystem.md")
"""Pages whose blocks are programs of their own, which import what is not installed here."""


def programs(page: Path) -> list[str]:
    """Return the code of a page with its line numbers: one program, but for the pages whose blocks stand apart."""
    text = page.read_text("utf-8")
    blocks = [
        (text[: block.start(1)].count("\n"), block[1])
        for block in re.finditer(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    ]
    if page.name in APART:
        return [NOT_INSTALLED + "\n" * start + code for start, code in blocks]
    lines = [""] * (text.count("\n") + 1)
    for start, code in blocks:
        lines[start : start + code.count("\n")] = code.splitlines()
    return ["\n".join(lines)] if blocks else []


def test_mypy_passes_on_the_documentation_and_the_examples(tmp_path: Path) -> None:
    for page in PAGES:
        for number, code in enumerate(programs(page)):
            name = "_".join(page.relative_to(ROOT).with_suffix("").parts)
            (tmp_path / f"{name}_{number}.py").write_text(code, "utf-8")
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", str(tmp_path), *map(str, EXAMPLES)]
    environment = unmeasured(MYPYPATH=str(tmp_path))
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=500, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
