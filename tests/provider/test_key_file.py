"""Changes of the stored keys by many processes and threads at once; each is made as a whole, or not at all."""

from __future__ import annotations

import errno
import json
import os
import resource
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import g4f_lite
from g4f_lite.provider import keys

PROCESSES, ROUNDS = 12, 4
WRITER = """
import sys
from g4f_lite.provider.keys import load_stored, remove_key, store_key
number, rounds = sys.argv[1], int(sys.argv[2])
store_key(f"passing-{number}", "x")
sys.stdin.readline()
for turn in range(rounds):
    store_key(f"key-{number}-{turn}", f"value-{number}-{turn}")
    assert load_stored()[f"key-{number}-{turn}"] == f"value-{number}-{turn}"
assert remove_key(f"passing-{number}")
"""


def path() -> Path:
    found = keys.stored_keys_path()
    assert found is not None
    return found


def test_no_write_of_many_processes_is_lost() -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(number), str(ROUNDS)], stdin=subprocess.PIPE)
        for number in range(PROCESSES)
    ]
    for writer in writers:  # at once, as far as possible
        assert writer.stdin is not None
        writer.stdin.write(b"\n")
        writer.stdin.close()
    assert [writer.wait() for writer in writers] == [0] * PROCESSES
    wanted = {f"key-{one}-{turn}": f"value-{one}-{turn}" for one in range(PROCESSES) for turn in range(ROUNDS)}
    assert keys.load_stored() == wanted
    assert [child.name for child in path().parent.iterdir()] == ["keys.json"]


def test_no_write_of_many_threads_is_lost() -> None:
    begin = threading.Barrier(8)

    def write(number: int) -> None:
        begin.wait()
        for turn in range(10):
            keys.store_key(f"key-{number}-{turn}", "x")
            keys.load_stored()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys.load_stored()) == 80


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_a_link(there: bool, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere" / "secrets.json"
    if there:
        target.parent.mkdir()
        target.write_text('{"old": "1"}')
    path().parent.mkdir(parents=True)
    path().symlink_to(target)
    keys.store_key("new", "2")
    assert path().is_symlink()
    assert json.loads(target.read_text()) == ({"old": "1"} if there else {}) | {"new": "2"}
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert keys.remove_key("new")
    assert path().is_symlink()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_the_owner_of_the_file_is_kept() -> None:
    keys.store_key("old", "1")
    os.chown(path(), 12345, 12346)
    keys.store_key("new", "2")
    found = path().stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (12345, 12346, 0o600)


FULL = """
import resource, signal, sys
from g4f_lite.provider.keys import store_key
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))
try:
    store_key("new", "2" * 100)
except OSError as error:
    print(error.errno, error)
else:
    print("stored")
"""


def test_a_disk_without_room_leaves_the_old_file() -> None:
    """A limit of the size of files: the first write is a short one, the next one fails, as on a full disk."""
    keys.store_key("old", "1")
    before = path().read_bytes()
    done = subprocess.run([sys.executable, "-c", FULL], capture_output=True, text=True)
    assert done.stdout.startswith(f"{errno.EFBIG} "), done
    assert "the stored keys cannot be changed, and are as they were: File too large" in done.stdout
    assert path().read_bytes() == before
    assert [child.name for child in path().parent.iterdir()] == ["keys.json"]


def test_a_folder_that_cannot_be_written_is_named() -> None:
    path().parent.parent.mkdir(parents=True, exist_ok=True)
    path().parent.write_text("a file")
    with pytest.raises(OSError, match=r"the stored keys cannot be changed, and are as they were: .*keys\.json"):
        keys.store_key("new", "2")


def test_a_failure_leaves_no_file_open() -> None:
    keys.store_key("old", "1")
    path().unlink()
    path().mkdir()  # in the place of the file
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 20, limit[1]))
    try:
        for _ in range(50):
            with pytest.raises((OSError, g4f_lite.ConfigurationError)) as caught:
                keys.store_key("new", "2")
            assert getattr(caught.value, "errno", None) != errno.EMFILE
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    assert [child.name for child in path().parent.iterdir()] == ["keys.json"]


@pytest.mark.no_cover
def test_a_file_that_is_mended_while_threads_read_is_read_as_a_whole() -> None:
    """`load_stored` looks at its cache once: another thread may replace it in between."""
    stop = threading.Event()
    failures: list[BaseException] = []

    def read() -> None:
        try:
            while not stop.is_set():
                for value in keys.load_stored().values():
                    assert value in ("a", "b")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for turn in range(60):
        keys.store_key("k", "ab"[turn % 2])
        if turn % 10 == 9:
            keys.remove_key("k")
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures
