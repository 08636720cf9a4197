"""
The boundary to a provider's code: whatever that raises or returns, the rest of the library sees a ProviderError without
any key, or a request that can be sent. No I/O.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import TracebackType

from ..errors.exceptions import (
    DeadlineExceededError,
    MalformedResponseError,
    ProviderError,
    ProviderTimeoutError,
    ReplyError,
    StreamInterruptedError,
    copy_of,
)
from ..errors.places import describe, place_of
from ..errors.quoted_values import quoted
from ..errors.reply import ErrorReply
from ..errors.signal_handlers import raise_interruption, raised_by_signal_handler
from ..forks import preload_before_fork
from ..types.http import HTTPRequest
from .base import Provider
from .checked import shown
from .keys import Key, own_keys
from .redaction import redact, redact_text

preload_before_fork("g4f_lite.errors.reply_facts")

_VISIBLE = re.compile("[!-~]*")
_HEADER_NAME = re.compile("[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110 §5.6.2
_HEADER_VALUE = re.compile("[ -~]*")
FRAMING = frozenset({"content-length", "transfer-encoding"})
"""Headers that follow from the body; the transports set them: a wrong one would make two requests of one."""
_OTHERS_INTERRUPT = frozenset({"gevent", "greenlet", "eventlet", "_pytest"})
"""Libraries that end code by an exception, wherever it is: it is no failure of that code."""
_LONGEST_WAIT = 1e15
"""Seconds; what is longer is no time that can be computed with."""


class PluginBoundary:
    """
    A context manager that turns a foreign exception of a provider's code into a MalformedResponseError.

    Its message names the line that raised. The exception itself is not chained: it could carry the key.
    A class, because `contextlib.contextmanager` costs four times as much, and each call enters several.

    Args:
        key: the key of the leg, which no error may show.
        doing: what the code does, for the message: "reading an answer".
        owner: the object whose code it is, to name its file and line; see `place_of`.
        method: the name of the method that is called.
        reads: whether the code reads a response, and may raise a ReplyError, which passes.
    """

    __slots__ = ("_doing", "_key", "_method", "_owner", "_reads")

    def __init__(self, key: Key | None, doing: str, owner: object, method: str, *, reads: bool = True) -> None:
        self._key = key
        self._doing = doing
        self._owner = owner
        self._method = method
        self._reads = reads

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            failure = to_provider_error(error, self._key, self._doing, self._owner, self._method, reads=self._reads)
            if failure is not error:
                raise failure from None


def to_provider_error(
    error: BaseException, key: Key | None, doing: str, owner: object, method: str, *, reads: bool
) -> BaseException:
    """Return the exception that replaces one raised by a provider's code; see `PluginBoundary`."""
    if isinstance(error, ProviderError):
        own = redact(sound_error(error), key)
        error.__traceback__ = None  # the plugin may keep it, and with it all frames of the call
        return own
    if isinstance(error, KeyboardInterrupt) or type(error).__module__.partition(".")[0] in _OTHERS_INTERRUPT:
        return error
    if isinstance(error, ReplyError) and reads and is_reply(getattr(error, "reply", None)):
        return error
    if (interruption := raised_by_signal_handler(error)) is not None:
        return interruption
    text = redact_text(describe(error)[:2000], key)[:200]
    return MalformedResponseError(f"the provider's code failed {doing}, at {place_of(error, owner, method)}: {text}")


def reason_to_skip(error: BaseException, doing: str, provider: Provider, method: str = "") -> str:
    """Return why a provider is left out whose code raised while legs were selected; raise an interruption again."""
    failure = to_provider_error(error, None, doing, provider, method, reads=False)
    if not isinstance(failure, ProviderError):
        raise failure
    return without_own_keys(failure.message, provider)


def without_own_keys(text: str, provider: Provider) -> str:
    """Return a text that a provider's code made, without the keys that it can know before it gets one."""
    for key in own_keys(provider):
        text = redact_text(text, key)
    return text


