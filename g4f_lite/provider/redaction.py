"""
Remove a key from texts, from exceptions and from what debuggers show of exceptions. No I/O.

What counts as the key: 8 or more of its characters in a row, in any case, as they are or escaped (URL, JSON, HTML,
Python), in hexadecimal, base64 or base32, or as a list of numbers; 16 of its letters and digits, or all, if something
stands between them. What a service shows of a key on purpose (`gsk_…wxyz`) is shorter. Words inside the key, of up to
14 letters, are left.

A service chooses the text, and an event loop waits: no step of Python is made for each character, and what is not
looked at is not shown.
"""

from __future__ import annotations

import re
import sys
from base64 import b32encode, b64encode
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import accumulate, compress, islice, repeat
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

_NUMBERED = ("%{:02x}", r"\x{:02x}", r"\u{:04x}", r"\{:03o}")
_PADDED = ("&#{}{:d};", "&#x{}{:x};")
_NAMED = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'"}
_ESCAPE = re.compile(
    rb"""(%[0-9a-f]{2}|\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|[0-7]{3}|[/"'\\nrt])"""
    rb"|&(?:\#(?:x[0-9a-f]{1,8}|[0-9]{1,8})|amp|lt|gt|quot|apos);)"
)
_MOST_LAYERS = 4
"""Escapes within escapes that are looked through."""
_MOST_PLACES, _MOST_ESCAPES = 1 << 12, 1 << 15
"""Places of a text that are looked at more closely, and escapes: what comes after more is hidden, not looked at."""
_BETWEEN = b"\n"
"""Stands for an escape that is no character of a key."""
_NO_LETTERS = bytes(set(range(256)) - set(b"abcdefghijklmnopqrstuvwxyz"))
_LETTERS_AND_DIGITS = b"0123456789abcdefghijklmnopqrstuvwxyz"
_OTHERS = bytes(set(range(256)) - set(_LETTERS_AND_DIGITS))
_IS_KEPT = bytes(code in _LETTERS_AND_DIGITS for code in range(256))

Span: TypeAlias = tuple[int, int]


@cache
def _escaped() -> dict[bytes, bytes]:
    """Return what each escape of a character stands for, in lower case."""
    found = dict(_NAMED) | {f"\\{char}": char for char in "/\"'\\"}
    for code in range(33, 127):
        found |= {form.format(code): chr(code) for form in _NUMBERED}
        found |= {form.format("0" * zeros, code): chr(code) for form in _PADDED for zeros in range(5)}
    return {escape.encode(): char.lower().encode() for escape, char in found.items()}


_Grams: TypeAlias = dict[bytes, int]
"""The pieces of `SHORTEST_PIECE` characters of some forms of a key, each with how many of such a form count."""
_Halves: TypeAlias = frozenset[int]
"""
Pieces half as long, as machine words. Each fourth place of a text is looked up here, which finds all longer pieces, and
takes no step of Python for each place.
"""


class _Forms(NamedTuple):
    plain: _Grams
    encoded: _Grams
    """In hexadecimal, base64 and base32."""
    halves: _Halves
    """Of both."""
    split: _Grams
    """Without what is neither letter nor digit."""
    split_halves: _Halves
    words: frozenset[bytes]


@lru_cache(maxsize=64)
def _forms(secret: str) -> _Forms:
    raw = secret.encode("utf-8", "surrogatepass")
    lower = secret.encode("ascii", "replace").lower()
    encoded = {raw.hex().encode(): 2 * SHORTEST_PIECE}
    for offset in range(3):  # base64 has another form for each place in a group of three bytes
        text = b64encode(bytes(offset) + raw).rstrip(b"=")[(0, 2, 3)[offset] :].lower()
        encoded[text] = encoded[text.translate(bytes.maketrans(b"+/", b"-_"))] = SHORTEST_PIECE + 2
    for offset in range(5):
        encoded[b32encode(bytes(offset) + raw).rstrip(b"=")[(0, 2, 4, 5, 7)[offset] :].lower()] = SHORTEST_PIECE + 4
    compact = lower.translate(None, _OTHERS)
    split = {text.translate(None, _OTHERS): needed + 2 for text, needed in encoded.items()}
    for number in ("{:d}", "{:03o}", "0x{:x}"):  # in a list
        split["".join(map(number.format, raw)).encode()] = 3 * SHORTEST_PIECE
    if len(compact) >= (_SPLIT_PIECE if compact.isalpha() else SHORTEST_PIECE):  # else it may be common words
        split[compact] = min(_SPLIT_PIECE, len(compact))
    words = {word.lower().encode() for word in re.split("[^a-zA-Z]+", secret) if word.islower() or word.isupper()}
    words = {word for word in words if SHORTEST_PIECE <= len(word) <= _LONGEST_WORD}
    plain = {lower: SHORTEST_PIECE}
    return _Forms(
        plain=_grams(plain),
        encoded=_grams(encoded),
        halves=_halves(plain | encoded),
        split=_grams(split),
        split_halves=_halves(split),
        words=frozenset(words - {lower}),
    )


