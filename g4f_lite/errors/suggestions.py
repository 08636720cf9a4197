"""Suggest known names for an unknown one, and how to install what is missing."""

from __future__ import annotations

from collections.abc import Iterable

from ..forks import preload_before_fork

preload_before_fork("difflib")

_LONGEST = 1000
_MEANT = {
    "chatgpt": ("openai",),
    "claude": ("anthropic",),
    "ai": ("assistant",),
    "bot": ("assistant",),
    "google": ("gemini", "vertex"),
    "gpt": ("openai",),
    "grok": ("groq", "xai"),
    "human": ("user",),
    "kimi": ("moonshot",),
    "model": ("assistant",),
    "qwen": ("dashscope",),
}
"""Models and companies that are taken for providers, and roles under the names of other libraries."""


def closest(name: object, known: Iterable[str], most: int = 1, cutoff: float = 0.6) -> list[str]:
    """Return the known names most similar to this one in any case, the closest first; none if it cannot be a name."""
    from difflib import get_close_matches

    if not isinstance(name, str) or len(name) > _LONGEST:
        return []
    by_lower = {one.lower(): one for one in known}
    return [by_lower[one] for one in get_close_matches(name.lower(), by_lower, most, cutoff)]


def did_you_mean(name: object, known: Iterable[str], otherwise: str = "", *, cutoff: float = 0.6) -> str:
    """Return the end of a message about an unknown name: `; did you mean 'x'?`, or `otherwise` if none is similar."""
    known = list(known)
    meant = _MEANT.get(name.lower(), ()) if isinstance(name, str) else ()
    found = [one for one in meant if one in known] or closest(name, known, 1, cutoff)
    return f"; did you mean {' or '.join(map(repr, found))}?" if found else otherwise


def install_hint(extra: str) -> str:
    """Return how to install an extra: from a checkout or a wheel, as this package is on no index."""
    return f"pip install '.[{extra}]' in the checkout, or 'g4f_lite-….whl[{extra}]'"
