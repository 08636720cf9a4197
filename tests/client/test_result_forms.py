"""Results as OpenAI's objects have them: `model_dump`, fields that are None, log probabilities, a short `repr`."""

from __future__ import annotations

import asyncio
import json
import pickle
from typing import Any

import msgspec
import pytest
from helpers.driving import MESSAGES, MODES, QUICK, run
from helpers.endpoints import ENDPOINTS, Endpoint, call

import g4f_lite
from g4f_lite import AsyncClient, ChatCompletionChunk, Choice, ChoiceLogprobs, Client, TokenLogprob
from g4f_lite.testing import FaultServer, replies

TOP = {"token": "x", "logprob": -3.5, "bytes": None}
TOKEN = {"token": "Sun", "logprob": -0.25, "bytes": [83, 117, 110], "top_logprobs": [TOP], "token_id": 7}
NO = {"token": "No", "logprob": -1, "bytes": None, "top_logprobs": []}
LOGPROBS: dict[str, Any] = {"content": [TOKEN, NO], "refusal": [NO]}
USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7, "queue_time": 0.5,
         "completion_tokens_details": {"reasoning_tokens": 1}}  # fmt: skip
MESSAGE = {"role": "assistant", "content": "Sunday", "annotations": [{"url": "u"}], "odd": 1}
WHOLE = {"id": "1", "object": "chat.completion", "created": 3, "model": "m", "x_groq": {"id": "r"}, "usage": USAGE,
         "choices": [{"index": 0, "message": MESSAGE, "finish_reason": "stop", "logprobs": LOGPROBS}]}  # fmt: skip
EVENTS: list[Any] = [
    {"id": "1", "created": 3, "model": "m", "choices": [
        {"index": 0, "delta": MESSAGE, "logprobs": {"content": [TOKEN], "refusal": None}}]},
    {"id": "1", "created": 3, "model": "m", "x_groq": {"id": "r"}, "choices": [
        {"index": 0, "delta": {}, "finish_reason": "stop", "logprobs": {"content": [NO], "refusal": [NO]}}]},
    {"id": "1", "created": 3, "model": "m", "choices": [], "usage": USAGE},
]  # fmt: skip


def ask(mode: str, server: FaultServer, whole: Any = WHOLE, events: Any = EVENTS) -> g4f_lite.ChatCompletion:
    server.script(replies.stream(events) if "stream" in mode else replies.body(json.dumps(whole).encode()))
    outcome = run(mode, {}, {"provider": "groq"})
    assert outcome.completion is not None, outcome.error
    return outcome.completion


@pytest.mark.parametrize("mode", MODES)
def test_a_completion_is_dumped_with_all_that_openai_has(mode: str, groq: FaultServer) -> None:
    reply = ask(mode, groq)
    before = reply.to_dict()
    dumped = reply.model_dump()
    assert {"metadata", "moderation", "service_tier", "system_fingerprint"} < dumped.keys()
    assert dumped["x_groq"] == {"id": "r"}
    nothing = dict.fromkeys(("refusal", "tool_calls", "function_call", "audio"))
    assert dumped["choices"][0]["message"] == {**MESSAGE, **nothing}
    details = dumped["usage"]["completion_tokens_details"]
    assert (details["reasoning_tokens"], details["accepted_prediction_tokens"]) == (1, None)
    assert (dumped["usage"]["queue_time"], dumped["usage"]["prompt_tokens_details"]) == (0.5, None)
    assert json.loads(reply.model_dump_json(indent=1)) == dumped == reply.model_dump(mode="json")
    assert json.loads(reply.to_json()) == reply.to_dict() == reply.model_dump(exclude_unset=True) == before
    assert None not in reply.model_dump(exclude_none=True)["choices"][0]["message"].values()
    assert list(reply.model_dump(include={"id", "model"}, exclude={"model"})) == ["id"]
    assert reply.choices[0].message.model_dump() == dumped["choices"][0]["message"]
    with pytest.raises(TypeError):
        reply.model_dump(exclud_none=True)  # type: ignore[call-arg]


