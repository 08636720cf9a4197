"""
The user's defaults and aliases: `config.toml` in the folder of the stored keys.

    provider = "groq"
    system = "Be brief."
    temperature = 0.3

    [aliases]
    fast = "groq:openai/gpt-oss-20b"
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import click

_TEXT = "a text in quotes", (str,)
_TEXTS = "a text in quotes, or a list of such texts", (str, list)
_NUMBER = "a number", (int, float)
_KINDS: dict[str, tuple[str, tuple[type, ...]]] = {
    "provider": _TEXTS, "model": _TEXT, "fallback": _TEXTS, "system": _TEXT, "temperature": _NUMBER,
    "max_tokens": ("a whole number", (int,)), "timeout": _NUMBER, "aliases": ("a table of texts in quotes", (dict,)),
}  # fmt: skip
_ROUTING = ("provider", "model", "fallback")


class Config(NamedTuple):
    """What the file says; empty if there is none."""

    defaults: Mapping[str, Any] = {}
    aliases: Mapping[str, str] = {}

    def fill(self, options: dict[str, Any]) -> dict[str, Any]:
        """
        Return the options of a command with the defaults in place of those that were not given.

        Provider, model and fallbacks go together: if one of them is given, the defaults of the others are ignored.
        """
        defaults = dict(self.defaults)
        if options.get("providers") or options.get("model") or options.get("fallbacks"):
            for name in _ROUTING:
                defaults.pop(name, None)
        filled = dict(options)
        for name, value in defaults.items():
            option = {"provider": "providers", "fallback": "fallbacks"}.get(name, name)
            if option in filled and filled[option] in (None, ()):
                filled[option] = tuple([value] if isinstance(value, str) else value) if option != name else value
        return filled


def config_path() -> Path | None:
    """Return the file; None if the user has no home folder."""
    from ..provider.keys import stored_keys_path

    keys = stored_keys_path()
    return None if keys is None else keys.with_name("config.toml")


def read_config() -> Config:
    """
    Read the file.

    Raises:
        click.UsageError: it cannot be read, or says what nothing understands.
    """
    path = config_path()
    if path is None or not path.exists():
        return Config()
    import tomllib

    from ..types.regular_files import read_regular

    try:
        found = tomllib.loads(read_regular(path).decode())
    except (OSError, ValueError) as error:
        raise click.UsageError(f"{path}: {error}") from None
    for name, value in found.items():
        _check(path, name, value)
    aliases = found.pop("aliases", {})
    return Config(found, aliases)


def _check(path: Path, name: str, value: object) -> None:
    if name not in _KINDS:
        from ..errors.suggestions import did_you_mean

        raise click.UsageError(f"{path}: unknown setting {name!r}{did_you_mean(name, list(_KINDS), '.')}")
    words, kinds = _KINDS[name]
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if not isinstance(value, kinds) or isinstance(value, bool) or not all(isinstance(one, str) for one in members):
        raise click.UsageError(f"{path}: {name} must be {words}, not {value!r}")
