"""
What a fork must not take along: a lock may be held for ever in the child, by a thread that the child does not have.

Locks are made anew there. The import system's own cannot be: a module that another thread was just importing would
keep the child waiting, so the modules that any call may come to need are there before the fork.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Protocol
from weakref import WeakSet


class Resettable(Protocol):
    def after_fork(self) -> None:
        """Make the locks anew; runs in the child, before anything else there."""


_owners: WeakSet[Resettable] = WeakSet()
_late: list[str] = []


def reset_in_child(owner: Resettable) -> None:
    """Have `owner.after_fork()` called in each child, for as long as the owner lives."""
    _owners.add(owner)


def preload_before_fork(*modules: str) -> None:
    """Name modules that calls import when they first need them."""
    _late.extend(modules)


def _before_fork() -> None:
    if _owners:
        for name in _late:
            import_module(name)


def _after_fork() -> None:
    for owner in list(_owners):
        owner.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork)
