"""The bundled providers. `BUNDLED` is the catalogue; importing this imports none of them."""

from __future__ import annotations

from importlib import import_module

from .catalogue import BUNDLED as BUNDLED


def load(name: str) -> object:
    """Return the plugin of a bundled provider: its module, or one made of its row."""
    home = BUNDLED[name]
    if isinstance(home, str):
        return import_module(home)
    from .config_only import ConfigOnly

    return ConfigOnly(name, home)
