"""Distributions in their installed form: a `*.dist-info` folder and a module, in a folder on `sys.path`."""

from __future__ import annotations

import importlib
import textwrap
from collections.abc import Sequence
from pathlib import Path


class Site:
    """A folder on `sys.path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(
        self,
        distribution: str,
        code: str,
        *,
        providers: Sequence[str] = (),
        hooks: Sequence[str] = (),
        value: str | None = None,
    ) -> str:
        """Install a distribution of one module, version 1.0; return the module's name."""
        module = "plug_" + distribution.replace("-", "_")
        (self.path / f"{module}.py").write_text(textwrap.dedent(code))
        lines = ["[g4f_lite]", *(f"{name} = {value or module}" for name in providers)]
        lines += ["[g4f_lite.hooks]", *(f"{name} = {value or module}" for name in hooks)]
        self.metadata(distribution, "\n".join(lines).encode())
        return module

    def metadata(self, distribution: str, entry_points: bytes, *, named: bool = True) -> None:
        folder = self.path / f"{distribution.replace('-', '_')}-1.0.dist-info"
        folder.mkdir(exist_ok=True)
        (folder / "entry_points.txt").write_bytes(entry_points)
        if named:
            (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        importlib.invalidate_caches()


def provider_code(*names: str, label: str = "") -> str:
    """Return the source of a plugin that registers these providers."""
    made = "".join(
        f"\nclass P{number}(OpenaiTemplate):\n"
        f"    name = {name!r}\n    label = {label!r}\n    api_base = 'http://127.0.0.1:9/v1'\n"
        f"    needs_auth = False\n    default_model = 'm'\n"
        for number, name in enumerate(names)
    )
    registered = "".join(f"    register(P{number})\n" for number in range(len(names))) or "    pass\n"
    head = "from g4f_lite import OpenaiTemplate, hookimpl\n"
    return f"{head}{made}\n@hookimpl\ndef register_providers(register):\n{registered}"
