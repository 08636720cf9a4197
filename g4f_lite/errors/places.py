"""Where foreign code failed: of a plugin or of the caller, for messages that stand for its exception."""

from __future__ import annotations

import sys
from traceback import walk_tb


def place_of(error: BaseException) -> str:
    """Return the file and line that raised an exception, of the code that called Python's library: `plugin.py:12`."""
    place = "?"
    for frame, line in walk_tb(error.__traceback__):
        if str(frame.f_globals.get("__name__")).partition(".")[0] not in sys.stdlib_module_names:
            place = f"{frame.f_code.co_filename.rsplit('/', 1)[-1]}:{line}"
    return place
