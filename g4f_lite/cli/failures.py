"""
What a failure prints on stderr, and its exit code.

Rule: scripts rely on the exit codes; docs/cli.md lists them.
"""

from __future__ import annotations

import errno
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import TYPE_CHECKING, Any

import click

from .output import print_json, printable

if TYPE_CHECKING:
    from ..errors.exceptions import G4FLiteError
    from ..records.trail import Explanation, Trail

FAILED = 1
USAGE = 2
NOTHING_USABLE = 3
INTERRUPTED = 130
"""What shells report for SIGINT."""
_TEXTS = ("prompt", "text")
"""The arguments that people type without quotation marks."""
READER_GONE = 141
"""What shells report for SIGPIPE."""

VERBOSE = "g4f_lite.verbose"
"""Key in the `meta` of a context: whether to print the trail of a failed call."""
AS_JSON = "g4f_lite.json"
"""Key in the `meta` of a context: whether standard output gets a failure as JSON."""


def report(error: Exception, *, verbose: bool = False, as_json: bool = False, of_file: bool = False) -> int:
    """
    Print an error of the library and return its exit code.

    Args:
        of_file: the settings are in a file, with the names of Python's keywords.

    Raises:
        Exception: the error itself, if it is not one of the library's: it is a bug, and the traceback helps to find it.
    """
    from ..errors.exceptions import (
        AuthenticationError,
        G4FLiteError,
        QuotaExceededError,
        RateLimitError,
        RoutesExhaustedError,
    )

    if not isinstance(error, G4FLiteError):
        raise error
    message = str(error) if error.attempts else _in_options(str(error), _OF_KEYS if of_file else _OPTIONS)
    causes: Sequence[BaseException] = [error]
    if isinstance(error, RoutesExhaustedError):  # its message is the complete trail
        causes = error.exceptions
        message = "\n  ".join([message.partition("\n")[0], *map(str, causes)])
    lines = [f"Error: {message}"]
    if any(isinstance(cause, AuthenticationError) for cause in causes):
        lines.append("`g4f-lite doctor` shows where the key comes from.")
    if error.retry_at is not None and any(isinstance(one, (RateLimitError, QuotaExceededError)) for one in causes):
        lines.append(f"It may work again in {max(error.retry_at - time.time(), 0):.0f} s.")
    if verbose:
        lines += trail_text(error.trail).splitlines()
    elif len(error.attempts) > len(causes):
        lines.append(f"It took {len(error.attempts)} attempts; -v shows each of them.")
    click.echo(printable("\n".join(lines)), err=True)
    if as_json:
        print_json({"error": _as_json(error, message), "trail": error.trail.to_dict()})
    return _exit_code(error)


def _as_json(error: G4FLiteError, message: str) -> dict[str, object]:
    """Return an error in OpenAI's shape; its type is the name of the class."""
    status, code = getattr(error, "status", None), getattr(error, "code", None)
    return {"message": message, "type": type(error).__name__, "code": code, "status": status}


_OF_KEYS = {
    r", or pass keys=": "",
    r"through keys= or the environment": "with `g4f-lite keys set` or the environment",
}
_OPTIONS = {
    **_OF_KEYS,
    r" or routes=\[[^\]]*\]": "",
    r"several are a list: provider=\[[^\]]*\]": "give -p once for each",
    r"\bbase_urls=": "--base-url",
    r"\bbase_urls\['([^']*)'\]": r"--base-url \1",
    r"\bfallback_models=": "--fallback ",
    r"\bfallback_models\b": "--fallback",
    r"\b(provider|model|timeout)=": r"--\1 ",
    r"\bmax_(tokens|failures)\b": r"--max-\1",
    r"\b(model|temperature|timeout) must": r"--\1 must",
}
"""Python's keywords, as regular expressions, and what they are on the command line."""


def _in_options(message: str, words: Mapping[str, str]) -> str:
    """Return a message with the options of the command in place of Python's keyword arguments."""
    for keyword, option in words.items():
        message = re.sub(keyword, option, message)
    return message


def with_hint(error: click.ClickException) -> click.ClickException:
    """Return a mistake in the command, and of further words that a text of several words is one argument."""
    if isinstance(error, click.UsageError) and error.ctx is not None:
        takes_text = any(one.name in _TEXTS for one in error.ctx.command.params)
        if takes_text and error.message.startswith("Got unexpected extra argument"):
            return click.UsageError(f"{error.message}; put quotation marks around a text of several words", error.ctx)
    return error


def in_files(text: str) -> str:
    """Return a text about settings of a file without the keyword arguments of Python."""
    return _in_options(text, _OF_KEYS)


def trail_text(trail: Trail | Explanation) -> str:
    """Return a trail or a plan as text. What a service has said stays as it is: it speaks of its own parameters."""
    return printable(in_files(str(trail)))


def _exit_code(error: Exception) -> int:
    from ..errors.exceptions import ConfigurationError, InvalidRequestError, NoUsableRouteError, PluginLoadError

    if isinstance(error, (NoUsableRouteError, PluginLoadError)):
        return NOTHING_USABLE
    refused_unsent = isinstance(error, InvalidRequestError) and not error.attempts
    return USAGE if refused_unsent or isinstance(error, ConfigurationError) else FAILED


# -- streams -------------------------------------------------------------------------------


def prepare_streams() -> None:
    """
    Replace closed standard streams (`>&-`), escape characters that stdout cannot encode (`LC_ALL=C`), and let no
    command end because nobody reads its stderr: its result is elsewhere.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115  # stays open until the process ends
    assert isinstance(sys.stdout, TextIOWrapper)
    sys.stdout.reconfigure(errors="backslashreplace")  # as stderr is
    own = sys.__stderr__
    if own is not None and own is sys.stderr and not (os.name == "nt" and own.isatty()):  # whose console is no file
        raw = _MayBeUnread(own.fileno(), "w", closefd=False)
        sys.stderr = TextIOWrapper(BufferedWriter(raw), own.encoding, "backslashreplace", line_buffering=True)


class _MayBeUnread(FileIO):
    """A file that takes what cannot be written."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def no_output() -> int:
    """Report that standard output is closed."""
    prepare_streams()
    click.echo("Error: standard output is closed", err=True)
    return FAILED


def cannot_write(error: OSError) -> int:
    """Report a file or stream that cannot be written; quietly if the reader of a pipe is gone (`| head`)."""
    with suppress(OSError):  # or flushing the rest of the buffer at exit would fail again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if error.errno == errno.EPIPE:
        return READER_GONE
    place = f"{error.filename}: " if error.filename else ""
    click.echo(f"Error: {place}{error.strerror or error}", err=True)
    return FAILED


def show_warning(message: Warning | str, category: type[Warning], *place: object, **more: object) -> None:
    """Print a warning as one line, without its file and line number; replaces `warnings.showwarning`."""
    click.echo(printable(" ".join(f"Warning: {message}".split())), err=True)
