"""
Write the tables of docs/providers.md anew from the providers themselves: `python docs/generate.py`.

What stands between two marks `<!-- NAME -->` and `<!-- end of NAME -->` is replaced; a test fails
while the page is stale.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from g4f_lite import OpenaiTemplate, Provider
from g4f_lite.plugins.registry import Registry
from g4f_lite_providers import BUNDLED

NOTHING = "–"  # noqa: RUF001  # as the other tables have it
PAGE = Path(__file__).with_name("providers.md")


def providers() -> str:
    """Return the table of all bundled providers, in the order of the catalogue."""
    return table(
        ("name", "service", "key", "page for a key", "default model → fallbacks", "can", "to know"),
        (
            (
                code([one.name]),
                f"[{one.label}]({one.url})",
                code(one.api_key_env),
                f"<{one.login_url}>" if one.login_url else "",
                " → ".join(filter(None, (code(models(one)[:1]), code(models(one)[1:])))),
                ", ".join(sorted(one.capabilities - {"streaming", "stream_usage"})) if one.working else "",
                ("" if one.working else "**gone**: ") + re.sub(r"\b[A-Z]+_[A-Z_]+\b", r"`\g<0>`", one.notice),
            )
            for one in loaded()
        ),
    )


def aliases() -> str:
    """Return the table of the models' common names."""
    serving = {alias: [one.name for one in loaded() if serves(one, alias)] for alias in sorted(vocabulary())}
    return table(("model", "served by"), ((code([alias]), code(names)) for alias, names in serving.items()))


def vocabulary() -> set[str]:
    return {alias for one in loaded() for alias in one.model_aliases}


def serves(one: Provider, model: str) -> bool:
    return model in one.model_aliases or model in one.models()


def quirks() -> str:
    """Return the table of what is not sent to a service as the caller said it."""
    return table(
        ("name", "sent elsewhere", "said otherwise", "left out of messages"),
        (
            (
                code([one.name]),
                ", ".join(filter(None, (code(sorted(one.unsupported_parameters)), *only(one)))),
                ", ".join(said_otherwise(one)),
                code(sorted(one.dropped_message_fields)),
            )
            for one in loaded()
            if isinstance(one, OpenaiTemplate)
            and (one.unsupported_parameters or one.allowed_values or one.dropped_message_fields or one.renamed_values)
        ),
    )


def only(one: OpenaiTemplate) -> Iterable[str]:
    for parameter, allowed in one.allowed_values.items():
        yield f"`{parameter}` but {' or '.join(f'`{value}`' for value in allowed)}"


def said_otherwise(one: OpenaiTemplate) -> Iterable[str]:
    for name, its_name in one.renamed_parameters.items():
        yield f"`{name}` as `{its_name}`"
    for name, words in one.renamed_values.items():
        for word, its_word in words.items():
            yield f"`{name}={word}` as `{its_word}`"


def loaded() -> list[Provider]:
    registry = Registry()
    return [registry.get(name) for name in BUNDLED]


def models(one: Provider) -> list[str]:
    return [model for model in (one.default_model, *one.fallback_models) if model]


def code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(cell or NOTHING for cell in line) + " |" for line in lines)


TABLES: dict[str, Callable[[], str]] = {"providers": providers, "aliases": aliases, "quirks": quirks}


def page(text: str) -> str:
    """
    Return the page with its tables anew.

    Raises:
        ValueError: a mark is missing.
    """
    for name, write in TABLES.items():
        start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        if not 0 <= text.find(start) < text.find(end):
            raise ValueError(f"the page has no {start} … {end}")
        before, _, rest = text.partition(start)
        text = f"{before}{start}\n{write()}\n{end}{rest.partition(end)[2]}"
    return text


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
