"""Answers in one piece: of chat in four protocols, and of the other endpoints."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from g4f_lite.call.endpoints import ENDPOINTS
from g4f_lite.types.embeddings import EmbeddingRequest

from . import seeds
from .mutation import as_json, mutants, scratched
from .promises import require
from .reading import read_stream, read_whole


def check_chat(name: str, body: bytes) -> None:
    """Check an answer to a chat: also cut, and in the place of a stream."""
    one = seeds.provider(name)
    seen = read_whole(one, body)
    require(read_whole(one, body).verdict == seen.verdict, "the same bytes have the same result")
    if seen.result is None:
        return
    said = said_in(seeds.protocol(name), body)
    require(said is None or said == seen.result.text, "a success has the text of the bytes", (said, seen.result.text))
    for length in {0, len(body) // 3, len(body) // 2, len(body.rstrip()) - 1}:
        part = read_whole(one, body[:length])
        require(part.result is None, "a cut answer is no success", body[:length])
    if body.lstrip()[:1] == b"{":
        streamed = read_stream(one, [body], headers={"content-type": "application/json"})
        require(streamed.result is not None, "an answer in place of a stream is read, too", streamed.error)
        require(
            streamed.result.text == seen.result.text, "an answer in place of a stream has its text", streamed.result
        )


def said_in(protocol: str, body: bytes) -> str | None:
    """Return the text of an answer in the plainest form; None if it has another form."""
    try:
        answer = json.loads(body)
        match protocol:
            case "openai":
                return _text(answer["choices"][0]["message"]["content"])
            case "anthropic":
                return "".join(_text(block["text"]) for block in answer["content"] if block["type"] == "text")
            case "gemini":
                parts = answer["candidates"][0]["content"]["parts"]
                return "".join(_text(part.get("text", "")) for part in parts if part.get("thought") in (None, False))
        return "".join(_text(part["text"]) for part in answer["message"]["content"] if part["type"] == "text")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise TypeError
    return value


def _request(operation: str) -> Any:
    from g4f_lite.types.uploads import UploadFile

    given: dict[str, Any] = {
        "input": ["a", "b"] if operation == "embeddings" else "a", "voice": "v", "prompt": "a",
        "file": UploadFile(("a.wav", b"RIFF")),
    }  # fmt: skip
    kind, required = ENDPOINTS[operation].request, ENDPOINTS[operation].required
    return kind(model="m", **{name: given[name] for name in required})


def check_endpoint(operation: str, kind: str, body: bytes) -> None:
    """Check an answer of another endpoint."""
    request = _request(operation)
    headers = {"content-type": kind}
    one, row = seeds.provider("openai"), ENDPOINTS[operation].operation
    seen = read_whole(one, body, request=request, operation=row, headers=headers)
    if seen.result is None or operation == "speech":
        return
    if isinstance(request, EmbeddingRequest):
        require([len(one.vector) > 0 for one in seen.result.data] == [True, True], "there is a vector for each input")
    for length in (0, len(body) // 2, len(body.rstrip()) - 1):
        part = read_whole(one, body[:length], request=request, operation=row, headers=headers)
        require(part.result is None, "a cut answer is no success", body[:length])


def check(name: str, *rest: Any) -> None:
    if name in seeds.ENDPOINTS:
        check_endpoint(name, *rest)
    else:
        check_chat(name, *rest)


def _bodies(answers: list[Any]) -> st.SearchStrategy[bytes]:
    whole = mutants(answers).map(as_json)
    return st.one_of(whole, whole, scratched(whole))


_CHATS = st.sampled_from(seeds.FEW).flatmap(
    lambda name: st.tuples(st.just(name), _bodies(seeds.WHOLE[seeds.protocol(name)]))
)
_OTHERS = st.sampled_from(sorted(seeds.ENDPOINTS)).flatmap(
    lambda name: st.tuples(
        st.just(name),
        st.sampled_from(("application/json", "text/html", "audio/wav", "")),
        _bodies(seeds.ENDPOINTS[name]),
    )
)
CASES = st.one_of(_CHATS, _CHATS, _OTHERS)
SEEDS = [
    *((name, as_json(one)) for name in seeds.PROVIDERS for one in seeds.WHOLE[seeds.protocol(name)]),
    *((name, "application/json", as_json(one)) for name, answers in seeds.ENDPOINTS.items() for one in answers),
]
