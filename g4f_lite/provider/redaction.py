"""
Remove a key from texts, from exceptions and from what debuggers show of exceptions. No I/O.

What counts as the key: 8 or more of its characters in a row, in any case, as they are or escaped (URL, JSON, HTML), in
hexadecimal or in base64; 16 of its letters and digits, or all, if something stands between them. What a service shows
of a key on purpose (`gsk_…wxyz`) is shorter. Words inside the key, of up to 14 letters, are left.

The time is linear in the text: a service chooses it.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from functools import lru_cache
from types import TracebackType
from typing import Any, NamedTuple, TypeAlias

import msgspec

from ..errors.exceptions import G4FLiteError, ProviderError
from ..errors.reply import MAX_ERROR_BODY, ErrorReply
from ..errors.signal_handlers import raise_interruption
from .keys import Key

SHORTEST_PIECE = 8
"""Characters of a key in a row that are redacted."""
_SPLIT_PIECE = 16
"""Letters and digits of a key that are redacted if something stands between them."""
_HALF = SHORTEST_PIECE // 2
_HIDDEN = "[key]"
_LONGEST_WORD = 14
"""Letters of a word in one case that is left if the key contains it: a key may be made of words, as `lm-studio` is."""

_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}  # str.lower changes the length of some texts
_ESCAPES = re.compile(
    r"%([2-7][0-9a-f])|\\u00([2-7][0-9a-f])|\\x([2-7][0-9a-f])|&#x0{0,4}([2-7][0-9a-f]);|&#0{0,4}([0-9]{2,3});"
    r"|\\([/\"'\\])|&(amp|lt|gt|quot|apos);",
    re.IGNORECASE,
)
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_MOST_LAYERS = 4
"""Escapes within escapes that are looked through."""
_APART = re.compile(r"[^0-9a-z]+")
_NO_LETTERS = re.compile("^[^a-z]+|[^a-z]+$")

Span: TypeAlias = tuple[int, int]


class _Grams(NamedTuple):
    """The pieces of `SHORTEST_PIECE` characters of all forms of a key, each with how many of such a form count."""

    needed: dict[str, int]
    halves: frozenset[str]
    """All pieces half as long: each fifth place of a text is looked up here, which finds all longer pieces."""


class _Forms(NamedTuple):
    plain: _Grams
    encoded: _Grams
    """In hexadecimal and base64."""
    split: _Grams
    """Without what is neither letter nor digit."""
    words: frozenset[str]
    halves: frozenset[str]
    """Those of all forms."""


@lru_cache(maxsize=64)
def _forms(secret: str) -> _Forms:
    lower = secret.translate(_LOWER)
    raw = secret.encode("utf-8", "surrogatepass")
    encoded = {raw.hex(): 2 * SHORTEST_PIECE}
    for offset in range(3):  # base64 has another form for each place in a group of three bytes
        text = b64encode(bytes(offset) + raw).decode().rstrip("=")[(0, 2, 3)[offset] :].translate(_LOWER)
        encoded[text] = encoded[text.replace("+", "-").replace("/", "_")] = SHORTEST_PIECE + 2
    compact = _APART.sub("", lower)
    split = {_APART.sub("", text): needed + 2 for text, needed in encoded.items()}
    if len(compact) >= (_SPLIT_PIECE if compact.isalpha() else SHORTEST_PIECE):  # else it may be common words
        split[compact] = min(_SPLIT_PIECE, len(compact))
    words = {word.lower() for word in re.split("[^a-zA-Z]+", secret) if word.islower() or word.isupper()}
    words = {word for word in words if SHORTEST_PIECE <= len(word) <= _LONGEST_WORD}
    grams = _grams({lower: SHORTEST_PIECE}), _grams(encoded), _grams(split)
    return _Forms(*grams, frozenset(words - {lower}), frozenset().union(*(one.halves for one in grams)))


def _grams(forms: dict[str, int]) -> _Grams:
    needed: dict[str, int] = {}
    for form, length in forms.items():
        for start in range(len(form) - SHORTEST_PIECE + 1):
            gram = form[start : start + SHORTEST_PIECE]
            needed[gram] = min(length, needed.get(gram, length))
    return _Grams(
        needed, frozenset(form[start : start + _HALF] for form in forms for start in range(len(form) - _HALF + 1))
    )


def _found(text: str, grams: _Grams) -> Iterator[Span]:
    """Yield where pieces of the key stand in a text in lower case."""
    needed, halves = grams
    start = longest = 0
    last = -1
    for at in range(0, len(text) - _HALF + 1, _HALF + 1):
        if text[at : at + _HALF] not in halves:
            continue
        for place in range(max(0, at - _HALF), at + 1):  # pieces that hold this half
            if (length := needed.get(text[place : place + SHORTEST_PIECE])) is None:
                continue
            if place != last + 1 or not longest:
                if longest and last + SHORTEST_PIECE - start >= longest:
                    yield start, last + SHORTEST_PIECE
                start, longest = place, length
            last, longest = place, min(longest, length)
    if longest and last + SHORTEST_PIECE - start >= longest:
        yield start, last + SHORTEST_PIECE


def redact_text(text: str, key: Key | None) -> str:
    """Return the text without the key and without pieces of it; see the head of this file."""
    if key is None or not key.value or not text:
        return text
    secret = key.value
    if len(text) < SHORTEST_PIECE <= len(secret):
        return text
    if len(secret) < SHORTEST_PIECE:  # no service gives such keys; inside a word it is a coincidence
        return re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", _HIDDEN, text)
    forms = _forms(secret)
    spans = [*_spans(text, forms)]
    lower, places = text.translate(_LOWER), None
    for _ in range(_MOST_LAYERS):
        unescaped, where = _unescaped(lower)
        if where is None:
            break
        lower = unescaped
        places = where if places is None else [places[at] for at in where]
        spans += ((places[start], places[end]) for start, end in _spans(lower, forms))
    return _without(text, spans) if spans else text


_cached = lru_cache(maxsize=256)(redact_text)


def redact_name(name: str, key: Key | None) -> str:
    """As `redact_text`, for a name that many answers have, such as that of the model."""
    return _cached(name, key) if len(name) <= 100 else redact_text(name, key)


def redact_id(text: str, key: Key | None) -> str:
    """As `redact_text`, for an id that no other answer has; a glance shows that most hold nothing of the key."""
    if key is None or not key.value or len(text) < SHORTEST_PIECE <= len(key.value):
        return text
    if len(key.value) >= SHORTEST_PIECE and text.isascii() and _ESCAPES.search(text) is None:
        halves, step = _forms(key.value).halves, _HALF + 1
        lower = text.lower()
        compact = _APART.sub("", lower)
        if halves.isdisjoint([lower[at : at + _HALF] for at in range(0, len(lower), step)]) and (
            compact == lower or halves.isdisjoint([compact[at : at + _HALF] for at in range(0, len(compact), step)])
        ):
            return text
    return redact_text(text, key)


def _spans(text: str, forms: _Forms) -> Iterator[Span]:
    lower = text.translate(_LOWER)
    for start, end in _found(lower, forms.plain):
        if _NO_LETTERS.sub("", lower[start:end]) not in forms.words:
            yield start, end
    yield from _found(lower, forms.encoded)
    compact: list[str] = []
    places: list[int] = []
    at = 0
    for apart in _APART.finditer(lower):
        compact.append(lower[at : apart.start()])
        places += range(at, apart.start())
        at = apart.end()
    if not compact:
        return
    compact.append(lower[at:])
    places += range(at, len(lower))
    for start, end in _found("".join(compact), forms.split):
        yield places[start], places[end - 1] + 1


def _unescaped(text: str) -> tuple[str, list[int] | None]:
    """Return the text without escapes, and where each of its characters stands (None: there are no escapes)."""
    pieces: list[str] = []
    places: list[int] = []
    at = 0
    for escape in _ESCAPES.finditer(text):
        pieces.append(text[at : escape.start()])
        places += range(at, escape.start() + 1)
        url, json, python, html, decimal, itself, named = escape.groups()
        if digits := url or json or python or html:
            pieces.append(chr(int(digits, 16)))
        elif decimal:
            pieces.append(chr(min(int(decimal), 127)))
        else:
            pieces.append(itself or _NAMED[named.lower()])
        at = escape.end()
    if not pieces:
        return text, None
    pieces.append(text[at:])
    places += range(at, len(text) + 1)
    return "".join(pieces).translate(_LOWER), places


def _without(text: str, spans: list[Span]) -> str:
    pieces: list[str] = []
    at = 0
    for start, end in sorted(spans):
        if start > at or not pieces:
            pieces += (text[at:start], _HIDDEN)
        at = max(at, end)
    return "".join((*pieces, text[at:]))


def redact_reply(reply: ErrorReply, key: Key | None) -> ErrorReply:
    """Return an error reply without the key, as the code of providers and plugins gets it, and of a bounded size."""
    if len(reply.body) > MAX_ERROR_BODY:  # an error inside an answer
        reply = msgspec.structs.replace(reply, body=reply.body[:MAX_ERROR_BODY])
    if key is None or not key.value:
        return reply
    body = redact_text(reply.body.decode("latin-1"), key).encode("latin-1")
    headers = {name: redact_text(value, key) for name, value in reply.headers.items()}
    return msgspec.structs.replace(reply, body=body, headers=headers)


# -- exceptions ----------------------------------------------------------------------------

_NOT_REDACTED = frozenset({"trail", "tool_run", "provider", "model", "partial_text", "phase", "kind"})
"""Attributes of errors that hold nothing of a reply; the text of an answer stays as it came."""


def redact(error: ProviderError, key: Key | None) -> ProviderError:
    """
    Return the error without the key, in its message and all its attributes, and in the exceptions it is chained to.

    Foreign exceptions are removed from the chain: aiohttp's hold the request's headers, a plugin's may hold anything.
    """
    for link in _chain(error):
        for name in ("__cause__", "__context__"):
            linked = getattr(link, name)
            if linked is not None and (
                linked is link or not isinstance(linked, G4FLiteError)
            ):  # `raise error from error` is a circle
                suppressed = link.__suppress_context__
                setattr(link, name, None)
                link.__suppress_context__ = suppressed
        if key is not None and key.value:
            _redact_one(link, key)
    return error


def _redact_one(error: BaseException, key: Key) -> None:
    from ..errors.reply_facts import in_texts

    def change(value: Any) -> Any:
        if isinstance(value, (str, dict, list)):
            return in_texts(value, lambda text: redact_text(text, key))
        if value is None or isinstance(value, (int, float)):
            return value
        try:
            shown = repr(value)  # bytes, a tuple, or an object of a plugin
        except Exception as failure:  # of foreign code
            raise_interruption(failure)
            return None
        hidden = redact_text(shown, key)
        return value if hidden == shown else hidden

    error.args = tuple(change(arg) for arg in error.args)
    for name, value in list(vars(error).items()):
        if name not in _NOT_REDACTED:
            setattr(error, name, change(value))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and all that it is chained to or holds, each once."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        link = waiting.pop()
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        waiting += filter(None, (link.__cause__, link.__context__))
        if isinstance(link, BaseExceptionGroup):
            waiting += link.exceptions


_HOLD_HEADERS = ("urllib3.", "http.", "aiohttp.", "requests.", "asyncio.", "g4f_lite.transport.")
"""Packages whose functions have a request's headers, with the key, in local variables."""


def hide_frames(error: BaseException) -> None:
    """
    Remove from tracebacks the frames whose local variables may show a key: some tools print them.

    Errors of this library lose all frames up to here: their messages say what failed and where. Of other exceptions,
    such as Ctrl-C or an exception of the caller's code, only the frames of what sends and receives are left out.
    """
    for link in _chain(error):
        if isinstance(link, G4FLiteError):
            link.__traceback__ = None
        elif link.__traceback__ is not None:
            link.__traceback__ = _without_http(link.__traceback__)


def _without_http(trace: TracebackType) -> TracebackType | None:
    kept: list[TracebackType] = []
    one: TracebackType | None = trace
    while one is not None:
        if not f"{one.tb_frame.f_globals.get('__name__')}.".startswith(_HOLD_HEADERS):
            kept.append(one)
        one = one.tb_next
    below: TracebackType | None = None
    for one in reversed(kept):
        below = TracebackType(below, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return below
