"""
The differences between Claude models, derived from their names; an unknown name counts as a new model.

Source: Anthropic's pages on extended and adaptive thinking, effort, forced tool use and structured outputs; the model
map of litellm 1.106; the profiles of pydantic-ai. November 2026.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_NAME = re.compile(r"claude-(?P<family>[a-z]+)-(?P<major>\d+)(?:-(?P<minor>\d{1,2}))?(?!\d)")
_OLD_NAME = re.compile(r"claude-(?P<major>[23])(?:-(?P<minor>\d))?(?!\d)")


class Traits(NamedTuple):
    takes_sampling: bool
    """Takes temperature and top_p other than 1."""
    thinks: bool
    adapts: bool
    """Decides itself how much it thinks, guided by an effort; other models get a budget of tokens."""
    takes_xhigh: bool
    """Accepts the effort `xhigh`, one below `max`."""
    hides_thinking: bool
    """Sends the text of its thinking only if requested."""
    can_be_forced: bool
    """Accepts a tool_choice that forces a call."""
    keeps_schemas: bool
    """Can be made to answer by a JSON Schema."""
    max_tokens: int
    """Sent if the caller sets no limit, because the service requires one; large enough for a complete answer."""


def traits(model: str) -> Traits:
    if old := _OLD_NAME.search(model):
        version = int(old["major"]), int(old["minor"] or 0)
        return Traits(
            takes_sampling=True,
            thinks=version >= (3, 7),
            adapts=False,
            takes_xhigh=False,
            hides_thinking=False,
            can_be_forced=True,
            keeps_schemas=False,
            max_tokens=32_000 if version >= (3, 7) else 8192 if version >= (3, 5) else 4096,
        )
    named = _NAME.search(model)
    family = named["family"] if named else ""
    version = (int(named["major"]), int(named["minor"] or 0)) if named else (99, 0)
    own_kind = family in ("fable", "mythos")
    current = own_kind or version >= ((4, 7) if family == "opus" else (5, 0))
    return Traits(
        takes_sampling=not current,
        thinks=True,
        adapts=own_kind or version >= (4, 6),
        takes_xhigh=current,
        hides_thinking=current,
        can_be_forced=not own_kind and not (version >= (5, 5) and family in ("opus", "sonnet")),
        keeps_schemas=own_kind or version >= ((4, 1) if family == "opus" else (4, 5)),
        max_tokens=32_000,
    )
