"""
Import a module, register its provider, and print a report of its I/O as JSON. Run as a program:

    python -m g4f_lite.testing.import_trial MODULE FILE CLASS
"""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import redirect_stdout
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

FORBIDDEN = {
    "socket.connect": "a connection",
    "socket.getaddrinfo": "a look-up of a host name",
    "socket.gethostbyname": "a look-up of a host name",
    "socket.sendto": "sending to a socket",
    "subprocess.Popen": "starting a process",
    "os.system": "starting a process",
    "os.posix_spawn": "starting a process",
    "os.fork": "forking",
}


class Watch:
    """An audit hook that records and refuses forbidden I/O while it is `on`."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.on = True
        sys.addaudithook(self._see)

    def _see(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        what = FORBIDDEN.get(event)
        if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
            what = f"writing the file {arguments[0]}"
        if what is not None:
            self.did.append(what)
            raise OSError(f"refused while a plugin is imported: {what}")


def load(name: str, file: str) -> ModuleType:
    """Import a module by its name, or from its file if the name is not found on `sys.path`."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        spec = spec_from_file_location(name, file) if error.name == name and Path(file).is_file() else None
        if spec is None or spec.loader is None:
            raise
        module = module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module


def main(name: str, file: str, qualname: str) -> None:
    from ..plugins.registry import Registry

    printed, problem, keys = io.StringIO(), "", False
    watch = Watch()
    with redirect_stdout(printed):
        try:
            plugin: Any = load(name, file)
            if not hasattr(plugin, "register_providers"):
                for part in qualname.split("."):
                    plugin = getattr(plugin, part)
            registry = Registry([plugin])
            keys = any(map(holds_key, map(registry.get, list(registry._added))))
        except BaseException as error:  # the suite reports it
            problem = f"{type(error).__name__}: {error}"
    watch.on = False
    print(json.dumps({"did": watch.did, "printed": printed.getvalue(), "error": problem, "keys": keys}))  # noqa: T201


def holds_key(provider: Any) -> bool:
    """Return whether an attribute of the provider is a key from the environment."""
    keys = {os.environ.get(variable) for variable in provider.api_key_env} - {None, ""}
    return any(isinstance(value := getattr(provider, name), str) and value in keys for name in dir(provider))


if __name__ == "__main__":
    main(*sys.argv[1:])
