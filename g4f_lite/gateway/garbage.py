"""When the garbage collector of Python works: not while modules are loaded, and then without them."""

from __future__ import annotations

import gc

_NEW = 10_000
"""New objects after which it looks at them: those of some ten calls. With Python's 700, it would look at each call."""


def begin_to_load() -> None:
    """
    Have it wait until `loaded` is called.

    What is loaded stays: to look for garbage in it takes an eighth of the time of a start.
    """
    gc.disable()


def loaded() -> None:
    """
    Have it work from here on, and pass over what there is by now.

    It looks at old objects only when new ones are a quarter of them. With those of all modules, that would be a quarter
    of a hundred thousand: megabytes of what calls have left.
    """
    gc.freeze()
    gc.set_threshold(_NEW, *gc.get_threshold()[1:])
    gc.enable()