@pytest.mark.parametrize("mode", MODES)
def test_fields_are_attributes_whether_they_came_or_not(mode: str, groq: FaultServer) -> None:
    reply: Any = ask(mode, groq)
    message = reply.choices[0].message
    assert (reply.x_groq, message.annotations, message.odd, reply.usage.queue_time) == (
        {"id": "r"}, [{"url": "u"}], 1, 0.5)  # fmt: skip
    assert [reply.metadata, reply.moderation, reply.service_tier, reply.system_fingerprint, message.refusal,
            message.audio, message.function_call, reply.usage.prompt_tokens_details] == [None] * 8  # fmt: skip
    for one in (reply, message, reply.choices[0], reply.usage):
        assert not hasattr(one, "x_other")
        assert not hasattr(one, "__odd__")
        assert pickle.loads(pickle.dumps(one)) == one


@pytest.mark.parametrize("mode", MODES)
def test_log_probabilities_are_objects(mode: str, groq: FaultServer) -> None:
    reply = ask(mode, groq)
    before = reply.to_dict()
    logprobs = reply.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.content is not None
    assert logprobs is reply.choices[0].logprobs  # a loop over it does not make all of them each time
    token, other = logprobs.content
    assert (token.token, token.logprob, token.bytes) == ("Sun", -0.25, (83, 117, 110))
    assert token.token_id == 7  # type: ignore[attr-defined]
    assert token.top_logprobs == (TokenLogprob(token="x", logprob=-3.5),)
    assert (other.logprob, other.top_logprobs) == (-1.0, ())
    assert logprobs.refusal == (other,)
    assert logprobs == LOGPROBS
    assert reply.to_dict() == before
    assert before["choices"][0]["logprobs"] == LOGPROBS
    assert reply.model_dump(exclude_unset=True) == before
    for again in (pickle.loads(pickle.dumps(reply)), msgspec.structs.replace(reply)):
        assert again == reply
        assert again.to_dict() == before


FORMS: dict[str, tuple[Any, Any]] = {
    "none": (None, None),
    "a list": ([1, 2], [1, 2]),
    "an empty object": ({}, ChoiceLogprobs()),
    "older": ({"tokens": ["a"], "token_logprobs": [-1]}, None),
    "no numbers": ({"content": [{"token": None, "logprob": None, "bytes": "a"}]}, None),
    "other things": ({"content": [3, None, {"token": 3}], "refusal": "no"}, None),
}


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("name", FORMS)
def test_any_form_of_log_probabilities_is_taken(name: str, mode: str, groq: FaultServer) -> None:
    sent, expected = FORMS[name]
    choice = {**WHOLE["choices"][0], "logprobs": sent}  # type: ignore[index]
    found: Any = ask(mode, groq, {**WHOLE, "choices": [choice]}).choices[0]
    assert expected is None or found.logprobs == expected
    assert found.to_dict()["logprobs"] == sent
    if name == "older":
        assert (found.logprobs.tokens, found.logprobs.content) == (["a"], None)
    if name == "no numbers":
        assert found.logprobs.content == (TokenLogprob(),)
    if name == "other things":
        assert ([one.token for one in found.logprobs.content], found.logprobs.refusal) == (["3"], None)


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_chunks_are_as_completions(mode: str, groq: FaultServer) -> None:
    groq.script(replies.stream(EVENTS))
    params: dict[str, Any] = {"messages": MESSAGES, "provider": "groq", "stream": True}

    def read() -> list[Any]:
        with Client(**QUICK) as client:
            return list(client.chat.completions.create(**params))

    async def aread() -> list[Any]:
        async with AsyncClient(**QUICK) as client:
            return [chunk async for chunk in await client.chat.completions.create(**params)]

    first, last = read() if mode == "sync" else asyncio.run(aread())
    assert first.choices[0].logprobs.content[0].token == "Sun"
    assert last.choices[0].logprobs.refusal[0].logprob == -1.0
    assert (last.x_groq, first.moderation, first.usage) == ({"id": "r"}, None, None)
    dumped = first.model_dump()
    assert dumped["choices"][0]["delta"] == {**MESSAGE, **dict.fromkeys(("refusal", "tool_calls", "function_call"))}
    assert (dumped["usage"], dumped["system_fingerprint"], dumped["moderation"]) == (None, None, None)
    assert json.loads(first.to_json()) == first.to_dict() == first.model_dump(exclude_unset=True)
    assert first.to_dict()["choices"][0]["logprobs"] == {"content": [TOKEN], "refusal": None}


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
def test_the_results_of_all_endpoints_have_these_forms(
    endpoint: Endpoint, mode: str, server: FaultServer, two: dict[str, Any]
) -> None:
    answer = call(mode, two, endpoint.method, endpoint.params)
    plain = answer.to_dict()
    assert json.loads(answer.to_json()) == plain == answer.model_dump(exclude_unset=True)
    assert plain.items() <= answer.model_dump().items() or endpoint.name in ("images", "image_edits", "embeddings")
    assert json.loads(answer.model_dump_json()) == answer.model_dump()
    names = {
        "images": "background output_format quality size usage created",
        "transcription": "languages logprobs usage segments words",
        "embeddings": "data usage object",
    }.get(endpoint.name, "")
    for name in names.split():
        assert hasattr(answer, name)
        assert name in answer.model_dump()
    assert len(repr(answer)) < 300


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_model_has_what_the_service_says_of_it(mode: str, server: FaultServer, two: dict[str, Any]) -> None:
    listed = {"data": [{"id": "m", "context_window": 8192, "active": True, "public_apps": None}, {"id": "n"}]}
    server.script(replies.body(json.dumps(listed).encode()))
    models = call(mode, two, "models.list", {"provider": "alpha"})
    assert (models.data[0].context_window, models.data[0].active) == (8192, True)
    assert (models.data[0].shutdown_date, models.data[1].extra) == (None, {})
    assert models.data[0].model_dump()["context_window"] == 8192
    assert set(models.to_dict()["data"][0]) == {"id", "object", "created", "owned_by", "provider", "live"}


