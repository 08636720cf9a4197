"""The border to a provider's code: whatever it raises, a leg's error comes out, without any key."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import G4FLiteError, MalformedResponseError, ProviderError, ReplyError
from .routing.legs import Leg

_TELLING = 8
"""So many characters of a key are too many to show."""


@contextmanager
def guarded(leg: Leg, doing: str) -> Iterator[None]:
    """
    Turn a foreign exception of a provider's code into a MalformedResponseError that names the place.

    The exception itself is not chained: it could carry the key.
    """
    failure: ProviderError | None = None
    try:
        yield
    except ProviderError as error:
        failure = redact(error, leg)
    except ReplyError:
        raise
    except Exception as error:  # the plugin border: reported as the leg's failure
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}"
        text = hide_key(f"{type(error).__name__}: {error}"[:200], leg)
        failure = MalformedResponseError(f"the provider's code failed {doing}, at {place}: {text}")
    if failure is not None:
        raise failure


def hide_key(text: str, leg: Leg) -> str:
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
    """Return the error without the leg's key in its message."""
    if leg.key is not None and isinstance(error, G4FLiteError):
        error.args = tuple(hide_key(arg, leg) if isinstance(arg, str) else arg for arg in error.args)
    return error
