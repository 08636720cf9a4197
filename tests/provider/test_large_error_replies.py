"""An error inside an answer may be as large as the answer; no more of it is looked at than of an error body."""

from __future__ import annotations

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
