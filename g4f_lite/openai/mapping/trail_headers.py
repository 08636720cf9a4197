"""
Who answered and what was tried, as headers of a response.

Rule: printable ASCII, of bounded length, and no key: a trail has fingerprints only.
"""

from __future__ import annotations

import json

from ...records.trail import Trail
from ...value import JSONObject

LONGEST = 6000
"""Characters of the trail: common servers and clients take 8 KiB in a line."""


def trail_headers(trail: Trail, provider: str, model: str, *, under_way: bool = False) -> dict[str, str]:
    """
    Return `x-g4f-provider`, `x-g4f-model`, `x-g4f-attempts` (how many) and `x-g4f-trail` (`Trail.to_dict()` as JSON).

    Args:
        provider, model: who answered; "" for nobody, or for several.
        under_way: the attempt that answers is a stream, which is not in the trail before its end.
    """
    headers = {"x-g4f-provider": header_text(provider), "x-g4f-model": header_text(model)}
    headers = {name: text for name, text in headers.items() if text}
    headers["x-g4f-attempts"] = str(len(trail.attempts) + under_way)
    headers["x-g4f-trail"] = _bounded(trail.to_dict())
    return headers


def _bounded(trail: JSONObject) -> str:
    """Return a trail as JSON; of a long one, its latest attempts without their messages, and how many are left out."""
    text = json.dumps(trail)
    attempts, left_out = trail["attempts"], len(trail["skipped"])
    while len(text) > LONGEST:
        short = [{name: value for name, value in one.items() if name != "message"} for one in attempts]
        text = json.dumps({"attempts": short, "left_out": left_out})
        attempts, left_out = attempts[1:], left_out + 1
    return text


def header_text(text: str) -> str:
    """Return a text as it can stand in a header: what is not printable ASCII is an escape, or a space."""
    plain = text.encode("ascii", "backslashreplace").decode()
    return "".join(one if one.isprintable() else " " for one in plain).strip()
