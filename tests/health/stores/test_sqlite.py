"""What is special about a state in a file: how it is made, what may happen to it, its clock, forks and threads."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from helpers.installing import ROOT
from helpers.states import LONG, calls, do, in_use, let_end, look, requests, reserve, settle, tell, usd

from g4f_lite.health.shared_state import Look, Reserve, Settle
from g4f_lite.health.stores.sqlite import SQLiteState

unix = pytest.mark.skipif(os.name != "posix", reason="POSIX")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def opened(path: Path) -> Iterator[Callable[[], SQLiteState]]:
    with ExitStack() as stack:
        yield lambda: stack.enter_context(closing(SQLiteState(path, timeout_s=10)))


def in_process(code: str, *arguments: object) -> subprocess.Popen[str]:
    head = (
        "import os, sys, time, signal\n"
        "sys.path.insert(0, 'tests')\n"
        "from helpers.states import *\n"
        "state = SQLiteState(sys.argv[1], timeout_s=10)\n"
    )
    command = [sys.executable, "-c", head + code, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def output(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out.strip()


def test_a_state_outlives_its_process(path: Path, opened: Callable[[], SQLiteState]) -> None:
    output(in_process("reserve(state, usd(60, 100), id='a'); tell(state)", path))
    state = opened()
    assert reserve(state, usd(60, 100)).held
    assert len(look(state).events) == 1
    settle(state, "a", 10)
    assert reserve(state, usd(90, 100)).left == (0,)


@unix
def test_only_its_owner_can_read_it(path: Path, opened: Callable[[], SQLiteState]) -> None:
    reserve(opened(), usd(1))
    files = list(path.parent.iterdir())
    assert {file.name for file in files} == {"state.db", "state.db-wal", "state.db-shm"}
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_making_a_state_does_nothing(path: Path) -> None:
    SQLiteState(path).close()
    assert not path.exists()


def test_a_state_is_where_it_was_made(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    with closing(SQLiteState("state.db")) as state:
        monkeypatch.chdir("/")
        reserve(state, usd(1))
    assert path.exists()


def test_two_processes_may_make_it_at_once(path: Path, opened: Callable[[], SQLiteState]) -> None:
    code = (
        "print('ready', flush=True)\n"
        "while not os.path.exists(sys.argv[2]): pass\n"
        "reserve(state, usd(1, 100), id=sys.argv[3])\n"
    )
    start = path.with_name("start")
    processes = [in_process(code, path, start, number) for number in range(4)]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    start.touch()
    for process in processes:
        output(process)
    assert in_use(opened(), usd(0)) == 4


def test_threads_may_make_and_use_it_at_once(opened: Callable[[], SQLiteState]) -> None:
    states = [opened(), opened()]
    wrong: list[object] = []

    def work(number: int) -> None:
        for index in range(50):
            answer = reserve(states[number % 2], usd(1, 400), calls(8), id=f"{number}-{index}")
            if answer.refused_by is not None:
                wrong.append(answer)
            settle(states[number % 2], f"{number}-{index}", 1, 1)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert (in_use(states[0], usd(0)), in_use(states[1], calls())) == (400, 0)


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_processes_whose_clocks_differ_agree(path: Path, opened: Callable[[], SQLiteState], seconds: int) -> None:
    """Leases, windows and events follow the machine's uptime; the first process after its start says what time it is."""
    state = opened()
    reserve(state, requests(1), id="a")
    reserve(state, usd(1, window="day"), id="b")
    tell(state)
    code = (
        "real, skew = time.time_ns, int(sys.argv[2])\n"
        "time.time_ns = lambda: real() + skew * 1_000_000_000\n"
        "print(reserve(state, requests(1)).held, look(state).events[0].left_ms > 1000, in_use(state, usd(0, window='day')))"
        "\nreserve(state, calls(1), id='c')\n"
    )
    assert output(in_process(code, path, seconds)) == "True True 1"
    assert reserve(state, calls(1)).held
    settle(state, "a", 1)
    assert 50_000 < reserve(state, requests(1)).wait_ms <= 61_250


