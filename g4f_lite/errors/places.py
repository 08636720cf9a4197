"""Where and how foreign code failed, of a plugin or of the caller: for messages that stand for its exception."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from traceback import walk_tb
from types import FrameType, FunctionType, MethodType, ModuleType

from .signal_handlers import raise_interruption

_PACKAGE = __name__.partition(".")[0]
_WRONG_ARGUMENTS = re.compile(r"(?:.*\.)?(\w+)\(\) (?:takes|missing|got) ")
"""Python's own message, which names the function."""


def place_of(error: BaseException, owner: object = None, method: str = "") -> str:
    """
    Return the file and line of foreign code where an exception comes from: `plugin.py:12`.

    That is the last line of the owner's package, else of any code but this library's and Python's. If none of that has
    run, such as with a wrong signature, it is the line of the function's definition, else `Acme.build_request`, else
    a line of this library. "?" if the exception was not raised.

    Args:
        owner: the function that failed, or the object (or its class) one of whose methods did.
        method: the name of that method.
    """
    if isinstance(owner, MethodType):
        owner = owner.__func__
    homes = packages_of(owner)
    foreign = ours = ""
    for frame, line in walk_tb(error.__traceback__):
        package = _package(frame.f_globals.get("__name__"))
        place = f"{_file(frame.f_code.co_filename)}:{line}"
        if package == _PACKAGE:
            ours = place
        elif package not in sys.stdlib_module_names:
            foreign = place
    return line_in(homes, walk_tb(error.__traceback__)) or foreign or _definition(error, owner, method) or ours or "?"


def line_in(packages: Iterable[str], frames: Iterable[tuple[FrameType, int]]) -> str:
    """Return the last line of these packages among frames, each with its line: `plugin.py:12`, or ""."""
    place = ""
    for frame, line in frames:
        if _package(frame.f_globals.get("__name__")) in packages:
            place = f"{_file(frame.f_code.co_filename)}:{line}"
    return place


def _definition(error: BaseException, owner: object, method: str) -> str:
    text = error.args[0] if type(error) is TypeError and error.args else None
    called = _WRONG_ARGUMENTS.match(text) if isinstance(text, str) else None
    for name in (called[1] if called else "", method):
        function = _function(owner, name)
        if function is not None and _package(function.__module__) != _PACKAGE:
            return f"{_file(function.__code__.co_filename)}:{function.__code__.co_firstlineno}"
    return f"{_class(owner).__name__}.{method}" if method and owner is not None else ""


def _function(owner: object, name: str) -> FunctionType | None:
    if isinstance(owner, FunctionType):
        return owner
    found = next((vars(one)[name] for one in _class(owner).__mro__ if name in vars(one)), None)
    if isinstance(found, (staticmethod, classmethod)):
        found = found.__func__
    return found if isinstance(found, FunctionType) else None


def packages_of(owner: object) -> set[str]:
    """Return the packages that an object, a function or a module is written in."""
    if isinstance(owner, ModuleType):
        return {_package(owner.__name__)}
    written = (owner,) if isinstance(owner, FunctionType) else _class(owner).__mro__
    return {_package(one.__module__) for one in written} - {_PACKAGE} - sys.stdlib_module_names


def _class(owner: object) -> type:
    return owner if isinstance(owner, type) else type(owner)


def _package(module: object) -> str:
    return str(module).partition(".")[0]


def _file(path: str) -> str:
    *_, folder, name = ["", *path.replace("\\", "/").split("/")]
    return f"{folder}/{name}" if name == "__init__.py" else name


def describe(error: BaseException) -> str:
    """Return the name and the text of an exception; its `__str__` may fail."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception as second:  # of foreign code
        raise_interruption(second)
        return type(error).__name__
