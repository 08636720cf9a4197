"""Warnings that point at the caller's line: the nearest frame outside of this package."""

from __future__ import annotations

import sys
import warnings

_BETWEEN = (__name__.partition(".")[0], "abc")
"""Packages whose frames are not the caller's; a class of ours is made in the second one."""


def warn_caller(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the caller's line, however many frames of this package lie in between."""
    level = 1
    frame = sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _BETWEEN:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
