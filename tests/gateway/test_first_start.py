"""The first minutes on a machine that has never seen the library."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
import requests
from helpers.commands import run, start

from g4f_lite.gateway.keys import hash_of
from g4f_lite.testing import FaultServer


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "config" / "g4f_lite"


def environment(home: Path) -> dict[str, str]:
    return {"G4F_LITE_CONFIG_DIR": str(home)}


def test_a_key_is_made_although_the_folder_of_the_user_is_not_there(home: Path) -> None:
    assert run("gateway", "keys", "list", env=environment(home)).code == 0
    made = run("gateway", "keys", "new", "team-b", env=environment(home))
    assert (made.code, made.err) == (0, f"The key is in {home / 'gateway.db'}.\n") and re.fullmatch(
        r"g4f-\w{43}\n", made.out
    )
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert "team-b" in run("gateway", "keys", "list", env=environment(home)).out


def test_who_lets_other_machines_in_is_told_how_to_make_a_key(home: Path) -> None:
    ran = run("serve", "--host", "0.0.0.0", "--port", "0", env=environment(home))
    assert ran.code == 2 and "`g4f-lite gateway keys [--config FILE] new NAME`" in ran.err
    said = run("serve", "--check", env=environment(home)).out
    assert "or run `g4f-lite keys set groq`; get one at" in said and "keys=" not in said


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


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("", ["no provider can be used: get a key"]),
        ("gsk of the tests", ["a call that names no provider fails: the key from GROQ_API_KEY holds a blank"]),
        ("gsk_of_the_tests", []),
    ],
)
def test_a_start_without_a_usable_provider_is_warned_of(key: str, said: list[str], home: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['xllamacpp'] = None\n")
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    with start("serve", "--port", "0", env={**environment(home), "PYTHONPATH": path, "GROQ_API_KEY": key}) as process:
        assert process.stderr is not None
        lines = [process.stderr.readline().decode() for _ in range(4)]
        process.terminate()
        lines += process.communicate(timeout=60)[1].decode().splitlines()
        assert process.returncode == 0
    warned = [line.removeprefix("Warning: ") for line in lines if line.startswith("Warning")]
    assert len(warned) == len(said) and all(map(str.startswith, warned, said))


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not there")
@pytest.mark.parametrize("tables", [None, '[models."fast\'s"]', '[models."*"]\n[models."fa*"]', "[models.fast]"])
@pytest.mark.parametrize("made", ["no key", "in the file", "stored"])
def test_the_command_that_it_prints_works(
    home: Path, tmp_path: Path, groq: FaultServer, tables: str, made: str
) -> None:
    file, key = tmp_path / "gateway.toml", "g4f-mine"
    models = [f'{table}\nroutes = ["groq"]\n' for table in (tables or "").splitlines()]
    keys = [f'[keys.mine]\nhash = "{hash_of(key)}"\n'] if made == "in the file" else []
    file.write_text("\n".join([*models, *keys]))
    if made == "stored":
        key = run("gateway", "keys", "--config", str(file), "new", "mine", env=environment(home)).out.strip()
    with start("serve", str(file), "--port", "0", env=environment(home)) as process:
        assert process.stderr is not None
        process.stderr.readline()
        command = process.stderr.readline().decode()
        assert "$KEY" in command or made == "no key"
        done = subprocess.run(  # as a user would: in a shell
            ["sh", "-c", f"{command.strip()} --fail --silent --noproxy '*'"],
            env={**os.environ, "KEY": key},
            capture_output=True,
            timeout=60,
        )
        assert (done.returncode, b'"object"' in done.stdout) == (0, True), (command, done)
        process.terminate()
        process.communicate(timeout=60)
