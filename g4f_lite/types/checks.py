"""Checks of single arguments, made before any I/O."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import Any

from ..errors.exceptions import ConfigurationError, InvalidRequestError
from ..errors.quoted_values import quoted

LONGEST = 1e6
"""Seconds, eleven days. More is taken for this: some systems count the milliseconds of a wait in 32 bits."""


def seconds(name: str, value: object) -> float:
    """
    Return a duration above 0, `LONGEST` at most.

    Raises:
        InvalidRequestError: the value is not one.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
        raise InvalidRequestError(f"{name} must be a number of seconds above 0, not {quoted(value)}")
    return float(min(value, LONGEST))


def count(name: str, value: object) -> int:
    """
    Return an integer, 0 or more.

    Raises:
        InvalidRequestError: the value is not one.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidRequestError(f"{name} must be a whole number, 0 or more, not {quoted(value)}")
    return value


def is_one_of(value: object, texts: Collection[str]) -> bool:
    """Return whether a value is one of these texts. Not by `==` alone: that of an array says neither yes nor no."""
    return isinstance(value, str) and value in texts


def flag(name: str, value: object) -> bool:
    """
    Return True or False.

    Raises:
        ConfigurationError: the value is neither.
    """
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name} must be True or False, not {quoted(value)}")
    return value


def byte_count(name: str, value: object) -> int:
    """
    Return a number of bytes, 1 or more.

    Raises:
        ConfigurationError: the value is not one.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"{name} must be a whole number of bytes, 1 or more, not {quoted(value)}")
    return value


def check_callable(name: str, value: Callable[..., Any] | None) -> None:
    """
    Check that tenacity can call this.

    Raises:
        InvalidRequestError: it is not callable, or is a coroutine function.
    """
    import inspect

    if value is None:
        return
    if not callable(value):
        raise InvalidRequestError(f"{name} must be one of tenacity's objects or a function, not {quoted(value)}")
    if inspect.iscoroutinefunction(value) or inspect.iscoroutinefunction(getattr(value, "__call__", None)):  # noqa: B004  # what kind it is, not whether it exists
        raise InvalidRequestError(f"{name} must be a plain function, not a coroutine function")
