"""Commands run in processes like those of users, or in this one (the fixture `cli`) if only their arguments matter."""

from __future__ import annotations

import os
import sys

import pytest


@pytest.fixture(autouse=True)
def like_outside_of_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let processes buffer and encode as they do outside of tests, and find what this one imports."""
    for name in ("PYTHONUNBUFFERED", "PYTHONIOENCODING", "PYTHONUTF8", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
