"""
Load each third-party plugin in a process of its own, so that one that hangs, or ends its process, is reported too.

Run as a program, it is that process: `python -m g4f_lite.plugins.subprocess_load GROUP NAME DISTRIBUTION REPORT LIMIT`.
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
from traceback import walk_stack
from typing import TYPE_CHECKING

import msgspec

from ..errors.places import line_in
from .isolation import Loader
from .sources import LOAD_PLUGINS, PluginInfo, PluginSource, discover

if TYPE_CHECKING:
    from .registry import Registry

LIMIT_S = 10.0
_STARTUP_S = 20.0
"""Added to the limit for starting Python on a busy machine."""
_PROCESSES = 4

_decoder = msgspec.json.Decoder(PluginInfo)


def load_isolated(registry: Registry, limit: float = LIMIT_S) -> list[PluginInfo]:
    """
    Return all plugins of a registry. Third-party ones are loaded in processes of their own.

    Args:
        limit: seconds for each plugin; one that takes longer is reported as broken.
    """
    sources = registry.sources()
    isolated = [source for source in sources if source.kind == "third-party"]
    with ThreadPoolExecutor(_PROCESSES) as pool:
        infos = dict(zip(map(id, isolated), pool.map(partial(_load_in_process, limit=limit), isolated), strict=True))
    return [infos.get(id(source)) or _load_here(registry, source) for source in sources]


def _load_here(registry: Registry, source: PluginSource) -> PluginInfo:
    if not source.loaded and registry.knows(source.name):
        registry.get(source.name)
    return source.info()


def _load_in_process(source: PluginSource, limit: float) -> PluginInfo:
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
                    timeout=limit + _STARTUP_S,
                    check=False,
                ).returncode
                problem = f"it ends the process that loads it, with exit code {code}"
            except subprocess.TimeoutExpired:
                problem = f"it is not loaded within {limit:g} s"
        try:
            info = _decoder.decode(report.read_bytes())
        except (OSError, msgspec.DecodeError):
            last = errors.read_text("utf-8", "replace").strip().splitlines()[-1:]
            info = msgspec.structs.replace(source.info(), error=": ".join([problem, *last]))
    return msgspec.structs.replace(info, shadowed_by=source.shadowed_by)


def main(arguments: Sequence[str]) -> None:
    group, name, distribution, report, limit = arguments
    warnings.simplefilter("ignore")  # the last line on stderr is to say why the process ended
    [source] = [one for one in discover() if one.place() == (group, name, distribution)]
    watchdog = threading.Timer(float(limit), _give_up, (source, float(limit), report))
    watchdog.daemon = True
    watchdog.start()
    if source.error is None:
        Loader().load(source)
    watchdog.cancel()
    Path(report).write_bytes(msgspec.json.encode(source.info()))


def _give_up(source: PluginSource, limit: float, report: str) -> None:
    """Report where the plugin hangs, and end this process."""
    stack = [*walk_stack(sys._current_frames()[threading.main_thread().ident or 0])]
    place = line_in({source.package}, reversed(stack))
    source.error = f"it is not loaded within {limit:g} s{f': it hangs at {place}' if place else ''}"
    Path(report).write_bytes(msgspec.json.encode(source.info()))
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
