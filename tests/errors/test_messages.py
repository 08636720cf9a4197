"""The message of an error is one line without a key, and shows only the origin of an address."""

from __future__ import annotations

import json

import pytest
from helpers.error_bodies import openai, openrouter

from g4f_lite.errors import exceptions as e
from g4f_lite.errors.classify import classify
from g4f_lite.errors.reply import ErrorReply


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("https://elsewhere.example/v1?key=secret", "to https://elsewhere.example;"),
        ("HTTP://Elsewhere.example:8080#x", "to HTTP://Elsewhere.example:8080;"),
        ("https://user:secret@elsewhere.example/", "to https://elsewhere.example;"),
        ("/login?secret", "to another address;"),
        ("", "to another address;"),
        ("javascript:secret", "to another address;"),
    ],
)
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_shows_only_the_origin_of_its_target(location: str, message: str, status: int) -> None:
    error = classify(ErrorReply(status=status, headers={"location": location}, body=b"<html>Moved</html>"))
    assert isinstance(error, e.RedirectError)
    assert (error.kind, error.status) == ("redirect", status)
    assert message in error.message
    assert "secret" not in error.message


KEY = "0aB9-xYz_7" * 4
KEYS = [f"sk-proj-{KEY}", f"sk-ant-{KEY}", f"gsk_{KEY}", f"xai-{KEY}", f"csk-{KEY}", f"nvapi-{KEY}", f"hf_{KEY}",
        f"pplx-{KEY}", f"AIza{KEY}"]  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_a_key_that_a_service_quotes_is_never_shown(key: str) -> None:
    for body in (
        openai(f"Incorrect API key provided: {key}.", key),
        {"error": f"bad key '{key}'", "code": key},
        {"detail": [{"loc": ["headers"], "msg": f"{key} is wrong"}]},
        openrouter(401, "Provider returned error", raw=f'{{"key": "{key}"}}'),
    ):
        error = classify(ErrorReply(status=401, body=json.dumps(body).encode()))
        assert KEY not in f"{error} {error!r} {error.message} {error.code}"
        assert "[key]" in error.message


@pytest.mark.parametrize("word", ["skip_special_tokens", "skeleton-of-the-request", "hfunction_parameter"])
def test_a_word_that_begins_like_a_key_is_not_redacted(word: str) -> None:
    error = classify(ErrorReply(status=400, body=json.dumps(openai(f"unexpected {word}")).encode()))
    assert word in error.message


def test_a_message_is_one_line_without_control_characters() -> None:
    error = classify(ErrorReply(status=400, body=json.dumps(openai("a\r\n\tb\x1b[31mc\x00d\x85e")).encode()))
    assert error.message == "a b [31mc d e"