def test_the_clock_does_not_go_back_when_the_machine_starts_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import g4f_lite.health.stores.sqlite_file as module

    def read(boot: str, unix_ms: int, uptime_ms: int) -> int:
        monkeypatch.setattr(module, "boot_id", lambda: boot)
        monkeypatch.setattr(module, "uptime_ms", lambda: uptime_ms)
        monkeypatch.setattr(module.time, "time_ns", lambda: unix_ms * 1_000_000)
        with closing(SQLiteState(path)) as state:
            return state._transaction(lambda books, now: now)

    assert read("first", 1_000_000_000, 50_000) == 1_000_000_000
    assert read("first", 5, 53_000) == 1_000_003_000  # the clock was set, and does not matter
    assert read("second", 1_000_500_000, 90_000) == 1_000_500_000
    assert read("second", 1_000_500_000, 91_000) == 1_000_501_000
    before = read("third", 5, 1_000)  # a machine that does not know what time it is goes on from where it was
    assert 1_000_501_000 < before <= 1_000_503_000
    assert read("third", 5, 2_500) == before + 1_500
    # A system that does not name its starts: the uptime tells.
    assert read("", 1_000_600_000, 500_000) == 1_000_600_000
    assert read("", 1_000_700_000, 20_000) == 1_000_700_000


def test_the_clock_is_that_of_the_machine(opened: Callable[[], SQLiteState]) -> None:
    before = time.time_ns() // 1_000_000
    now = opened()._transaction(lambda books, now: now)
    assert before - 2 <= now <= time.time_ns() // 1_000_000 + 2


@pytest.mark.parametrize("content", [b"not a database, but a text that is long enough" * 100, b"x"])
def test_what_is_no_database_is_said_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with closing(SQLiteState(path)) as state, pytest.raises(OSError, match="no SQLite file") as caught:
        reserve(state, usd(1))
    assert caught.value.filename == str(path)
    assert path.read_bytes() == content


def test_a_damaged_file_is_said(path: Path) -> None:
    with closing(SQLiteState(path)) as state:
        for index in range(300):
            reserve(state, usd(1, scope=f"{index}" * 20))
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 8192))
    with closing(SQLiteState(path)) as state, pytest.raises(OSError, match="it is damaged; delete it"):
        reserve(state, usd(1))


def test_records_that_cannot_be_read_are_damage(path: Path) -> None:
    with closing(SQLiteState(path)) as state:
        reserve(state, usd(1))
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("UPDATE records SET record = 'no JSON' WHERE kind = 'accounts'")
            connection.commit()
        with pytest.raises(OSError, match="it is damaged; delete it"):
            reserve(state, usd(1))


def test_the_database_of_another_program_is_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE records (mine)")
    before = path.read_bytes()
    with closing(SQLiteState(path)) as state, pytest.raises(OSError, match="another program"):
        reserve(state, usd(1))
    assert path.read_bytes() == before


def test_a_file_of_a_newer_version_is_left_alone(path: Path) -> None:
    with closing(SQLiteState(path)) as state:
        reserve(state, usd(1))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 2")
    with closing(SQLiteState(path)) as state, pytest.raises(OSError, match="newer version"):
        reserve(state, usd(1))


