"""The configuration as the administrator sees it: secrets are places, not values. No I/O."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from ...value import JSONObject
from ..keys import SHOWN
from ..settings import Settings

_USER = re.compile(r"(?<=://)[^/?#]*@")
_QUERY = re.compile(r"(?<=[?&])([^=&#]+)=[^&#]*")


def redacted(settings: Settings) -> JSONObject:
    """Return the configuration as JSON: hashes are cut, and addresses lose user, password and query."""
    found: JSONObject = msgspec.to_builtins(settings)
    for key in found["keys"].values():
        key["hash"] = key["hash"][: len("sha256:") + SHOWN] + "…"
    cleaned: JSONObject = _clean(found)
    return cleaned


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _QUERY.sub(r"\1=…", _USER.sub("…@", value)) if "://" in value else value
    if isinstance(value, dict):
        return {name: _clean(one) for name, one in value.items()}
    return [_clean(one) for one in value] if isinstance(value, list | tuple) else value
