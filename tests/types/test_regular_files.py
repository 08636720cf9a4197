"""A pipe in the place of a file that the library reads: nobody writes into it, and nothing waits for it."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from g4f_lite import Client, ConfigurationError, InvalidRequestError, image_part
from g4f_lite.bulk import Job
from g4f_lite.cli.call_log import CallLog
from g4f_lite.cli.config import read_config
from g4f_lite.gateway.key_store import KeyStore
from g4f_lite.gateway.settings import Secret
from g4f_lite.health.shared_state import Look
from g4f_lite.health.stores.sqlite import SQLiteState
from g4f_lite.provider.key_file import read_keys
from g4f_lite.types.regular_files import read_regular

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes in folders")

READERS: dict[str, tuple[Callable[[Path], object], type[Exception]]] = {
    "keys.json": (read_keys, ConfigurationError),
    "config.toml": (lambda path: read_config(), click.UsageError),
    "logs.db": (lambda path: CallLog().search("", None, 1), click.UsageError),
    "secret": (lambda path: Secret(file=str(path)).read("the key"), ConfigurationError),
    "keys.db": (lambda path: KeyStore(path).all(), ConfigurationError),
    "state.db": (lambda path: SQLiteState(path).execute([Look(0, "me")]), OSError),
    "image.png": (image_part, InvalidRequestError),
    "out.job.json": (lambda path: Job(["x"], path.with_name("out")).plan(), ConfigurationError),
    "out.failed.jsonl": (lambda path: Job(["x"], path.with_name("out")), ConfigurationError),
}


@pytest.mark.parametrize("name", READERS)
def test_a_pipe_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("G4F_LITE_CONFIG_DIR", str(tmp_path))
    os.mkfifo(path := tmp_path / name)
    read, expected = READERS[name]
    raised: list[BaseException] = []

    def run() -> None:
        try:
            read(path)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(20)
    assert len(raised) == 1 and isinstance(raised[0], expected), raised


def test_a_client_goes_on_without_stored_keys_that_are_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("G4F_LITE_CONFIG_DIR", str(tmp_path))
    os.mkfifo(tmp_path / "keys.json")
    with Client(keys={"groq": "gsk_given"}) as client:
        assert "groq" in str(client.explain(provider="groq"))


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"it")
    assert read_regular(tmp_path / "file") == b"it"
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "none")
