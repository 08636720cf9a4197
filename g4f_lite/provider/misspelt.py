"""Names in the body of a provider's class that are nearly those of attributes. Data only."""

from __future__ import annotations

from ..errors.caller_warnings import warn_caller
from ..errors.suggestions import closest

_BUNDLED = ("g4f_lite", "g4f_lite_providers")
"""Packages whose classes the tests look at: nothing is done for them on import."""
_CLOSE = 0.85
_SHORTEST = 6
"""Letters of an attribute that a name is compared with: `urls` and `names` are a plugin's own."""


def misspelt(kind: type) -> list[tuple[str, str]]:
    """
    Return the names in the body of a class that none of its bases has, each with the attribute that it resembles.

    Methods, properties and names with a leading underscore are a plugin's own.
    """
    bases = kind.__mro__[1:]
    own = [
        name
        for name, value in vars(kind).items()
        if _is_data(name, value) and not any(name in vars(base) for base in bases)
    ]
    if not own:
        return []
    known = {
        name
        for base in bases
        for name, value in vars(base).items()
        if len(name) >= _SHORTEST and _is_data(name, value) and name not in vars(kind)
    }
    return [(name, found[0]) for name in own if (found := closest(name, known, cutoff=_CLOSE))]


def _is_data(name: str, value: object) -> bool:
    return not (name.startswith("_") or callable(value) or hasattr(value, "__get__"))


def warn_of_misspelt(kind: type) -> None:
    """Warn at the line of the class: the attribute keeps its default, which is hard to notice."""
    if kind.__module__.partition(".")[0] in _BUNDLED:
        return
    for name, meant in misspelt(kind):
        warn_caller(
            f"{kind.__name__}.{name} is no attribute of a provider; did you mean {meant!r}?"
            " A name of your own may begin with an underscore."
        )