def test_a_folder_that_is_missing_is_said(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "state.db"
    with closing(SQLiteState(path)) as state, pytest.raises(OSError, match="cannot be created: No such file") as caught:
        reserve(state, usd(1))
    assert caught.value.filename == str(path)
    with closing(SQLiteState(tmp_path)) as state, pytest.raises(OSError, match="cannot be opened"):
        reserve(state, usd(1))


@unix
def test_a_file_that_cannot_be_written_is_said() -> None:
    code = (
        "if os.geteuid() == 0: os.seteuid(65534)\ntry: reserve(state, usd(1))\nexcept OSError as error: print(error)\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.db"
        with closing(SQLiteState(path)) as state:
            reserve(state, usd(1))
        path.chmod(0o444)
        Path(folder).chmod(0o555)
        said = output(in_process(code, path))
        Path(folder).chmod(0o755)
    assert "check" in said and "rights" in said and str(path) in said


def test_a_lock_that_another_process_keeps_is_said_in_time(path: Path) -> None:
    with closing(SQLiteState(path, timeout_s=0.2)) as state, closing(sqlite3.connect(path)) as other:
        reserve(state, usd(1, 100))
        other.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        with pytest.raises(OSError, match="locked it for too long"):
            reserve(state, usd(1, 100))
        assert time.monotonic() - begun >= 0.2
        other.execute("ROLLBACK")
        assert reserve(state, usd(1, 100)).left == (98,)


@unix
def test_a_full_disk_is_said_and_nothing_is_lost(path: Path, opened: Callable[[], SQLiteState]) -> None:
    code = (
        "import resource\n"
        "reserve(state, usd(1, scope='before'), id='a')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))\n"
        "stored, failed = 0, []\n"
        "for batch in range(100):\n"
        "    try:\n"
        "        state.execute([Reserve(f'{batch}-{n}', (usd(1),), LONG) for n in range(20)])\n"
        "        stored += 20\n"
        "    except OSError as error:\n"
        "        failed.append(error)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        "assert failed and 'state.db' in str(failed[0]), failed\n"
        "print(stored, in_use(state, usd(0)), in_use(state, usd(0, scope='before')))\n"
    )
    stored, counted, before = output(in_process(code, path)).split()
    assert stored == counted and before == "1"
    assert in_use(opened(), usd(0)) == int(stored)


def test_a_file_that_was_deleted_is_made_anew_for_all(path: Path, opened: Callable[[], SQLiteState]) -> None:
    one, two = opened(), opened()
    reserve(one, usd(60, 100))
    reserve(two, usd(10, 100))
    for file in path.parent.iterdir():
        file.unlink()
    assert reserve(one, usd(60, 100)).left == (40,)
    assert reserve(two, usd(60, 100)).held


def test_a_batch_that_fails_leaves_nothing_behind(opened: Callable[[], SQLiteState]) -> None:
    state = opened()
    with pytest.raises(TypeError):
        state.execute([Reserve("a", (usd(60, 100),), LONG), "no command"])  # type: ignore[list-item]
    assert in_use(state, usd(0)) == 0


def test_others_learn_of_an_event_soon(path: Path, opened: Callable[[], SQLiteState]) -> None:
    """Within 50 ms. On a machine that is busy some take longer; a third do not."""
    state = opened()
    look(state)
    state.wait(0.01)
    code = (
        "for number in range(9):\n"
        "    time.sleep(0.15)\n"
        "    tell(state, f'{number}', left_ms=60_000, message=str(time.monotonic_ns()))\n"
    )
    teller = in_process(code, path)
    delays: list[float] = []
    cursor, end = look(state).cursor, time.monotonic() + 60
    while len(delays) < 9 and time.monotonic() < end:
        state.wait(5)
        seen = do(state, Look(cursor, "me"))
        cursor = seen.cursor  # type: ignore[union-attr]
        for event in seen.events:  # type: ignore[union-attr]
            delays.append((time.monotonic_ns() - int(event.message)) / 1e6)
    output(teller)
    assert len(delays) == 9
    assert sorted(delays)[2] <= 50


def test_waiting_costs_little_and_is_not_disturbed_by_reservations(opened: Callable[[], SQLiteState]) -> None:
    listener, other = opened(), opened()
    look(listener)
    listener.wait(0.01)
    rounds = 0

    def work() -> None:
        for index in range(40):
            reserve(other, usd(1), id=f"{index}")
            settle(other, f"{index}", 1)
            time.sleep(0.002)

    busy = threading.Thread(target=work)
    started = time.monotonic()
    busy.start()
    while busy.is_alive():
        begun = time.thread_time()
        listener.wait(0.5)
        assert time.thread_time() - begun < 0.1
        rounds += 1
    assert rounds <= (time.monotonic() - started) / 0.5 + 1  # each wait took its time


def test_the_file_does_not_grow(path: Path, opened: Callable[[], SQLiteState]) -> None:
    state = opened()

    def calls_of(begin: int) -> int:
        for index in range(begin, begin + 300):
            batch = [Reserve(f"{index}-{n}", (calls(100), requests(scope=f"{index}-{n}")), 1) for n in range(5)]
            state.execute(batch)
        with closing(sqlite3.connect(path)) as connection:
            return int(connection.execute("PRAGMA page_count").fetchone()[0])

    def later(ms: int) -> None:
        clock = state._opened.clock  # type: ignore[union-attr]
        assert clock._started_ms is not None
        clock._started_ms += ms

    calls_of(0)
    for step in (1, 3_600_000, 62_000):
        later(step)
        reserve(state, usd(1))
    first = calls_of(1000)
    for begin in range(2000, 6000, 1000):
        for step in (1, 3_600_000, 62_000):
            later(step)
            reserve(state, usd(1))
        assert calls_of(begin) <= first * 1.1
    assert path.with_name("state.db-wal").stat().st_size < 8 << 20


@unix
def test_a_forked_child_shares_the_state(path: Path, opened: Callable[[], SQLiteState]) -> None:
    """A child that used a connection of its parent, or closed it, would damage the file."""
    code = (
        "import threading\n"
        "reserve(state, usd(10, 1000), id='a')\n"
        "stop = threading.Event()\n"
        "def busy():\n"
        "    while not stop.is_set():\n"
        "        reserve(state, usd(0)); state.wait(0)\n"
        "threads = [threading.Thread(target=busy) for _ in range(2)]\n"
        "for thread in threads: thread.start()\n"
        "children = []\n"
        "for number in range(8):\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        signal.alarm(30)\n"
        "        for turn in range(10): reserve(state, usd(1, 1000), id=f'{number}-{turn}')\n"
        "        state.wait(0.01); state.close(); os._exit(0)\n"
        "    children.append(child)\n"
        "codes = [os.waitpid(child, 0)[1] for child in children]\n"
        "stop.set()\n"
        "for thread in threads: thread.join()\n"
        "print(codes, in_use(state, usd(0)), reserve(state, usd(10, 1000), id='a').left)\n"
    )
    process = in_process("import warnings; warnings.simplefilter('ignore')\n" + code, path)
    assert output(process) == f"{[0] * 8} 90 (990,)"
    state = opened()
    assert in_use(state, usd(0)) == 90
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@unix
def test_a_process_that_is_killed_in_a_command_leaves_the_file_whole(
    path: Path, opened: Callable[[], SQLiteState]
) -> None:
    code = (
        "print('ready', flush=True)\n"
        "for index in range(1_000_000):\n"
        "    state.execute([Reserve(f'{os.getpid()}-{index}-{n}', (usd(1),), LONG) for n in range(4)])\n"
    )
    for turn in range(5):
        process = in_process(code, path)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.02 * turn)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        state = opened()
        used = in_use(state, usd(0))
        assert used % 4 == 0  # a batch is one transaction
        state.execute([Reserve(f"{turn}", (usd(4),), LONG), Settle(f"{turn}", (4,))])
        assert in_use(state, usd(0)) == used + 4


def test_a_state_closes_its_file(path: Path) -> None:
    state = SQLiteState(path)
    reserve(state, usd(1))
    state.close()
    assert {file.name for file in path.parent.iterdir()} == {"state.db"}  # SQLite removes the others
    reserve(state, usd(1))
    assert {file.name for file in path.parent.iterdir()} == {"state.db"}


def test_an_expired_lease_of_a_dead_process_is_presumed(path: Path, opened: Callable[[], SQLiteState]) -> None:
    output(in_process("reserve(state, usd(60, 100), calls(1), id='a', lease_ms=1); os._exit(0)", path))
    let_end(1)
    state = opened()
    assert state.used("budget")["nano-usd", "total"] == (60, 0, 60)
    assert reserve(state, calls(1)).refused_by is None
