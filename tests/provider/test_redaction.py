"""The boundary to a provider's code: the exceptions that leave it, none of which shows the key."""

from __future__ import annotations

import pytest

from g4f_lite import MalformedResponseError, ReplyError, ServerError
from g4f_lite.errors.reply import ErrorReply
from g4f_lite.provider.boundary import PluginBoundary
from g4f_lite.provider.keys import Key
from g4f_lite.provider.redaction import redact, redact_text

KEY = Key("sk-secret-0123456789", "argument")


def test_a_foreign_exception_becomes_a_malformed_response_that_names_its_line() -> None:
    with pytest.raises(MalformedResponseError) as caught, PluginBoundary(KEY, "reading an answer", None, ""):
        raise KeyError("choices")
    assert "failed reading an answer, at test_redaction.py:" in caught.value.message
    assert caught.value.message.endswith("KeyError: 'choices'")
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("error", [ReplyError(ErrorReply(status=200)), KeyboardInterrupt()])
def test_an_error_reply_and_an_interruption_pass_unchanged(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, PluginBoundary(KEY, "reading an answer", None, ""):
        raise error
    assert caught.value is error


def test_a_provider_error_passes_without_the_key() -> None:
    with pytest.raises(ServerError) as caught, PluginBoundary(KEY, "reading an answer", None, ""):
        raise ServerError(f"bad key {KEY.value}", code=KEY.value) from ValueError(KEY.value)
    assert (caught.value.message, caught.value.code) == ("bad key [key]", "[key]")
    assert caught.value.__cause__ is None


def test_foreign_exceptions_are_removed_from_the_whole_chain() -> None:
    inner = ServerError("inner")
    inner.__cause__ = ValueError(KEY.value)
    outer = ServerError("outer")
    outer.__cause__ = inner
    assert redact(outer, KEY) is outer
    assert outer.__cause__ is inner
    assert inner.__cause__ is None


def test_an_error_that_is_its_own_cause_is_redacted() -> None:
    error = ServerError("failed")
    error.__cause__ = error
    assert redact(error, KEY).__cause__ is None


@pytest.mark.parametrize(
    ("key", "text", "redacted"),
    [
        (KEY, f"a {KEY.value} b", "a [key] b"),
        (KEY, f"cut: {KEY.value[:8]}", "cut: [key]"),
        (KEY, f"cut: {KEY.value[:7]}", f"cut: {KEY.value[:7]}"),
        (Key("abc", "argument"), "key abc, alphabet abcd", "key [key], alphabet abcd"),
        (None, KEY.value, KEY.value),
    ],
)
def test_a_truncated_key_is_redacted_too(key: Key | None, text: str, redacted: str) -> None:
    assert redact_text(text, key) == redacted
