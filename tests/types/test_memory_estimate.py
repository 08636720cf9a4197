"""The estimate is not below what decoding takes, and sensible answers are far below what is refused."""

from __future__ import annotations

import tracemalloc

import msgspec
import pytest

from g4f_lite import MalformedResponseError
from g4f_lite.types.memory_estimate import LARGE_OBJECT, OBJECT, SHARE, check_memory, memory_of, small
from g4f_lite.types.size_limits import MAX_RESPONSE_BODY

EMOJI, ESCAPED = "\U0001f600".encode(), b"\\ud83d\\ude00"
CHINESE, UMLAUT = "\u4e2d".encode(), "\u00e4".encode()
SIZE = 1 << 20


def filled(item: bytes, between: bytes = b",", start: bytes = b"[", end: bytes = b"]") -> bytes:
    return start + between.join([item] * (SIZE // (len(item) + len(between)))) + end


def one_text(before: bytes, item: bytes, after: bytes) -> bytes:
    return b'["' + before + item * (SIZE // len(item)) + after + b'"]'


BODIES = {
    "objects": filled(b"{}"),
    "objects with a field": filled(b'{"a":0}'),
    "objects with six fields": filled(b'{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0}'),
    "lists": filled(b"[]"),
    "lists with an item": filled(b"[7.5]"),
    "fractions": filled(b"0.5"),
    "large numbers": filled(b"12345678901234567890123"),
    "short texts": filled(b'"ab"'),
    "single emoji": filled(b'"' + EMOJI + b'"'),
    "single escaped emoji": filled(b'"' + ESCAPED + b'"'),
    "texts that are just short, with an emoji": filled(b'"' + b"x" * 1000 + EMOJI + b'"'),
    "texts that are just long, with an emoji": filled(b'"' + b"x" * 1100 + EMOJI + b'"'),
    "a text": one_text(b"", b"x", b""),
    "a text of escaped quotes": one_text(b"", rb"\"", b""),
    "a text of backslashes": one_text(b"", rb"\\", b""),
    **{
        f"{kind} {where}": one_text(char * (where == "before a text"), b"x", char * (where == "after a text"))
        for kind, char in {
            "an emoji": EMOJI,
            "an escaped emoji": ESCAPED,
            "a Chinese character": CHINESE,
            "an escaped Chinese character": b"\\u4e2d",
            "an umlaut": UMLAUT,
            "an escaped umlaut": b"\\u00e4",
        }.items()
        for where in ("before a text", "after a text")
    },
    "a text of emoji": one_text(b"", EMOJI, b""),
    "a text of escaped emoji": one_text(b"", ESCAPED, b""),
    "a text of Chinese": one_text(b"", CHINESE, b""),
    "an emoji after escaped quotes": one_text(b"", b"x" * 50 + rb"\"", EMOJI),
    "an emoji after backslashes and quotes": one_text(b"", b"x" * 50 + rb"\\\"", EMOJI),
}


@pytest.mark.parametrize("name", BODIES)
def test_decoding_takes_no_more_than_the_estimate(name: str) -> None:
    body = BODIES[name]
    tracemalloc.start()
    decoded = msgspec.json.decode(body)
    peak = tracemalloc.get_traced_memory()[1] + len(body)
    tracemalloc.stop()
    assert decoded
    assert peak <= 1.1 * memory_of(body)  # msgspec's buffer for escapes may be larger than its content


def test_an_escaped_backslash_before_a_quote_ends_a_text() -> None:
    apart = b'["' + b"x" * SIZE + rb'\\","' + EMOJI + b'"]'
    assert memory_of(apart) < 6 * SIZE < memory_of(apart.replace(b'","', b""))


# -- what must not be refused --------------------------------------------------------------

PART = 16
"""Of the answers below, the 16th part is looked at: the estimate is proportional."""


def vectors(number: bytes) -> bytes:
    entry = b'{"object":"embedding","index":0,"embedding":[' + b",".join([number] * 1536) + b"]},"
    return entry * (2048 // PART)


def tokens(alternatives: int, text: bytes) -> bytes:
    fields = b'"token":"' + text + b'","logprob":-0.012345678,"bytes":[209,132,209,139]'
    others = b",".join([b"{" + fields + b"}"] * alternatives)
    return (b"{" + fields + b',"top_logprobs":[' + others + b"]},") * (16_384 // PART)


def models(description: bytes) -> bytes:
    fields = b",".join(b'"field_%d":"value"' % number for number in range(30))
    return (b'{"id":"vendor/model","description":"' + description * 40 + b'",' + fields + b"},") * (5000 // PART)


SENSIBLE = {
    "2048 vectors of 1536 numbers": (vectors(b"-0.01234567890123456"), LARGE_OBJECT),
    "2048 vectors, as OpenAI prints them": (vectors(b"\n        -0.012345678"), LARGE_OBJECT),
    "16 384 tokens with 5 others": (tokens(5, b" word"), OBJECT),
    "16 384 tokens with 20 others": (tokens(20, b" word"), OBJECT),
    "16 384 tokens with 20 others in Russian": (tokens(20, "\u0444\u044b".encode()), OBJECT),
    "16 384 tokens with 20 others, escaped": (tokens(20, b"\\u0444"), OBJECT),
    "10 MiB of text with emoji": (one_text(b"", b"Hello, world! " + EMOJI, b"") * 10, OBJECT),
    "32 MiB of Russian": (one_text(b"", "\u0444".encode(), b"") * 32, OBJECT),
    "8 images of 4 MiB": (one_text(b"", b"AAAA", b"") * 32 + b'"' + EMOJI + b'"', LARGE_OBJECT),
    "5000 models": (models(b"A description. "), LARGE_OBJECT),
    "5000 models with emoji": (models(b"A description " + ESCAPED), LARGE_OBJECT),
}


@pytest.mark.parametrize("name", SENSIBLE)
def test_a_sensible_answer_is_taken_by_default(name: str) -> None:
    body, per_object = SENSIBLE[name]
    parts = 1 if "MiB" in name else PART
    assert parts * len(body) < MAX_RESPONSE_BODY
    assert parts * memory_of(body, per_object) < SHARE * MAX_RESPONSE_BODY


# -- the check -----------------------------------------------------------------------------


def test_the_error_says_what_would_be_taken_and_which_setting_decides() -> None:
    body = BODIES["objects"]
    needed = memory_of(body)
    check_memory("the answer", body, needed // SHARE + 1)
    with pytest.raises(MalformedResponseError) as caught:
        check_memory("the answer", body, needed // SHARE - 1)
    assert f"about {needed >> 20} MiB" in str(caught.value)
    assert f"3 times the setting max_response_bytes={needed // SHARE - 1}" in str(caught.value)
    with pytest.raises(MalformedResponseError, match="more than 1 times"):
        check_memory("an event", body, needed // SHARE + 1, share=1)


@pytest.mark.parametrize("limit", [1, 1 << 10, 1 << 20, MAX_RESPONSE_BODY, 1 << 40])
def test_what_is_small_needs_no_check(limit: int) -> None:
    """The largest small body takes less than the limit, or less than what a call takes anyway."""
    most = max(memory_of(body, LARGE_OBJECT) / len(body) for body in BODIES.values())
    assert small(limit) * most <= max(SHARE * limit, 16 << 20)
