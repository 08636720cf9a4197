"""Answers as objects: `response_model`, through both clients, streaming and not."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import msgspec
import pydantic
import pytest
from helpers.driving import MESSAGES, MODES, run

import g4f_lite
from g4f_lite.call.structured import MisfitError, ResponseModel
from g4f_lite.testing import FaultServer, replies
from g4f_lite.types.size_limits import MAX_SENT_BACK

A, B = "openai/gpt-oss-120b", "openai/gpt-oss-20b"
TWO = {"provider": "groq", "fallback_models": [B]}


class Struct(msgspec.Struct):
    city: str
    celsius: float


@dataclass
class Data:
    city: str
    celsius: float


class Typed(TypedDict):
    city: str
    celsius: float


class Inner(msgspec.Struct):
    tags: list[str]


class Outer(msgspec.Struct):
    inner: Inner
    others: list[Inner]
    again: Outer | None = None


class Pydantic:
    """The interface of pydantic's models."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    @classmethod
    def model_json_schema(cls) -> dict[str, Any]:
        return {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "title": "Pydantic"}

    @classmethod
    def model_validate_json(cls, text: str) -> Pydantic:
        fields = json.loads(text)
        if not isinstance(fields.get("city"), str):
            raise ValueError("1 validation error for Pydantic\ncity\n  Input should be a valid string")
        return cls(**fields)


GOOD = '{"city": "Paris", "celsius": 21}'
BAD = '{"city": "Paris", "celsius": "warm"}'


@pytest.mark.parametrize("model", [Struct, Data, Typed, Pydantic])
@pytest.mark.parametrize("mode", MODES)
def test_the_answer_is_an_object_of_the_type(mode: str, model: Any, groq: FaultServer) -> None:
    groq.script(replies.answer(GOOD))
    outcome = run(mode, {}, {**TWO, "response_model": model})
    assert outcome.completion is not None
    parsed = outcome.completion.parsed
    city = parsed["city"] if model is Typed else parsed.city
    assert (type(parsed), city) == (dict if model is Typed else model, "Paris")
    sent = groq.received[0].json["response_format"]
    assert sent["type"] == "json_schema"
    assert sent["json_schema"]["name"] == model.__name__
    assert sent["json_schema"]["strict"] is True
    assert sent["json_schema"]["schema"]["additionalProperties"] is False
    if model in (Struct, Data):
        assert pickle.loads(pickle.dumps(outcome.completion)).parsed == parsed


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_an_answer_that_violates_the_schema_is_sent_back_once_with_the_violation(mode: str, groq: FaultServer) -> None:
    groq.on(A, replies.answer(BAD), replies.answer(GOOD))
    outcome = run(mode, {}, {**TWO, "response_model": Struct})
    assert outcome.completion is not None
    assert outcome.completion.parsed == Struct("Paris", 21.0)
    assert [attempt.outcome for attempt in outcome.trail.attempts] == ["ToolCallError", "ok"]
    first, second = (request.json["messages"] for request in groq.received)
    assert first == MESSAGES
    assert second[:2] == [*MESSAGES, {"role": "assistant", "content": BAD}]
    assert "`$.celsius`" in second[2]["content"]


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_second_violation_fails_over_with_the_original_messages(mode: str, groq: FaultServer) -> None:
    groq.on(A, replies.answer(BAD)).on(B, replies.answer(GOOD))
    outcome = run(mode, {}, {**TWO, "response_model": Struct})
    assert groq.models == [A, A, B]
    assert groq.received[2].json["messages"] == MESSAGES
    assert outcome.completion is not None
    assert outcome.completion.parsed.celsius == 21


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_an_answer_that_is_too_long_to_be_sent_back_is_asked_for_again_as_it_was(mode: str, groq: FaultServer) -> None:
    groq.on(A, replies.answer("x" * (MAX_SENT_BACK + 1)), replies.answer(GOOD))
    outcome = run(mode, {}, {**TWO, "response_model": Struct})
    assert outcome.completion is not None and outcome.completion.parsed == Struct("Paris", 21.0)
    assert [request.json["messages"] for request in groq.received] == [MESSAGES, MESSAGES]


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_an_answer_that_never_fits_is_an_error_that_says_where(mode: str, groq: FaultServer) -> None:
    groq.script(replies.answer(BAD))
    outcome = run(mode, {}, {"provider": "groq", "fallback_models": [], "response_model": Data})
    assert isinstance(outcome.error, g4f_lite.ToolCallError)
    assert "the answer does not match Data: Expected `float`, got `str` - at `$.celsius`" in str(outcome.error)


