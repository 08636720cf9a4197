"""The imports between the modules of this package, read from their code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from .installing import ROOT

PACKAGE = ROOT / "g4f_lite"


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def room_of(module: str) -> str:
    """Return the folder of a module below `g4f_lite`; `ground` if it is in none. `__main__` is the command's."""
    parts = module.split(".")
    if parts[1:] == ["__main__"]:
        return "cli"
    return parts[1] if len(parts) > 1 and (PACKAGE / parts[1]).is_dir() else "ground"


def imports_of(module: str, *, late: bool = False) -> Iterator[str]:
    """
    Yield all modules of this package that a module imports, also those imported for type checkers alone.

    Args:
        late: only those that a function imports when it is called.
    """
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    tree = ast.parse(path.read_text("utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    for root in functions if late else [tree]:
        for node in ast.walk(root):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names if alias.name in MODULES)
            elif isinstance(node, ast.ImportFrom):
                start = package.rsplit(".", node.level - 1)[0] if node.level else ""
                origin = ".".join(filter(None, (start, node.module)))
                for alias in node.names:
                    found = f"{origin}.{alias.name}" if f"{origin}.{alias.name}" in MODULES else origin
                    if found in MODULES:
                        yield found
