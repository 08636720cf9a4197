"""How answers and streams of Gemini are read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.driving import MODES, run
from helpers.protocol_bodies import candidate, response
from helpers.protocol_reading import PROVIDERS, REQUEST, parse, read, seen, streamed

from g4f_lite import ServerSentEvent, TokenDetails, Usage
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.shapes import SHAPES


def called(name: str, args: Any = None, **more: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, **({"args": args} if args is not None else {})}, **more}


GEMINI = [
    (candidate({"text": "Mon"}, {"text": "day"}), ("Monday", "", "stop")),
    (candidate({"text": "Hm.", "thought": True}, {"text": "Monday", "thoughtSignature": "c2ln"}), ("Monday", "Hm.", "stop")),
    (candidate({"executableCode": {"code": "1", "language": "PYTHON"}}, {"codeExecutionResult": {"output": "1"}},
               {"text": "1"}, {"yetToCome": 7}), ("1", "", "stop")),
    (candidate({"text": "Mon"}, finish="MAX_TOKENS"), ("Mon", "", "length")),
    (candidate(finish="MAX_TOKENS"), ("", "", "length")),
    ({"finishReason": "MAX_TOKENS"}, ("", "", "length")),
    (candidate({"text": "Mon"}, finish="SAFETY"), ("Mon", "", "content_filter")),
    (candidate(finish="PROHIBITED_CONTENT"), ("", "", "content_filter")),
    (candidate({"text": "Mon"}, finish=None), ("Mon", "", None)),
]  # fmt: skip


@pytest.mark.parametrize(("one", "meant"), GEMINI, ids=lambda one: str(one)[-60:])
def test_a_complete_gemini_answer_is_read(one: dict[str, Any], meant: tuple[str, str, str | None]) -> None:
    answer = parse("gemini", response(one))
    assert (answer.id, answer.model) == ("r-1", "gemini-x")
    assert seen(answer) == (*meant[:2], [], meant[2])


TWO = [called("f", {"a": 1}, thoughtSignature="c2ln"), called("f", {"a": 1}), {"functionCall": {"name": "g", "args": None, "id": "own"}}]  # fmt: skip


def test_geminis_tool_calls_get_ids_and_a_finish_reason_with_and_without_streaming() -> None:
    complete = parse("gemini", response(candidate(*TWO)))
    apart = streamed(
        "gemini", *(response(candidate(part, finish=None)) for part in TWO), response(candidate({"text": ""}))
    )
    for answer in (complete, apart):
        assert answer.choices[0].finish_reason == "tool_calls"
        first, second, third = answer.tool_calls
        assert [(call.function.name, json.loads(call.function.arguments)) for call in answer.tool_calls] == [
            ("f", {"a": 1}), ("f", {"a": 1}), ("g", {})]  # fmt: skip
        assert third.id == "own"
        assert len({first.id, second.id}) == 2
        assert len(first.id) == 9
        assert first.extra_content == {"google": {"thought_signature": "c2ln"}}
        assert second.extra_content is None
    assert [call.id for call in complete.tool_calls] == [call.id for call in apart.tool_calls]
    again = parse("gemini", {**response(candidate(*TWO)), "responseId": "r-2"})
    assert {call.id for call in again.tool_calls} & {call.id for call in complete.tool_calls} == {"own"}


def test_an_interrupted_gemini_tool_call_is_not_complete() -> None:
    body = {**response(candidate(called("f", {"a": 1}), finish="MAX_TOKENS")), "modelVersion": "models/gemini-x"}
    for answer in (parse("gemini", body), streamed("gemini", body)):
        assert (answer.model, answer.choices[0].finish_reason) == ("gemini-x", "length")


def test_each_part_of_a_gemini_event_is_a_chunk_of_its_own() -> None:
    event = ServerSentEvent(data=json.dumps(response(candidate({"text": "a"}, {"text": "b"}))).encode())
    chunks = list(PROVIDERS["gemini"].new_stream(REQUEST).feed(event))
    assert [(chunk.text, chunk.usage is not None) for chunk in chunks] == [("a", False), ("b", False), ("", True)]


def test_geminis_thinking_counts_as_completion_tokens() -> None:
    usage = parse("gemini", response(candidate({"text": "a"}), thoughtsTokenCount=20, totalTokenCount=33,
                                     toolUsePromptTokenCount=6, cachedContentTokenCount=2)).usage  # fmt: skip
    assert usage == Usage(
        prompt_tokens=9,
        completion_tokens=24,
        total_tokens=33,
        prompt_tokens_details=TokenDetails(cached_tokens=2),
        completion_tokens_details=TokenDetails(reasoning_tokens=20),
    )
    bare = {"promptTokenCount": 3}
    assert parse("gemini", {**response(candidate({"text": "a"})), "usageMetadata": bare}).usage == Usage(
        prompt_tokens=3, total_tokens=3
    )


def test_several_gemini_candidates_are_kept_apart() -> None:
    complete = parse("gemini", response(candidate({"text": "a"}), candidate(called("f"), index=1)))
    apart = streamed(
        "gemini",
        response(candidate({"text": "a"}, finish=None), candidate(called("f"), finish=None, index=1)),
        response(candidate(index=1)),
        response(candidate({"text": ""})),
    )
    for answer in (complete, apart):
        assert [(one.index, one.message.content, one.finish_reason) for one in answer.choices] == [
            (0, "a", "stop"), (1, None, "tool_calls")]  # fmt: skip


def test_geminis_log_probabilities_have_openais_form() -> None:
    chosen = {"token": "é", "logProbability": -0.1}
    result = {
        "chosenCandidates": [chosen],
        "topCandidates": [{"candidates": [chosen, {"token": "b", "logProbability": -2}]}],
    }
    entry = {"token": "é", "logprob": -0.1, "bytes": [195, 169]}
    top = [entry, {"token": "b", "logprob": -2.0, "bytes": [98]}]
    expected = {"content": [{**entry, "top_logprobs": top}]}
    body = response(candidate({"text": "é"}, logprobsResult=result))
    assert parse("gemini", body).choices[0].logprobs == expected
    assert streamed("gemini", body).choices[0].logprobs == expected
    bare = response(candidate({"text": "é"}, logprobsResult={"chosenCandidates": [chosen]}))
    assert parse("gemini", bare).choices[0].logprobs == {"content": [{**entry, "top_logprobs": []}]}


def test_a_prompt_that_google_blocks_is_withheld_not_malformed() -> None:
    blocked = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 3}}
    assert seen(parse("gemini", blocked)) == (None, "", [], "content_filter")
    assert type(read("gemini", SHAPES["gemini"].sse(blocked)).failure).__name__ == "ContentFilterError"


def test_numbers_and_characters_that_are_not_json_are_read() -> None:
    one = {**candidate({"text": "a HALF b"}), "avgLogprobs": "NUMBER"}
    body = json.dumps(response(one)).replace('"NUMBER"', "NaN").replace("HALF", "\\ud83d").encode()
    assert parse("gemini", body).text == "a \ufffd b"
    event = SHAPES["gemini"].sse(response(candidate({"text": "a HALF"}, finish=None))).replace(b"HALF", b"\\ud83d")
    other = SHAPES["gemini"].sse(response(candidate({"text": "HALF b"}))).replace(b"HALF", b"\\ude00")
    for pieces in ([event + other], [event, other]):
        reader = read("gemini", *pieces)
        reader.check()
        assert reader.text == "a \N{GRINNING FACE} b"


# -- images --------------------------------------------------------------------------------


def drawn(data: str, **more: Any) -> dict[str, Any]:
    return {"inlineData": {"mimeType": "image/png", "data": data}, **more}


def image(url: str, signature: str | None = None) -> dict[str, Any]:
    part: dict[str, Any] = {"type": "image_url", "image_url": {"url": url}}
    return part | ({"extra_content": {"google": {"thought_signature": signature}}} if signature else {})


CAT, DOG = image("data:image/png;base64,Q0FU"), image("data:image/png;base64,RE9H", "c2ln")
IMAGES = [
    ("alone", [drawn("Q0FU")], "", [CAT]),
    ("beside text", [{"text": "A cat, "}, drawn("Q0FU"), {"text": "a dog"}, drawn("RE9H", thoughtSignature="c2ln")],
     "A cat, a dog", [CAT, DOG]),
    ("after a draft", [drawn("RE9H", thought=True), drawn("Q0FU")], "", [CAT]),
    ("as a file", [{"fileData": {"mimeType": "image/webp", "fileUri": "https://files.test/1"}}], "",
     [image("https://files.test/1")]),
]  # fmt: skip


@pytest.mark.parametrize(("parts", "text", "images"), [row[1:] for row in IMAGES], ids=[row[0] for row in IMAGES])
def test_geminis_images_are_handed_out_whole_and_streamed(
    parts: list[dict[str, Any]], text: str, images: list[dict[str, Any]]
) -> None:
    whole = parse("gemini", response(candidate(*parts)))
    apart = streamed("gemini", *(response(candidate(part, finish=None)) for part in parts), response(candidate()))
    for answer in (whole, apart):
        assert (answer.text, answer.choices[0].message.images) == (text, images)
        assert answer.choices[0].message.to_dict()["images"] == images
        assert answer.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("mode", MODES)
def test_an_image_alone_is_an_answer_and_goes_back_with_its_signature(mode: str, server: FaultServer) -> None:
    said = response(candidate(drawn("RE9H", thoughtSignature="c2ln")))
    event = [SHAPES["gemini"].sse(said)]
    server.script(
        lambda request: (
            replies.stream(event)(request) if request.stream else replies.body(json.dumps(said).encode())(request)
        )
    )
    settings = {"keys": {"gemini": "k"}, "base_urls": {"gemini": server.base_url}}
    outcome = run(mode, settings, {"provider": "gemini", "model": "gemini-3-image", "fallback_models": []})
    assert outcome.completion is not None, outcome.error
    assert len(server.received) == 1
    message = outcome.completion.choices[0].message
    assert message.images == [DOG]
    talk = [{"role": "user", "content": "A dog"}, message, {"role": "user", "content": "Browner"}]
    run(mode, settings, {"provider": "gemini", "model": "gemini-3-image", "fallback_models": [], "messages": talk})
    assert server.received[1].json["contents"][1] == {
        "role": "model",
        "parts": [drawn("RE9H", thoughtSignature="c2ln")],
    }
    server.script(replies.answer())
    run(mode, {"keys": {"groq": "k"}, "base_urls": {"groq": server.base_url}}, {"provider": "groq", "messages": talk})
    assert "images" not in server.received[2].json["messages"][1]


# -- sound ---------------------------------------------------------------------------------


def spoken(data: str) -> dict[str, Any]:
    return {"inlineData": {"mimeType": "audio/L16;rate=24000", "data": data}}


@pytest.mark.parametrize(("parts", "data"), [(["AAE="], "AAE="), (["AAE=", "AgM="], "AAECAw==")], ids=["one", "two"])
def test_geminis_sound_is_handed_out_whole_and_streamed(parts: list[str], data: str) -> None:
    whole = parse("gemini", response(candidate(*map(spoken, parts))))
    apart = streamed(
        "gemini", *(response(candidate(spoken(part), finish=None)) for part in parts), response(candidate())
    )
    for answer in (whole, apart):
        message = answer.choices[0].message
        assert (message.content, message.audio) == (None, {"data": data, "mime_type": "audio/L16;rate=24000"})
        assert answer.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("mode", MODES)
def test_sound_alone_is_an_answer(mode: str, server: FaultServer) -> None:
    said = response(candidate(spoken("AAE=")))
    whole, event = json.dumps(said).encode(), SHAPES["gemini"].sse(said)
    server.script(lambda request: (replies.stream([event]) if request.stream else replies.body(whole))(request))
    settings = {"keys": {"gemini": "k"}, "base_urls": {"gemini": server.base_url}}
    outcome = run(mode, settings, {"provider": "gemini", "model": "gemini-3-tts", "fallback_models": []})
    assert outcome.completion is not None, outcome.error
    assert outcome.completion.choices[0].message.audio == {"data": "AAE=", "mime_type": "audio/L16;rate=24000"}
    assert len(server.received) == 1
