"""
Each third-party plugin in a process of its own: one that hangs, or ends the process, is found like any other.

Run as a program, this is that process: `python -m g4f_lite.plugins.isolated_load GROUP NAME DISTRIBUTION REPORT LIMIT`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from .registry import Registry
from .sources import LOAD_PLUGINS, PluginInfo, PluginSource

LIMIT_S = 10.0
_STARTING_S = 20.0
"""For what is not the plugin's: starting Python, on a busy machine."""
_AT_ONCE = 4


def load_isolated(registry: Registry, limit: float = LIMIT_S) -> list[PluginInfo]:
    """
    Return all plugins of a registry, the third-party ones as they load in a process of their own.

    Args:
        limit: seconds for each; one that takes longer is broken.
    """
    sources = registry.sources()
    discover = [source for source in sources if source.kind == "third-party"]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        tried = dict(zip(map(id, discover), pool.map(partial(_try, limit=limit), discover), strict=True))
    return [tried.get(id(source)) or _loaded(registry, source) for source in sources]


def _loaded(registry: Registry, source: PluginSource) -> PluginInfo:
    if not source.loaded and registry.knows(source.name):
        registry.get(source.name)  # a bundled one
    return source.info()


def _try(source: PluginSource, limit: float) -> PluginInfo:
    with TemporaryDirectory(prefix="g4f_lite-") as folder:
        report, errors = Path(folder, "report.json"), Path(folder, "stderr")
        target = (source.group, source.name, source.distribution, str(report), str(limit))
        environment = {
            **os.environ,
            LOAD_PLUGINS: source.distribution,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }
        problem = ""
        with errors.open("wb") as stderr:  # a file: a grandchild that outlives its parent would hold a pipe open
            try:
                code = subprocess.run(  # noqa: S603  # this interpreter, with names from metadata
                    [sys.executable, "-P", "-m", __name__, *target],
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=stderr,
                    timeout=limit + _STARTING_S,
                    check=False,
                ).returncode
                problem = f"it ends the process that loads it, with exit code {code}"
            except subprocess.TimeoutExpired:
                problem = f"it is not loaded within {limit:g} s"
        try:
            told = msgspec.json.decode(report.read_bytes(), type=PluginInfo)
        except (OSError, msgspec.DecodeError):
            last = errors.read_text("utf-8", "replace").strip().splitlines()[-1:]
            told = msgspec.structs.replace(source.info(), error=": ".join([problem, *last]))
    return msgspec.structs.replace(told, shadowed_by=source.shadowed_by)


def main(arguments: Sequence[str]) -> None:
    group, name, distribution, report, limit = arguments
    warnings.simplefilter("ignore")  # of shadowed plugins; the parent knows
    registry = Registry()
    [source] = [
        one for one in registry.sources() if (one.group, one.name, one.distribution) == (group, name, distribution)
    ]
    watchdog = threading.Timer(float(limit), _give_up, (source, float(limit), report))
    watchdog.daemon = True
    watchdog.start()
    if source.error is None:
        registry._activate(source)
    watchdog.cancel()
    Path(report).write_bytes(msgspec.json.encode(source.info()))


def _give_up(source: PluginSource, limit: float, report: str) -> None:
    """End this process, and tell where the plugin hangs."""
    frame = sys._current_frames()[threading.main_thread().ident or 0]
    place = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
    source.error = f"it is not loaded within {limit:g} s: it hangs at {place}"
    Path(report).write_bytes(msgspec.json.encode(source.info()))
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
