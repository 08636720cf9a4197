"""Answers of other endpoints, and of services with other protocols."""

from __future__ import annotations

from collections.abc import Iterator

from .cases import EMOJI, Case, answer, filled, taken
from .streams import LONG, endless, in_chunks, numbered, sse


def of(ask: str, start: bytes, item: bytes, end: bytes, between: bytes = b"", provider: str = "plain") -> Case:
    return Case(lambda limit: answer(filled(start, item, end, limit, between)), ask, provider)


def sound(limit: int) -> Iterator[bytes]:
    return answer(b"\x01" * limit, kind="audio/mpeg")


def subtitles(limit: int) -> Iterator[bytes]:
    return answer(b"x" * limit, kind="text/plain")


def named(name: str, data: bytes) -> bytes:
    return b"event: %b\n" % name.encode() + sse(data)


ANTHROPIC_START = named("message_start", b'{"type":"message_start","message":{"id":"1","role":"assistant"}}') + named(
    "content_block_start", b'{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}'
)


def block(delta: bytes) -> bytes:
    return named("content_block_delta", b'{"type":"content_block_delta","index":0,"delta":' + delta + b"}")


ANTHROPIC = (b'{"id":"1","role":"assistant","stop_reason":"end_turn","content":[', b"]}")
GEMINI = (b'{"candidates":[{"finishReason":"STOP","content":{"role":"model","parts":[', b"]}}]}")
COHERE = (b'{"id":"1","finish_reason":"COMPLETE","message":{"role":"assistant","content":[', b"]}}")
DATA = (b'{"data":[', b"]}")

