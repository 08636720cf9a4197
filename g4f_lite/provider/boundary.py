"""
The boundary to a provider's code: whatever that raises or returns, the rest of the library sees a ProviderError without
any key, or a request that can be sent. No I/O.
"""

from __future__ import annotations

import math
import re
import traceback
from types import TracebackType

from ..errors.exceptions import MalformedResponseError, ProviderError, ReplyError
from ..errors.signal_handlers import raised_by_signal_handler
from ..forks import preload_before_fork
from ..types.http import HTTPRequest
from .keys import Key
from .redaction import redact, redact_text

preload_before_fork("g4f_lite.errors.reply_facts")

_VISIBLE = re.compile("[!-~]*")
_HEADER_NAME = re.compile("[!-9;-~]+")
_HEADER_VALUE = re.compile("[ -~]*")


class PluginBoundary:
    """
    A context manager that turns a foreign exception of a provider's code into a MalformedResponseError.

    Its message names the line that raised. The exception itself is not chained: it could carry the key.
    A class, because `contextlib.contextmanager` costs four times as much, and each call enters several.

    Args:
        key: the key of the leg, which no error may show.
        doing: what the code does, for the message: "reading an answer".
    """

    __slots__ = ("_doing", "_key")

    def __init__(self, key: Key | None, doing: str) -> None:
        self._key = key
        self._doing = doing

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            failure = to_provider_error(error, self._key, self._doing)
            if failure is not error:
                raise failure from None


def to_provider_error(error: BaseException, key: Key | None, doing: str) -> BaseException:
    """Return the exception that replaces one raised by a provider's code; see `PluginBoundary`."""
    if isinstance(error, ProviderError):
        return redact(error, key)
    if isinstance(error, ReplyError) or not isinstance(error, (Exception, SystemExit)):
        return error
    if (interruption := raised_by_signal_handler(error)) is not None:
        return interruption
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}"
    text = redact_text(f"{type(error).__name__}: {error}"[:2000], key)[:200]
    return MalformedResponseError(f"the provider's code failed {doing}, at {place}: {text}")


def check_outgoing(outgoing: object) -> None:
    """
    Check that both clients can send a request, and in the same way.

    Raises:
        TypeError, ValueError: they cannot; says what is wrong.
    """
    if not isinstance(outgoing, HTTPRequest):
        raise TypeError(f"build_request returns {type(outgoing).__name__}, not an HTTPRequest")
    url = outgoing.url
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise ValueError("the request's url is not an http or https address")
    if _VISIBLE.fullmatch(url) is None:
        raise ValueError("the request's url holds a character that must be percent-encoded")
    if not isinstance(outgoing.method, str) or not outgoing.method.isalpha() or not _is_body(outgoing.body):
        raise TypeError("the request's method must be a word and its body bytes, or an Upload")
    headers = outgoing.headers
    try:
        if all(headers) and is_header("".join(headers), "".join(headers.values())):  # all at once: they rarely fail
            return
    except TypeError:  # one of them is no string
        pass
    for name, value in headers.items():
        if not is_header(name, value):
            raise ValueError(f"the header {name!r} cannot be sent")


def _is_body(body: object) -> bool:
    if isinstance(body, bytes):
        return True
    from ..types.uploads import Upload

    return isinstance(body, Upload)


def is_header(name: object, value: object) -> bool:
    """Return whether this is a header in printable ASCII, which all servers and both clients accept."""
    if not isinstance(name, str) or not isinstance(value, str):
        return False
    return _HEADER_NAME.fullmatch(name) is not None and _HEADER_VALUE.fullmatch(value) is not None


def is_wait(value: object) -> bool:
    """Return whether this is a number of seconds to wait, or None."""
    return value is None or (isinstance(value, (int, float)) and 0 <= value < math.inf)
