"""A virtual environment for each set of requirements, made once and kept in the working copy."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from .rounds import ROOT

FOLDER = ROOT / ".benchmarks"
_PLAIN = {"pip", "setuptools", "wheel"}
_PLAIN_FOLDERS = {"pip", "setuptools", "_distutils_hack", "pkg_resources"}
_LIST = """
import json
from importlib.metadata import distributions
print(json.dumps({one.name.lower().replace("_", "-"): one.version for one in distributions()}))
"""


class Environment(NamedTuple):
    python: Path
    packages: dict[str, str]
    """Name to version, without the packages of every environment."""
    size: int
    """Bytes of the installed files, without compiled ones."""


def environment(requirements: Sequence[str]) -> Environment:
    """Return the environment with these requirements; `.` is this working copy, which is installed again each time."""
    ours = list(requirements) == ["."]
    folder = FOLDER / ("g4f_lite" if ours else re.sub(r"\W+", "-", "-".join(requirements)).strip("-"))
    python = folder / "bin" / "python"
    if ours or not (folder / "ready").exists():
        _run(sys.executable, "-m", "venv", "--clear", str(folder))
        install = [str(ROOT)] if ours else requirements
        _run(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *install)
        (folder / "ready").touch()
    packages: dict[str, str] = json.loads(_run(str(python), "-I", "-c", _LIST))
    site = next(folder.glob("lib/python3*/site-packages"))
    installed = (file for file in site.rglob("*") if file.is_file() and file.suffix != ".pyc")
    size = sum(file.stat().st_size for file in installed if file.relative_to(site).parts[0] not in _PLAIN_FOLDERS)
    return Environment(python, {name: packages[name] for name in sorted(packages.keys() - _PLAIN)}, size)


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout
