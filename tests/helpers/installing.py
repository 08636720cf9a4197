"""Builds a release, and installs it into environments of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
QUICK = "G4F_LITE_QUICK" in os.environ
"""Whether `.ci/run` has done the longest searches, and what is built and installed, on another Python."""
ONCE = pytest.mark.skipif(QUICK, reason="slow, and done on another Python")
SLOW = [
    pytest.mark.xdist_group("distribution"),  # one worker builds and installs everything once
    ONCE,
]
MEASURING = "COVERAGE_PROCESS_CONFIG"
OURS = ("PYTHONPATH", "PYTEST_ADDOPTS", "G4F_LITE_LOAD_PLUGINS", MEASURING)
"""Variables that a program outside of this test run must not inherit."""


def unmeasured(**more: str) -> dict[str, str]:
    """Return an environment for a long search: coverage, which would double its time, does not measure it."""
    return {**{name: value for name, value in os.environ.items() if name != MEASURING}, **more}


def call(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a program that must succeed; return what it prints."""
    clean = {name: value for name, value in os.environ.items() if name not in OURS}
    ran = subprocess.run(
        [str(part) for part in command],
        cwd=cwd, env={**clean, **environment}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, f"{command}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout


def build(source: Path, into: Path, *options: str) -> Path:
    """Build with the hatchling of this environment; return the wheel."""
    call(sys.executable, "-m", "build", "--no-isolation", *options, "--outdir", into, source, cwd=into)
    [wheel] = into.glob("*.whl")
    return wheel


class Built(NamedTuple):
    """A release, and the wheel that is built from the source tree without an sdist between."""

    sdist: Path
    wheel: Path
    direct: Path


def build_release(release: Path, direct: Path) -> Built:
    """Build as for a release, and once more straight from the tree."""
    wheel = build(ROOT, release)
    [sdist] = release.glob("*.tar.gz")
    return Built(sdist, wheel, build(ROOT, direct, "--wheel"))


class Venv(NamedTuple):
    """An environment with g4f_lite from its wheel; all other packages are those of the test environment."""

    bin: Path
    cwd: Path

    def run(self, *command: str | Path, cwd: Path | None = None, **environment: str) -> str:
        """Run a program as in the activated environment, without a package index."""
        settings = {
            "PATH": os.pathsep.join([str(self.bin), os.defpath]),
            "PIP_NO_INDEX": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # in pip, "0" disables the isolation
            "G4F_LITE_CONFIG_DIR": str(self.cwd / "config"),
        }
        return call(*command, cwd=cwd or self.cwd, **{**settings, **environment})


def make_venv(folder: Path, wheel: Path) -> Venv:
    """Install a wheel without an index; its dependencies are borrowed from this environment."""
    call(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    scripts = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / "python"
    install = ("install", "--no-index", "--no-deps", "--no-compile", wheel)
    call(sys.executable, "-m", "pip", "--python", python, *install, cwd=folder)
    show = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    site = Path(call(python, "-c", show, cwd=folder).strip())
    (site / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")  # last on sys.path: ours comes first
    return Venv(scripts, folder)
