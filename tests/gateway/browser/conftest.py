"""Tests in Chromium: with the package selenium, the extra `browser`; elsewhere they are not collected."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore_glob = ["test_*.py"] if find_spec("selenium") is None else []