@pytest.mark.parametrize("mode", ["sync stream", "async stream"])
def test_a_stream_that_violates_the_schema_is_not_a_success(mode: str, groq: FaultServer) -> None:
    groq.on(A, replies.answer(BAD)).on(B, replies.answer(GOOD))
    outcome = run(mode, {}, {**TWO, "response_model": Struct})
    assert isinstance(outcome.error, g4f_lite.StreamInterruptedError)
    assert outcome.error.partial_text == outcome.text == BAD
    for how in ("restart", "continue"):
        outcome = run(mode, {}, {**TWO, "response_model": Struct, "on_interrupt": how})
        assert outcome.completion is not None
        assert outcome.completion.parsed == Struct("Paris", 21.0)
        assert outcome.text == BAD + GOOD


@pytest.mark.parametrize("mode", MODES)
def test_a_tool_call_or_refusal_is_not_parsed(mode: str, groq: FaultServer) -> None:
    call = {"index": 0, "id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    for delta in ({"tool_calls": [call]}, {"refusal": "I must not."}):
        groq.script(replies.stream([{"choices": [{"delta": delta, "finish_reason": "stop"}]}]))
        if "stream" not in mode:
            complete = {"choices": [{"message": {"role": "assistant", **delta}, "finish_reason": "stop"}]}
            groq.script(replies.body(json.dumps(complete).encode()))
        outcome = run(mode, {}, {**TWO, "response_model": Struct})
        assert outcome.completion is not None
        assert outcome.completion.parsed is None
        assert len(outcome.trail.attempts) == 1


def test_a_violation_does_not_penalize_the_leg(groq: FaultServer) -> None:
    groq.script(replies.answer(BAD))
    with g4f_lite.Client() as client:
        params = {"messages": MESSAGES, "provider": "groq", "fallback_models": [], "response_model": Struct}
        for _ in range(4):
            with pytest.raises(g4f_lite.ProviderError):
                list(client.chat.completions.create(stream=True, **params))
        assert not client.explain(**params).skipped


CUT = {"choices": [{"message": {"content": '{"city": "Pa'}, "finish_reason": "length"}]}


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("limit", [{}, {"max_tokens": 5}, {"max_completion_tokens": 5}])
def test_an_answer_that_is_cut_at_the_token_limit_is_not_asked_for_again(
    mode: str, limit: dict[str, int], groq: FaultServer
) -> None:
    groq.on(A, replies.body(json.dumps(CUT).encode())).on(B, replies.answer(GOOD))
    outcome = run(mode, {}, {"provider": "groq", "fallback_models": [], "response_model": Struct, **limit})
    assert isinstance(outcome.error, g4f_lite.ToolCallError)
    assert outcome.error.code == "length"
    assert "cut at the token limit" in str(outcome.error)
    assert f"max_tokens={5}" in str(outcome.error) or not limit
    assert groq.models == [A]
    outcome = run(mode, {}, {**TWO, "response_model": Struct})  # another model may need fewer tokens
    assert outcome.completion is not None
    assert outcome.completion.parsed == Struct("Paris", 21.0)
    assert groq.models == [A, A, B]
    assert groq.received[2].json["messages"] == MESSAGES


@pytest.mark.parametrize("mode", ["sync stream", "async stream"])
def test_a_stream_that_is_cut_at_the_token_limit_says_so(mode: str, groq: FaultServer) -> None:
    cut = replies.stream([{"choices": [{"delta": {"content": '{"city": "Pa'}, "finish_reason": "length"}]}])
    groq.on(A, cut).on(B, replies.answer(GOOD))
    outcome = run(mode, {}, {**TWO, "response_model": Struct})
    assert isinstance(outcome.error, g4f_lite.StreamInterruptedError)
    assert "the stream was interrupted: the answer was cut at the token limit" in str(outcome.error)
    outcome = run(mode, {}, {**TWO, "response_model": Struct, "on_interrupt": "restart"})
    assert outcome.completion is not None
    assert outcome.completion.parsed == Struct("Paris", 21.0)
    assert groq.models == [A, A, B]


@pytest.mark.parametrize("mode", ["sync stream", "async stream"])
def test_a_stream_whose_tokens_all_went_into_hidden_thinking_moves_on(mode: str, groq: FaultServer) -> None:
    groq.on(A, replies.answer("", finish="length")).on(B, replies.answer(GOOD))
    outcome = run(mode, {}, {"provider": "groq", "fallback_models": [], "response_model": Struct})
    assert isinstance(outcome.error, g4f_lite.ToolCallError)
    assert outcome.error.code == "length"
    outcome = run(mode, {}, {**TWO, "response_model": Struct})
    assert outcome.completion is not None
    assert outcome.completion.parsed == Struct("Paris", 21.0)
    assert groq.models == [A, A, B]


def test_a_complete_answer_with_the_finish_reason_length_is_an_answer(groq: FaultServer) -> None:
    whole = {"choices": [{"message": {"content": GOOD}, "finish_reason": "length"}]}
    groq.script(replies.body(json.dumps(whole).encode()))
    outcome = run("sync", {}, {**TWO, "response_model": Struct})
    assert outcome.completion is not None
    assert outcome.completion.parsed == Struct("Paris", 21.0)


DRESSED = {
    "a code block": f"```json\n{GOOD}\n```\n",
    "a code block of another kind": f"``` JSON5\n{GOOD}```",
    "sentences around a code block": f"Here you are:\n\n```json\n{GOOD}\n```\n\nAnything else?",
    "sentences around an object": f"Here you are: {GOOD} Is {{that}} right?",
    "reasoning": f"<think>\nParis? {BAD}\n</think>\n\n{GOOD}",
    "reasoning and a code block": f"<think>```json\n{BAD}\n```</think>Well:\n```\n{GOOD}\n```",
    "reasoning whose tag is in the prompt": f"Paris? {BAD}\n</think>\n{GOOD}",
    "reasoning in another tag": f"<reasoning>{BAD}</reasoning>{GOOD}",
    "reasoning of Mistral": f"[THINK]{BAD}[/THINK]{GOOD}",
    "twice": f"<think>a</think><think>b</think>{GOOD}",
    "a byte order mark": f"\ufeff{GOOD}",
    "a JSON string": json.dumps(GOOD),
    "lines in a text": GOOD.replace("{", '{"note": "a\n\tb", '),
    "lines in a text in a code block": "```json\n" + GOOD.replace("{", '{"note": "a\nb", ') + "\n```",
}


@pytest.mark.parametrize("text", DRESSED.values(), ids=list(DRESSED))
@pytest.mark.parametrize("mode", MODES)
def test_json_with_something_around_it_is_read(mode: str, text: str, groq: FaultServer) -> None:
    groq.script(replies.answer(text))
    outcome = run(mode, {}, {**TWO, "response_model": Struct})
    assert outcome.completion is not None
    assert outcome.completion.parsed == Struct("Paris", 21.0)
    assert (outcome.completion.text, len(groq.received)) == (text, 1)


@pytest.mark.parametrize(
    "text",
    [
        f"Either {GOOD} or {GOOD}",
        f"```json\n{GOOD}\n```\nor\n```json\n{GOOD}\n```",
        f"<think>{GOOD}",
        f"<think>a</think>[THINK] {GOOD}",
        "no JSON",
        "",
        "{" * 100_000,
        "[" * 100_000,
        '[{"a":' * 100_000,
        '"\\ud83d"',
        '"\ud83d"',
    ],
    ids=lambda text: ascii(text[:30]),
)
def test_a_text_without_exactly_one_answer_is_a_misfit(text: str) -> None:
    with pytest.raises(MisfitError, match="the answer does not match Struct"):
        ResponseModel(Struct).parse(text)


def test_tags_and_code_blocks_inside_of_the_json_are_text() -> None:
    for city in ("a</think>b", "<think>a</think>", "```json\n{}\n```", '{"city": "x"}'):
        text = json.dumps({"city": city, "celsius": 1})
        assert ResponseModel(Struct).parse(text).city == city
        assert ResponseModel(Struct).parse(f"```json\n{text}\n```").city == city


class Strict(pydantic.BaseModel):
    city: str
    celsius: float
    days: list[int] = pydantic.Field(min_length=2)
    sky: Literal["clear", "overcast with a chance of rain and thunder in the late afternoon"]


def test_all_violations_are_told_shortly_and_without_links(groq: FaultServer) -> None:
    bad = '{"city": 5, "celsius": "warm", "days": [1], "sky": "green"}'
    good = '{"city": "Paris", "celsius": 21, "days": [1, 2], "sky": "clear"}'
    groq.script(replies.answer(bad), replies.answer(good))
    outcome = run("sync", {}, {**TWO, "response_model": Strict})
    assert outcome.completion is not None
    assert outcome.completion.parsed == Strict(city="Paris", celsius=21, days=[1, 2], sky="clear")
    complaint = groq.received[1].json["messages"][-1]["content"]
    for path in ("city: ", "celsius: ", "days: ", "sky: "):
        assert path in complaint
    assert "late afternoon" in complaint
    assert "http" not in complaint
    assert "validation error" not in complaint


class Deep(msgspec.Struct, rename="camel"):
    the_first: Struct
    others: list[Data]
    last: Annotated[int, msgspec.Meta(ge=0)]
    free: int = 0


class DeepDict(TypedDict):
    theFirst: Struct
    others: list[Data]
    last: Annotated[int, msgspec.Meta(ge=0)]


@pytest.mark.parametrize("model", [Deep, DeepDict, list[Deep]], ids=str)
def test_all_violations_of_a_type_of_msgspec_are_told(model: Any) -> None:
    text = '{"theFirst": {"city": 5, "celsius": "warm"}, "others": [{"city": "a", "celsius": 1}, {"city": "b"}], "last": -1}'
    root = "$[0]" if model == list[Deep] else "$"
    with pytest.raises(MisfitError) as found:
        ResponseModel(model).parse(f"[{text}]" if model == list[Deep] else text)
    for told in (
        f"Expected `str`, got `int` - at `{root}.theFirst.city`",
        f"Expected `float`, got `str` - at `{root}.theFirst.celsius`",
        f"Object missing required field `celsius` - at `{root}.others[1]`",
        f"Expected `int` >= 0 - at `{root}.last`",
    ):
        assert told in str(found.value)


class Inside(pydantic.BaseModel):
    inner: list[Strict]


def test_violations_are_told_with_their_paths_and_are_bounded() -> None:
    with pytest.raises(MisfitError, match=r"inner\.1\.city: "):
        ResponseModel(Inside).parse(json.dumps({"inner": [json.loads(GOOD), {"city": 5}]}))
    with pytest.raises(MisfitError, match="and 380 more") as found:
        ResponseModel(Inside).parse(json.dumps({"inner": [{}] * 100}))
    assert len(str(found.value)) < 2000


class Ordered(TypedDict):
    zeta: int
    alpha: str
    middle: NotRequired[float]


class Base(TypedDict):
    y: int
    b: int


class Derived(Base, total=False):
    x: int
    a: int


class Holder(msgspec.Struct):
    one: Ordered
    several: dict[str, list[Derived]]


def test_the_fields_of_a_typed_dict_keep_their_order() -> None:
    schema = ResponseModel(Ordered).schema
    assert list(schema["properties"]) == ["zeta", "alpha", "middle"]
    assert schema["required"] == ["zeta", "alpha"]
    assert list(ResponseModel(Derived).schema["properties"]) == ["y", "b", "x", "a"]
    inner = ResponseModel(Holder).schema["$defs"]
    assert list(inner["Ordered"]["properties"]) == ["zeta", "alpha", "middle"]
    assert list(inner["Derived"]["properties"]) == ["y", "b", "x", "a"]
    assert list(ResponseModel(list[Ordered]).schema["$defs"]["Ordered"]["properties"]) == ["zeta", "alpha", "middle"]


class Cat(msgspec.Struct, tag="cat"):
    lives: int


class Dog(msgspec.Struct, tag="dog"):
    name: str


class Paged(pydantic.BaseModel):
    page: int


class Pages(pydantic.RootModel[list[Paged]]):
    pass


@dataclass
class Mixed:
    page: Paged


COMPOSED: list[tuple[Any, str, Any]] = [
    (list[Struct], f'{{"items": [{GOOD}]}}', [Struct("Paris", 21.0)]),
    (list[Struct], f"[{GOOD}]", [Struct("Paris", 21.0)]),
    (list[Struct], f"```\n[{GOOD}]\n```", [Struct("Paris", 21.0)]),
    (list[Struct], f"These: [{GOOD}]", [Struct("Paris", 21.0)]),
    (Sequence[Data], f'{{"items": [{GOOD}]}}', [Data("Paris", 21.0)]),
    (tuple[Typed, ...], f'{{"items": [{GOOD}]}}', ({"city": "Paris", "celsius": 21.0},)),
    (list[Paged], '{"items": [{"page": 1}]}', [Paged(page=1)]),
    (list[Paged], '[{"page": 1}]', [Paged(page=1)]),
    (Pages, '{"items": [{"page": 1}]}', Pages([Paged(page=1)])),
    (Mixed, '{"page": {"page": 1}}', Mixed(Paged(page=1))),
    (list[list[Struct]], f'{{"items": [[{GOOD}]]}}', [[Struct("Paris", 21.0)]]),
    (Cat | Dog, '{"answer": {"type": "dog", "name": "Rex"}}', Dog("Rex")),
    (Cat | Dog, '{"type": "cat", "lives": 9}', Cat(9)),
    (Paged | None, '{"answer": null}', None),
    (Struct | None, f'{{"answer": {GOOD}}}', Struct("Paris", 21.0)),
    (dict[str, Struct], f'{{"a": {GOOD}}}', {"a": Struct("Paris", 21.0)}),
    (Annotated[Struct, "x"], GOOD, Struct("Paris", 21.0)),
]


@pytest.mark.parametrize(("model", "text", "expected"), COMPOSED, ids=lambda one: str(one)[:40])
@pytest.mark.parametrize("mode", MODES)
def test_a_list_or_union_of_models_is_taken(mode: str, model: Any, text: str, expected: Any, groq: FaultServer) -> None:
    groq.script(replies.answer(text))
    outcome = run(mode, {}, {"provider": "groq", "response_model": model})
    assert outcome.completion is not None
    assert outcome.completion.parsed == expected
    wrapped = groq.received[0].json["response_format"]["json_schema"]
    assert wrapped["schema"]["type"] == "object"
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", wrapped["name"])


def test_an_item_that_violates_the_schema_is_told(groq: FaultServer) -> None:
    groq.script(replies.answer(f'{{"items": [{GOOD}, {BAD}]}}'))
    outcome = run("sync", {}, {"provider": "groq", "fallback_models": [], "response_model": list[Struct]})
    assert "the answer does not match list[Struct]: Expected `float`, got `str` - at `$[1].celsius`" in str(
        outcome.error
    )


def test_the_schema_has_an_object_at_its_root_and_closes_all_of_them() -> None:
    schema = ResponseModel(Outer).schema
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["Inner"]["additionalProperties"] is False
    assert schema["$defs"]["Outer"]["properties"]["again"]  # it refers to itself
    assert ResponseModel(Outer).strict is False  # `again` may be omitted
    assert "$defs" not in ResponseModel(Struct).schema


class Plain:
    pass


@dataclass
class Loose:
    names: dict[str, int] = field(default_factory=dict)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"response_model": int}, "msgspec Struct, dataclass, TypedDict or pydantic model"),
        ({"response_model": list[int]}, "msgspec Struct, dataclass, TypedDict or pydantic model"),
        ({"response_model": "Weather"}, "has no JSON Schema|must be"),
        ({"response_model": {"type": "object"}}, "must be a type"),
        ({"response_model": object}, "has no JSON Schema|must be"),
        (
            {"response_model": Plain},
            "no JSON Schema: type .*Plain'> is not supported; it may be a msgspec Struct, data",
        ),
        ({"response_model": Struct, "response_format": {"type": "json_object"}}, "not both"),
        ({"response_model": Struct, "n": 2}, "n must be 1"),
    ],
)
def test_an_unusable_response_model_is_refused_before_anything_is_sent(
    params: dict[str, Any], message: str, groq: FaultServer
) -> None:
    with g4f_lite.Client() as client, pytest.raises(g4f_lite.ConfigurationError, match=message):
        client.chat.completions.create(messages=MESSAGES, provider="groq", **params)
    assert not groq.received
    assert ResponseModel(Loose).strict is False


class Counts(msgspec.Struct):
    total: int
    share: float = 0.0
    parts: list[int] = []


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ('{"total": 3.0}', Counts(3)),
        ('{"total": 3.0, "share": 2.0, "parts": [1, 2.0, -1e3]}', Counts(3, 2.0, [1, 2, -1000])),
        ('{"total": 3, "share": 0.5}', Counts(3, 0.5)),
    ],
)
def test_a_whole_number_with_a_point_is_an_integer(text: str, parsed: Counts) -> None:
    assert ResponseModel(Counts).parse(text) == parsed


@pytest.mark.parametrize("text", ['{"total": 3.5}', '{"total": "3"}', '{"total": 1e300}'])
def test_what_is_no_whole_number_is_no_integer(text: str) -> None:
    with pytest.raises(MisfitError, match=r"at `\$\.total`"):
        ResponseModel(Counts).parse(text)