@pytest.mark.parametrize("mode", MODES)
def test_a_repr_tells_what_came_and_is_short(mode: str, groq: FaultServer) -> None:
    said = ask(mode, groq)
    assert repr(said) == "ChatCompletion(groq:m, text='Sunday', finish_reason='stop', 5 + 2 tokens)"
    long = {"role": "assistant", "content": "a" * 9000, "audio": {"id": "1", "data": "QUJD" * 9000}}
    event = {**EVENTS[0], "choices": [{"index": 0, "delta": long, "finish_reason": "stop"}]}
    reply = ask(mode, groq, {**WHOLE, "choices": [{"message": long, "finish_reason": "stop"}]}, [event])
    for one in (reply, reply.choices[0], reply.choices[0].message, *reply.choices):
        assert len(repr(one)) < 500
        assert "a" * 60 + "'…" in repr(one)
        assert "QUJDQUJD" * 10 not in repr(one)


BIG = "QUJD" * 9000
LONG_VALUES: list[Any] = [
    g4f_lite.Image(b64_json=BIG),
    g4f_lite.ImagesResponse(data=(g4f_lite.Image(b64_json=BIG),) * 99),
    g4f_lite.Embedding(embedding=(0.5,) * 3072),
    g4f_lite.Transcription(text="a" * 9000, segments=(g4f_lite.TranscriptionSegment(text="b" * 9000),) * 99),
    g4f_lite.Delta(audio={"data": BIG}, images=[{"image_url": {"url": f"data:image/png;base64,{BIG}"}}] * 9),
    ChatCompletionChunk(choices=(g4f_lite.ChunkChoice(delta=g4f_lite.Delta(content=BIG)),), raw_json=BIG.encode()),
    Choice(logprobs={"content": [TOKEN] * 9000}),  # type: ignore[arg-type]
    g4f_lite.Speech(content=BIG.encode()),
    g4f_lite.ModelList(data=(g4f_lite.Model(id="m", extra={"description": BIG}),) * 99),
]


@pytest.mark.parametrize("value", LONG_VALUES, ids=lambda value: type(value).__name__)
def test_no_repr_is_long(value: Any) -> None:
    assert len(repr(value)) < 700
    assert type(value).__name__ in repr(value)