def _grams(forms: Mapping[bytes, int]) -> _Grams:
    grams: _Grams = {}
    for form, length in forms.items():
        for start in range(len(form) - SHORTEST_PIECE + 1):
            gram = form[start : start + SHORTEST_PIECE]
            grams[gram] = min(length, grams.get(gram, length))
    return grams


def _halves(forms: Iterable[bytes]) -> _Halves:
    pieces = (form[start : start + _HALF] for form in forms for start in range(len(form) - _HALF + 1))
    return frozenset(int.from_bytes(piece, sys.byteorder) for piece in pieces)


def _places(text: bytes, halves: _Halves) -> list[int]:
    """Return the places of a text in lower case where a piece may begin, or may have begun up to three before."""
    words = memoryview(text)[: len(text) // _HALF * _HALF].cast("I")
    return [*islice(compress(range(0, len(text), _HALF), map(halves.__contains__, words)), _MOST_PLACES + 1)]


def _is_hit(text: bytes, forms: _Forms) -> bool:
    """Return whether `_places` would find any."""
    compact = text.translate(None, _OTHERS)
    return not (
        forms.halves.isdisjoint(memoryview(text)[: len(text) // _HALF * _HALF].cast("I"))
        and forms.split_halves.isdisjoint(memoryview(compact)[: len(compact) // _HALF * _HALF].cast("I"))
    )


def _found(text: bytes, places: Sequence[int], grams: _Grams) -> Iterator[Span]:
    """Yield where pieces of the key stand in a text in lower case."""
    start = longest = 0
    last = -1
    for at in places[:_MOST_PLACES]:
        for place in range(max(0, at - _HALF + 1), at + 1):
            if (length := grams.get(text[place : place + SHORTEST_PIECE])) is None:
                continue
            if place != last + 1 or not longest:
                if longest and last + SHORTEST_PIECE - start >= longest:
                    yield start, last + SHORTEST_PIECE
                start, longest = place, length
            last, longest = place, min(longest, length)
    if longest and last + SHORTEST_PIECE - start >= longest:
        yield start, last + SHORTEST_PIECE
    if len(places) > _MOST_PLACES:
        yield places[-1], len(text)


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
    layer = text.encode("latin-1", "replace").lower()  # a byte for each character
    if _ESCAPE.search(layer) is None and not _is_hit(layer, forms):  # as nearly always
        return text
    spans: list[Span] = []
    if (more := next(islice(_ESCAPE.finditer(layer), _MOST_ESCAPES, None), None)) is not None:
        spans.append((more.start(), len(layer)))
        layer = layer[: more.start()]
    spans += _spans(layer, forms)
    above: list[_Unescaped] = []
    while len(above) < _MOST_LAYERS and _ESCAPE.search(layer) is not None:
        above.append(_Unescaped(layer))
        layer = above[-1].text
        for places in _spans(layer, forms):
            for one in reversed(above):
                places = one.place(places[0]), one.place(places[1])  # noqa: PLW2901  # layer by layer
            spans.append(places)
    return _without(text, spans) if spans else text


_cached = lru_cache(maxsize=256)(redact_text)


def redact_name(name: str, key: Key | None) -> str:
    """As `redact_text`, for a name that many answers have, such as that of the model."""
    return _cached(name, key) if len(name) <= 100 else redact_text(name, key)


def _spans(text: bytes, forms: _Forms) -> Iterator[Span]:
    at = _places(text, forms.halves)
    for start, end in _found(text, at, forms.plain):
        if text[start:end].strip(_NO_LETTERS) not in forms.words:
            yield start, end
    yield from _found(text, at, forms.encoded)
    compact = text.translate(None, _OTHERS)
    if len(compact) < len(text) and (found := [*_found(compact, _places(compact, forms.split_halves), forms.split)]):
        places = [*compress(range(len(text)), text.translate(_IS_KEPT))]
        for start, end in found:
            yield places[start], places[end - 1] + 1


class _Unescaped:
    """A text without its escapes."""

    def __init__(self, escaped: bytes) -> None:
        self._pieces = _ESCAPE.split(escaped)  # texts and escapes in turn
        self._escapes = self._pieces[1::2]
        self._pieces[1::2] = map(_escaped().get, self._escapes, repeat(_BETWEEN))
        self.text = b"".join(self._pieces)
        self._starts: tuple[list[int], list[int]] | None = None
        """Where each piece begins, without and with the escapes; most texts do not have the key, and do not need it."""

    def place(self, at: int) -> int:
        """Return where a character stands in the text with the escapes."""
        if self._starts is None:
            lengths = [*map(len, self._pieces)]
            without = [0, *accumulate(lengths)]
            lengths[1::2] = map(len, self._escapes)
            self._starts = without, [0, *accumulate(lengths)]
        without, escaped = self._starts
        piece = bisect_right(without, at) - 1
        return escaped[piece] + at - without[piece]


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
            linked, suppressed = getattr(link, name), link.__suppress_context__
            if linked is not None and (
                linked is link  # `raise error from error` is a circle
                or not isinstance(linked, G4FLiteError)
                or (suppressed and name == "__context__")  # nobody is shown it
            ):
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
        line = one.tb_lineno or one.tb_frame.f_code.co_firstlineno  # None between two lines, where a signal may come
        below = TracebackType(below, one.tb_frame, one.tb_lasti, line)
    return below
