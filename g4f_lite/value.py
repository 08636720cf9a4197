"""The base of everything that is only data."""

from __future__ import annotations

from typing import Any, TypeAlias

from msgspec import Struct

JSONObject: TypeAlias = dict[str, Any]


class Value(Struct, frozen=True, kw_only=True, repr_omit_defaults=True):
    """Immutable, picklable, compared by its fields."""
