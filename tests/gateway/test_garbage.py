"""The garbage collector waits while a gateway starts, and then passes over what was loaded."""

from __future__ import annotations

from helpers.imports import python

SCRIPT = """
import asyncio, gc, os, signal
from g4f_lite.gateway.garbage import begin_to_load
begin_to_load()
assert not gc.isenabled()
from g4f_lite.gateway.server import serve
from g4f_lite.gateway.settings import Server, Settings

def look():
    print(gc.isenabled(), gc.get_freeze_count() > 10_000)
    os.kill(os.getpid(), signal.SIGTERM)

def started(host, port, admin):
    asyncio.get_running_loop().call_soon(look)

asyncio.run(serve(Settings(server=Server(listen="127.0.0.1:0")), started=started))
"""


def test_what_is_loaded_is_not_looked_at_again() -> None:
    done = python(SCRIPT)
    assert done.stdout.split() == ["True", "True"], done.stderr
