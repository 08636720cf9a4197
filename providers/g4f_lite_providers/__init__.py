"""The bundled providers. `BUNDLED` is the catalogue; importing this package imports no provider."""

from __future__ import annotations

from importlib import import_module

from .catalogue import BUNDLED as BUNDLED


def load(name: str) -> object:
    """Return the plugin of a bundled provider: its module, or an object made from its row of the catalogue."""
    home = BUNDLED[name]
    if isinstance(home, str):
        return import_module(home)
    from .config_only import ConfigOnly

    return ConfigOnly(name, home)
