"""What services accept in the JSON Schemas that they enforce: keys of `Provider.schema_rules` that several share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNIONS = frozenset({"additionalProperties", "anyOf"})
NUMBERS = frozenset({"exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum", "multipleOf"})
FORMATS = frozenset({"date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uuid"})
LOOKAROUND = r"\(\?<?[=!]"
"""Parts of a `pattern` that grammars cannot express."""

STRICT: Mapping[str, Any] = {
    "keywords": UNIONS | {"const"},
    "closed": True,
    "all_required": True,
    "object_root": True,
    "bare_refs": True,
    "max_properties": 5000,
    "max_depth": 10,
    "max_enum": 1000,
}
"""OpenAI's strict mode, without restrictions of values: its imitations refuse them."""
TOLD: Mapping[str, Any] = {"applies": "told"}
"""The service knows `json_object` only."""
GRAMMAR: Mapping[str, Any] = {"applies": "always", "tools": True, "refused_patterns": r"^[^^]|[^$]$"}
"""llama.cpp and what is built on it: a pattern begins with `^` and ends with `$`."""
