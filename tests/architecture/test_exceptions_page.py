"""The table of exceptions in docs/failover.md is the tree as it is, in the words of the docstrings."""

from __future__ import annotations

import inspect

from helpers.installing import ROOT

from g4f_lite.errors import exceptions

PAGE = ROOT / "docs" / "failover.md"


def rows() -> list[str]:
    """Return a row for each exception, a class before those that are derived from it."""
    kinds = [
        kind
        for kind in vars(exceptions).values()
        if inspect.isclass(kind) and issubclass(kind, BaseException) and kind.__module__ == exceptions.__name__
    ]
    return [_row(kind) for kind in kinds]


def _row(kind: type[BaseException]) -> str:
    bases = ", ".join(f"`{base.__name__}`" for base in kind.__bases__)
    text = " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split())
    return f"| `{kind.__name__}` | {bases} | {text.partition('. ')[0].rstrip('.')} |"


def test_the_page_has_a_row_for_each_exception() -> None:
    table = PAGE.read_text("utf-8").partition("## Exceptions\n")[2].partition("\n## ")[0]
    shown = [line for line in table.splitlines() if line.startswith("| `")]
    assert shown == rows()


if __name__ == "__main__":
    print(*rows(), sep="\n")
