"""
Keep a child process usable after a fork: a lock that another thread held at the fork stays held in the child for ever.

Owners of locks replace them in the child. The import system's locks cannot be replaced: the child would wait for a
module that another thread was importing, so modules that calls import late are imported before the fork.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Protocol
from weakref import WeakSet


class Resettable(Protocol):
    def after_fork(self) -> None:
        """Replace the locks. Runs in the child before any other code there."""


_owners: WeakSet[Resettable] = WeakSet()
_preloaded: list[str] = []


def reset_in_child(owner: Resettable) -> None:
    """Call `owner.after_fork()` in each child, as long as the owner lives."""
    _owners.add(owner)


def preload_before_fork(*modules: str) -> None:
    """Import these modules before a fork: calls import them only when they need them."""
    _preloaded.extend(modules)


def _before_fork() -> None:
    if _owners:
        for name in _preloaded:
            import_module(name)


def _after_fork() -> None:
    for owner in list(_owners):
        owner.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork)
