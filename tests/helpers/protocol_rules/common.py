"""The code that the rules of all services share."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from msgspec import Meta, Struct

KEY = "key-of-the-tests-0123456789"
SIGNATURE = "c2lnbmVk"
NO_SIGNATURE = "Y29udGV4dF9lbmdpbmVlcmluZ19pc190aGVfd2F5X3RvX2dv"

Text = Annotated[str, Meta(pattern=r"\S")]
Id = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
JSONObject = dict[str, Any]


class Strict(Struct, forbid_unknown_fields=True):
    pass


class Asked(NamedTuple):
    """The content of a request, independent of a protocol."""

    system: str | None = None
    images: tuple[str, ...] = ()
    """The images, as addresses or base64."""
    schema: JSONObject | None = None
    thinks: bool = False
    results: tuple[str, ...] = ()
    """The names of the functions whose results the request holds."""


class BrokenRule(Exception):
    pass


def hold(rule: object, message: str) -> None:
    if not rule:
        raise BrokenRule(message)
