"""Every test starts without keys, without third-party plugins, and with a registry of its own."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from helpers.commands import Cli, Ran
from helpers.endpoints import two_providers
from helpers.installing import Built, build_release
from helpers.sites import Site

from g4f_lite.client import shortcuts
from g4f_lite.plugins import registry as plugins
from g4f_lite.testing import FaultServer


@pytest.fixture(scope="session")
def unused_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Names of folders that are not there: to make a `tmp_path` for each test would take as long as many a test."""
    folder = tmp_path_factory.mktemp("config")
    return (folder / str(number) for number in count())


if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):  # of a shell in the background; the commands that tests start inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """pytest-cov stops its own measurement for `no_cover`; in a process of xdist, coverage's `subprocess` then goes on."""
    if (trace := sys.gettrace()) is None or item.get_closest_marker("no_cover") is None:
        return (yield)
    in_threads = threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)  # type: ignore[arg-type]  # typeshed does not know that None ends it
    try:
        return (yield)
    finally:
        sys.settrace(trace)
        threading.settrace(in_threads)  # type: ignore[arg-type]  # as above


def pytest_unconfigure() -> None:
    if (servers := sys.modules.get("helpers.redis_server")) is not None:  # else no test has needed one
        servers.end_shared()


@pytest.fixture(autouse=True)
def clean_environment(
    request: pytest.FixtureRequest, unused_folders: Iterator[Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    for name in os.environ:
        if name.upper().endswith((
            "_API_KEY", "_API_BASE", "_PROXY", "_TOKEN", "_ENDPOINT", "_ACCOUNT_ID", "_PROJECT", "_LOCATION", "_REGION",
            "_CA_BUNDLE", "SSL_CERT_FILE",
        )):  # fmt: skip
            monkeypatch.delenv(name)
    with_folder = "tmp_path" in request.fixturenames
    config = request.getfixturevalue("tmp_path") / "config" if with_folder else next(unused_folders)
    monkeypatch.setenv("G4F_LITE_CONFIG_DIR", str(config))
    monkeypatch.setenv("G4F_LITE_LOAD_PLUGINS", "")
    monkeypatch.setattr(plugins, "_process_registry", None)
    monkeypatch.setattr(shortcuts, "_shared", [])
    yield
    shortcuts._close()


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run as a user id that the system does not know, without HOME: what `docker run -u 1234` gives."""

    def unknown(user: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {user}")

    monkeypatch.setattr("pwd.getpwuid", unknown)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "G4F_LITE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def groq(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> FaultServer:
    """A server in the place of Groq's, with a key in the environment."""
    monkeypatch.setenv("GROQ_API_KEY", "gsk_secret_of_the_tests")
    monkeypatch.setenv("GROQ_API_BASE", server.base_url)
    return server


@pytest.fixture
def two(server: FaultServer) -> dict[str, Any]:
    """Settings of a client with two providers of all endpoints, both on the server."""
    return two_providers(server)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A folder for third-party plugins, all of which may be loaded. Their modules are unloaded afterwards."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delenv("G4F_LITE_LOAD_PLUGINS")
    yield Site(folder)
    for name in [name for name in sys.modules if name.startswith("plug_")]:
        del sys.modules[name]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run the command in this process."""
    from g4f_lite.cli import main  # of an extra

    def call(*arguments: str, stdin: bytes = b"") -> Ran:
        monkeypatch.setattr(sys, "argv", ["g4f-lite", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = main()
        return Ran(code, *capsys.readouterr())

    return call


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A release that is built once, as all tests that use it are in one group of xdist."""
    return build_release(tmp_path_factory.mktemp("release"), tmp_path_factory.mktemp("direct"))
