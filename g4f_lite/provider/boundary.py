"""The border to a provider's code: whatever it raises, a leg's error comes out, without any key."""

from __future__ import annotations

import math
import re
import traceback
from types import TracebackType

from ..errors.exceptions import G4FLiteError, MalformedResponseError, ProviderError, ReplyError
from ..types.http import HTTPRequest
from .leg import Leg

_VISIBLE = re.compile("[!-~]*")
_HEADER_NAME = re.compile("[!-9;-~]+")
_HEADER_VALUE = re.compile("[ -~]*")
_TELLING = 8
"""So many characters of a key are too many to show."""


class plugin_boundary:  # noqa: N801  # used in a `with` statement like contextlib's, at a quarter of their cost
    """
    Turn a foreign exception of a provider's code into a MalformedResponseError that names the place.

    The exception itself is not chained: it could carry the key.
    """

    __slots__ = ("_doing", "_leg")

    def __init__(self, leg: Leg, doing: str) -> None:
        self._leg = leg
        self._doing = doing

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            failure = to_provider_error(error, self._leg, self._doing)
            if failure is not error:
                raise failure from None


def to_provider_error(error: BaseException, leg: Leg, doing: str) -> BaseException:
    """Return the exception that replaces one raised by a provider's code; see `plugin_boundary`."""
    if isinstance(error, ProviderError):
        return redact(error, leg)
    if isinstance(error, ReplyError) or not isinstance(error, (Exception, SystemExit)):
        return error
    frame = traceback.extract_tb(error.__traceback__)[-1]  # the plugin border: reported as the leg's failure
    place = f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}"
    text = redact_text(f"{type(error).__name__}: {error}"[:200], leg)
    return MalformedResponseError(f"the provider's code failed {doing}, at {place}: {text}")


def redact_text(text: str, leg: Leg) -> str:
    """Return the text without the leg's key, and without a beginning of it that a cut has left."""
    if leg.key is None:
        return text
    key = leg.key.value
    if len(key) < _TELLING:  # no service gives such keys; inside a word it is chance
        return re.sub(rf"(?<!\w){re.escape(key)}(?!\w)", "[key]", text)
    for length in range(len(key), _TELLING - 1, -1):
        text = text.replace(key[:length], "[key]")
    return text


def redact(error: ProviderError, leg: Leg) -> ProviderError:
    """
    Return the error without the leg's key: in its message, and in what it is chained to.

    Foreign exceptions leave the chain: aiohttp's hold the request's headers, a plugin's may hold anything.
    """
    error.args = tuple(redact_text(arg, leg) if isinstance(arg, str) else arg for arg in error.args)
    if error.code:
        error.code = redact_text(error.code, leg)
    link: BaseException | None = error
    while link is not None:
        for name in ("__cause__", "__context__"):
            if not isinstance(getattr(link, name), G4FLiteError):
                setattr(link, name, None)
        link = link.__cause__ or link.__context__
    return error


def check_outgoing(outgoing: object) -> None:
    """
    Refuse a request that could not be sent, or not in the same way by both clients.

    Raises:
        TypeError, ValueError: says what is wrong.
    """
    if not isinstance(outgoing, HTTPRequest):
        raise TypeError(f"build_request returns {type(outgoing).__name__}, no HTTPRequest")
    url = outgoing.url
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise ValueError("the request's url is no http or https address")
    if _VISIBLE.fullmatch(url) is None:
        raise ValueError("the request's url holds a character that must be percent-encoded")
    if not isinstance(outgoing.method, str) or not outgoing.method.isalpha() or not _is_body(outgoing.body):
        raise TypeError("the request's method must be a word and its body bytes, or an Upload")
    headers = outgoing.headers
    try:
        if all(headers) and is_header("".join(headers), "".join(headers.values())):  # all at once, as they rarely fail
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
    """Tell whether this is a header in printable ASCII, which all servers and both clients take alike."""
    if not isinstance(name, str) or not isinstance(value, str):
        return False
    return _HEADER_NAME.fullmatch(name) is not None and _HEADER_VALUE.fullmatch(value) is not None


def is_wait(value: object) -> bool:
    """Tell whether this is a number of seconds to wait, or None."""
    return value is None or (isinstance(value, (int, float)) and 0 <= value < math.inf)
