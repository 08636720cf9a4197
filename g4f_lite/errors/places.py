"""Where and how foreign code failed, of a plugin or of the caller: for messages that stand for its exception."""

from __future__ import annotations

import sys
from traceback import walk_tb

from .signal_handlers import raise_interruption


def place_of(error: BaseException) -> str:
    """Return the file and line that raised an exception, of the code that called Python's library: `plugin.py:12`."""
    place = "?"
    for frame, line in walk_tb(error.__traceback__):
        if str(frame.f_globals.get("__name__")).partition(".")[0] not in sys.stdlib_module_names:
            place = f"{frame.f_code.co_filename.rsplit('/', 1)[-1]}:{line}"
    return place


def describe(error: BaseException) -> str:
    """Return the name and the text of an exception; its `__str__` may fail."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception as second:  # of foreign code
        raise_interruption(second)
        return type(error).__name__