def sound_error(error: ProviderError) -> ProviderError:
    """
    Return an error that a plugin made, with attributes of the types that they should have.

    It is a copy: calls write into their errors, and a plugin may raise one object again and again. One that cannot be
    used at all, such as one whose `__str__` raises, is replaced by one of the nearest class of this library.
    """
    if isinstance(error, ExceptionGroup):  # of a client inside the provider's code: here, one leg has failed
        wait, error = error.retry_after, _plain(error, " ".join(error.message.split()))
        error.retry_after = wait
    try:
        error = copy_of(error)
        status, code, wait = error.status, error.code, error.retry_after
        if not isinstance(error.message, str):
            raise TypeError
        error.status = status if type(status) is int else _as_status(status)
        error.code = code if code is None or type(code) is str else str(code)
        error.retry_after = _as_wait(wait)
        if error.request_id is not None and type(error.request_id) is not str:
            error.request_id = str(error.request_id)
        if error.body is not None:
            error.body = _as_json(error.body)
        error.provider = error.model = ""
        error.args = (error.message, *error.args[1:])
        str(error)
    except Exception as second:  # of foreign code
        raise_interruption(second)
        return _plain(error, describe(error)[:200])
    if isinstance(error, (StreamInterruptedError, DeadlineExceededError)):  # only a call can know that
        kind = MalformedResponseError if isinstance(error, StreamInterruptedError) else ProviderTimeoutError
        return kind(error.message)
    return error


def _plain(error: ProviderError, message: str) -> ProviderError:
    """Return an error of the nearest class of this library that stands for one leg."""
    ours = (kind for kind in type(error).__mro__ if issubclass(kind, ProviderError))
    known = (kind for kind in ours if kind.__module__ == ProviderError.__module__)
    kind = next(kind for kind in known if not issubclass(kind, ExceptionGroup))
    return kind(message).with_traceback(error.__traceback__)


def _as_status(status: object) -> int | None:
    number = int(status) if isinstance(status, (int, str)) and str(status).isdecimal() else 0
    return number if 100 <= number < 600 else None


def _as_wait(wait: object) -> float | None:
    """Return a number of seconds that can be computed with; None if it is none."""
    return min(wait, _LONGEST_WAIT) if isinstance(wait, (int, float)) and wait >= 0 else None


def _as_json(body: object) -> object:
    """Return the body if it is JSON, which can be pickled and shown, else its text."""
    import msgspec

    try:
        return msgspec.json.decode(msgspec.json.encode(body))
    except (TypeError, ValueError, OverflowError, RecursionError):
        return quoted(body)


def is_reply(reply: object) -> bool:
    """Return whether this is an ErrorReply whose fields have their types; a plugin may have made it."""
    if not isinstance(reply, ErrorReply):
        return False
    right = isinstance(reply.headers, Mapping) and all(isinstance(value, str) for value in reply.headers.values())
    return right and isinstance(reply.body, bytes) and (reply.status is None or type(reply.status) is int)


def check_outgoing(outgoing: object) -> None:
    """
    Check that both clients can send a request, and in the same way.

    Raises:
        TypeError, ValueError: they cannot; says what is wrong.
    """
    if not isinstance(outgoing, HTTPRequest):
        raise TypeError(f"build_request returns {shown(outgoing)}, not an HTTPRequest")
    url = outgoing.url
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise ValueError("the request's url is not an http or https address")
    if "/." in url and _leaves_its_base(url):
        raise ValueError("the request's url has a segment '.' or '..', which leads elsewhere")
    if _VISIBLE.fullmatch(url) is None:
        raise ValueError("the request's url holds a character that must be percent-encoded")
    body = outgoing.body
    sound = isinstance(body, bytes) or _is_body(body)
    if not isinstance(outgoing.method, str) or not outgoing.method.isalpha() or not sound:
        raise TypeError("the request's method must be a word and its body bytes, or an Upload")
    headers = outgoing.headers
    try:
        if _are_names(tuple(headers)) and _HEADER_VALUE.fullmatch("".join(headers.values())):  # they rarely fail
            return
    except TypeError:  # one of them is no string
        pass
    for name, value in headers.items():
        if not is_header(name, value):
            raise ValueError(f"the header {name!r} cannot be sent")


def _leaves_its_base(url: str) -> bool:
    path = re.split("[?#]", url, maxsplit=1)[0]
    return not {".", ".."}.isdisjoint(path.split("/"))


@lru_cache(maxsize=256)
def _are_names(names: tuple[str, ...]) -> bool:
    """Return whether these can be sent, all at once; False also if one may be framing."""
    joined = "".join(names)
    lower = joined.lower()
    return all(names) and not ("length" in lower or "encoding" in lower) and _HEADER_NAME.fullmatch(joined) is not None


def _is_body(body: object) -> bool:
    from ..types.http import Upload

    return isinstance(body, Upload)


def is_header(name: object, value: object) -> bool:
    """Return whether this is a header in printable ASCII, which all servers and both clients accept, and no framing."""
    if not isinstance(name, str) or not isinstance(value, str) or name.lower() in FRAMING:
        return False
    return _HEADER_NAME.fullmatch(name) is not None and _HEADER_VALUE.fullmatch(value) is not None
