"""Each hook is documented."""

from __future__ import annotations

import inspect
from pathlib import Path

from g4f_lite.plugins import hookspecs


def test_every_hook_is_documented_with_its_signature_and_an_example() -> None:
    page = (Path(__file__).parents[2] / "docs" / "plugins" / "hooks.md").read_text(encoding="utf-8")
    sections = {section.partition("`\n")[0]: section for section in page.split("\n## `")[1:]}
    documented = []
    for name, hook in inspect.getmembers(hookspecs, inspect.isfunction):
        if hasattr(hook, "g4f_lite_spec"):
            signature = inspect.signature(hook)
            heading = f"{name}({', '.join(signature.parameters)})"
            types = ", ".join(f"`{one.name}: {one.annotation}`" for one in signature.parameters.values())
            assert f"{types} → `{signature.return_annotation}`" in sections[heading]
            assert f"def {name}(" in sections[heading].partition("```python\n")[2].partition("```")[0]
            documented.append(heading)
    assert sorted(documented) == sorted(sections)
