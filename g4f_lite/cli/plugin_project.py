"""
The files of a new plugin.

The templates are a plugin for "Acme Inc".

Rule: only the names in the templates are replaced; all other text is written unchanged.
"""

from __future__ import annotations

import builtins
import keyword
import re
from pathlib import Path

import g4f_lite

from .. import testing
from ..plugins.registry import process_registry
from ..provider.base import NAME
from ..routing.strategies import STRATEGIES

OF_NO_PROVIDER = {"hooks": "hooks", "strategy": "a strategy"}
LONGEST = 24
"""The most characters of a name: with a longer one, a formatter would wrap lines of the templates."""
_TAKEN = ("Answer", "Any", "Callable", "Iterable", "Iterator", "Mapping", "Parser", "Service")
"""Names that the templates use, in addition to those of g4f_lite."""
_TEMPLATES = Path(__file__).with_name("plugin_files")


class UnfitNameError(ValueError):
    """A name that a plugin cannot have; the message says why, and what to do."""


def check_name(name: str, kind: str = "openai") -> None:
    """
    Check the name of a new plugin.

    Raises:
        UnfitNameError: it cannot be the name of a provider or strategy, its module and its distribution.
    """
    if not NAME.fullmatch(name):
        near = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")
        hint = f"; try {near!r}" if NAME.fullmatch(near) else ""
        raise UnfitNameError(f"{name!r} is not a provider name: use lower-case letters, digits, '-' and '_'{hint}")
    if name.endswith(("-", "_")):
        raise UnfitNameError(f"{name!r} ends with {name[-1]!r}; try {name.rstrip('-_')!r}")
    if len(name) > LONGEST:
        raise UnfitNameError(f"{name!r} has {len(name)} characters; use at most {LONGEST}")
    if kind == "strategy" and (name in STRATEGIES or process_registry().strategy(name) is not None):
        raise UnfitNameError(f"the strategy {name!r} exists already; choose another name")
    if kind not in OF_NO_PROVIDER and process_registry().knows(name):
        raise UnfitNameError(f"the provider {name!r} exists already; choose another name")


def project_files(name: str, kind: str) -> dict[str, str]:
    """Return the text of each file of a new plugin by its path in the project. `check_name` must accept the name."""
    module = "g4f_lite_" + name.replace("-", "_")
    words = [word for word in re.split("[-_]+", name) if word]
    label = " ".join(word.capitalize() for word in words)
    names = {
        "g4f_lite_acme": module,
        "g4f-lite-acme": f"g4f-lite-{name.replace('_', '-')}",
        "Acme Inc": label,
        "Acme": _class_name(words),
        "ACME": name.upper().replace("-", "_"),
        "acme": name,
    }
    pattern = re.compile("|".join(map(re.escape, names)))

    def read(template: str) -> str:
        text = (_TEMPLATES / f"{template}.txt").read_text("utf-8")
        if kind in OF_NO_PROVIDER and template == "pyproject.toml":
            text = text.replace("# The name of the entry point is the name of the provider.\n", "")
            text = text.replace("[project.entry-points.g4f_lite]", '[project.entry-points."g4f_lite.hooks"]')
            text = text.replace("a provider for", f"{OF_NO_PROVIDER[kind]} for")
        if kind == "local":
            text = re.sub(r"The key is found in .*\n\n", "", text)
        if kind != "protocol":
            text = text.replace(', "msgspec"]', "]")
        return pattern.sub(lambda found: names[found.group()], text)

    return {
        f"{module}.py": read(f"{kind}.py"),
        f"tests/test_{module}.py": read(f"test_{kind}.py"),
        "pyproject.toml": read("pyproject.toml"),
        "README.md": read(f"README_{kind}.md" if kind in OF_NO_PROVIDER else "README.md"),
        ".github/workflows/test.yml": read("test.yml"),
        ".gitignore": "__pycache__/\n.*_cache/\n.venv/\ndist/\n",
    }


def _class_name(words: list[str]) -> str:
    """Return a class name that is not an import of the file, a keyword or a builtin."""
    name = "".join(word.capitalize() for word in words)
    taken = name in _TAKEN or name in g4f_lite.__all__ or name in testing.__all__
    taken = taken or keyword.iskeyword(name) or hasattr(builtins, name) or not name.isidentifier()
    return f"Provider{name}" if taken else name
