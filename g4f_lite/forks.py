"""What a forked child makes anew: a lock may be held there for ever, by a thread that the child does not have."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Renewable(Protocol):
    def after_fork(self) -> None:
        """Make the locks anew; runs in the child, before anything else there."""


_owners: WeakSet[Renewable] = WeakSet()


def renew_in_child(owner: Renewable) -> None:
    """Have `owner.after_fork()` called in each child, for as long as the owner lives."""
    _owners.add(owner)


def _after_fork() -> None:
    for owner in list(_owners):
        owner.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
