"""The first minutes on a machine that has never seen the library."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
import requests
from helpers.commands import run, start


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "config" / "g4f_lite"


def environment(home: Path) -> dict[str, str]:
    return {"G4F_LITE_CONFIG_DIR": str(home)}


def test_a_key_is_made_although_the_folder_of_the_user_is_not_there(home: Path) -> None:
    assert run("gateway", "keys", "list", env=environment(home)).code == 0
    made = run("gateway", "keys", "new", "team-b", env=environment(home))
    assert (made.code, made.err) == (0, "") and re.fullmatch(r"g4f-\w{43}\n", made.out)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert "team-b" in run("gateway", "keys", "list", env=environment(home)).out


def test_the_first_start_counts_in_files(home: Path) -> None:
    with start("serve", "--port", "0", env=environment(home)) as process:
        assert process.stderr is not None
        said = process.stderr.readline().decode()  # what is away would be told before
        found = re.findall(r"http://127\.0\.0\.1:\d+", said)
        assert found, said
        assert requests.get(f"{found[0]}/health/ready", timeout=30).json()["status"] == "ok"
        process.terminate()
        process.communicate(timeout=60)
    assert (home / "gateway-usage.db").exists()
