"""An error inside an answer may be as large as the answer; no more of it is looked at than of an error body."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from g4f_lite.errors.reply import MAX_ERROR_BODY, ErrorReply
from g4f_lite.provider.keys import Key
from g4f_lite.provider.redaction import redact_reply


@pytest.mark.parametrize("key", [None, Key("gsk_0123456789abcdef", "keys")])
def test_only_the_beginning_of_a_large_error_is_kept(key: Key | None) -> None:
    body = b'{"error":"gsk_0123456789abcdef' + b" " * MAX_ERROR_BODY + b'"}'
    kept = redact_reply(ErrorReply(status=200, body=body), key).body
    assert len(kept) <= MAX_ERROR_BODY
    assert kept.startswith(b'{"error":"' + (body[10:30] if key is None else b"[key] "))


SECRET = "gsk_Zx81bQp4nV7rLw2KjYc9fHa3Ms5Egsk_0123456789abcdefXYZW"
HOSTILE = {
    "the key": SECRET,
    "pieces of the key": SECRET[:8] + "~",
    "halves of the key": SECRET[:7] + " ",
    "the key in a URL": "".join(f"%{ord(char):02x}" for char in SECRET),
    "the key in hexadecimal": SECRET.encode().hex(),
    "the key with spaces": " ".join(SECRET) + " ",
    "escapes": "%41",
    "escaped escapes": "%252525",
    "escaped backslashes": "\\\\",
    "HTML": "&amp;amp;",
    "no ASCII": "\xff\x00é",
    "a web page": "<div class='a'>Something is wrong</div>\n",
}


@pytest.mark.no_cover
@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE)
def test_to_redact_a_large_error_takes_not_much_longer_than_to_decode_it(piece: str) -> None:
    """An event loop waits for both."""
    text = piece.encode("latin-1")
    reply = ErrorReply(status=400, body=(text * MAX_ERROR_BODY)[:MAX_ERROR_BODY])
    numbers = b"[" + b"0," * (MAX_ERROR_BODY // 2) + b"0]"

    def seconds(work: Callable[[], object]) -> float:
        started = time.process_time()
        work()
        return time.process_time() - started

    key = Key(SECRET, "keys")
    redact_reply(ErrorReply(body=b"the forms of the key are computed once"), key)
    decoding = min(seconds(lambda: json.loads(numbers)) for _ in range(3))
    assert min(seconds(lambda: redact_reply(reply, key)) for _ in range(3)) < 8 * decoding


@pytest.mark.parametrize("piece", ["%41", SECRET[:8] + "~", SECRET[4:8], "\\n"])
def test_what_is_not_looked_at_is_not_shown(piece: str) -> None:
    filler = piece * (MAX_ERROR_BODY // len(piece) - 100)
    kept = redact_reply(ErrorReply(status=400, body=f"no {filler} {SECRET}".encode()), Key(SECRET, "keys")).body
    assert kept.startswith(b"no ")
    assert SECRET.encode() not in kept
    assert kept.endswith(b"[key]")
