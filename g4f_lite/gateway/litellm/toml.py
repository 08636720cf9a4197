"""Tables as TOML."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any


def toml_text(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """
    Return a file.

    Args:
        tables: by name, such as `server`, or two names joined by a NUL, such as `models` and that of a model.
    """
    parts = []
    for name, table in tables.items():
        head = ".".join(_name(one) for one in name.split("\0", 1))
        parts.append(f"[{head}]\n" + "".join(f"{_name(key)} = {_value(value)}\n" for key, value in table.items()))
    return "\n".join(parts)


def _name(name: str) -> str:
    return name if re.fullmatch("[A-Za-z0-9_-]+", name) else _text(name)


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_name(key)} = {_value(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value)


def _text(text: str) -> str:
    text = text.encode("utf-8", "replace").decode()  # halves of surrogate pairs
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
