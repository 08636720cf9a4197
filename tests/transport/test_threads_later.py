"""A process that can start no thread for a while: nothing is done twice, and nothing is left out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from g4f_lite.testing import FaultServer

HEAD = """
import asyncio, sys, threading
from contextlib import contextmanager
from g4f_lite import AsyncClient, Client, Limits, OpenaiTemplate

@contextmanager
def no_threads():
    threading.stack_size(1 << 46)  # no memory for such a stack: the system refuses the thread
    try:
        yield
    finally:
        threading.stack_size(0)

class There(OpenaiTemplate):
    name, default_model = "there", "m"
    default_models = {"transcription": "t"}
    capabilities = frozenset({"streaming", "transcription"})
"""


def child(code: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", HEAD + code, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


UPLOAD = """
base_url, path = sys.argv[1:]
seen = []

def progress(sent, total):
    seen.append(sent)
    if len(seen) == 3:
        threading.stack_size(0)

async def main():
    there = There(api_base=base_url, api_key="k")
    async with AsyncClient(routes=[there], retries=0) as client:
        threading.stack_size(1 << 46)
        print((await client.audio.transcriptions.create(file=path, progress=progress)).text)

asyncio.run(main())
"""


def test_an_upload_is_whole_if_there_are_threads_only_after_its_third_piece(
    tmp_path: Path, server: FaultServer
) -> None:
    """A pool that could start no thread would read what it was asked for later, in the place of the next piece."""
    content = bytes(range(256)) * (4 << 10)
    file = tmp_path / "a.wav"
    file.write_bytes(content)
    assert child(UPLOAD, server.base_url, str(file)) == "ok\n"
    assert [request.form["file"] == [content] for request in server.received] == [True]


STATE = """
how, base_url, state = sys.argv[1:]
there = There(api_base=base_url, api_key="k")
settings = dict(routes=[there], retries=0, limits={"there": Limits(rpm=1000)}, state=state)
asked = dict(messages=[{"role": "user", "content": "a"}])

def running():
    return sorted(thread.name for thread in threading.enumerate() if "state" in thread.name)

async def main():
    with no_threads():
        client = AsyncClient(**settings)
        print((await client.chat.completions.create(**asked)).text, running())
    print((await client.chat.completions.create(**asked)).text, running())
    await client.aclose()

if how == "async":
    asyncio.run(main())
else:
    with no_threads():
        client = Client(**settings)
        print(client.chat.completions.create(**asked).text, running())
    print(client.chat.completions.create(**asked).text, running())
    client.close()
"""


@pytest.mark.parametrize("how", ["sync", "async"])
def test_a_client_with_a_state_answers_and_uses_the_state_once_it_can(
    how: str, tmp_path: Path, server: FaultServer
) -> None:
    threads = "['g4f_lite state listener', 'g4f_lite state writer']"
    state = f"sqlite://{tmp_path / 'state.db'}"
    assert child(STATE, how, server.base_url, state) == f"ok []\nok {threads}\n"


SPEND = """
from pathlib import Path
from g4f_lite import Attempt, Trail
from g4f_lite.gateway.admin.file import AdminFile
from g4f_lite.gateway.admin.spend import Spend
from g4f_lite.gateway.records import Record

async def main():
    spend = Spend(AdminFile(Path(sys.argv[1])))
    record = Record("g4f-1", "team-a", "chat", "fast")
    attempt = Attempt(provider="groq", model="one", key="ab12", index=1, outcome="ok", known_route="groq:one")
    record.trail, record.cost = Trail(entries=(attempt,), outcome="ok"), 0.25
    spend.add(record)
    with no_threads():
        await spend.flush()
    print((await spend.report(1))["total"]["calls"])

asyncio.run(main())
"""


def test_what_was_spent_meanwhile_counts_once(tmp_path: Path) -> None:
    assert child(SPEND, str(tmp_path / "spend.db")) == "1\n"


OWN = """
from g4f_lite.transport.async_threads import off_loop

calls = []

def fail():
    calls.append(threading.current_thread() is threading.main_thread())
    raise RuntimeError("own")

async def main():
    for short in (True, False):
        threading.stack_size(1 << 46 if short else 0)
        try:
            await off_loop(fail)
        except RuntimeError as error:
            print(error, calls)
    await asyncio.to_thread(int)  # what a pool has kept is called by now

asyncio.run(main())
print(calls)
"""


def test_what_a_function_raises_is_raised_and_it_is_called_once() -> None:
    assert child(OWN) == "own [True]\nown [True, False]\n[True, False]\n"
