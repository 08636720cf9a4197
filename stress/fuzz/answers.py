"""Answers in one piece: of chat in four protocols, and of the other endpoints."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import strategies as st

from g4f_lite.call.endpoints import ENDPOINTS
from g4f_lite.call.structured import MisfitError, response_model
from g4f_lite.testing.shapes import SHAPES, Said
from g4f_lite.types.embeddings import EmbeddingRequest

from . import seeds
from .mutation import as_json, mutants, plain_text, scratched
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
                return plain_text(answer["choices"][0]["message"]["content"])
            case "anthropic":
                blocks = [block for block in answer["content"] if block.get("type", "") in ("text", "")]
                return "".join(plain_text(block["text"]) for block in blocks)
            case "gemini":
                parts = answer["candidates"][0]["content"]["parts"]
                return "".join(
                    plain_text(part.get("text", "")) for part in parts if part.get("thought") in (None, False)
                )
        return "".join(plain_text(part.get("text", "")) for part in answer["message"]["content"])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _request(operation: str) -> Any:
    from g4f_lite.types.uploads import UploadFile

    given: dict[str, Any] = {
        "input": ["a", "b"] if operation == "embeddings" else "a", "voice": "v", "prompt": "a",
        "file": UploadFile(("a.wav", b"RIFF")),
    }  # fmt: skip
    kind, required = ENDPOINTS[operation].request, ENDPOINTS[operation].required
    return kind(model="m", **{name: given[name] for name in required})


def check_endpoint(operation: str, name: str, kind: str, body: bytes) -> None:
    """Check an answer of another endpoint."""
    request = _request(operation)
    headers = {"content-type": kind}
    one, row = seeds.provider(name), ENDPOINTS[operation].operation
    seen = read_whole(one, body, request=request, operation=row, headers=headers)
    if seen.result is None or operation == "speech":
        return
    if isinstance(request, EmbeddingRequest):
        require([len(one.vector) > 0 for one in seen.result.data] == [True, True], "there is a vector for each input")
    for length in (0, len(body) // 2, len(body.rstrip()) - 1):
        part = read_whole(one, body[:length], request=request, operation=row, headers=headers)
        require(part.result is None, "a cut answer is no success", body[:length])


def check_said(name: str, pieces: list[str], reasoning: str, calls: list[tuple[str, Any]], finish: str | None) -> None:
    """Check that the same is read of an answer in one piece and of a stream: what was said."""
    one, shape = seeds.provider(name), SHAPES[seeds.protocol(name)]  # type: ignore[index]
    sent = [
        {"id": f"call_{index}", "type": "function", "function": {"name": called, "arguments": json.dumps(given)}}
        for index, (called, given) in enumerate(calls)
    ]
    said = Said(pieces, finish, reasoning, sent)
    whole = read_whole(one, as_json(shape.whole("m", said)))
    events = [*shape.chunks("m", said), *(shape.DONE if finish else ())]
    streamed = read_stream(one, [b"".join(map(shape.sse, events))])
    if finish is None:
        require(streamed.result is None, "a stream without its end is no success", streamed.result)
        return
    if not (said.text or reasoning or calls):
        return
    for seen in (whole, streamed):
        require(seen.result is not None, "a sound answer is a success", seen.error)
        read = [(call.function.name, json.loads(call.function.arguments)) for call in seen.result.tool_calls]
        understood = seen.result.text, seen.result.reasoning, read
        require(understood == (said.text, reasoning, [*map(tuple, calls)]), "what was said is read", understood)
    require(
        whole.result.choices[0].finish_reason == streamed.result.choices[0].finish_reason, "both end alike", streamed
    )


class Model(msgspec.Struct):
    a: int
    b: list[str] = []
    c: Model | None = None


def check_parsed(text: str) -> None:
    """Check a text that is parsed into the type of `response_model`: it fits, or the error says why."""
    try:
        parsed = response_model(Model).parse(text)
    except MisfitError as error:
        require(len(str(error)) < 1000, "a misfit is explained", error)
    else:
        require(isinstance(parsed, Model), "the text has the type", parsed)


def check(name: str, *rest: Any) -> None:
    if name in seeds.ENDPOINTS:
        check_endpoint(name, *rest)
    elif name == "parsed":
        check_parsed(*rest)
    elif len(rest) > 1:
        check_said(name, *rest)
    else:
        check_chat(name, *rest)


def _bodies(answers: list[Any]) -> st.SearchStrategy[bytes]:
    whole = mutants(answers).map(as_json)
    return st.one_of(whole, whole, scratched(whole))


_CHATS = st.sampled_from(seeds.FEW).flatmap(
    lambda name: st.tuples(st.just(name), _bodies(seeds.WHOLE[seeds.protocol(name)]))
)
_OTHERS = st.sampled_from(sorted(seeds.OTHERS)).flatmap(
    lambda row: st.tuples(
        *map(st.just, row),
        st.sampled_from(("application/json", "text/html", "audio/wav", "")),
        _bodies(seeds.OTHERS[row]),
    )
)
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_GIVEN = st.dictionaries(
    _TEXTS, st.one_of(st.integers(-9, 2**53), _TEXTS, st.booleans(), st.lists(_TEXTS, max_size=2)), max_size=3
)
_SAID = st.tuples(
    st.sampled_from(["openai", "anthropic", "gemini", "cohere"]),
    st.lists(_TEXTS.filter(bool), max_size=4),
    st.lists(st.sampled_from(["hm ", "so ", "é ", "\u2028 ", "<think> ", "\n "]), max_size=4).map("".join),
    st.lists(st.tuples(st.sampled_from(["find", "a-b", "é"]), _GIVEN), max_size=3),
    st.sampled_from(["stop", "stop", "length", None]),
)
_WORDS = st.sampled_from(
    ("```json\n", "```", "<think>", "</think>", "Here: ", "\n", "[THINK]", "{", "[", '"', "\\", "é", "null", "NaN")
)
_PARSED = st.lists(
    st.one_of(_WORDS, mutants([{"a": 1, "b": ["x"], "c": {"a": 2, "b": []}}]).map(json.dumps)), max_size=5
)
CASES = st.one_of(_CHATS, _CHATS, _OTHERS, _SAID, _PARSED.map(lambda words: ("parsed", "".join(words))))
SEEDS: list[tuple[Any, ...]] = [
    *((name, as_json(one)) for name in seeds.PROVIDERS for one in seeds.WHOLE[seeds.protocol(name)]),
    *((*row, "application/json", as_json(one)) for row, answers in seeds.OTHERS.items() for one in answers),
]
