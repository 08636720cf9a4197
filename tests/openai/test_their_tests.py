"""The packages' own tests of the endpoints pass with our classes, but for those that are named here."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.installing import ONCE
from helpers.their_tests import fetch, run

MOCKED = "test_speech.py"
"""
These tests replace the connections of httpx by a mock, which answers with JSON. They pass with an http client that the
caller gives, whose connections we use; without one, the connections are our own, and the mock waits in vain.
"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("their tests")


@pytest.fixture(scope="module", params=["openai", "groq"])
def package(request: pytest.FixtureRequest, folders: Path) -> tuple[str, Path]:
    """A package, and the folder with its tests."""
    name: str = request.param
    folder = fetch(name, folders / name)
    if folder is None:
        pytest.skip("no index has the source distribution and what its tests need")
    return name, folder


@ONCE
@pytest.mark.xdist_group("their tests")
def test_their_tests_pass(package: tuple[str, Path]) -> None:
    name, folder = package
    for client, excepted in (("httpx2", ""), ("none", MOCKED)) if name == "openai" else (("", MOCKED),):
        report = run(name, folder, {"OPENAI_TEST_HTTP_CLIENT": client})
        unexpected = {test for test in report.failed if not excepted or not test.startswith(excepted)}
        assert not unexpected, report.text
        assert report.passed >= (500 if name == "openai" else 80), report.text