OPERATIONS: dict[str, Case] = {
    "embeddings of short numbers": of("embeddings", b'{"data":[{"embedding":[', b"0.5", b"]}]}", b","),
    "embeddings of long numbers": of("embeddings", b'{"data":[{"embedding":[', b"-0.012345678901234567", b"]}]}", b","),
    "embeddings of usual numbers": of("embeddings", b'{"data":[{"embedding":[', b"-0.006929283", b"]}]}", b","),
    "embeddings of whole numbers": of("embeddings", b'{"data":[{"embedding":[', b"777", b"]}]}", b","),
    "embeddings in base64": of("embeddings", b'{"data":[{"embedding":"', b"AAAA", b'"}]}'),
    "many embeddings": of("embeddings", DATA[0], b'{"embedding":[0.5]}', DATA[1], b","),
    "embeddings with null fields": of("embeddings", DATA[0], b'{"index":null,"embedding":[0.5]}', DATA[1], b","),
    "speech": Case(sound, "speech"),
    "subtitles": Case(subtitles, "subtitles"),
    "a transcription": of("transcription", b'{"text":"', b"x", b'"}'),
    "a transcription with an emoji": of("transcription", b'{"text":"' + EMOJI, b"x", b'"}'),
    "words of a transcription": of("transcription", b'{"text":"x","words":[', b'{"word":"a"}', b"]}", b","),
    "odd words of a transcription": of("transcription", b'{"text":"x","words":[', b'{"word":7}', b"]}", b","),
    "segments of a transcription": of("transcription", b'{"text":"x","segments":[', b'{"text":"a"}', b"]}", b","),
    "an image": of("images", b'{"data":[{"b64_json":"', b"AAAA", b'"}]}'),
    "an image as a data URL": of("images", b'{"data":[{"url":"data:image/png;base64,', b"AAAA", b'"}]}'),
    "many images": of("images", DATA[0], b'{"url":"a"}', DATA[1], b","),
    "models": of("models", DATA[0], b'{"id":"a"}', DATA[1], b","),
    "models with many fields": of("models", b'{"data":[{"id":"a",', b'"a":0', b"}]}", b","),
    "models as texts": of("models", DATA[0], b'"ab"', DATA[1], b","),
    "a model with a long name": of("models", b'{"data":[{"id":"', b"x", b'"}]}'),
    "models that are looked up for a chat": of("lookup", DATA[0], b'{"id":"a"}', DATA[1], b","),
    "Anthropic: text": of(
        "chat", ANTHROPIC[0] + b'{"type":"text","text":"', b"x", b'"}' + ANTHROPIC[1], b"", "anthropic"
    ),
    "Anthropic: text with an emoji": of(
        "chat", ANTHROPIC[0] + b'{"type":"text","text":"' + EMOJI, b"x", b'"}' + ANTHROPIC[1], b"", "anthropic"
    ),
    "Anthropic: blocks": of("chat", ANTHROPIC[0], b'{"type":"text","text":"a"}', ANTHROPIC[1], b",", "anthropic"),
    "Anthropic: empty blocks": of("chat", ANTHROPIC[0], b"{}", ANTHROPIC[1], b",", "anthropic"),
    "Anthropic: thinking": of(
        "chat", ANTHROPIC[0] + b'{"type":"thinking","thinking":"', b"x", b'"}' + ANTHROPIC[1], b"", "anthropic"
    ),
    "Anthropic: input of a tool": of(
        "chat",
        ANTHROPIC[0] + b'{"type":"tool_use","id":"1","name":"f","input":{"a":"',
        b"x",
        b'"}}' + ANTHROPIC[1],
        b"",
        "anthropic",
    ),
    "Anthropic: stream of text": endless(
        block(b'{"type":"text_delta","text":"x"}'), ANTHROPIC_START, provider="anthropic"
    ),
    "Anthropic: stream of large pieces": endless(
        block(b'{"type":"text_delta","text":"' + LONG + b'"}'), ANTHROPIC_START, provider="anthropic"
    ),
    "Anthropic: stream of thinking": endless(
        block(b'{"type":"thinking_delta","thinking":"' + LONG + b'"}'),
        ANTHROPIC_START.replace(b'"type":"text","text"', b'"type":"thinking","thinking"'),
        provider="anthropic",
    ),
    "Anthropic: stream of input for a tool": endless(
        block(b'{"type":"input_json_delta","partial_json":"' + LONG + b'"}'),
        ANTHROPIC_START.replace(b'{"type":"text","text":""}', b'{"type":"tool_use","id":"1","name":"f","input":{}}'),
        provider="anthropic",
    ),
    "Anthropic: stream of signatures": endless(
        block(b'{"type":"signature_delta","signature":"' + LONG + b'"}'),
        ANTHROPIC_START.replace(b'"type":"text","text"', b'"type":"thinking","thinking"'),
        provider="anthropic",
    ),
    "Anthropic: stream of blocks": numbered(
        named(
            "content_block_start",
            b'{"type":"content_block_start","index":%d,"content_block":{"type":"text","text":"a"}}',
        ),
        ANTHROPIC_START,
        "anthropic",
    ),
    "Anthropic: stream of tools": numbered(
        named(
            "content_block_start",
            b'{"type":"content_block_start","index":%d,"content_block":{"type":"tool_use","id":"a","name":"f"}}',
        ),
        ANTHROPIC_START,
        "anthropic",
    ),
    "Anthropic: pings": endless(named("ping", b'{"type":"ping"}'), ANTHROPIC_START, provider="anthropic"),
    "Gemini: text": of("chat", GEMINI[0] + b'{"text":"', b"x", b'"}' + GEMINI[1], b"", "gemini"),
    "Gemini: text with an emoji": of("chat", GEMINI[0] + b'{"text":"' + EMOJI, b"x", b'"}' + GEMINI[1], b"", "gemini"),
    "Gemini: parts": of("chat", GEMINI[0], b'{"text":"a"}', GEMINI[1], b",", "gemini"),
    "Gemini: image": of(
        "chat", GEMINI[0] + b'{"inlineData":{"mimeType":"image/png","data":"', b"A", b'"}}' + GEMINI[1], b"", "gemini"
    ),
    "Gemini: text in objects with nulls": of(
        "chat", b'{"candidates":7,"more":' + b'{"a":' * 12 + b'"', b"x", b'"' + b',"b":null}' * 12 + b"}", b"", "gemini"
    ),
    "Gemini: text beside odd counts": of(
        "chat",
        b'{"usageMetadata":{"promptTokenCount":7.0},' + GEMINI[0][1:] + b'{"text":"',
        b"x",
        b'"}' + GEMINI[1],
        b"",
        "gemini",
    ),
    "Gemini: numbers": of("chat", b'{"candidates":7,"more":[', b"7", b"]}", b",", "gemini"),
    "Gemini: candidates": of("chat", b'{"candidates":[', b"{}", b"]}", b",", "gemini"),
    "Gemini: stream of text": endless(sse(GEMINI[0] + b'{"text":"x"}]}}]}'), provider="gemini"),
    "Gemini: stream of large pieces": endless(
        sse(b'{"candidates":[{"content":{"role":"model","parts":[{"text":"' + LONG + b'"}]}}]}'), provider="gemini"
    ),
    "Gemini: stream of calls": endless(
        sse(b'{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"a":[0]}}}]}}]}'),
        provider="gemini",
    ),
    "Gemini: stream of images": endless(
        sse(b'{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"' + LONG + b'"}}]}}]}'),
        provider="gemini",
    ),
    "Cohere: text": of("chat", COHERE[0] + b'{"type":"text","text":"', b"x", b'"}' + COHERE[1], b"", "cohere"),
    "Cohere: parts": of("chat", COHERE[0], b'{"type":"text","text":"a"}', COHERE[1], b",", "cohere"),
    "Cohere: stream of text": endless(
        named(
            "content-delta",
            b'{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"' + LONG + b'"}}}}',
        ),
        provider="cohere",
    ),
    "Cohere: stream of a plan": endless(
        named("tool-plan-delta", b'{"type":"tool-plan-delta","delta":{"message":{"tool_plan":"x"}}}'), provider="cohere"
    ),
    "Anthropic: an answer of objects as a stream": Case(
        lambda limit: in_chunks(iter([filled(b'{"a":[', b"{},", b"{}]}", limit // 4)])), "stream", "anthropic"
    ),
}
_REFUSED = [
    name
    for name, case in OPERATIONS.items()
    if name.startswith(("embeddings", "segments", "words", "many", "models"))
    or (case.ask == "chat" and ("parts" in name or "numbers" in name))
]
OPERATIONS |= {f"{name}, as much as is taken": taken(OPERATIONS[name]) for name in _REFUSED}
